"""``--set-string``, ``--set-file`` and ``--secrets-dir`` mean the same in every command."""

from __future__ import annotations

import json

import pytest

WRONG = (
    "--set-string=database.pool_size=5",
    "--set-file=database.password=nowhere",
    "--secrets-dir=missing",
    "--set-string=nonsense",
)
PROBLEMS = [
    "missing: error: cannot be listed: No such file or directory; create it, or correct --secrets-dir",
    "--set-string #1: error: database.pool_size: expected an integer, not a string, got '5'; remove the quotes",
    "--set-string #2: error: an assignment is written PATH=VALUE, e.g. --set-string database.name=20",
    "--set-file #1 (nowhere): error: nowhere cannot be read: No such file or directory",
]


@pytest.mark.parametrize(
    "command",
    [
        ("check", "app.py"),
        ("run", "app.py"),
        ("config", "show", "--app", "app.py"),
        ("config", "get", "database.pool_size", "--app", "app.py"),
        ("config", "explain", "database.pool_size", "--app", "app.py"),
    ],
    ids=" ".join,
)
def test_what_is_wrong_with_them_comes_in_one_report(directory, command):
    done = directory.trivet(*command, *WRONG)
    assert done.returncode == 78
    lines = [line.partition(" (also set at ")[0] for line in (done.stdout + done.stderr).splitlines()]
    assert [line for line in lines if "error: " in line] == PROBLEMS


def test_they_set_values_and_name_their_places(directory):
    directory.write("secrets/database__password", "from the directory")
    directory.write("size", "0x10\n")
    options = ("--app", "app.py", "--set-file", "database.pool_size=size", "--secrets-dir", "secrets")
    found = json.loads(directory.trivet("config", "explain", "database.pool_size", "--json", *options).stdout)
    assert (found["value"], found["origin"]["source"]) == (16, "--set-file #1 (size)")
    found = json.loads(directory.trivet("config", "explain", "database.password", "--json", *options).stdout)
    assert (found["value"], found["origin"]["source"]) == ("***", "secrets/database__password")
    options += ("--set-string", "database.password=null", "--set", "database.password=x")
    found = json.loads(directory.trivet("config", "explain", "database.password", "--json", *options).stdout)
    assert [one["source"] for one in (found["origin"], *found["shadowed"])] == [
        "--set-string #1",
        "--set #1",
        "secrets/database__password",
        "orders.toml",
    ]


def test_they_are_counted_as_they_were_written(directory):
    """Whatever the application's code assigns itself."""
    app = (directory.path / "app.py").read_text()
    directory.write(
        "app.py", app + '\nfrom trivet import Launch\nkernel.launch = Launch(assignments=["database.pool_size=7"])\n'
    )
    options = ("--app", "app.py", "--set", "database.pool_size=8", "--json")
    found = json.loads(directory.trivet("config", "explain", "database.pool_size", *options).stdout)
    assert [one["source"] for one in (found["origin"], *found["shadowed"])][:2] == ["--set #1", "Launch.assignments #1"]


def test_commands_about_secrets_take_them_too(directory):
    """The key file's place may come from any of them."""
    directory.write("where", "here.keys\n")
    done = directory.trivet("secrets", "init", "--app", "app.py", "--set-file", "plugins.key_file.path=where")
    assert (done.returncode, done.stderr) == (0, "")
    assert (directory.path / "here.keys").exists()
    done = directory.trivet("secrets", "init", "--name", "orders", "--set-string", "plugins.key_file.path=there.keys")
    assert (done.returncode, done.stderr) == (0, "")
    assert (directory.path / "there.keys").exists()


def test_a_removal_gives_the_weaker_layers_value_to_nobody(directory):
    """``--set a.b=null`` removes what all weaker layers say: the default is back."""
    done = directory.trivet(
        "config", "get", "database.pool_size", "--app", "app.py", "--set", "database.pool_size=null"
    )
    assert done.stdout == "4\n"


def test_a_service_keeps_the_last_known_good_configuration_where_the_option_says(directory):
    """Sealed, since it holds a secret; a command that only looks leaves it alone."""
    directory.trivet("secrets", "init", "--key-file", "orders.keys")
    directory.trivet("check", "app.py", "--last-known-good", "good.json")
    good = directory.path / "good.json"
    assert not good.exists()
    with directory.running("app.py", "--last-known-good", "good.json") as service:
        service.wait_for("kernel.started")
        service.end()
    content = good.read_text()
    assert "trivet:1:" in content
    assert "hunter2" not in content
