"""``trivet secrets manifest``, and how the other commands keep a manifest."""

from __future__ import annotations

import json
import re
import sys

import pytest

CANARY = "hunter2-canary"
FILES = {
    "toml": "# c\n[database]\npassword = 'x'   # kept\n",
    "yaml": "# c\ndatabase:\n  password: x   # kept\n",
    "json": '{"database": {"password": "x"}}\n',
}


@pytest.fixture
def call(service):
    """Run ``trivet secrets COMMAND ...`` for the service; it must succeed unless ``code`` says otherwise."""

    def run(*arguments, code=0, **options):
        done = service(*arguments, "--name", "orders", **options)
        assert done.returncode == code, done.stdout + done.stderr
        assert CANARY not in done.stdout + done.stderr
        return done

    run.toml = service.toml
    run.directory = service.directory
    run("seal", "database.password", "--file", "orders.toml", stdin=CANARY)
    return run


def generation(file):
    return int(re.search(r'"1 (\d+) trivet-mac', file.read_text())[1])


@pytest.mark.parametrize("suffix", FILES)
def test_a_file_gets_a_manifest_that_every_command_keeps(call, rotate_keys, monkeypatch, suffix):
    """Made once; seal, edit and rotate make the next generation of it; an edit of something else does not."""
    file = call.directory / f"more.{suffix}"
    file.write_text(FILES[suffix])
    call("seal", "database.password", "--file", file.name, stdin=CANARY)
    before = file.read_text()
    done = call("manifest", file.name)
    assert done.stdout == f"{file.name}: generation 1 vouches for 1 sealed value\n"
    assert all(line.rstrip("}") in file.read_text() for line in before.splitlines())
    call("seal", "database.token", "--file", file.name, stdin="t")
    assert generation(file) == 2
    editor = call.directory / "editor.py"
    for body, expected in (("seal:t", "seal:u"), 3), (("# kept", "# still kept"), 3):
        editor.write_text(
            "import sys\ntext = open(sys.argv[1]).read()\n"
            f"open(sys.argv[1], 'w').write(text.replace({body[0]!r}, {body[1]!r}))\n"
        )
        monkeypatch.setenv("EDITOR", f"{sys.executable} {editor}")
        call("edit", file.name)
        assert generation(file) == expected
    rotate_keys(call.directory / "orders.keys")
    call("rotate", file.name)
    assert generation(file) == 4
    call("rotate", file.name)
    assert generation(file) == 4
    done = json.loads(call("check", file.name, "--json").stdout)
    (one,) = done["manifests"]
    assert (one["generation"], one["problems"]) == (4, [])
    assert {row["key"] for row in done["values"]} == {one["key"]}


def test_a_manifest_under_an_older_key_is_signed_anew(call, rotate_keys):
    """Though every value is under the primary key already: the older one is to be disabled."""
    call.toml.write_text("a = 1\n")
    call("manifest", "orders.toml")
    rotate_keys(call.directory / "orders.keys")
    assert call("rotate", "orders.toml").stdout == "orders.toml: 0 sealed anew, 0 under the primary key already\n"
    assert generation(call.toml) == 2


@pytest.mark.parametrize(
    "arguments",
    [("seal", "database.token", "--file", "orders.toml"), ("rotate", "orders.toml"), ("edit", "orders.toml")],
)
def test_no_command_covers_up_what_a_manifest_does_not_vouch_for(call, rotate_keys, monkeypatch, arguments):
    """The place is named and the file left alone; ``manifest`` says what it takes over."""
    monkeypatch.setenv("EDITOR", "sed -i s/seal:hunter2/seal:x/")
    call("manifest", "orders.toml")
    older = call.toml.read_text()
    call("seal", "database.password", "--file", "orders.toml", stdin="newer")
    (old,), (new,) = (re.findall(r'"(trivet:1:[\w-]+)"', text) for text in (older, call.toml.read_text()))
    call.toml.write_text(call.toml.read_text().replace(new, old))
    before = call.toml.read_text()
    rotate_keys(call.directory / "orders.keys")
    done = call(*arguments, code=78, stdin="t")
    assert (
        "orders.toml:3:12: error: database.password: this is not the sealed value that the manifest vouches"
        in done.stderr
    )
    assert "nothing was changed" in done.stderr
    assert call.toml.read_text() == before
    shown = call("check", "orders.toml", code=78).stdout
    assert "orders.toml:3:12: error: database.password: this is not the sealed value" in shown
    done = call("manifest", "orders.toml")
    assert done.stdout == "orders.toml: generation 3 vouches for 1 sealed value\n"
    assert "orders.toml:3:12: was: database.password: this is not the sealed value" in done.stderr
    call("check", "orders.toml")


def test_what_does_not_open_is_not_vouched_for(call):
    """Nor is a generation that goes back without being told to."""
    call.toml.write_text(call.toml.read_text() + "broken = 'trivet:1:abc'\n")
    done = call("manifest", "orders.toml", code=78)
    assert "orders.toml:5:10: error: database.broken: the sealed value does not open" in done.stderr
    call.toml.write_text(call.toml.read_text().replace("broken", "#"))
    assert "generation 9 vouches" in call("manifest", "orders.toml", "--generation", "9").stdout
    assert "generation 10 vouches" in call("manifest", "orders.toml").stdout


def test_where_a_manifest_is_demanded_sealing_makes_one(call):
    """So that the service loads what was just sealed."""
    demand = ("--set", "plugins.sealed.manifest=required")
    call("seal", "database.password", "--file", "orders.toml", *demand, stdin=CANARY)
    assert generation(call.toml) == 1


def test_a_file_in_which_there_is_no_room_is_left_alone(call):
    """A table that is written on one line in the way."""
    call.toml.write_text("plugins = 1\n")
    assert "plugins.sealed.entries cannot be put into this file" in call("manifest", "orders.toml", code=65).stderr
    assert call.toml.read_text() == "plugins = 1\n"
