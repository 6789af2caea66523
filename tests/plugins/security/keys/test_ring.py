"""The key ring over its file: rotation, counts, other processes, members that only read."""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
import subprocess
import sys
import time
import types
from pathlib import Path

import anyio
import attrs
import pytest

from trivet import Argon2Cost, KeyRingError, KeyState, Passphrase
from trivet.ciphers.registry import Ciphers
from trivet_plugins.security.ciphers.aes_gcm import AesGcm
from trivet_plugins.security.keys import counter
from trivet_plugins.security.keys import lock as key_lock
from trivet_plugins.security.keys import ring as key_ring
from trivet_plugins.security.keys.masters import Master, Masters
from trivet_plugins.security.keys.ring import POLICY, KeyFile
from trivet_plugins.security.keys.upkeep import Upkeep

LIMIT = 2**32
CHEAP = Argon2Cost(memory=64, passes=1, lanes=1)


class Clock:
    """A clock that goes when it is told to; what `time.time` says goes with it."""

    def __init__(self, monkeypatch):
        self.now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        self.steady = None
        instead = types.SimpleNamespace(time=self.timestamp, monotonic=self.monotonic)
        monkeypatch.setattr(key_ring, "time", instead)

    def __call__(self):
        return self.now

    def timestamp(self):
        return self.now.timestamp()

    def monotonic(self):
        return time.monotonic() if self.steady is None else self.steady

    def wait(self, **duration):
        self.now += dt.timedelta(**duration)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "orders.keys"


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def events():
    return []


@pytest.fixture
def member(path, clock, events):
    """Make a member: what a process has of the ring."""

    def make(*secrets, **options):
        ciphers = Ciphers("orders", emit=events.append)
        ciphers.add_backend("aes_256_gcm", AesGcm())
        masters = Masters(*(Master(f"test:{number}", secret) for number, secret in enumerate(secrets)), cost=CHEAP)
        return KeyFile(path, masters=masters, ciphers=ciphers, clock=clock, **options)

    return make


def told(events):
    return [(event.operation, event.outcome) for event in events]


def stored(path):
    return json.loads(path.read_text())


def states(listing):
    return [str(one.state) for one in listing.keys]


# -- rotation -------------------------------------------------------------------------------------------------------------


async def test_a_new_key_is_known_before_it_seals(member, clock, events, path):
    """Other members learn of it meanwhile, and all change over at the same time, without writing or reading anything."""
    one, other = member(), member()
    first = one.create(suite=2)
    other.primary()
    made = await one.rotate()
    assert (made.state, made.activates - clock()) == (KeyState.PENDING, dt.timedelta(hours=48))
    assert one.primary().id == first.id
    assert other.find(made.id).id == made.id
    path.unlink()
    clock.wait(hours=48)
    assert one.primary().id == other.primary().id == made.id
    assert one.find(first.id).material == first.material
    assert one.key_ids() == [made.id, first.id]
    assert told(events) == [("create_keys", "ok"), ("rotate_key", "ok"), ("reload_keys", "ok")]
    assert events[1].key_id == f"{made.id:016x}"


async def test_in_an_emergency_the_new_key_seals_at_once(member):
    """The old one can then be disabled: nothing that it has sealed opens any more."""
    ring = member()
    old = ring.create(suite=2)
    made = await ring.rotate(delay=0)
    assert ring.primary().id == made.id
    await ring.disable(old.id)
    assert ring.find(old.id) is None
    assert ring.key_ids() == [made.id]
    await ring.retire(old.id)
    assert ring.find(old.id).material == old.material


async def test_a_destroyed_key_is_in_no_file(member, path, tmp_path):
    """Not in the ring, not in the backup, not in what a killed writer has left; its id stays."""
    ring = member()
    old = ring.create(suite=2)
    material = stored(path)["keys"][0]["material"]
    await ring.rotate(delay=0)
    await ring.disable(old.id)
    (tmp_path / ".orders.keys.killed.tmp").write_text(material)
    assert material in path.with_name("orders.keys.bak").read_text()
    gone = await ring.destroy(old.id)
    assert gone.state is KeyState.DESTROYED
    assert [file.name for file in tmp_path.iterdir() if material in file.read_text()] == []
    assert states(await ring.listing()) == ["destroyed", "primary"]
    with pytest.raises(KeyRingError, match="is destroyed"):
        await ring.retire(old.id)


