"""Sealed values in configuration, opened by a real kernel from real files."""

from __future__ import annotations

import importlib
import logging
import sys
import traceback

import attrs
import pytest

from trivet import ConfigError, Kernel, Launch, Secret
from trivet.events import SecurityOperation
from trivet_plugins.security.key_file import KeyFile

CANARY = "hunter2-canary"
# Named, not found by entry point: these tests are about these plugins alone.
PLUGINS = [
    importlib.import_module(f"trivet_plugins.{name}")
    for name in (
        "config.files",
        "config.toml",
        "config.yaml",
        "security.aes_gcm",
        "security.key_file",
        "security.sealed",
    )
]


@attrs.frozen
class Database:
    """A section with a secret."""

    password: Secret[str]
    user: str = "app"
    hosts: tuple[str, ...] = ()


@pytest.fixture
def keys(tmp_path):
    """A key file with one key."""
    path = tmp_path / "orders.keys"
    KeyFile(path).create(suite=2)
    return path


def make_kernel(tmp_path, keys, *, name="orders", events=None):
    environ = {"TRIVET_KEY_FILE": str(keys)}
    launch = Launch(files=[tmp_path / "orders.toml"], environ=environ)
    kernel = Kernel(name, plugins=PLUGINS, discover="none", launch=launch)
    if events is not None:
        kernel.observe(events.append)
    return kernel


async def seal(tmp_path, keys, path=("database", "password"), value=CANARY):
    (tmp_path / "orders.toml").touch()
    async with make_kernel(tmp_path, keys).secured() as kernel:
        return await kernel.ciphers.seal_config(value, path=path)


async def problems_of(kernel):
    """The report, which must hold no secret, in any form of printing it."""
    kernel.config.bind("database", Database)
    with pytest.raises(ConfigError) as caught:
        async with kernel:
            pass
    printed = "".join(traceback.format_exception(caught.value))
    assert CANARY not in printed
    return [str(problem) for problem in caught.value.problems]


async def test_a_sealed_value_reaches_the_application_open(tmp_path, keys):
    """The application sees the value, as a `Secret`; whoever shows the configuration sees a mask."""
    sealed = await seal(tmp_path, keys)
    (tmp_path / "orders.toml").write_text(f"[database]\npassword = '{sealed}'\n")
    kernel = make_kernel(tmp_path, keys)
    database = kernel.config.bind("database", Database)
    async with kernel:
        assert database.current.password.reveal() == CANARY
        assert kernel.config.show()["database"]["password"] == "***"
        assert CANARY not in repr(kernel.config.show())
        assert CANARY not in repr(database.current)


async def test_a_sealed_value_in_a_field_that_is_no_secret_is_masked(tmp_path, keys):
    """Who sealed it wanted it hidden, whatever the class says."""
    sealed = [await seal(tmp_path, keys, path) for path in (("database", "user"), ("database", "hosts", 1))]
    text = f"[database]\npassword = 'x'\nuser = '{sealed[0]}'\nhosts = ['one', '{sealed[1]}']\n"
    (tmp_path / "orders.toml").write_text(text)
    kernel = make_kernel(tmp_path, keys)
    database = kernel.config.bind("database", Database)
    async with kernel:
        assert database.current.user == CANARY
        assert database.current.hosts == ("one", CANARY)
        assert CANARY not in repr(kernel.config.show())


async def test_a_moved_value_does_not_open(tmp_path, keys):
    """A value sealed for another path, pasted here: the place, the possible reasons and the remedy."""
    sealed = await seal(tmp_path, keys, ("database", "user"))
    (tmp_path / "orders.toml").write_text(f"[database]\npassword = '{sealed}'\n")
    (problem,) = await problems_of(make_kernel(tmp_path, keys))
    assert problem.startswith(f"{tmp_path}/orders.toml:2:12: error: database.password: the sealed value does not open")
    assert "another key" in problem
    assert "another place" in problem
    assert "trivet secrets seal" in problem
    assert sealed not in problem


async def test_another_services_value_does_not_open(tmp_path, keys):
    """Same key, same path, other kernel name."""
    sealed = await seal(tmp_path, keys)
    (tmp_path / "orders.toml").write_text(f"[database]\npassword = '{sealed}'\n")
    (problem,) = await problems_of(make_kernel(tmp_path, keys, name="billing"))
    assert "does not open" in problem


