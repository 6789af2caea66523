"""A plugin from somebody else, installed with pip as its own distribution, in the orders example as it is.

It replaces the cipher, adds a config source, a health check and a metric exporter, and imports nothing but ``trivet``.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ACME = ROOT / "tests" / "strangers" / "acme"
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


def rows_of(service):
    return {row["id"]: row for row in service.client.get("/plugins", headers={"accept": "application/json"}).json()}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_stranger_carries_the_orders_example(acme, orders, run_service, backend):
    """Everything that acme brings is at work, over HTTP, and the example has not been touched."""
    (orders / "acme.ini").write_text("; acme's own format\n[processing]\nbatch = 7\n")
    with run_service(orders, *ENABLE, "--backend", backend, PYTHONPATH=str(acme)) as service:
        rows = rows_of(service)
        cipher = rows["cipher/acme_gcm"]
        assert (cipher["state"], cipher["replaces"]) == ("running", "cipher/aes_256_gcm")
        assert (cipher["plugin"], cipher["distribution"], cipher["version"]) == ("acme", "acme", "2.1.0")
        assert "cipher/aes_256_gcm" not in rows
        brought = {"config_source/acme_ini", "health_check/acme_scratch", "metric_exporter/acme_json"}
        assert {rows[id_]["state"] for id_ in brought} == {"running"}

        config = service.client.get("/config")
        assert config.json()["config"]["processing"]["batch"] == 7
        assert config.json()["config"]["database"]["password"] == "***"

        metrics = service.client.get("/metrics", headers={"accept": "application/json"})
        assert metrics.headers["content-type"] == "application/json"
        assert metrics.json()["orders_processed_total"]["kind"] == "counter"
        assert "# TYPE orders_processed_total counter" in service.client.get("/metrics").text

        assert "acme_scratch" in service.client.get("/health").text


def test_an_installed_plugin_that_nobody_names_does_not_load(acme, orders, run_service):
    with run_service(orders, PYTHONPATH=str(acme)) as service:
        rows = rows_of(service)
        assert [id_ for id_ in rows if "acme" in id_] == []
        assert rows["cipher/aes_256_gcm"]["state"] == "running"
        assert service.client.get("/metrics", headers={"accept": "application/json"}).status_code == 406


def test_safe_mode_leaves_an_enabled_stranger_out(acme, orders, run_service):
    with run_service(orders, *ENABLE, PYTHONPATH=str(acme), TRIVET_SAFE="1") as service:
        rows = rows_of(service)
        assert [id_ for id_ in rows if "acme" in id_] == []
        assert rows["cipher/aes_256_gcm"]["state"] == "running"


def test_the_command_line_lists_the_stranger(acme, orders, run_trivet):
    done = run_trivet("plugins", "--app", "app.py", "--json", *ENABLE, cwd=orders, PYTHONPATH=str(acme))
    assert done.returncode == 0, done.stderr
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert rows["cipher/acme_gcm"]["replaces"] == "cipher/aes_256_gcm"


def test_a_plugin_that_is_enabled_and_not_installed_is_named(orders, run_trivet):
    done = run_trivet("plugins", "--app", "app.py", "--json", *ENABLE, cwd=orders)
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert rows["plugin/acme"]["state"] == "broken"
    assert "not installed" in rows["plugin/acme"]["error"]
    assert rows["cipher/aes_256_gcm"]["state"] != "broken"


def test_what_one_cipher_seals_the_other_opens(acme, orders, run_trivet):
    """Same suite number, same envelopes: replacing the cipher is no migration."""
    path = str(acme)
    for sealing, opening in ((ENABLE, ()), ((), ENABLE)):
        base = orders / "config" / "base.toml"
        seal = ("secrets", "seal", "database.password", "--app", "app.py", "--file", base, *sealing)
        sealed = run_trivet(*seal, cwd=orders, PYTHONPATH=path, stdin="opened by the other")
        assert sealed.returncode == 0, sealed.stderr
        assert "opened by the other" not in base.read_text()
        opened = run_trivet(
            "secrets", "open", "database.password", "--app", "app.py", *opening, cwd=orders, PYTHONPATH=path
        )
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