async def test_what_is_refused_changes_nothing_and_is_recorded(member, events, path):
    """The audit log hears of the try, with the key."""
    ring = member()
    key = ring.create(suite=2)
    before = path.read_bytes()
    for refused in (ring.destroy, ring.disable, ring.retire):
        with pytest.raises(KeyRingError, match="is primary"):
            await refused(key.id)
    assert path.read_bytes() == before
    assert told(events)[1:] == [("destroy_key", "failed"), ("disable_key", "failed"), ("retire_key", "failed")]
    assert {event.key_id for event in events} == {f"{key.id:016x}"}
    assert {event.reason for event in events[1:]} == {"key_ring_error"}


async def test_a_listing_shows_everything_but_the_keys(member, path, clock):
    """Read from the file, as it is at this moment."""
    ring = member(os.urandom(32))
    key = ring.create(suite=2)
    await ring.rotate(suite=3)
    clock.wait(hours=50)
    listing = await ring.listing()
    assert (listing.place, listing.generation, listing.writable) == (str(path), 2, True)
    assert listing.wrapped_by == "a master key"
    assert [(one.suite, str(one.state)) for one in listing.keys] == [(2, "decrypt-only"), (3, "primary")]
    assert listing.keys[0].expires - listing.keys[0].created == POLICY.age
    assert repr(key.material) not in repr(listing)


