"""A plugin from somebody else, installed with pip as its own distribution, in the orders example as it is.

It replaces the cipher, adds a config source, a health check and a metric exporter, and imports nothing but ``trivet``.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parent.parent
ACME = ROOT / "tests" / "strangers" / "acme"
ORDERS = ROOT / "docs" / "examples" / "orders"
TRIVET = Path(sys.executable).with_name("trivet")
ENABLE = ("--set", "plugins.enable=acme")

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="session")
def acme(tmp_path_factory):
    """The directory that pip installed the stranger's distribution into."""
    site = tmp_path_factory.mktemp("acme")
    source = shutil.copytree(ACME, tmp_path_factory.mktemp("source") / "acme")
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", site, source],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture
def orders(tmp_path):
    """A copy of the orders example: what it writes beside itself stays out of the repository."""
    return shutil.copytree(ORDERS, tmp_path / "orders", ignore=shutil.ignore_patterns("*.db*", "__pycache__"))


def environment(site=None, **more):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TRIVET_", "ORDERS_"))}
    return {**clean, **({"PYTHONPATH": str(site)} if site else {}), **more}


def trivet(*arguments, cwd, env, stdin=None):
    return subprocess.run(
        [TRIVET, *arguments], cwd=cwd, env=env, input=stdin, capture_output=True, text=True, check=False, timeout=60
    )


@contextlib.contextmanager
def running(orders, env, *options):
    """Run the example on a free port until ready; give an HTTP client of its pages; stop it in order."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = orders / "service.log"
    command = [TRIVET, "run", "app.py", "--set", f"plugins.web.port={port}", *options]
    with log.open("w") as output:
        service = subprocess.Popen(command, cwd=orders, env=env, stdout=output, stderr=output)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            wait_until_ready(client, service, log)
            yield client
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=20) == 0, log.read_text()
    finally:
        service.kill()
        service.wait()


def wait_until_ready(client, service, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert service.poll() is None, log.read_text()
        with contextlib.suppress(httpx.TransportError):
            if client.get("/readyz").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def rows_of(client):
    return {row["id"]: row for row in client.get("/plugins", headers={"accept": "application/json"}).json()}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_stranger_carries_the_orders_example(acme, orders, backend):
    """Everything that acme brings is at work, over HTTP, and the example has not been touched."""
    (orders / "acme.ini").write_text("; acme's own format\n[processing]\nbatch = 7\n")
    with running(orders, environment(acme), *ENABLE, "--backend", backend) as client:
        rows = rows_of(client)
        cipher = rows["cipher/acme_gcm"]
        assert (cipher["state"], cipher["replaces"]) == ("running", "cipher/aes_256_gcm")
        assert (cipher["plugin"], cipher["distribution"], cipher["version"]) == ("acme", "acme", "2.1.0")
        assert "cipher/aes_256_gcm" not in rows
        brought = {"config_source/acme_ini", "health_check/acme_scratch", "metric_exporter/acme_json"}
        assert {rows[id_]["state"] for id_ in brought} == {"running"}

        config = client.get("/config")
        assert config.json()["config"]["processing"]["batch"] == 7
        assert config.json()["config"]["database"]["password"] == "***"

        metrics = client.get("/metrics", headers={"accept": "application/json"})
        assert metrics.headers["content-type"] == "application/json"
        assert metrics.json()["orders_processed_total"]["kind"] == "counter"
        assert "# TYPE orders_processed_total counter" in client.get("/metrics").text

        assert "acme_scratch" in client.get("/health").text


def test_an_installed_plugin_that_nobody_names_does_not_load(acme, orders):
    with running(orders, environment(acme)) as client:
        rows = rows_of(client)
        assert [id_ for id_ in rows if "acme" in id_] == []
        assert rows["cipher/aes_256_gcm"]["state"] == "running"
        assert client.get("/metrics", headers={"accept": "application/json"}).status_code == 406


def test_safe_mode_leaves_an_enabled_stranger_out(acme, orders):
    with running(orders, environment(acme, TRIVET_SAFE="1"), *ENABLE) as client:
        rows = rows_of(client)
        assert [id_ for id_ in rows if "acme" in id_] == []
        assert rows["cipher/aes_256_gcm"]["state"] == "running"


def test_the_command_line_lists_the_stranger(acme, orders):
    done = trivet("plugins", "--app", "app.py", "--json", *ENABLE, cwd=orders, env=environment(acme))
    assert done.returncode == 0, done.stderr
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert rows["cipher/acme_gcm"]["replaces"] == "cipher/aes_256_gcm"


def test_a_plugin_that_is_enabled_and_not_installed_is_named(orders):
    done = trivet("plugins", "--app", "app.py", "--json", *ENABLE, cwd=orders, env=environment())
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert rows["plugin/acme"]["state"] == "broken"
    assert "not installed" in rows["plugin/acme"]["error"]
    assert rows["cipher/aes_256_gcm"]["state"] != "broken"


def test_what_one_cipher_seals_the_other_opens(acme, orders):
    """Same suite number, same envelopes: replacing the cipher is no migration."""
    env = environment(acme)
    for sealing, opening in ((ENABLE, ()), ((), ENABLE)):
        base = orders / "config" / "base.toml"
        seal = ("secrets", "seal", "database.password", "--app", "app.py", "--file", base, *sealing)
        sealed = trivet(*seal, cwd=orders, env=env, stdin="opened by the other")
        assert sealed.returncode == 0, sealed.stderr
        assert "opened by the other" not in base.read_text()
        opened = trivet("secrets", "open", "database.password", "--app", "app.py", *opening, cwd=orders, env=env)
        assert opened.stdout == "opened by the other\n", opened.stderr


def test_the_stranger_uses_public_names_only():
    imported = set()
    for path in ACME.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported.update(name.name for name in node.names)
    assert {name for name in imported if name.split(".")[0].startswith("trivet")} == {"trivet"}
