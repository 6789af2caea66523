"""The service that stores and checks passwords."""

from __future__ import annotations

import traceback
import unicodedata

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet import (
    KeyRing,
    KeyRingError,
    Launch,
    PasswordError,
    Passwords,
    PasswordsBusyError,
    Provider,
    StartupRefused,
    hookimpl,
)
from trivet.ciphers.contracts import Key
from trivet.events import ConfigWarning, SecurityOperation
from trivet_plugins.security.passwords.opaque_string import prepare

CANARY = "hunter2-canary-password"
ACCOUNT = "alice"
PLUGINS = ("passwords", "argon2id", "pbkdf2_sha256", "security_level")
CHEAP = {"argon2id": {"memory": 32, "passes": 1, "lanes": 1}, "pbkdf2_sha256": {"rounds": 1000}}


class MemoryRing:
    """A key ring in memory; the first key is primary."""

    trivet_name = "memory_ring"

    def __init__(self, *ids):
        self.keys = [Key(id_, 2, bytes([id_]) * 32) for id_ in ids]

    def primary(self):
        return self.keys[0]

    def find(self, key_id):
        return next((key for key in self.keys if key.id == key_id), None)

    def key_ids(self):
        return [key.id for key in self.keys]

    @hookimpl
    def register_services(self, composition):
        return [Provider(name="memory_ring", factory=lambda: self, provides=KeyRing, replaces="service/key_file")]


class Counting:
    """A hasher that counts what it is asked, and waits where it is told to."""

    trivet_name = "counting"
    scheme = "counting"

    def __init__(self):
        self.work = []
        self.gate = None

    async def hash(self, password):
        self.work.append(password)
        if self.gate is not None:
            await self.gate.wait()
        return f"$counting$1${password.encode().hex()}"

    async def verify(self, password, hashed):
        self.work.append(password)
        return hashed == f"$counting$1${password.encode().hex()}"

    def needs_rehash(self, hashed):
        return False

    @hookimpl
    def register_password_hashers(self, composition):
        return [Provider(name="counting", factory=lambda: self)]


@pytest.fixture
def start(kernel_factory):
    """Start a kernel with the service; give the service. ``kernel`` and ``operations`` are on the function."""

    async def run(*more, ring=None, **settings):
        sections = {**CHEAP, "passwords": settings}
        ring = ring or MemoryRing(0xAA)
        kernel = kernel_factory.make({"plugins": sections}, plugins=[*PLUGINS, ring, *more])
        run.operations = []
        run.kernel = kernel
        run.warnings = []

        def note(event):
            if isinstance(event, SecurityOperation):
                run.operations.append(event)
            if isinstance(event, ConfigWarning):
                run.warnings.append(event.message)

        kernel.observe(note)
        await kernel_factory.start(kernel)
        run.operations.clear()
        return kernel.service(Passwords)

    return run


def told(start):
    return [(one.operation, one.target, one.outcome, one.reason, one.key_id) for one in start.operations]


# -- hash and verify --------------------------------------------------------------------------------------------------


async def test_what_is_hashed_verifies(start):
    """With the preferred hasher; both uses are operations of the audit log, with the account and without the password."""
    passwords = await start()
    hashed = await passwords.hash(CANARY, account=ACCOUNT)
    assert hashed.startswith("$argon2id$")
    assert await passwords.verify(CANARY, hashed, account=ACCOUNT) is True
    assert await passwords.verify("wrong password", hashed, account=ACCOUNT) is False
    assert told(start) == [
        ("hash_password", "password alice", "ok", None, None),
        ("verify_password", "password alice", "ok", None, None),
        ("verify_password", "password alice", "failed", "wrong_password", None),
    ]
    assert CANARY not in repr(start.operations)


async def test_the_preferred_hasher_is_a_setting_and_all_verify(start):
    """Whoever moves to another hash locks nobody out, and moves each account at its next log-in."""
    passwords = await start(preferred="pbkdf2_sha256")
    hashed = await passwords.hash(CANARY)
    assert hashed.startswith("$pbkdf2-sha256$")
    old = await start.kernel.provided("password_hasher")["argon2id"].hash(CANARY)
    assert not passwords.needs_rehash(hashed)
    assert passwords.needs_rehash(old)
    fits, new = await passwords.verify_and_update(CANARY, old, account=ACCOUNT)
    assert fits
    assert new.startswith("$pbkdf2-sha256$")
    assert await passwords.verify_and_update(CANARY, new) == (True, None)
    assert await passwords.verify_and_update("wrong password", old) == (False, None)
    assert [one.operation for one in start.operations[:3]] == ["hash_password", "verify_password", "rehash_password"]


async def test_other_parameters_are_a_rehash(start):
    passwords = await start()
    old = "$argon2id$v=19$m=32,t=2,p=1$" + "A" * 22 + "$" + "A" * 43
    assert passwords.needs_rehash(old)