async def test_the_generation_before_is_kept(member, path):
    """A backup beside the file, as private as the file, that opens when it is put in its place."""
    ring = member(os.urandom(32))
    ring.create(suite=2)
    before = path.read_bytes()
    await ring.rotate()
    backup = path.with_name("orders.keys.bak")
    assert backup.read_bytes() == before
    for file in (path, backup, path.with_name("orders.keys.lock")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_an_older_file_is_not_taken_while_the_service_runs(member, path):
    """Whoever puts a backup in place could bring a disabled key back; after a restart it counts as meant."""
    ring = member()
    ring.create(suite=2)
    await ring.rotate()
    path.with_name("orders.keys.bak").replace(path)
    with pytest.raises(KeyRingError, match=r"generation 1, and 2 was seen; .*restart the service"):
        await ring.listing()
    assert states(await member().listing()) == ["primary"]


async def test_a_file_of_version_1_is_written_as_version_2_with_the_first_change(member, path):
    """Reading changes nothing."""
    entry = {"id": "00000000000000aa", "suite": 2, "state": "primary", "created": "2026-11-24T18:00:00Z"}
    path.write_text(json.dumps({"version": 1, "keys": [{**entry, "material": "A" * 43}]}))
    path.chmod(0o600)
    ring = member()
    assert ring.primary().id == 0xAA
    assert stored(path)["version"] == 1
    ring.count(ring.primary(), LIMIT)
    assert (stored(path)["version"], stored(path)["generation"]) == (2, 1)
    assert member().primary().material == bytes(32)


# -- master keys ------------------------------------------------------------------------------------------------------------


async def test_changing_the_master_key_touches_no_data(member, path):
    """Members that know both read the ring before and after; what was sealed opens; the old master key opens no file any more."""
    old, new = os.urandom(32), os.urandom(32)
    first = member(old)
    first.create(suite=2)
    text = await _sealed(first)
    both = member(new, old)
    both.primary()
    listing = await both.rewrap()
    assert listing.wrapped_by == "a master key"
    assert await _opened(both, text) == b"x"
    assert await _opened(member(new), text) == b"x"
    with pytest.raises(KeyRingError, match="does not fit"):
        member(old).primary()
    assert not path.with_name("orders.keys.bak").exists()


async def test_a_ring_without_a_master_key_gets_one(member, path, events):
    """The bytes of the keys are in no file afterwards."""
    plain = member()
    key = plain.create(suite=2)
    await plain.rotate()
    material = stored(path)["keys"][0]["material"]
    ring = member(Passphrase("correct horse"))
    with pytest.raises(KeyRingError, match="trivet keys rewrap"):
        ring.primary()
    listing = await ring.rewrap()
    assert listing.wrapped_by == "a passphrase (Argon2id, 64 KiB, 1 passes, 1 lanes)"
    assert [file.name for file in path.parent.iterdir() if material in file.read_text()] == []
    assert member(Passphrase("correct horse")).primary().material == key.material
    assert ("rewrap_keys", "ok") in told(events)


async def test_there_must_be_a_master_key_to_wrap_with(member, events):
    """The setting is named."""
    ring = member()
    ring.create(suite=2)
    with pytest.raises(KeyRingError, match=r"name one: plugins\.key_file\.master"):
        await ring.rewrap()
    assert told(events)[-1] == ("rewrap_keys", "failed")


async def test_a_passphrase_is_not_stretched_in_the_event_loop(member, path):
    """A search for an unknown key leaves a file that was wrapped anew to the upkeep, which works in a thread."""
    ring = member(Passphrase("correct horse"))
    ring.create(suite=2)
    other = member(Passphrase("correct horse"))
    made = await other.rotate(delay=0)
    await other.rewrap()
    assert ring.find(made.id) is None
    await Upkeep(ring, automatic=False, warn=pytest.fail).look()
    assert ring.find(made.id).id == made.id


# -- counting -------------------------------------------------------------------------------------------------------------


async def _sealed(ring):
    ring.ciphers.use_ring(ring)
    return await ring.ciphers.seal(b"x", purpose="test")


async def _opened(ring, text):
    if ring.ciphers._ring is None:
        ring.ciphers.use_ring(ring)
    return await ring.ciphers.open(text, purpose="test")


def test_messages_are_reserved_before_they_are_sealed(member, path):
    """A process that dies has left at most its block unused: the file never counts too few."""
    ring = member()
    key = ring.create(suite=2)
    for number in range(3000):
        ring.count(key, LIMIT)
        assert stored(path)["keys"][0]["messages"] > number if number % 500 == 0 else True
    assert stored(path)["keys"][0]["messages"] == 1024 + 8192
    member().count(key, LIMIT)
    assert stored(path)["keys"][0]["messages"] == 1024 + 8192 + 1024


def test_blocks_grow_to_a_million():
    """A command that seals one value takes a thousand; a busy service writes the file once in a million messages."""
    count, sizes = counter.MessageCount(), []
    for _ in range(6):
        sizes.append(count.wanted(7, LIMIT))
        count.give(7, sizes[-1])
    assert sizes == [2**10, 2**13, 2**16, 2**19, 2**20, 2**20]
    assert count.wanted(7, 5) == 5
    assert count.wanted(8, LIMIT) == 2**10


async def test_the_upkeep_takes_the_next_block_before_the_present_one_is_used_up(member, path):
    """So that a busy service waits for no disk while it seals; one that seals nothing takes nothing."""
    ring = member()
    key = ring.create(suite=2)
    upkeep = Upkeep(ring, automatic=False, warn=pytest.fail)
    await upkeep.begin()
    await upkeep.look()
    assert stored(path)["keys"][0]["messages"] == 0
    for _ in range(512):
        ring.count(key, LIMIT)
    await upkeep.look()
    assert stored(path)["keys"][0]["messages"] == 1024
    ring.count(key, LIMIT)
    await upkeep.look()
    assert stored(path)["keys"][0]["messages"] == 1024 + 8192
    generation = stored(path)["generation"]
    for _ in range(1024 - 513 + 8192):
        ring.count(key, LIMIT)
    assert stored(path)["generation"] == generation
    ring.count(key, LIMIT)
    assert stored(path)["generation"] == generation + 1


def test_a_key_at_its_limit_refuses_to_seal(member):
    """To the last message that the cipher allows and no further; the error says what to do."""
    ring = member()
    key = ring.create(suite=2)
    for _ in range(1500):
        ring.count(key, 1500)
    with pytest.raises(KeyRingError, match=rf"{key.id:016x} has sealed as many .* \(1500\); .*rotate --now"):
        ring.count(key, 1500)
    with pytest.raises(KeyRingError, match="has sealed as many"):
        member().count(key, 1500)


async def test_sealing_counts_and_opening_does_not(member, path):
    """As the service does it."""
    ring = member()
    ring.create(suite=2)
    text = await _sealed(ring)
    assert stored(path)["keys"][0]["messages"] == 1024
    assert await _opened(member(), text) == b"x"
    assert stored(path)["keys"][0]["messages"] == 1024


def test_counting_does_not_wait_long_for_another_writer(member, path):
    """The event loop would stand still; the refusal names the lock."""
    ring = member()
    key = ring.create(suite=2)
    with key_lock.locked(path, seconds=0):
        begun = time.monotonic()
        with pytest.raises(KeyRingError, match=r"being changed by another process: it holds .*orders\.keys\.lock"):
            ring.count(key, LIMIT)
    assert time.monotonic() - begun < 15
    ring.count(key, LIMIT)


READER = """
import pathlib, runpy, sys
from trivet import KeyRingError
from trivet_plugins.security.keys.ring import KeyFile
path = pathlib.Path(sys.argv[1])
path.parent.chmod(0o555)
runpy.run_path(sys.argv[2])["be_nobody_special"](path)
ring = KeyFile(path)
for number in range(5000):
    ring.count(ring.primary(), 5000)
try:
    ring.count(ring.primary(), 5000)
except KeyRingError as exc:
    print(exc)
print(ring.file.is_writable())
"""


def test_a_member_that_cannot_write_seals_all_the_same(member, tmp_path):
    """What it seals is counted by itself alone, and stops where the cipher's limit is."""
    directory = tmp_path / "read-only"
    directory.mkdir()
    path = directory / "orders.keys"
    KeyFile(path).create(suite=2)
    path.with_name("orders.keys.lock").unlink()
    before = path.read_bytes()
    give_up = Path(__file__).parents[3] / "faults" / "unreadable.py"
    done = subprocess.run(
        [sys.executable, "-c", READER, path, give_up], capture_output=True, text=True, check=False, timeout=15
    )
    directory.chmod(0o755)
    if done.returncode == 77:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stderr
    assert "has sealed as many messages as its cipher allows (5000)" in done.stdout
    assert done.stdout.endswith("False\n")
    assert path.read_bytes() == before


# -- many processes ---------------------------------------------------------------------------------------------------------

COLD_START = """
import asyncio, pathlib, sys
from trivet_plugins.security.keys.ring import KeyFile
from trivet_plugins.security.keys.masters import Master, Masters
ring = KeyFile(pathlib.Path(sys.argv[1]), masters=Masters(Master("test:", bytes.fromhex(sys.argv[2]))))
sys.stdin.read()
asyncio.run(ring.create_missing())
ring.count(ring.primary(), 2**32)
print(ring.primary().id)
"""


def test_of_20_processes_that_start_on_an_empty_ring_one_makes_the_key(path, member):
    """All go on with the same primary key, whoever was first; none fails."""
    secret = os.urandom(32)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", COLD_START, str(path), secret.hex()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(20)
    ]
    for process in started:
        process.stdin.close()
    answers = [process.stdout.read().strip() for process in started]
    for process in started:
        process.stdout.close()
        assert process.wait(timeout=15) == 0
    (entry,) = stored(path)["keys"]
    assert {f"{int(answer):016x}" for answer in answers} == {entry["id"]}
    assert entry["messages"] == 20 * 1024


