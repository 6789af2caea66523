"""The orders example does what ``make run`` says that it does, on both event loops."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(120)

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


def processed(service):
    text = service.client.get("/metrics").text
    return sum(map(float, re.findall(r"^orders_processed_total\{[^}]*\} (\S+)$", text, re.MULTILINE)))


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def section(service, name):
    return service.client.get("/config").json()["config"][name]


@BACKENDS
def test_it_processes_orders_and_shows_itself(orders, run_service, backend):
    with run_service(orders, "--profile", "dev", "--backend", backend) as service:
        service.wait_until(lambda: processed(service) >= 3)
        metrics = service.client.get("/metrics").text
        assert 'charge_card_seconds_count{outcome="ok"}' in metrics
        assert service.client.get("/livez").status_code == 200
        assert "database" in service.client.get("/health").text
        rows = {row["id"]: row for row in service.client.get("/plugins").json()}
        assert rows["task/process_orders"]["state"] == "running"
        assert {row["state"] for row in rows.values()} == {"running"}
        settings = section(service, "database")
        assert settings == {"url": "sqlite:orders.dev.db", "password": "***", "pool_size": 4}
    assert "s3cret" not in service.log
    with sqlite3.connect(orders / "orders.dev.db") as database:
        count = database.execute("SELECT count(*) FROM orders").fetchone()[0]
    database.close()
    assert count >= 3


@BACKENDS
def test_an_edit_reloads_and_a_mistake_does_not(orders, run_service, backend):
    """What the welcome says: change a file and watch it reload; break one and read the error; mend it."""
    profile, base = orders / "config" / "base.dev.toml", orders / "config" / "base.toml"
    options = ("--config", "config/base.toml", "--profile", "dev", "--backend", backend)
    with run_service(orders, *options) as service:
        edit(profile, "interval = 5.0", "interval = 0.5")
        service.wait_until(lambda: section(service, "processing")["interval"] == 0.5)
        assert "config.reloaded" in service.log
        before = processed(service)
        service.wait_until(lambda: processed(service) >= before + 6)

        edit(base, "pool_size = 4", "pool_size = 0")
        service.wait_until(lambda: "config/base.toml:8:13: error: database.pool_size: must be >= 1" in service.log)
        service.wait_until(lambda: "database.pool_size" in service.client.get("/health").text)
        assert section(service, "database")["pool_size"] == 4
        before = processed(service)
        service.wait_until(lambda: processed(service) > before)

        edit(base, "pool_size = 0", "pool_size = 4")
        service.wait_until(lambda: "database.pool_size" not in service.client.get("/health").text)


def test_what_the_welcome_names_is_there(orders):
    welcome = (orders / "welcome.txt").read_text()
    root = Path(__file__).parent.parent.parent
    named = re.findall(r"(?:docs|\./tests)/[\w/.]+\w", welcome)
    assert len(named) >= 4
    assert [name for name in named if not (root / name).exists()] == []


def test_an_order_that_was_changed_by_hand_shows_in_health(orders, run_service):
    with run_service(orders, "--set", "processing.interval=3600") as service:
        service.wait_until(lambda: processed(service) >= 3)
        database = sqlite3.connect(orders / "orders.db")
        with database:
            database.execute("UPDATE orders SET cents = 1")
        database.close()
        service.wait_until(lambda: "changed from outside" in service.client.get("/health").text)
        assert service.client.get("/readyz").status_code == 200


def test_a_check_of_the_example_passes_and_a_mistake_is_printed_with_its_place(orders, run_trivet):
    fine = run_trivet("check", "app.py", "--config", "config/base.toml", "--profile", "dev", cwd=orders)
    assert (fine.returncode, fine.stderr) == (0, "")
    base = orders / "config" / "base.toml"
    text = base.read_text()
    line = text[: text.index("pool_size = 4")].count("\n") + 1
    base.write_text(text.replace("pool_size = 4", "pool_size = 0"))
    broken = run_trivet("check", "app.py", "--config", "config/base.toml", cwd=orders)
    assert broken.returncode == 78
    assert broken.stdout.startswith(f"config/base.toml:{line}:13: error: database.pool_size: ")


def test_every_layer_of_the_example_is_explained(orders, run_trivet):
    arguments = ("--app", "app.py", "--config", "config/base.toml", "--profile", "dev", "--json")
    done = run_trivet(
        "config", "explain", "processing.interval", *arguments, cwd=orders, ORDERS_PROCESSING__INTERVAL="1"
    )
    answer = json.loads(done.stdout)
    assert (answer["path"], answer["value"]) == ("processing.interval", 1.0)
    assert answer["origin"]["source"] == "env ORDERS_PROCESSING__INTERVAL"
    assert [one["source"] for one in answer["shadowed"]] == ["config/base.dev.toml", "config/base.toml"]


def test_the_sealed_password_opens_only_with_the_demo_key(orders, run_trivet):
    opened = run_trivet("secrets", "open", "database.password", "--app", "app.py", cwd=orders)
    assert opened.returncode == 0, opened.stderr
    made = run_trivet("secrets", "init", "--key-file", "other.keys", cwd=orders)
    assert made.returncode == 0, made.stderr
    refused = run_trivet("check", "app.py", "--set", "plugins.key_file.path=other.keys", cwd=orders)
    assert refused.returncode == 78
    assert "database.password" in refused.stdout
    assert opened.stdout.strip() not in refused.stdout + refused.stderr


@pytest.mark.parametrize("command", [("check", "app.py"), ("config", "get", "database.password", "--app", "app.py")])
def test_the_wrong_key_is_one_message_with_place_and_remedy(orders, run_trivet, command):
    """No log entry beside it, no traceback, and nothing of what is sealed."""
    run_trivet("secrets", "init", "--key-file", "other.keys", cwd=orders)
    done = run_trivet(*command, "--set", "plugins.key_file.path=other.keys", cwd=orders)
    assert done.returncode == 78
    (line,) = (done.stdout + done.stderr).splitlines()
    assert re.search(r"config/base\.toml:\d+:\d+: error: database\.password: the sealed value does not open", line)