async def test_an_unknown_account_takes_the_same_work(start):
    """One hash of the same cost under the same limits, whether there is an account or not."""
    counting = Counting()
    passwords = await start(counting, preferred="counting", pepper=True)
    hashed = await passwords.hash("a known password")
    counting.work.clear()
    assert await passwords.verify("wrong password", hashed) is False
    assert await passwords.verify("wrong password", None) is False
    assert await passwords.verify_and_update("wrong password", None) == (False, None)
    assert len(counting.work) == 3
    assert len(set(counting.work)) == 1, "peppered alike"
    assert [one.reason for one in start.operations[-3:]] == ["wrong_password", "unknown_account", "unknown_account"]


async def test_a_preferred_hasher_that_nobody_gives_refuses_the_start(kernel_factory):
    """With the names of those that are there."""
    settings = {"plugins": {"passwords": {"preferred": "bcrypt"}}}
    with pytest.raises(StartupRefused, match=r"'bcrypt'.*argon2id, pbkdf2_sha256"):
        await kernel_factory(settings, plugins=[*PLUGINS, MemoryRing(1)])


@pytest.mark.parametrize(
    "hashed", ["", "x", "$bcrypt$x$y$z", "$2b$12$" + "x" * 53, "$", "$pepper$", "$pepper$k=1$argon2id$x", "x" * 513]
)
async def test_what_is_no_hash_is_an_error_and_no_wrong_password(start, hashed):
    """A damaged row is the operator's to mend: it must not look like a typo of the user."""
    passwords = await start()
    with pytest.raises(PasswordError) as caught:
        await passwords.verify(CANARY, hashed)
    assert CANARY not in "".join(traceback.format_exception(caught.value, limit=0))
    with pytest.raises(PasswordError):
        passwords.needs_rehash(hashed)
    assert start.operations[-1].outcome == "failed"


# -- limits -----------------------------------------------------------------------------------------------------------


async def test_a_new_password_has_a_shortest_and_every_one_a_longest(start):
    """A stored one may be shorter, it is older than the setting; an attempt that is too long costs no work."""
    counting = Counting()
    passwords = await start(counting, preferred="counting", min_length=10, max_length=64)
    with pytest.raises(PasswordError, match="at least 10"):
        await passwords.hash("123456789")
    with pytest.raises(PasswordError, match="at most 64"):
        await passwords.hash("x" * 65)
    assert await passwords.verify("short", "$counting$1$" + b"short".hex()) is True
    counting.work.clear()
    assert await passwords.verify("x" * 65, "$counting$1$00") is False
    assert await passwords.verify("", "$counting$1$00") is False
    assert counting.work == []


async def test_an_old_short_password_is_rehashed_all_the_same(start):
    """The shortest length is for new passwords: nobody is locked out of an account by it."""
    passwords = await start(min_length=10)
    old = await start.kernel.provided("password_hasher")["pbkdf2_sha256"].hash("short")
    fits, new = await passwords.verify_and_update("short", old)
    assert fits
    assert await passwords.verify("short", new)


@pytest.mark.parametrize("password", ["tab\there!", "nul\0nul!!", "line\nline", "half \udc80 half"])
async def test_control_characters_are_refused(start, password):
    """At hashing with an error that does not show the password; at checking nothing fits."""
    passwords = await start()
    with pytest.raises(PasswordError, match="cannot be used") as caught:
        await passwords.hash(password)
    assert password not in str(caught.value)
    assert caught.value.__context__ is None
    assert await passwords.verify(password, await passwords.hash("something else")) is False


async def test_when_too_many_wait_the_next_is_refused(start):
    """At once, with an error of its own; those that wait are served, and then there is room again."""
    counting = Counting()
    passwords = await start(counting, preferred="counting", max_waiting=3)
    counting.gate = anyio.Event()
    made = []

    async def hash_one():
        made.append(await passwords.hash("a long password"))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(hash_one)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(PasswordsBusyError, match="3 passwords are being hashed"):
            await passwords.verify("a long password", None)
        counting.gate.set()
    assert len(made) == 3
    assert await passwords.verify("a long password", made[0])


async def test_one_that_is_cancelled_leaves_room(start):
    counting = Counting()
    passwords = await start(counting, preferred="counting", max_waiting=1)
    counting.gate = anyio.Event()
    with anyio.move_on_after(0.01):
        await passwords.hash("a long password")
    counting.gate.set()
    assert await passwords.hash("a long password")


# -- Unicode ----------------------------------------------------------------------------------------------------------