async def test_many_writers_take_turns(member, path):
    """Blocks that twenty threads reserve at once are all counted."""
    key = member().create(suite=2)
    rings = [member() for _ in range(20)]

    async def count(ring):
        await anyio.to_thread.run_sync(ring.count, key, LIMIT)

    async with anyio.create_task_group() as group:
        for ring in rings:
            group.start_soon(count, ring)
    assert stored(path)["keys"][0]["messages"] == 20 * 1024
    assert stored(path)["generation"] == 21


async def test_a_search_for_an_unknown_key_reads_the_file_once_a_second_at_most(member, clock):
    """Envelopes with invented ids must not make a service read and unlock a file again and again."""
    ring, other = member(), member()
    ring.create(suite=2)
    clock.steady = 100.0
    for _ in range(3):
        made, later = await other.rotate(delay=0), None
        assert ring.find(made.id) is not None
        later = await other.rotate(delay=0)
        assert [ring.find(number) for number in (*range(100), later.id)] == [None] * 101
        clock.steady += 1.0
        assert ring.find(later.id) is not None
        clock.steady += 1.0


# -- upkeep ---------------------------------------------------------------------------------------------------------------


async def test_the_upkeep_replaces_a_key_in_time(member, clock, events):
    """Published 48 hours before its 90 days are over, sealing when they are; each step is recorded."""
    ring, warnings = member(), []
    first = ring.create(suite=2)
    upkeep = Upkeep(ring, automatic=True, warn=warnings.append)
    await upkeep.begin()
    clock.wait(days=87)
    await upkeep.look()
    assert states(await ring.listing()) == ["primary"]
    clock.wait(days=1)
    await upkeep.look()
    assert states(await ring.listing()) == ["primary", "pending"]
    clock.wait(days=2)
    await upkeep.look()
    assert states(await ring.listing()) == ["decrypt-only", "primary"]
    await upkeep.look()
    second = ring.primary().id
    assert second != first.id
    assert [(event.operation, event.key_id) for event in events if event.operation != "reload_keys"] == [
        ("create_keys", f"{first.id:016x}"),
        ("rotate_key", f"{second:016x}"),
        ("activate_key", f"{second:016x}"),
    ]
    assert warnings == []
    assert [one["state"] for one in stored(ring.path)["keys"]] == ["decrypt-only", "primary"]


