"""``trivet config``."""

from __future__ import annotations

import json

import pytest

from trivet import Origin
from trivet.config.row import origin_row
from trivet_plugins.cli.inquiry import row_place


def test_show_lists_every_value_with_its_origin(directory):
    """A line per value, defaults included, secrets masked."""
    done = directory.trivet("config", "show", "--app", "app.py")
    lines = dict(line.rsplit("  # ", 1) for line in done.stdout.splitlines())
    origins = {line.partition(" = ")[0]: origin for line, origin in lines.items()}
    assert origins["database.pool_size"] == "orders.toml:3:13"
    assert origins["plugins.web.port"] == "orders.toml:6:8"
    assert origins["plugins.web.host"].startswith("default of ")
    assert 'database.password = "***"' in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_show_as_json_is_the_tree(directory):
    """``--json`` prints the effective configuration as nested objects."""
    tree = json.loads(directory.trivet("config", "show", "--app", "app.py", "--json").stdout)
    assert tree["database"] == {"password": "***", "pool_size": 8}
    assert tree["plugins"]["web"]["port"] == 0


def test_get_prints_one_value(directory):
    """Text as it is, everything else and tables as JSON, secrets masked."""

    def get(path, *more):
        return directory.trivet("config", "get", path, "--app", "app.py", *more).stdout

    assert get("database.pool_size") == "8\n"
    assert get("plugins.web.host") == "127.0.0.1\n"
    assert get("plugins.web.host", "--json") == '"127.0.0.1"\n'
    assert get("database.password") == "***\n"
    assert json.loads(get("database")) == {"password": "***", "pool_size": 8}


def test_explain_names_the_winner_and_the_losers(directory):
    """Every layer that sets the value is named with its place, the strongest first."""
    directory.write("orders.dev.toml", "\n[database]\npool_size = 5\n")
    options = ["--app", "app.py", "--profile", "dev", "--set", "database.pool_size=6"]
    environ = {"ORDERS_DATABASE__POOL_SIZE": "7"}
    done = directory.trivet("config", "explain", "database.pool_size", *options, "--json", **environ)
    found = json.loads(done.stdout)
    assert list(found) == ["path", "value", "reference", "origin", "shadowed"]
    assert (found["path"], found["value"]) == ("database.pool_size", 6)
    assert list(found["origin"]) == ["layer", "source", "line", "column"]
    assert found["origin"]["source"] == "--set #1"
    assert [(one["source"], one["line"], one["value"]) for one in found["shadowed"]] == [
        ("env ORDERS_DATABASE__POOL_SIZE", None, "7"),
        ("orders.dev.toml", 3, 5),
        ("orders.toml", 3, 8),
    ]
    text = directory.trivet("config", "explain", "database.pool_size", *options, **environ).stdout.splitlines()
    assert text[0] == "database.pool_size = 6"
    assert text[1].split() == ["set", "by", "--set", "#1"]
    assert text[3].split() == ["shadowed", "orders.dev.toml:3:13", "=", "5"]


def test_explain_shows_what_a_value_is_made_of(directory):
    """The reference beside its value; of a secret, only what it refers to."""
    options = [
        "--app",
        "app.py",
        "--set",
        "database.pool_size=${env:POOL:-3}",
        "--set",
        "database.password=hunter2${env:POOL}",
    ]
    text = directory.trivet("config", "explain", "database.pool_size", *options, POOL="9").stdout.splitlines()
    assert text[0] == "database.pool_size = 9"
    assert text[2].split() == ["made", "of", '"${env:POOL:-3}"']
    done = directory.trivet("config", "explain", "database.password", *options, "--json", POOL="9")
    assert json.loads(done.stdout)["reference"] == "***${env:POOL}"
    assert "hunter2" not in done.stdout + done.stderr


def test_explain_shows_no_secret(directory):
    """Neither the value in force nor those in its shadow."""
    environ = {"ORDERS_DATABASE__PASSWORD": "swordfish-swordfish"}
    done = directory.trivet("config", "explain", "database.password", "--app", "app.py", "--json", **environ)
    assert json.loads(done.stdout)["value"] == "***"
    assert "swordfish" not in done.stdout
    assert "hunter2" not in done.stdout


def test_an_unknown_path_is_answered_with_a_suggestion(directory):
    """Exit 65, one line."""
    for verb in ("get", "explain"):
        done = directory.trivet("config", verb, "database.pool_sise", "--app", "app.py")
        assert done.returncode == 65
        assert done.stderr == "error: no configuration at database.pool_sise; did you mean database.pool_size?\n"


def test_an_invalid_configuration_shows_its_problems(directory):
    """Exit 78 and the lines of ``trivet check``, on stderr."""
    directory.write("orders.toml", "[database]\npool_size = 0\n")
    done = directory.trivet("config", "show", "--app", "app.py")
    assert (done.returncode, done.stdout) == (78, "")
    assert "orders.toml:2:13: error: database.pool_size" in done.stderr


def test_an_origin_says_all_it_knows_in_json_and_in_text():
    """The revision of a remote document, and the note that a value is the last known good one."""
    origin = Origin("http", "https://config/orders", 3, 8, "41", "last known good, 2026-01-31T12:00:00Z")
    row = json.loads(json.dumps(origin_row(origin)))
    assert row["revision"] == "41"
    assert row["note"] == "last known good, 2026-01-31T12:00:00Z"
    assert row_place(row) == str(origin) == "https://config/orders:3:8 @rev 41 (last known good, 2026-01-31T12:00:00Z)"
    assert row_place({"layer": "base", "source": "a.toml", "line": 1, "column": None}) == "a.toml:1"


LEAK = "swordfish-4711"
BROKEN = {
    "a table where the secret belongs": f'[database]\npassword = {{ value = "{LEAK}" }}\n',
    "a key that sounds secret and is none": f'[database]\npassword = "x"\napi_token = "{LEAK}"\n',
    "a document that does not parse behind it": f'[database]\npassword = "{LEAK}"\npool_size = = 3\n',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_no_output_about_a_broken_configuration_holds_the_secret(directory, text):
    """Every command, with tracebacks too: problems name the place, of a misspelt variable as well, and quote no secret."""
    directory.write("orders.toml", text)
    for command in (
        ["check", "app.py"],
        ["check", "app.py", "--json"],
        ["config", "validate", "--app", "app.py"],
        ["config", "validate", "--app", "app.py", "--json"],
        ["config", "validate", "--app", "app.py", "--github"],
        ["config", "show", "--app", "app.py", "--debug"],
        ["run", "app.py", "--debug"],
    ):
        done = directory.trivet(*command, ORDERS_DATABASE__PASWORD=LEAK)
        assert done.returncode == 78, done.stdout + done.stderr
        assert LEAK not in done.stdout + done.stderr
        assert "orders.toml" in done.stdout + done.stderr
