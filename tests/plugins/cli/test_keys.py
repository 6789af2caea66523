"""``trivet keys``, run as a user runs it."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import subprocess
from functools import partial

import pytest

MASTER = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()


@pytest.fixture
def keys(service):
    """Run ``trivet keys`` on the service ``orders``; the answer of ``--json`` is read."""

    def run(name, *arguments, **options):
        return service(name, "--name", "orders", *arguments, command="keys", **options)

    def ask(*arguments):
        done = run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    run.ask = ask
    run.directory = service.directory
    run.secrets = service
    return run


def states(keys):
    return [key["state"] for key in keys.ask("list")["keys"]]


def failed(done, code, *texts):
    assert done.returncode == code, done.stderr
    for text in texts:
        assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 4


def test_list_says_what_protects_the_keys_and_how_far_each_is(keys):
    """A table for people; that the keys stand as they are is said in capitals."""
    done = keys("list")
    head, titles, row = done.stdout.splitlines()
    assert head == "orders.keys: generation 1, keys NOT wrapped: whoever reads the file has them"
    assert titles.split()[:3] == ["KEY", "STATE", "CIPHER"]
    assert re.fullmatch(r"[0-9a-f]{16}  primary  2 \(aes_256_gcm\)  \d{4}-\d\d-\d\d \d\d:\d\d  .*  0", row)


def test_list_as_json_has_everything_but_the_keys(keys):
    """Dates in UTC, ids as everywhere else."""
    listing = keys.ask("list")
    (key,) = listing.pop("keys")
    assert listing == {"place": "orders.keys", "generation": 1, "wrapped_by": None, "writable": True}
    assert sorted(key) == ["activates", "created", "expires", "id", "messages", "state", "suite"]
    stored = json.loads((keys.directory / "orders.keys").read_text())["keys"][0]
    assert (key["id"], key["created"]) == (stored["id"], stored["created"])
    assert stored["material"] not in json.dumps(listing)


def test_a_rotation_says_from_when_on_the_new_key_seals(keys):
    """In 48 hours unless told otherwise; a second one is refused meanwhile, with what to do."""
    done = keys("rotate")
    assert re.match(
        r"key [0-9a-f]{16}: pending, 1 \(xaes_256_gcm\)\nit seals from \d{4}-\d\d-\d\d \d\d:\d\d UTC on", done.stdout
    )
    assert states(keys) == ["primary", "pending"]
    failed(keys("rotate"), 78, "is pending already", "trivet keys rotate --now")
    assert keys.ask("rotate", "--now", "--suite", "2")["suite"] == 2
    assert states(keys) == ["decrypt-only", "decrypt-only", "primary"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--now", "--after", "1h"], "--now and --after both say"),
        (["--after", "soon"], "must be a duration such as 30m, 48h or 2d"),
        (["--after", "-1h"], "must be a duration"),
    ],
)
def test_when_the_new_key_seals_is_said_once_and_clearly(keys, options, text):
    """A typing mistake changes nothing: exit 64."""
    failed(keys("rotate", *options), 64, text)
    assert states(keys) == ["primary"]


def test_a_key_goes_out_of_use_step_by_step(keys):
    """Disabled it opens nothing and may come back; destroyed it is gone; its name stays."""
    old = keys.ask("list")["keys"][0]["id"]
    sealed = keys.secrets("seal", "database.password", "--name", "orders", stdin="hunter2").stdout.strip()
    assert keys("rotate", "--now").returncode == 0
    failed(keys("destroy", old, "--yes"), 78, f"key {old} is decrypt-only: first disable it")
    assert keys("disable", old).stdout == f"key {old}: disabled, 2 (aes_256_gcm)\n"
    base = (keys.directory / "orders.toml").read_text()
    (keys.directory / "orders.toml").write_text(base.replace('"change me"', f'"{sealed}"'))
    failed(keys.secrets("open", "database.password", "--app", "app.py"), 78, "does not open")
    checked = keys.secrets("check", "orders.toml", "--app", "app.py").stdout
    assert f"does not open: key {old} is disabled; trivet keys retire {old} lets it open values again" in checked
    assert keys("retire", old[:4]).returncode == 0
    assert keys.secrets("open", "database.password", "--app", "app.py").stdout == "hunter2\n"
    keys("disable", old)
    failed(keys("destroy", old), 64, "nobody can be asked whether to destroy the key: say --yes")
    assert states(keys) == ["disabled", "primary"]
    assert keys.ask("destroy", old, "--yes")["state"] == "destroyed"
    assert states(keys) == ["destroyed", "primary"]
    failed(keys("retire", old), 78, f"key {old} is destroyed")


@pytest.mark.parametrize("command", ["retire", "disable", "destroy"])
def test_the_key_that_seals_stays(keys, command):
    """It needs a successor first: exit 78, and the command that makes one."""
    key = keys.ask("list")["keys"][0]["id"]
    failed(keys(command, key), 78, f"key {key} is primary", "trivet keys rotate --now")
    assert states(keys) == ["primary"]


@pytest.mark.parametrize("name", ["", "abc", "zzzz", "-1", "0x1234", "ABCD", "a" * 17])
def test_what_is_no_id_is_refused(keys, name):
    """Exit 64."""
    failed(keys("disable", "--", name), 64, "must be a key's id")


def test_an_id_that_nobody_has_is_a_mistake_of_typing(keys):
    """It names the ring that was searched."""
    failed(keys("disable", "0" * 16), 64, "no key of orders.keys begins with", "trivet keys list")


def test_destroy_asks_at_a_terminal(keys, directory):
    """And does nothing unless the answer is yes."""
    old = keys.ask("list")["keys"][0]["id"]
    keys("rotate", "--now")
    keys("disable", old)
    command = [directory.trivet.__globals__["TRIVET"], "keys", "destroy", old, "--name", "orders"]
    for answer, code, state in ((b"n\n", 130, "disabled"), (b"y\n", 0, "destroyed")):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            command, cwd=keys.directory, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        seen = b""
        while b"Destroy it?" not in seen:
            seen += os.read(ours, 1000)
        os.write(ours, answer)
        process.communicate(timeout=15)
        os.close(ours)
        assert process.returncode == code
        assert states(keys)[0] == state
        assert f"What key {old} has sealed".encode() in seen


def test_the_master_key_is_changed_in_two_commands(keys):
    """First one is put in place, then another; what was sealed opens all the time, and no configuration file changes."""
    for name, text in (("master", MASTER), ("other", OTHER)):
        (keys.directory / name).write_text(text)
        (keys.directory / name).chmod(0o600)
    sealed = keys.secrets("seal", "database.password", "--name", "orders", stdin="hunter2").stdout.strip()
    base = (keys.directory / "orders.toml").read_text()
    (keys.directory / "orders.toml").write_text(base.replace('"change me"', f'"{sealed}"'))

    def settings(master, *former):
        listed = json.dumps([f"file:{name}" for name in former])
        return ["--set", f"plugins.key_file.master=file:{master}", "--set", f"plugins.key_file.former_masters={listed}"]

    def opened(*options):
        return keys.secrets("open", "database.password", "--app", "app.py", *options)

    failed(keys("rewrap"), 78, "plugins.key_file.master")
    failed(opened(*settings("master")), 78, "its keys are not wrapped", "trivet keys rewrap")
    assert keys("rewrap", *settings("master")).stdout.endswith("keys wrapped by a master key\n")
    assert opened(*settings("master")).stdout == "hunter2\n"
    failed(opened(), 78, "wrapped by a master key; name it: plugins.key_file.master")
    assert keys("rewrap", *settings("other", "master")).returncode == 0
    assert opened(*settings("other")).stdout == "hunter2\n"
    failed(opened(*settings("master")), 78, "file:master does not fit")


def test_a_ring_is_made_under_its_master_key(keys):
    """``trivet secrets init`` wraps at once; the key's bytes never stood in a file."""
    (keys.directory / "orders.keys").unlink()
    (keys.directory / "master").write_text(MASTER)
    (keys.directory / "master").chmod(0o600)
    setting = ["--set", "plugins.key_file.master=file:master"]
    assert keys.secrets("init", "--name", "orders", *setting).returncode == 0
    assert "material" not in (keys.directory / "orders.keys").read_text()
    assert keys("list", *setting).stdout.startswith("orders.keys: generation 1, keys wrapped by a master key\n")


