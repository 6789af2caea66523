"""Argon2id: the library against RFC 9106, our parameter order, bounds, levels."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading

import anyio
import argon2
import attrs
import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id as Reference

from trivet import Argon2Cost, PasswordError
from trivet_plugins.security.levels import LEVELS
from trivet_plugins.security.passwords import argon2id
from trivet_plugins.security.passwords.argon2id import Argon2id, Argon2idConfig

CHEAP = Argon2Cost(memory=64, passes=3, lanes=4)
BOUND = Argon2Cost(memory=128, passes=6, lanes=8)


def hasher(cost=CHEAP, bound=BOUND, concurrency=2):
    return Argon2id(cost, bound=bound, concurrency=concurrency)


def parts(hashed):
    """Salt and hash of a PHC string."""
    return [base64.b64decode(part + "=" * (-len(part) % 4)) for part in hashed.split("$")[-2:]]


def test_the_vector_of_the_rfc(test_data):
    """RFC 9106, section 5.3, through the library that takes secret and associated data."""
    vector = json.loads((test_data / "argon2" / "rfc9106_argon2id.json").read_text())
    derived = Reference(
        salt=bytes.fromhex(vector["salt"]),
        length=vector["tag_length"],
        iterations=vector["iterations"],
        lanes=vector["lanes"],
        memory_cost=vector["memory_kib"],
        ad=bytes.fromhex(vector["associated_data"]),
        secret=bytes.fromhex(vector["secret"]),
    ).derive(bytes.fromhex(vector["password"]))
    assert derived.hex() == vector["tag"]


async def test_our_parameters_are_in_the_right_order():
    """What is hashed here, another library computes from the parameters that stand in the string."""
    hashed = await hasher().hash("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=64,t=3,p=4$")
    salt, tag = parts(hashed)
    assert (len(salt), len(tag)) == (16, 32)
    made = Reference(salt=salt, length=32, iterations=3, lanes=4, memory_cost=64).derive(b"correct horse")
    assert made == tag


async def test_other_programs_read_ours_and_we_read_theirs():
    """argon2-cffi's own PasswordHasher, and ``cryptography``."""
    ours = await hasher().hash("correct horse")
    assert argon2.PasswordHasher().verify(ours, "correct horse")
    theirs = argon2.PasswordHasher(time_cost=2, memory_cost=100, parallelism=1, hash_len=16, salt_len=8).hash("horse")
    assert await hasher().verify("horse", theirs)
    encoded = Reference(salt=bytes(16), length=32, iterations=2, lanes=2, memory_cost=64)
    assert await hasher().verify("horse", encoded.derive_phc_encoded(b"horse"))


@pytest.mark.parametrize(
    ("cost", "asked"), [("m=129,t=1,p=1", "129 KiB"), ("m=64,t=7,p=1", "7 passes"), ("m=128,t=1,p=9", "9 lanes")]
)
async def test_more_than_the_bound_is_refused_without_a_thread(monkeypatch, cost, asked):
    """The message says what is asked and what the bound is; nothing is computed."""
    monkeypatch.setattr(anyio.to_thread, "run_sync", None)
    hashed = f"$argon2id$v=19${cost}${'A' * 22}${'A' * 43}"
    with pytest.raises(PasswordError, match=f"{asked}.*the bound is 128 KiB, 6 passes, 8 lanes") as caught:
        await hasher().verify("correct horse", hashed)
    assert "correct" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [("v=19", "v=16"), ("$v=19", ""), ("argon2id", "argon2i"), ("m=64", "m=064"), ("m=64", "m=31"), ("t=3", "t=0")],
)
async def test_another_version_or_form_is_no_hash(change):
    """Only what `hash` writes is read: version 19, canonical numbers, 8 KiB a lane."""
    hashed = (await hasher().hash("correct horse")).replace(*change)
    with pytest.raises(PasswordError, match="no Argon2id hash"):
        await hasher().verify("correct horse", hashed)


