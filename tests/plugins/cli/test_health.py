"""``trivet health`` on a running service: two real processes and a real socket between them."""

from __future__ import annotations

import json
import re

import pytest

APP = """
from trivet import Kernel, Status, Verdict

kernel = Kernel("orders")


@kernel.health.check("database", tags={"storage"}, interval=0.1)
async def database():
    raise ConnectionError("refused")


@kernel.health.check("orders", depends_on={"database"}, interval=0.1)
async def orders():
    raise LookupError("no rows")


@kernel.health.check("queue", groups={"live"}, interval=0.1)
async def queue():
    return Verdict(Status.WARN, "it is getting long")
"""


@pytest.fixture
def health(directory):
    """Run the service; gives what calls ``trivet health --url`` on it."""
    directory.write("app.py", APP)
    directory.write("orders.toml", "[plugins.web]\nport = 0\n")
    with directory.running("app.py") as service:
        log = service.wait_for("http://")
        service.wait_for("started")
        url = re.search(r"http://127\.0\.0\.1:\d+/", log)[0]
        yield lambda *arguments: directory.trivet("health", *arguments, "--url", url)


def test_a_person_sees_what_to_mend(health):
    """The first line names the cause; each check has a line; the exit code says that something fails."""
    assert health("--refresh").returncode == 1
    done = health()
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("orders: fail, because of database")
    assert lines[2].split() == ["CHECK", "STATUS", "AGE", "TOOK", "AVAILABLE", "GROUPS", "SAYS"]
    assert "LookupError: no rows (caused by database)" in done.stdout


def test_groups_tags_and_json(health):
    """A group that only warns is exit 0; JSON is the page's."""
    health("--refresh")
    live = health("--group", "live")
    assert live.returncode == 0, live.stdout
    assert live.stdout.startswith("orders (live): warn, because of queue")
    tagged = json.loads(health("--tag", "storage", "--json").stdout)
    assert [row["name"] for row in tagged["checks"]] == ["database"]
    assert "no health group 'nobody'" in health("--group", "nobody").stderr


def test_no_service_is_said_plainly(directory):
    done = directory.trivet("health", "--url", "http://127.0.0.1:1")
    assert done.returncode == 69
    assert "does the service run" in done.stderr
