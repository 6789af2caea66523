"""A real Alertmanager on loopback, that tells a webhook."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import attrs
import httpx
import pytest
from tests.prometheus import free_port

TEMPLATES = Path("/usr/share/prometheus/alertmanager")
"""Where Debian's Alertmanager looks for its templates; nothing can tell it otherwise."""

SHOW = 'mount -t tmpfs none /usr/share && mkdir -p "$1" && cp "$0"/*.tmpl "$1" && shift && exec "$@"'


def with_templates(binary):
    """Return the command of a binary; unpacked into ``.tools``, it sees its templates in a mount namespace of its own."""
    if (TEMPLATES / "default.tmpl").exists():
        return [binary]
    unpacked = Path(binary).parent / "alertmanager"
    entering = ["unshare", "--map-root-user", "--mount"]
    if not (unpacked / "default.tmpl").exists():
        reason = "prometheus-alertmanager has no templates: .ci/run unpacks them from Debian's package"
    elif (
        shutil.which("unshare") is None
        or subprocess.run([*entering, "true"], capture_output=True, check=False).returncode
    ):
        reason = "prometheus-alertmanager is not installed, and no mount namespace can be made for the unpacked one"
    else:
        return [*entering, "sh", "-c", SHOW, str(unpacked), str(TEMPLATES), binary]
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@attrs.frozen
class AlertmanagerServer:
    """A running server."""

    url: str
    client: httpx.Client

    def alerts(self):
        """Return ``{alertname: alert}`` of all that it holds as active."""
        return {one["labels"]["alertname"]: one for one in self.client.get("/api/v2/alerts").json()}

    def groups(self):
        """Return the labels of its groups, with the names of their alerts."""
        groups = self.client.get("/api/v2/alerts/groups").json()
        return [(one["labels"], sorted(a["labels"]["alertname"] for a in one["alerts"])) for one in groups]


@contextlib.contextmanager
def alertmanager_server(binary, directory, webhook, group_by=("alertname",)):
    """Run a server that tells the address ``webhook``, until the block ends. Find the binary with the fixture ``program``."""
    hook = {"name": "back", "webhook_configs": [{"url": webhook, "send_resolved": True}]}
    timing = {"group_wait": "200ms", "group_interval": "1s", "repeat_interval": "1h"}
    config = {"route": {"receiver": "back", "group_by": list(group_by), **timing}, "receivers": [hook]}
    (directory / "alertmanager.yml").write_text(json.dumps(config))
    port = free_port()
    command = [
        *with_templates(binary),
        f"--config.file={directory / 'alertmanager.yml'}",
        f"--storage.path={directory / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (directory / "alertmanager.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            deadline = time.monotonic() + 30
            while True:
                assert process.poll() is None, (directory / "alertmanager.log").read_text()
                assert time.monotonic() < deadline, (directory / "alertmanager.log").read_text()
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/-/ready").status_code == 200:
                        break
                time.sleep(0.05)
            yield AlertmanagerServer(f"http://127.0.0.1:{port}", client)
    finally:
        process.terminate()
        process.wait()