def test_check_warns_of_keys_that_stand_as_they_are(keys):
    """Where there are keys; with the remedy."""
    check = partial(keys.secrets, "app.py", command="check")
    done = check()
    assert done.returncode == 0
    assert (
        "warning: orders.keys: the keys in it are not wrapped, whoever reads the file has them; "
        "name a master key, plugins.key_file.master, then run trivet keys rewrap\n" in done.stdout
    )
    (keys.directory / "orders.keys").unlink()
    assert check().stdout == "orders: the configuration is valid\n"


def test_what_was_done_by_hand_is_laid_to_the_user(keys, monkeypatch):
    """Not to the service, though it is named only."""
    from trivet import Kernel
    from trivet.events import SecurityOperation

    seen, emit = [], Kernel.emit

    def watched(kernel, event):
        seen.append(event)
        emit(kernel, event)

    monkeypatch.setattr(Kernel, "emit", watched)
    keys("rotate", "--now")
    (operation,) = [event for event in seen if isinstance(event, SecurityOperation) and event.operation == "rotate_key"]
    assert operation.actor.startswith("user:")
    assert operation.target == "orders.keys"


def test_a_missing_ring_is_named_with_the_command_that_makes_it(keys):
    """Every command says the same."""
    (keys.directory / "orders.keys").unlink()
    for arguments in (["list"], ["rotate"], ["disable", "0123"], ["rewrap", "--set", "plugins.key_file.master=file:x"]):
        assert keys(*arguments).returncode == 78
    failed(keys("list"), 78, "there is no key file; make one: trivet secrets init --key-file orders.keys")
