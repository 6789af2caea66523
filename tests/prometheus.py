"""A real Prometheus server on loopback, that scrapes what a test tells it to."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time

import attrs
import httpx

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs: {jobs}
"""


@attrs.frozen
class Prometheus:
    """A running server."""

    client: httpx.Client

    def query(self, text):
        """Return ``{(name, labels): value}`` of an instant query; labels without ``job`` and ``instance``."""
        answer = self.client.get("/api/v1/query", params={"query": text}).json()
        assert answer["status"] == "success", answer
        return {self._key(row["metric"]): float(row["value"][1]) for row in answer["data"]["result"]}

    def exemplars(self, text):
        """Return the exemplars behind a query: ``{(name, labels): labels of the newest}``."""
        now = time.time()
        asked = {"query": text, "start": now - 600, "end": now + 600}
        rows = self.client.get("/api/v1/query_exemplars", params=asked).json()["data"]
        return {self._key(row["seriesLabels"]): row["exemplars"][-1]["labels"] for row in rows}

    def target_errors(self):
        """Return health and last error of every target."""
        targets = self.client.get("/api/v1/targets").json()["data"]["activeTargets"]
        return {target["labels"]["job"]: (target["health"], target["lastError"]) for target in targets}

    def until(self, condition, seconds=60):
        """Wait until ``condition`` gives something true, and return that."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if found := condition():
                    return found
            time.sleep(0.2)
        raise AssertionError(self.target_errors())

    @staticmethod
    def _key(metric):
        labels = {name: value for name, value in metric.items() if name not in {"__name__", "job", "instance"}}
        return metric.get("__name__", ""), tuple(sorted(labels.items()))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextlib.contextmanager
def prometheus(binary, directory, *options, **targets):
    """Run a server that scrapes ``job=port``, until the block ends."""
    jobs = [{"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{at}"]}]} for job, at in targets.items()]
    (directory / "prometheus.yml").write_text(CONFIG.format(jobs=json.dumps(jobs)))
    port = free_port()
    command = [
        binary,
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
        *options,
    ]
    with (directory / "prometheus.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            server = Prometheus(client)
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                assert process.poll() is None, (directory / "prometheus.log").read_text()
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/-/ready").status_code == 200:
                        break
                time.sleep(0.1)
            yield server
    finally:
        process.terminate()
        process.wait()