async def test_other_parameters_need_a_rehash():
    """Each of memory, passes, lanes, and the lengths of salt and hash."""
    hashed = await hasher().hash("correct horse")
    assert not hasher().needs_rehash(hashed)
    for other in ({"memory": 65}, {"passes": 2}, {"lanes": 3}):
        values = {"memory": 64, "passes": 3, "lanes": 4, **other}
        assert hasher(Argon2Cost(**values)).needs_rehash(hashed)
    short = argon2.PasswordHasher(time_cost=3, memory_cost=64, parallelism=4, hash_len=16).hash("x")
    assert hasher().needs_rehash(short)


async def test_no_more_are_computed_at_a_time_than_allowed(monkeypatch):
    """The memory that passwords take is that number times the cost."""
    running, most, lock = 0, 0, threading.Lock()
    one = hasher(concurrency=2)
    real = one._hash_secret

    def watched(*args, **options):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return real(*args, **options)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(one, "_hash_secret", watched)
    async with anyio.create_task_group() as tasks:
        for number in range(12):
            tasks.start_soon(one.hash, str(number))
    assert most <= 2


async def test_a_library_that_fails_is_an_error_that_says_what_to_lower(monkeypatch):
    """Not a False: the password may be right."""
    one = hasher()

    def fail(*args, **options):
        raise argon2.exceptions.HashingError("Memory allocation error")

    monkeypatch.setattr(one, "_hash_secret", fail)
    with pytest.raises(PasswordError, match=r"Memory allocation error.*plugins\.argon2id\.memory"):
        await one.hash("correct horse")


@pytest.mark.parametrize("name", LEVELS)
def test_without_settings_the_level_says_the_cost(name):
    level = LEVELS[name]
    assert Argon2idConfig().cost(level) == level.password
    assert list(Argon2idConfig().shortfalls(level)) == []


@pytest.mark.parametrize(
    ("level", "cores", "settings", "expected"),
    [
        ("standard", 4, {}, 4),
        ("high", 4, {}, 1),
        ("high", 16, {}, 4),
        ("high", 2, {}, 1),
        ("high", 4, {"lanes": 1}, 4),
        ("high", 4, {"concurrency": 7}, 7),
        ("paranoid", 1, {}, 1),
    ],
)
def test_as_many_are_computed_at_a_time_as_there_are_cores_for_their_lanes(level, cores, settings, expected):
    """More would take no less time, but more memory, and the event loop would wait for a core."""
    assert Argon2idConfig(**settings).at_once(attrs.evolve(LEVELS[level], kdf_concurrency=cores)) == expected


def test_what_is_below_the_level_is_a_shortfall():
    """Memory and passes, each on its own; lanes are nobody's loss, and OWASP's other choices are as good."""
    high, standard = LEVELS["high"], LEVELS["standard"]
    [memory] = Argon2idConfig(memory=1024).shortfalls(high)
    assert (memory.setting, memory.reason) == ("memory", "1024 KiB is below the 65536 KiB of level high")
    assert [one.setting for one in Argon2idConfig(memory=1024, passes=1).shortfalls(high)] == ["memory", "passes"]
    assert list(Argon2idConfig(lanes=1).shortfalls(high)) == []
    assert list(Argon2idConfig(memory=12_288, passes=3).shortfalls(standard)) == []
    assert [one.setting for one in Argon2idConfig(memory=12_287, passes=3).shortfalls(standard)] == ["memory"]
    assert [one.setting for one in Argon2idConfig(memory=47_104, passes=1).shortfalls(high)] == ["memory", "passes"]


async def test_in_a_kernel_the_level_and_the_section_say_the_cost(kernel_factory):
    """The section's figures over the level's."""
    settings = {"plugins": {"security_level": {"name": "standard"}, "argon2id": {"memory": 64, "lanes": 2}}}
    kernel = await kernel_factory(settings, plugins=["argon2id", "security_level"])
    hashed = await kernel.provided("password_hasher")["argon2id"].hash("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=64,t=2,p=2$")


def test_importing_the_plugin_does_not_import_the_library():
    """The import budget: the library loads with the provider."""
    code = f"import sys, {argon2id.__name__}; sys.exit('argon2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=15).returncode == 0
