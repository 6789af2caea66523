"""``trivet config history|rollback|...`` on a running service: two real processes and a real socket between them."""

from __future__ import annotations

import json
import re
import time

import pytest

TOKEN = "correct-horse-battery-staple"


def base(size):
    """The configuration with another pool size."""
    return f'[database]\npassword = "hunter2-hunter2"\npool_size = {size}\n\n[plugins.web]\nport = 0\n'


@pytest.fixture
def running(directory):
    """Run the service; gives what calls ``trivet config ... --url`` on it, and the service."""
    with directory.running("app.py") as service:
        log = service.wait_for("http://")
        service.wait_for("started")
        url = re.search(r"http://127\.0\.0\.1:\d+/", log)[0]

        def config(*arguments, code=0):
            done = directory.trivet("config", *arguments, "--url", url)
            assert done.returncode == code, done.stdout + done.stderr
            return done.stdout if code == 0 else done.stdout + done.stderr

        yield config, service


def wait_for(read, wanted):
    """Wait until a command prints something."""
    limit = time.monotonic() + 15
    while wanted not in (text := read()):
        assert time.monotonic() < limit, text
        time.sleep(0.1)
    return text


def test_a_bad_change_is_rolled_back_from_the_command_line(directory, running):
    """The whole story: look, compare, go back, see that files change nothing, and let go again."""
    config, service = running
    directory.write("orders.toml", base(80))
    listed = wait_for(lambda: config("history"), "* 2")
    assert "file changed: orders.toml" in listed
    assert "database.pool_size" in listed
    assert config("get", "database.pool_size") == "80\n"
    differences = config("diff", "1", code=1).splitlines()
    assert [line.split("  #")[0].rstrip() for line in differences[2:]] == [
        "- database.pool_size = 8",
        "+ database.pool_size = 80",
    ]
    assert differences[2].endswith("# orders.toml:3:13")
    done = config("rollback", "1", "--by", "alice", "--reason", "too many connections")
    assert done.splitlines() == ["generation 3 is in force", "  changed  database.pool_size"]
    assert config("get", "database.pool_size") == "8\n"
    service.wait_for("rollback to 1 by alice at 127.0.0.1: too many connections")
    service.wait_for("config.pinned")
    directory.write("orders.toml", base(9))
    listed = wait_for(lambda: config("history"), "held back: 1")
    assert "pinned by alice at 127.0.0.1 since 2" in listed
    assert "generation 3 is pinned by alice" in config("reload", code=1)
    assert config("unpin").splitlines() == ["generation 4 is in force", "  changed  database.pool_size"]
    assert config("explain", "database.pool_size", "--at", "2").splitlines() == [
        "database.pool_size = 80",
        "  set by    orders.toml:3:13",
    ]
    assert config("get", "database.pool_size") == "9\n"
    assert config("diff", "1", "1").endswith(": generation 1 and generation 1 are equal\n")
    assert "hunter2" not in service.end()[1]


def test_values_are_overridden_and_given_back(running):
    """JSON where it is JSON; what is refused says why and changes nothing."""
    config, _ = running
    made = config("override", "database.pool_size=20", "--expires-in", "600", "--by", "alice")
    assert made.splitlines()[0] == "generation 2 is in force"
    assert re.search(r"override 1 until \d{4}-", made)
    assert config("get", "database.pool_size") == "20\n"
    assert "override 1 by alice at 127.0.0.1 until 2" in config("history")
    refused = config("override", "database.pool_size=0", code=1)
    assert "refused; generation 2 stays" in refused
    assert "must be >= 1, got 0" in refused
    outcome = json.loads(config("override", "database.pool_sise=5", "--json", code=1))
    assert outcome["applied"] is False
    assert "did you mean" in outcome["problems"][0]
    assert config("override", "--remove", "1").splitlines()[0] == "generation 3 is in force"
    assert config("get", "database.pool_size") == "8\n"
    config("pin", "--by", "bob")
    history = json.loads(config("history", "--json"))
    assert (history["generation"], history["pinned"]["actor"]) == (3, "bob at 127.0.0.1")
    assert [one["reason"] for one in history["history"]][:2] == ["start", "override by alice at 127.0.0.1"]


def test_what_the_service_does_not_know_is_exit_65(running):
    """One line, no traceback."""
    config, _ = running
    for arguments, text in (
        (("rollback", "99"), "generation 99 is not in the history; 1 to 1 are there"),
        (("diff", "99"), "generation 99 is not in the history"),
        (("get", "database.pool_sise"), "did you mean database.pool_size?"),
        (("explain", "database.pool_size", "--at", "7"), "generation 7"),
    ):
        said = config(*arguments, code=65)
        assert text in said
        assert len(said.splitlines()) == 1


def test_the_token_comes_from_a_file_or_a_variable(directory):
    """Without it the service refuses, and the token is on no command line and in no output."""
    directory.write("token", f"{TOKEN}\n")
    with directory.running("app.py", ORDERS_PLUGINS__WEB__TOKEN_FILE="token") as service:
        url = re.search(r"http://127\.0\.0\.1:\d+", service.wait_for("http://"))[0]
        service.wait_for("started")
        plain = directory.trivet("config", "history", "--url", url)
        assert (plain.returncode, plain.stderr.count("\n")) == (69, 1)
        assert "a token is needed" in plain.stderr
        assert "--token-file or $TRIVET_TOKEN" in plain.stderr
        wrong = directory.trivet("config", "pin", "--url", url, TRIVET_TOKEN="wrong-wrong-wrong-wrong")
        assert wrong.returncode == 69
        assert "wrong-wrong" not in wrong.stderr
        by_file = directory.trivet("config", "history", "--url", url, "--token-file", "token")
        by_variable = directory.trivet("config", "history", "--url", url, TRIVET_TOKEN=TOKEN)
        assert (by_file.returncode, by_variable.returncode) == (0, 0)
        assert by_file.stdout == by_variable.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("history", "--url", "http://127.0.0.1:9"), 69, "no answer from http://127.0.0.1:9: Connection refused"),
        (("history", "--url", "127.0.0.1:9310"), 64, "write it like http://127.0.0.1:9310"),
        (("history", "--url", "http://user:secret@127.0.0.1"), 64, "a token belongs in --token-file"),
        (("history", "--token-file", "none"), 64, "none: No such file"),
        (("override",), 64, "give values to set"),
        (("override", "a=1", "--remove", "1"), 64, "give values to set"),
        (("override", "a"), 64, "'a' is not PATH=VALUE"),
        (("rollback", "0"), 64, "0 is not in the range"),
        (("explain", "a", "--at", "3"), 64, "say which with --url"),
        (("diff", "3", "prod", "--url", "http://127.0.0.1:9"), 64, "'prod' is no generation"),
    ],
)
def test_mistakes_are_said_in_a_line(directory, arguments, code, text):
    """Before anything is sent."""
    done = directory.trivet("config", *arguments)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert "user:secret" not in done.stderr
