"""A `Secret` shows itself only when asked by name, and `revealed` checks it without a word about it."""

from __future__ import annotations

import copy
import pickle
import traceback

import attrs
import pytest
from attrs import validators

from trivet import ConfigError, Kernel, Launch, Secret, revealed

CANARY = "hunter2-canary"


@attrs.frozen
class Holder:
    password: Secret[str]


@pytest.mark.parametrize("show", [str, repr, "{}".format, lambda it: f"{it!r}"])
def test_no_way_of_printing_shows_it(show):
    """Also inside an attrs class, a list or a traceback with local variables."""
    assert CANARY not in show(Secret(CANARY))
    assert CANARY not in show(Holder(Secret(CANARY)))
    assert CANARY not in show([Secret(CANARY)])
    assert f"{Secret(CANARY):>5}" == "  ***"


def test_reveal_gives_it():
    """And nothing else does."""
    assert Secret(CANARY).reveal() == CANARY
    assert [name for name in dir(Secret(CANARY)) if not name.startswith("_")] == ["reveal"]


def test_it_compares_and_hashes_by_value():
    """So that a reload sees whether it changed; it is never equal to the bare value."""
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") != "a"
    assert not Secret("")


def test_it_is_not_pickled_and_a_copy_is_the_same():
    """A pickle is a file or a message in the clear."""
    secret = Secret(CANARY)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
    assert copy.copy(secret) is copy.deepcopy(secret) is secret


@attrs.frozen
class Database:
    password: Secret[str] = attrs.field(
        validator=revealed(validators.min_len(12), validators.matches_re(r"[a-z0-9-]+"))
    )


def bound(cls, value):
    kernel = Kernel(
        "test", discover="builtin", launch=Launch(environ={}, strings=[f"database.password={value}"]), block=QUIET
    )
    return kernel, kernel.config.bind("database", cls)


QUIET = ("web", "system", "event_loop", "disk", "memory", "logging", "watcher")


async def test_revealed_checks_the_value_inside(tmp_path, monkeypatch):
    """A value that passes is there, one that does not is refused by the validator's name, without its text."""
    monkeypatch.chdir(tmp_path)
    kernel, database = bound(Database, CANARY)
    async with kernel:
        assert database.current.password == Secret(CANARY)
    for bad, name in ((CANARY[:5], "min_len validator for 12"), (CANARY.upper(), "matches_re validator")):
        kernel, _ = bound(Database, bad)
        with pytest.raises(ConfigError) as caught:
            async with kernel:
                pytest.fail("started")
        assert name in str(caught.value)
        assert bad not in "".join(traceback.format_exception(caught.value))


def test_revealed_keeps_the_value_out_of_its_error():
    """Where the class is made in code as well."""
    short = CANARY[:5]
    with pytest.raises(ValueError, match="'password' is refused by min_len validator for 12") as caught:
        Database(Secret(short))
    assert short not in "".join(traceback.format_exception(caught.value))


async def test_a_plain_validator_on_a_secret_says_what_to_write(tmp_path, monkeypatch):
    """It sees the `Secret`, and no value could ever please it."""

    @attrs.frozen
    class Mistaken:
        password: Secret[str] = attrs.field(validator=validators.min_len(12))

    monkeypatch.chdir(tmp_path)
    kernel, _ = bound(Mistaken, CANARY)
    with pytest.raises(
        ConfigError, match=r"database.password: its validator cannot look into a Secret: write .*revealed"
    ):
        async with kernel:
            pytest.fail("started")
