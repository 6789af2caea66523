"""``trivet config history|rollback|...`` on a running service: two real processes and a real socket between them."""

from __future__ import annotations

import json
import re
import signal
import time

import pytest

TOKEN = "correct-horse-battery-staple"


def base(size):
    """The configuration with another pool size."""
    return f'[database]\npassword = "hunter2-hunter2"\npool_size = {size}\n\n[plugins.web]\nport = 0\n'


@pytest.fixture(params=["address", "socket"])
def running(request, directory):
    """Run the service; gives what calls ``trivet config ... --url`` on it, over either way, and the service."""
    directory.write("orders.toml", base(8))
    with directory.running("app.py", "--set", "plugins.web.socket=unix:admin.sock") as service:
        log = service.wait_for("http://")
        service.wait_for("started")
        url = re.search(r"http://127\.0\.0\.1:\d+/", log)[0] if request.param == "address" else "unix:admin.sock"

        def config(*arguments, code=0):
            done = directory.trivet("config", *arguments, "--url", url)
            assert done.returncode == code, done.stdout + done.stderr
            return done.stdout if code == 0 else done.stdout + done.stderr

        config.url = url
        config.place = "127.0.0.1" if request.param == "address" else "a unix socket"
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
    assert "file changed" in listed  # ": orders.toml", or "during the start" where the look back saw it first
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
    service.wait_for(f"rollback to 1 by alice at {config.place}: too many connections")
    service.wait_for("config.pinned")
    directory.write("orders.toml", base(9))
    listed = wait_for(lambda: config("history"), "held back: 1")
    assert f"pinned by alice at {config.place} since 2" in listed
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
    assert f"override 1 by alice at {config.place} until 2" in config("history")
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
    assert (history["generation"], history["pinned"]["actor"]) == (3, f"bob at {config.place}")
    assert [one["reason"] for one in history["history"]][:2] == ["start", f"override by alice at {config.place}"]


def test_a_running_service_shows_and_exports_what_is_in_force(directory, running):
    """The same lines and documents as offline, of the values in force, and no secret in any of them."""
    config, service = running
    config("override", "database.pool_size=20", "--by", "alice")
    lines = config("show").splitlines()
    assert 'database.password = "***"' in lines[0]
    assert re.fullmatch(rf"database\.pool_size = 20 +# override by alice at {config.place}", lines[1])
    tree = json.loads(config("show", "--json"))
    assert tree["database"] == {"password": "***", "pool_size": 20}
    assert json.loads(config("show", "--json", "--at", "1"))["database"]["pool_size"] == 8
    assert "pool_size = 8  # orders.toml:3:13\n" in config("export", "--origins", "--at", "1")
    assert json.loads(config("export", "--json"))["database"]["pool_size"] == 20
    assert "database:\n" in config("export", "--format", "yaml")
    assert "there is no format 'ini'" in config("export", "--format", "ini", code=65)
    assert "gives no secret away" in config("export", "--reveal", code=64)
    assert config("schema") == directory.trivet("config", "schema", "--app", "app.py").stdout
    everything = [config(*command) for command in (["show"], ["show", "--json"], ["export"], ["schema"], ["history"])]
    assert not any("hunter2" in text for text in [*everything, service.end()[1]])


def test_a_refused_edit_is_told_by_validate(directory, running):
    """The places as offline, in all three forms; 0 and a sentence while all is well."""
    config, service = running
    assert config("validate") == "orders: generation 1 is in force and valid; nothing newer was refused\n"
    directory.write("orders.toml", base(0))
    service.wait_for("config.rejected")
    line = "orders.toml:3:13: error: database.pool_size: must be >= 1, got 0\n"
    assert config("validate", code=78) == line
    assert config("validate", "--github", code=78).startswith("::error file=orders.toml,line=3,col=13::database.pool")
    [row] = json.loads(config("validate", "--json", code=78))
    assert (row["file"], row["line"], row["path"]) == ("orders.toml", 3, "database.pool_size")
    directory.write("orders.toml", base(9))
    assert "generation 2 is in force" in wait_for(lambda: _said(directory, config), "generation 2")
    config("pin", "--by", "alice")
    assert config("validate") == "orders: generation 2 is in force and valid; nothing newer was refused\n"


def _said(directory, config):
    done = directory.trivet("config", "validate", "--url", config.url)
    return done.stdout


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


def test_the_socket_survives_a_kill_and_is_found_by_a_variable(directory):
    """A killed service leaves its socket: the commands say so, the next start replaces it, an orderly stop removes it."""
    options = ["app.py", "--set", "plugins.web.socket=admin.sock", "--set", "plugins.web.tcp=false"]
    with directory.running(*options) as service:
        service.wait_for("unix:admin.sock")
        service.wait_for("started")
        second = directory.trivet("run", *options)
        assert second.returncode == 78
        assert "cannot listen on admin.sock: a running process does" in second.stderr
        service.end(signal.SIGKILL)
    dead = directory.trivet("config", "history", TRIVET_URL="unix:admin.sock")
    assert (dead.returncode, dead.stderr.count("\n")) == (69, 1)
    assert "no answer from unix:admin.sock: Connection refused" in dead.stderr
    with directory.running(*options) as service:
        service.wait_for("started")
        # The token is not sent: the socket does not ask for it, and who listens there need not be the service.
        done = directory.trivet("config", "history", TRIVET_URL="unix:admin.sock", TRIVET_TOKEN=TOKEN)
        assert (done.returncode, done.stderr) == (0, "")
        assert "http://" not in service.log.read_text()
        assert service.end()[0] == 0
    assert not (directory.path / "admin.sock").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("history", "--url", "http://127.0.0.1:9"), 69, "no answer from http://127.0.0.1:9: Connection refused"),
        (("history", "--url", "127.0.0.1:9310"), 64, "write it like http://127.0.0.1:9310 or unix:/"),
        (("history", "--url", "unix:"), 64, "write it like unix:/run/orders/admin.sock"),
        (("history", "--url", "unix:none.sock"), 69, "no answer from unix:none.sock: No such file or directory"),
        (("show", "--at", "3"), 64, "say which with --url"),
        (("export", "--at", "3"), 64, "say which with --url"),
        (("show", "--url", "unix:a.sock", "--app", "app.py"), 64, "leave out what says which is meant here"),
        (("get", "a", "--url", "unix:a.sock", "--set", "a=1"), 64, "leave out what says which is meant here"),
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