async def test_one_password_of_two_keyboards_is_one_password(start):
    """Composed or decomposed, with whatever space; case and width count."""
    passwords = await start()
    hashed = await passwords.hash(unicodedata.normalize("NFC", "pässwörd\u00a0é"))
    assert await passwords.verify(unicodedata.normalize("NFD", "pässwörd é"), hashed)
    assert not await passwords.verify("Pässwörd é", hashed)


@pytest.mark.parametrize(
    ("typed", "prepared"),
    [
        ("Correct Horse Battery Staple", "Correct Horse Battery Staple"),  # RFC 8265, section 4.3, example 10
        ("πßå", "πßå"),  # example 12
        ("Jack of \u2666s", "Jack of \u2666s"),  # example 13
        ("foo\u1680bar", "foo bar"),  # example 14: OGHAM SPACE MARK
        ("a\u0301", "á"),
        ("ﬁ", "ﬁ"),  # no compatibility mapping
        ("\uff41", "\uff41"),  # full width stays
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_the_examples_of_rfc_8265(typed, prepared):
    assert prepare(typed) == prepared


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs")), min_size=1))
def test_preparing_is_done_once(password):
    """What is prepared stays as it is."""
    assert prepare(prepare(password)) == prepare(password)


# -- pepper -----------------------------------------------------------------------------------------------------------


async def test_a_pepper_is_in_the_hash_by_its_key_only(start):
    """The stored hash is of no use without the key ring."""
    passwords = await start(pepper=True)
    stored = await passwords.hash(CANARY)
    assert stored.startswith("$pepper$k=00000000000000aa$argon2id$")
    assert await passwords.verify(CANARY, stored)
    assert not await passwords.verify("wrong password", stored)
    bare = stored.removeprefix("$pepper$k=00000000000000aa")
    assert not await start.kernel.provided("password_hasher")["argon2id"].verify(CANARY, bare)
    assert not passwords.needs_rehash(stored)
    assert start.operations[-1].key_id == "00000000000000aa"


async def test_after_a_rotation_old_peppers_verify_and_are_made_anew(start):
    passwords = await start(pepper=True, ring=(ring := MemoryRing(0xAA)))
    old = await passwords.hash(CANARY)
    ring.keys.insert(0, Key(0xBB, 2, bytes(32)))
    assert await passwords.verify(CANARY, old)
    assert passwords.needs_rehash(old)
    fits, new = await passwords.verify_and_update(CANARY, old)
    assert fits
    assert new.startswith("$pepper$k=00000000000000bb$")
    del ring.keys[1]
    assert await passwords.verify(CANARY, new)
    with pytest.raises(KeyRingError, match="00000000000000aa"):
        await passwords.verify(CANARY, old)


async def test_a_pepper_comes_and_goes_with_the_next_log_in(start):
    """Turned on or off, the hashes of before verify, and are made anew."""
    passwords = await start()
    plain = await passwords.hash(CANARY)
    peppering = await start(pepper=True)
    fits, peppered = await peppering.verify_and_update(CANARY, plain)
    assert fits
    assert peppered.startswith("$pepper$")
    fits, back = await passwords.verify_and_update(CANARY, peppered)
    assert fits
    assert back.startswith("$argon2id$")


async def test_a_pepper_is_derived_once_and_is_of_its_purpose(start):
    """Not a `derive` in the audit log for every log-in."""
    passwords = await start(pepper=True)
    stored = await passwords.hash(CANARY)
    await passwords.verify(CANARY, stored)
    derived = [one for one in start.operations if one.operation == "derive"]
    assert [(one.target, one.key_id) for one in derived] == [("password-pepper", "00000000000000aa")]


async def test_a_pepper_without_a_key_is_warned_of_at_the_start(kernel_factory, tmp_path):
    """The kernel starts all the same: ``trivet secrets init`` must be able to make the first key."""
    settings = {"passwords": {"pepper": True}, "key_file": {"path": str(tmp_path / "no.keys")}, **CHEAP}
    kernel = kernel_factory.make({"plugins": settings}, plugins=[*PLUGINS, "key_file"], launch=Launch(environ={}))
    warnings = []
    kernel.observe(lambda event: warnings.append(event.message) if isinstance(event, ConfigWarning) else None)
    await kernel_factory.start(kernel)
    assert [text.partition(":")[0] for text in warnings if "pepper" in text] == ["plugins.passwords.pepper"]
    assert "trivet secrets init" in "".join(warnings)
    with pytest.raises(KeyRingError, match="no key file"):
        await kernel.service(Passwords).hash(CANARY)


async def test_no_password_is_in_an_error_or_its_variables(start):
    """Neither the one that is refused nor the one whose hash is damaged, in the frames that an error report would show."""
    passwords = await start(max_length=64)
    for attempt in (passwords.hash(CANARY * 10), passwords.hash(f"{CANARY}\0")):
        with pytest.raises(PasswordError) as caught:
            await attempt
        assert CANARY not in "".join(traceback.format_exception(caught.value))
