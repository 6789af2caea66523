"""The orders example with secrets of one's own: sealed, rotated and tampered with while it runs, as the page on sealing says."""

from __future__ import annotations

import re
from functools import partial

import anyio
import pytest

from trivet_plugins.security.keys.file import KeyFile

pytestmark = pytest.mark.timeout(180)
BASE = "config/base.toml"
CANARY = "hunter2-canary"


@pytest.fixture
def trivet(orders, run_trivet):
    """Run ``trivet secrets`` for the example, which must succeed."""

    def run(command, *arguments, stdin=None):
        done = run_trivet("secrets", command, *arguments, "--app", "app.py", cwd=orders, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_keys_and_values_are_rotated_and_a_tampered_file_is_refused_while_it_runs(orders, trivet, run_service):
    """Nothing restarts; the old key can be put away; an older file, and one with an older value, are told by place."""
    base = orders / BASE
    trivet("seal", "database.password", "--file", BASE, stdin=CANARY)
    trivet("manifest", BASE)
    older = base.read_text()
    with run_service(orders, "--profile", "dev") as service:

        def pool_size():
            return service.client.get("/config").json()["config"]["database"]["pool_size"]

        ring = KeyFile(orders / "demo.keys")
        before = ring.primary().id
        anyio.run(partial(ring.rotate, delay=0))
        assert "config/base.toml: 1 sealed anew" in trivet("rotate", "--all")
        anyio.run(ring.disable, before)
        base.write_text(base.read_text().replace("pool_size = 4", "pool_size = 5"))
        service.wait_until(lambda: pool_size() == 5)
        assert "config.rejected" not in service.log

        good = base.read_text()
        (old,), (new,) = (re.findall(r'password = "(.*)"', text) for text in (older, good))
        base.write_text(good.replace(new, old))
        place = "config/base.toml:7:12: error: database.password: this is not the sealed value that the manifest vouches for"
        service.wait_until(lambda: place in service.log)
        base.write_text(good)
        service.wait_until(lambda: "configuration" not in service.client.get("/health").json().get("rootCauses", ()))
        assert pool_size() == 5
    assert CANARY not in service.log