async def test_a_wrong_key_says_the_same(tmp_path, keys):
    """The message does not tell a wrong key from a wrong place."""
    sealed = await seal(tmp_path, keys)
    moved = await seal(tmp_path, keys, ("elsewhere",))
    other = tmp_path / "other.keys"
    KeyFile(other).create(suite=2)
    messages = set()
    for text, ring in ((sealed, other), (moved, keys), (sealed[:-2], keys), ("trivet:1:", keys), ("trivet:9:x", keys)):
        (tmp_path / "orders.toml").write_text(f"[database]\npassword = '{text}'\n")
        (problem,) = await problems_of(make_kernel(tmp_path, ring))
        messages.add(problem)
    assert len(messages) == 1


async def test_a_missing_key_file_says_how_to_make_one(tmp_path, keys):
    """At the value's place, with the file's name and the command."""
    sealed = await seal(tmp_path, keys)
    (tmp_path / "orders.toml").write_text(f"[database]\npassword = '{sealed}'\n")
    missing = tmp_path / "none.keys"
    (problem,) = await problems_of(make_kernel(tmp_path, missing))
    assert problem.startswith(f"{tmp_path}/orders.toml:2:12: error: database.password: {missing}: there is no key file")
    assert f"trivet secrets init --key-file {missing}" in problem


async def test_a_key_file_open_to_others_says_chmod(tmp_path, keys):
    """At the value's place, with the command."""
    sealed = await seal(tmp_path, keys)
    (tmp_path / "orders.toml").write_text(f"[database]\npassword = '{sealed}'\n")
    keys.chmod(0o644)
    (problem,) = await problems_of(make_kernel(tmp_path, keys))
    assert f"chmod 600 {keys}" in problem


async def test_all_sealed_values_that_do_not_open_are_in_one_report(tmp_path, keys):
    """Not one per start."""
    sealed = await seal(tmp_path, keys, ("elsewhere",))
    (tmp_path / "orders.toml").write_text(f"[database]\npassword = '{sealed}'\nuser = '{sealed}'\n")
    assert len(await problems_of(make_kernel(tmp_path, keys))) == 2


async def test_a_service_without_sealed_values_needs_no_key_file(tmp_path):
    """It starts, with all plugins loaded."""
    (tmp_path / "orders.toml").write_text("[database]\npassword = 'open'\n")
    kernel = make_kernel(tmp_path, tmp_path / "none.keys")
    database = kernel.config.bind("database", Database)
    async with kernel:
        assert database.current.password.reveal() == "open"


async def test_a_reload_with_a_value_that_does_not_open_keeps_the_old_one(tmp_path, keys):
    """A bad paste costs nothing; the right one applies."""
    file = tmp_path / "orders.toml"
    sealed, newer = await seal(tmp_path, keys), await seal(tmp_path, keys, value="newer")
    file.write_text(f"[database]\npassword = '{sealed}'\n")
    kernel = make_kernel(tmp_path, keys)
    database = kernel.config.bind("database", Database)
    async with kernel:
        file.write_text(f"[database]\npassword = '{sealed[:-4]}'\n")
        await kernel.config.reload()
        assert kernel.config.problems
        assert database.current.password.reveal() == CANARY
        file.write_text(f"[database]\npassword = '{newer}'\n")
        await kernel.config.reload()
        assert database.current.password.reveal() == "newer"


async def test_sealing_needs_no_valid_configuration(tmp_path, keys):
    """`Kernel.secured`: the remedy for a value that does not open must work while it does not open."""
    (tmp_path / "orders.toml").write_text("[database]\npassword = 'trivet:1:broken'\nunknown = 1\n")
    async with make_kernel(tmp_path, keys).secured() as kernel:
        sealed = await kernel.ciphers.seal_config(CANARY, path=("database", "password"))
        assert await kernel.ciphers.open_config(sealed, path=("database", "password")) == CANARY
        assert kernel.config.peek(("database", "password")) == "trivet:1:broken"


async def test_events_and_logs_hold_the_place_and_not_the_value(tmp_path, keys, caplog, capfd):
    """Every opening is an event; nothing that the process writes has the secret."""
    sealed = await seal(tmp_path, keys)
    (tmp_path / "orders.toml").write_text(f"[database]\npassword = '{sealed}'\n")
    events = []
    kernel = make_kernel(tmp_path, keys, events=events)
    kernel.config.bind("database", Database)
    with caplog.at_level(logging.DEBUG):
        async with kernel:
            pass
    opened = [event for event in events if isinstance(event, SecurityOperation)]
    assert [(one.operation, one.target, one.outcome) for one in opened] == [("open", "config database.password", "ok")]
    output = capfd.readouterr()
    assert CANARY not in f"{events!r} {caplog.text} {output.out} {output.err}"
    assert sys.exc_info() == (None, None, None)
