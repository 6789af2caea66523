"""Sealed values in configuration, opened by a real kernel from real files."""

from __future__ import annotations

import datetime as dt
import importlib
import logging
import re
import sys
import traceback

import anyio
import attrs
import pytest

from trivet import ConfigError, Kernel, Launch, Secret, StartupRefused
from trivet.ciphers.manifests import Manifests
from trivet.events import SecurityOperation
from trivet_plugins.config import command_line
from trivet_plugins.security import level
from trivet_plugins.security.keys.file import KeyFile

CANARY = "hunter2-canary"
# Named, not found by entry point: these tests are about these plugins alone.
PLUGINS = [
    importlib.import_module(f"trivet_plugins.{name}")
    for name in (
        "config.files",
        "config.toml",
        "config.yaml",
        "security.ciphers.aes_gcm",
        "security.keys.file",
        "security.sealed.resolver",
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


def make_kernel(tmp_path, keys, *, name="orders", events=None, plugins=PLUGINS, assignments=(), **environ):
    environ = {"TRIVET_KEY_FILE": str(keys), **environ}
    launch = Launch(files=[tmp_path / "orders.toml"], environ=environ, assignments=assignments)
    kernel = Kernel(name, plugins=plugins, discover="none", launch=launch)
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


# -- other types than text ------------------------------------------------------------------------------------------------


@attrs.frozen
class Limits:
    """Secrets that are no text."""

    size: Secret[int]
    on: Secret[bool] = Secret(False)  # noqa: RUF009 - never changed
    ports: Secret[tuple[int, ...]] = Secret(())  # noqa: RUF009 - as above
    wait: Secret[dt.timedelta] = Secret(dt.timedelta())  # noqa: RUF009 - as above
    pin: Secret[str] = Secret("")  # noqa: RUF009 - as above


async def test_the_field_says_what_a_sealed_text_means(tmp_path, keys):
    """An int, a bool, a list, a duration; digits stay text where text belongs."""
    texts = {"size": "0x10", "on": "yes", "ports": "[1, 2]", "wait": "1h30m", "pin": "007"}
    sealed = {key: await seal(tmp_path, keys, ("limits", key), text) for key, text in texts.items()}
    (tmp_path / "orders.toml").write_text("[limits]\n" + "".join(f"{key} = '{one}'\n" for key, one in sealed.items()))
    kernel = make_kernel(tmp_path, keys)
    limits = kernel.config.bind("limits", Limits)
    async with kernel:
        found = {key: getattr(limits.current, key).reveal() for key in texts}
    assert found == {"size": 16, "on": True, "ports": (1, 2), "wait": dt.timedelta(hours=1.5), "pin": "007"}


async def test_a_sealed_text_of_another_type_is_refused_and_not_shown(tmp_path, keys):
    """The place and what was expected, without the value."""
    sealed = await seal(tmp_path, keys, ("limits", "size"))
    (tmp_path / "orders.toml").write_text(f"[limits]\nsize = '{sealed}'\n")
    kernel = make_kernel(tmp_path, keys)
    kernel.config.bind("limits", Limits)
    with pytest.raises(ConfigError) as caught:
        async with kernel:
            pass
    (problem,) = map(str, caught.value.problems)
    assert "orders.toml:2:8: error: limits.size: expected an integer" in problem
    assert CANARY not in "".join(traceback.format_exception(caught.value))


# -- manifests ------------------------------------------------------------------------------------------------------------


async def vouched(tmp_path, keys, generation=1, **values):
    """Write a configuration with sealed values and their manifest; give its text."""
    sealed = {key: await seal(tmp_path, keys, ("database", key), text) for key, text in values.items()}
    async with make_kernel(tmp_path, keys).secured() as kernel:
        manifests = kernel.service(Manifests)
        entries = manifests.make({("database", key): one for key, one in sealed.items()}, generation=generation)
    lines = "".join(f"{key} = '{one}'\n" for key, one in sealed.items())
    listed = "".join(f'  "{one}",\n' for one in entries)
    text = f"[database]\n{lines}[plugins.sealed]\nentries = [\n{listed}]\n"
    (tmp_path / "orders.toml").write_text(text)
    return text


async def test_a_document_that_its_manifest_vouches_for_loads(tmp_path, keys):
    """The manifest itself is no part of the configuration."""
    await vouched(tmp_path, keys, password=CANARY, user="u")
    kernel = make_kernel(tmp_path, keys)
    database = kernel.config.bind("database", Database)
    async with kernel:
        assert database.current.password.reveal() == CANARY
        assert kernel.config.show()["plugins"]["sealed"]["entries"] in ((), [])
        assert kernel.config.peek(("plugins", "sealed")) == {}


async def test_what_the_manifest_does_not_vouch_for_is_refused_with_its_place(tmp_path, keys):
    """Replaced by an older one, removed, stood in the clear, added, moved: the place and the remedy, each time."""
    old = await vouched(tmp_path, keys, password="older", user="u")
    text = await vouched(tmp_path, keys, password=CANARY, user="u")
    (older, _), (password, user) = (re.findall(r"'(trivet:1:[^']+)'", one) for one in (old, text))
    added = await seal(tmp_path, keys, ("database", "hosts", 0), "h")
    spoilt = {
        text.replace(password, older): r"orders\.toml:2:12: error: database\.password: this is not the sealed value",
        text.replace(f"user = '{user}'\n", ""): r"orders\.toml:7:3: error: .* at database\.user, and there is none",
        text.replace(user, "u"): r"orders\.toml:8:3: error: .* at database\.user, .* or stands there in the clear",
        text.replace(
            "[plugins", f"hosts = ['{added}']\n[plugins"
        ): r"4:10: error: database\.hosts\[0\]: .* added without",
        text.replace('"1 1 ', '"1 2 '): r"orders\.toml:5:11: error: the manifest is not authentic",
    }
    for document, words in spoilt.items():
        (tmp_path / "orders.toml").write_text(document)
        (problem,) = await problems_of(make_kernel(tmp_path, keys))
        assert re.search(words, problem), problem
        assert f"trivet secrets manifest {tmp_path}/orders.toml" in problem
        assert "trivet:1:" not in problem
    (tmp_path / "orders.toml").write_text(text.replace("user =", "nobody ="))
    assert any(
        "it was moved here from database.user" in problem for problem in await problems_of(make_kernel(tmp_path, keys))
    )


async def test_an_older_document_is_refused_while_the_service_runs_and_after_a_restart(tmp_path, keys):
    """The marks are kept; a document that was rejected for other reasons leaves none, so the way back from it is open."""
    marks = f"plugins.sealed.marks={tmp_path}/state/sealed.marks"
    old = await vouched(tmp_path, keys, 4, password="older")
    new = await vouched(tmp_path, keys, 5, password=CANARY)
    broken = (await vouched(tmp_path, keys, 6, password="x")).replace("[database]", "[database]\nnonsense = 1")
    file = tmp_path / "orders.toml"
    file.write_text(old)

    def kernel():
        made = make_kernel(tmp_path, keys, plugins=[*PLUGINS, command_line], assignments=[marks])
        return made, made.config.bind("database", Database)

    running, database = kernel()
    async with running:
        for text, rejected in ((new, ""), (broken, "unknown key"), (new, ""), (old, "rolled back")):
            file.write_text(text)
            await running.config.reload()
            assert rejected in "".join(map(str, running.config.problems))
            assert bool(running.config.problems) == bool(rejected)
            assert database.current.password.reveal() == CANARY
        with anyio.fail_after(10):
            while (
                not (tmp_path / "state" / "sealed.marks").exists()
                or ": 5" not in (tmp_path / "state" / "sealed.marks").read_text()
            ):
                await anyio.sleep(0.01)
    (problem,) = await problems_of(kernel()[0])
    assert (
        "orders.toml:4:11: error: this is generation 4 of its sealed values, and generation 5 was in force before"
        in problem
    )
    assert "--generation 6" in problem
    file.write_text(re.sub(r"\[plugins.*", "", old, flags=re.DOTALL))
    (problem,) = await problems_of(kernel()[0])
    assert "orders.toml: error: generation 5 of its sealed values had a manifest, and this file has none" in re.sub(
        r":\d+:\d+", "", problem
    )
    file.write_text(new)
    again, database = kernel()
    async with again:
        assert database.current.password.reveal() == CANARY


@pytest.mark.parametrize("by", ["plugins.sealed.manifest=required", "plugins.security_level.name=paranoid"])
async def test_a_manifest_can_be_demanded(tmp_path, keys, by):
    """Of documents with sealed values, by the section or by the level; the others load."""
    sealed = await seal(tmp_path, keys)
    demand = {"plugins": [*PLUGINS, command_line, level], "assignments": [by]}
    (tmp_path / "orders.toml").write_text(f"[database]\npassword = '{sealed}'\n")
    (problem,) = await problems_of(make_kernel(tmp_path, keys, **demand))
    assert "orders.toml:2:12: error: database.password: this value is sealed, and its file has no manifest" in problem
    (tmp_path / "orders.toml").write_text("[database]\npassword = 'x'\n")
    kernel = make_kernel(tmp_path, keys, **demand)
    kernel.config.bind("database", Database)
    async with kernel:
        pass


async def test_a_rotation_is_no_change_of_the_configuration(tmp_path, keys):
    """Other envelopes and another manifest, the same values: nobody is told, and an older file is a rollback all the same."""
    old = await vouched(tmp_path, keys, 1, password=CANARY)
    kernel = make_kernel(tmp_path, keys, STATE_DIRECTORY=str(tmp_path))
    kernel.config.bind("database", Database)
    async with kernel:
        await vouched(tmp_path, keys, 2, password=CANARY)
        outcome = await kernel.config.reload()
        assert (outcome.applied, outcome.generation) == (True, 1)
    (tmp_path / "orders.toml").write_text(old)
    (problem,) = await problems_of(make_kernel(tmp_path, keys, STATE_DIRECTORY=str(tmp_path)))
    assert "generation 2 was in force before" in problem
    await vouched(tmp_path, keys, 3, password=CANARY)
    async with kernel:
        await vouched(tmp_path, keys, 4, password=CANARY)
        assert (await kernel.config.reload()).applied
        (tmp_path / "orders.toml").write_text(old)
        assert not (await kernel.config.reload()).applied
        assert "rolled back" in str(kernel.config.problems[0])


async def test_a_start_that_fails_leaves_no_mark(tmp_path, keys):
    """Generation 6 never was in force: going back to 5 is no rollback."""
    text = await vouched(tmp_path, keys, 6, password=CANARY)
    (tmp_path / "orders.toml").write_text(text.replace("[database]", "[database]\nnonsense = 1"))
    (problem,) = await problems_of(make_kernel(tmp_path, keys, STATE_DIRECTORY=str(tmp_path)))
    assert "unknown key" in problem
    assert not (tmp_path / "sealed.marks").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2, "marks": {}}', '{"version": 1, "marks": {"x": "y"}}'])
async def test_marks_that_cannot_be_read_refuse_the_start(tmp_path, keys, text):
    """With what is lost by removing them."""
    (tmp_path / "sealed.marks").write_text(text)
    (tmp_path / "orders.toml").write_text("")
    with pytest.raises(StartupRefused, match=r"sealed\.marks: no file of marks; restore it, or remove it"):
        async with make_kernel(tmp_path, keys, STATE_DIRECTORY=str(tmp_path)):
            pass