async def test_of_many_members_one_makes_the_new_key(member, clock):
    """The others find it pending."""
    member().create(suite=2)
    rings = [member() for _ in range(10)]
    upkeeps = [Upkeep(ring, automatic=True, warn=pytest.fail) for ring in rings]
    for upkeep in upkeeps:
        await upkeep.begin()
    clock.wait(days=88)
    async with anyio.create_task_group() as group:
        for upkeep in upkeeps:
            group.start_soon(upkeep.look)
    for upkeep in upkeeps:
        await upkeep.look()
    assert {tuple(states(await ring.listing())) for ring in rings} == {("primary", "pending")}


async def test_the_upkeep_replaces_a_key_by_count(member):
    """At half of what its cipher allows; near the end without delay."""
    ring = member(policy=attrs.evolve(POLICY, messages=10_000))
    key = ring.create(suite=2)
    upkeep = Upkeep(ring, automatic=True, warn=pytest.fail)
    await upkeep.begin()
    for _ in range(10_000):
        ring.count(key, LIMIT)
    await upkeep.look()
    assert states(await ring.listing()) == ["primary", "pending"]


async def test_where_keys_are_not_replaced_by_themselves_the_upkeep_says_when_one_is_due(member, clock):
    """Once, not every five seconds; again after the next key."""
    ring, warnings = member(), []
    ring.create(suite=2)
    upkeep = Upkeep(ring, automatic=False, warn=warnings.append)
    await upkeep.begin()
    clock.wait(days=88)
    for _ in range(3):
        await upkeep.look()
    (warning,) = warnings
    assert "the primary key wants a successor, it is 88 days old: trivet keys rotate" in warning
    await ring.rotate(delay=0)
    await upkeep.look()
    clock.wait(days=88)
    await upkeep.look()
    assert len(warnings) == 2


async def test_the_upkeep_follows_a_file_that_another_process_changes(member, events):
    """Within an interval, and says so in events with the primary key; a block that another reserves is no event."""
    ring, other = member(), member()
    ring.create(suite=2)
    upkeep = Upkeep(ring, automatic=False, warn=pytest.fail)
    await upkeep.begin()
    made = await other.rotate(delay=0)
    events.clear()
    await upkeep.look()
    assert told(events) == [("reload_keys", "ok"), ("activate_key", "ok")]
    assert {event.key_id for event in events} == {f"{made.id:016x}"}
    assert ring.primary().id == made.id
    other.count(other.primary(), LIMIT)
    await upkeep.look()
    assert len(events) == 2
    assert ring.loaded.document.find(made.id).messages == 1024


async def test_a_file_that_goes_bad_is_said_once_and_changes_nothing(member, path, events):
    """What was read stays in force, and the remedy counts from the next look."""
    ring, warnings = member(), []
    key = ring.create(suite=2)
    upkeep = Upkeep(ring, automatic=True, warn=warnings.append)
    await upkeep.begin()
    path.chmod(0o644)
    for _ in range(3):
        await upkeep.look()
    assert ring.primary().id == key.id
    (warning,) = warnings
    assert warning.endswith("; what was read before stays in force")
    assert told(events)[1:] == [("reload_keys", "failed")]
    path.chmod(0o600)
    await upkeep.look()
    assert len(warnings) == 1


async def test_a_service_without_a_key_file_has_nothing_to_keep_up(member, events):
    """No warning, no event; a file that appears is found."""
    ring = member()
    upkeep = Upkeep(ring, automatic=True, warn=pytest.fail)
    await upkeep.begin()
    await upkeep.look()
    assert events == []
    member().create(suite=2)
    await upkeep.look()
    assert ring.primary()
