"""``kernel.ciphers``: sealing and opening with ciphers and keys that come from elsewhere."""

from __future__ import annotations

import base64
import os
import traceback

import anyio
import anyio.lowlevel
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.ciphers import suite as suite_module
from trivet.ciphers.contracts import Key
from trivet.ciphers.envelope import MAX_DATA_BYTES, PREFIX, Envelope, derive, header
from trivet.ciphers.registry import Ciphers
from trivet.errors import CompositionError, KeyRingError, SealError
from trivet_plugins.security.ciphers.aes_gcm import AesGcm
from trivet_plugins.security.ciphers.aes_gcm_siv import AesGcmSiv
from trivet_plugins.security.ciphers.xaes_gcm import XaesGcm
from trivet_plugins.security.ciphers.xchacha import XChaCha

CANARY = "hunter2-canary"


class Ring:
    """A key ring in memory; the first key seals."""

    def __init__(self, *keys):
        self.keys = list(keys)

    def primary(self):
        if not self.keys:
            raise KeyRingError("no key")
        return self.keys[0]

    def find(self, key_id):
        return next((key for key in self.keys if key.id == key_id), None)

    def key_ids(self):
        return [key.id for key in self.keys]


class ChaCha:
    """Another AEAD, with a suite number for third parties."""

    suite = 0xE001
    key_bytes = 32
    nonce_bytes = 12
    tag_bytes = 16
    max_messages = 2**32
    max_bytes = 2**31 - 1 - tag_bytes
    committing = False

    def seal(self, key, nonce, aad, data):
        return ChaCha20Poly1305(key).encrypt(nonce, data, aad)

    def open(self, key, nonce, aad, data):
        try:
            return ChaCha20Poly1305(key).decrypt(nonce, data, aad)
        except InvalidTag:
            raise ValueError("no") from None


class Vault(AesGcm):
    """A cipher that answers later, as one behind a network does."""

    async def seal(self, key, nonce, aad, data):
        await anyio.lowlevel.checkpoint()
        return super().seal(key, nonce, aad, data)

    async def open(self, key, nonce, aad, data):
        await anyio.lowlevel.checkpoint()
        return super().open(key, nonce, aad, data)


def fresh_key(key_id=7, suite=2):
    return Key(key_id, suite, os.urandom(32))


def ciphers(*backends, ring=None, name="orders", events=None):
    made = Ciphers(name, emit=(events if events is not None else []).append)
    for number, backend in enumerate(backends or (AesGcm(),)):
        made.add_backend(f"cipher_{number}", backend)
    made.use_ring(ring or Ring(fresh_key()))
    return made


async def refusal(made, text, **place):
    """The error of opening, which must be the one text with nothing chained to it."""
    with pytest.raises(SealError) as caught:
        await made.open(text, **{"purpose": "config", **place})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return str(caught.value)


def raw_of(text):
    body = text.removeprefix(PREFIX)
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


def text_of(raw):
    return PREFIX + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("backend", [AesGcm(), Vault()], ids=["local", "remote"])
@pytest.mark.parametrize("data", [b"", b"x", CANARY.encode(), bytes(MAX_DATA_BYTES)], ids=len)
async def test_what_was_sealed_opens(backend, data):
    """Any length from nothing to the limit, with ciphers that answer at once or later."""
    made = ciphers(backend)
    text = await made.seal(data, purpose="session", path=("a", 0), type="bytes")
    assert text.startswith("trivet:1:")
    assert await made.open(text, purpose="session", path=("a", 0), type="bytes") == data


async def test_sealing_twice_gives_two_texts():
    """Equal values cannot be seen to be equal."""
    made = ciphers()
    assert len({await made.seal(b"same", purpose="config") for _ in range(50)}) == 50


async def test_a_configuration_value_is_text_at_its_path():
    """`seal_config` is `seal` for purpose ``config`` and type ``str``."""
    made = ciphers()
    text = await made.seal_config("pässword", path=("db", "password"))
    assert await made.open_config(text, path=("db", "password")) == "pässword"
    assert await made.open(text, purpose="config", path=("db", "password"), type="str") == "pässword".encode()


async def test_a_configuration_value_that_is_no_text_is_refused_without_its_bytes():
    """A decoding error would carry the plaintext."""
    made = ciphers()
    text = await made.seal(CANARY.encode() + b"\xff", purpose="config", type="str")
    with pytest.raises(SealError) as caught:
        await made.open_config(text, path=())
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "place",
    [
        {"purpose": "session"},
        {"path": ("db", "user")},
        {"path": ("db.password",)},
        {"path": ("db", "password", 0)},
        {"path": ()},
        {"type": "bytes"},
    ],
    ids=str,
)
async def test_a_value_does_not_open_at_another_place(place):
    """Purpose, every path component and the type are bound."""
    made = ciphers()
    home = {"purpose": "config", "path": ("db", "password"), "type": "str"}
    text = await made.seal(b"value", **home)
    await refusal(made, text, **{**home, **place})


async def test_a_value_does_not_open_in_another_service():
    """The kernel's name is bound, so a shared key does not make values portable."""
    ring = Ring(fresh_key())
    text = await ciphers(ring=ring, name="orders").seal(b"value", purpose="config")
    await refusal(ciphers(ring=ring, name="billing"), text)


async def test_every_failure_of_opening_has_one_text():
    """Wrong key, wrong place, damage, nonsense, unknown suite: nothing can be learned from the message."""
    key = fresh_key()
    made = ciphers(ring=Ring(key))
    text = await made.seal(CANARY.encode(), purpose="config")
    raw = raw_of(text)
    texts = {
        await refusal(ciphers(ring=Ring(fresh_key(key.id))), text),  # another key with this id
        await refusal(ciphers(ring=Ring(fresh_key(8))), text),  # no key with this id
        await refusal(ciphers(ring=Ring(Key(key.id, 0xE001, key.material))), text),  # the key of another suite
        await refusal(ciphers(ChaCha(), ring=Ring(key)), text),  # nobody has the suite
        await refusal(made, text, path=("moved",)),
        await refusal(made, text_of(raw + b"\0")),
        await refusal(made, text_of(raw[:-1])),
        await refusal(made, text_of(raw[:70])),
        await refusal(made, text + "="),
        await refusal(made, "no envelope at all"),
        await refusal(made, PREFIX + "A" * 10_000_000),
        await refusal(ciphers(Vault(), ring=Ring(fresh_key(key.id))), text),
    }
    assert len(texts) == 1
    assert CANARY not in texts.pop()


async def test_no_single_bit_can_be_changed():
    """Every bit of the envelope is either checked or makes it another key's."""
    made = ciphers()
    text = await made.seal(b"bits", purpose="config")
    raw = raw_of(text)
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        await refusal(made, text_of(flipped))
    assert await made.open(text, purpose="config") == b"bits"


async def test_no_cut_of_an_envelope_opens():
    """Truncated by any number of bytes."""
    made = ciphers()
    raw = raw_of(await made.seal(b"cut", purpose="config"))
    for length in range(len(raw)):
        await refusal(made, text_of(raw[:length]))


async def test_the_commitment_is_checked_before_the_cipher_is_called():
    """A ciphertext made to open under two keys never reaches the cipher: that is what the commitment is for."""
    calls = []

    class Spy(AesGcm):
        def open(self, key, nonce, aad, data):
            calls.append(key)
            return super().open(key, nonce, aad, data)

    made = ciphers(Spy())
    envelope = Envelope.decode(await made.seal(b"value", purpose="config"))
    forged = Envelope(envelope.suite, envelope.key_id, bytes(32), envelope.nonce, envelope.sealed)
    await refusal(made, forged.encode())
    assert calls == []


async def test_a_cipher_never_sees_less_than_its_tag():
    """Whoever holds the key can make a commitment to nothing; slicing a tag off nothing is not the plugin's worry."""
    calls = []

    class Spy(AesGcm):
        def open(self, key, nonce, aad, data):
            calls.append(data)
            return super().open(key, nonce, aad, data)

    key, nonce = fresh_key(), bytes(24)
    _, commitment = derive(key, header(2, key.id), nonce)
    made = ciphers(Spy(), ring=Ring(key))
    for length in (0, 1, 15, 16):
        await refusal(made, Envelope(2, key.id, commitment, nonce, bytes(length)).encode())
    assert calls == [bytes(16)]


async def test_no_two_messages_share_a_cipher_key():
    """The fixed inner nonce is sound only because of this."""
    seen = []

    class Spy(AesGcm):
        def seal(self, key, nonce, aad, data):
            seen.append((key, nonce))
            return super().seal(key, nonce, aad, data)

    made = ciphers(Spy())
    for _ in range(100):
        await made.seal(b"value", purpose="config")
    assert {nonce for _, nonce in seen} == {bytes(12)}
    assert len({key for key, _ in seen}) == 100


async def test_old_values_open_after_another_key_became_primary():
    """The envelope names its key; the primary only seals."""
    old, new = fresh_key(1), fresh_key(2)
    ring = Ring(old)
    made = ciphers(ring=ring)
    text = await made.seal(b"old", purpose="config")
    ring.keys.insert(0, new)
    assert await made.open(text, purpose="config") == b"old"
    assert Envelope.decode(await made.seal(b"new", purpose="config")).key_id == new.id


async def test_the_key_says_which_cipher_seals():
    """With two ciphers loaded, the primary key's suite is taken, and both kinds of values open."""
    ring = Ring(fresh_key(1, suite=0xE001), fresh_key(2, suite=2))
    made = ciphers(AesGcm(), ChaCha(), ring=ring)
    first = await made.seal(b"one", purpose="config")
    ring.keys.reverse()
    second = await made.seal(b"two", purpose="config")
    assert [Envelope.decode(text).suite for text in (first, second)] == [0xE001, 2]
    assert await made.open(first, purpose="config") == b"one"
    assert await made.open(second, purpose="config") == b"two"


async def test_a_replacement_of_the_same_suite_opens_what_was_sealed_before():
    """A plugin takes over ``cipher/aes_256_gcm``: values sealed by the built-in one stay readable."""
    ring = Ring(fresh_key())
    made = Ciphers("orders")
    made.use_ring(ring)
    remove = made.add_backend("aes_256_gcm", AesGcm())
    text = await made.seal(b"before", purpose="config")
    remove()
    made.add_backend("acme_aes", Vault())
    assert await made.open(text, purpose="config") == b"before"


def test_one_suite_number_for_two_ciphers_is_refused_with_both_names():
    """Which of the two would seal could otherwise depend on the order of loading."""
    made = Ciphers("orders")
    made.add_backend("aes_256_gcm", AesGcm())
    with pytest.raises(CompositionError, match=r"suite 2 is given by aes_256_gcm and acme.*replaces="):
        made.add_backend("acme", AesGcm())


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("suite", 0),
        ("suite", 65536),
        ("key_bytes", 8),
        ("key_bytes", 64),
        ("tag_bytes", 12),
        ("max_messages", 0),
        ("max_bytes", 65_535),
    ],
)
def test_a_cipher_whose_sizes_do_not_fit_is_refused_by_name(attribute, value):
    """A short tag or key, or a number that does not fit the envelope."""
    backend = AesGcm()
    setattr(backend, attribute, value)
    with pytest.raises(CompositionError, match=f"cipher acme: {attribute} must be .* is {value}"):
        Ciphers("orders").add_backend("acme", backend)


def test_a_second_key_ring_is_refused_with_both_names():
    """Two rings would make it a matter of luck which key seals."""
    made = Ciphers("orders")
    remove = made.use_ring(Ring())
    with pytest.raises(CompositionError, match="two key rings: Ring and Ring"):
        made.use_ring(Ring())
    remove()
    made.use_ring(Ring())


async def test_an_empty_registry_says_which_plugin_would_fill_it():
    """Without cipher or ring, the error names the built-in that brings it."""
    bare = Ciphers("orders")
    for call in (bare.seal(b"", purpose="config"), bare.open("trivet:1:x", purpose="config")):
        with pytest.raises(KeyRingError, match="service/key_file"):
            await call
    remove = bare.use_ring(Ring(fresh_key()))
    for call in (bare.seal(b"", purpose="config"), bare.open("trivet:1:x", purpose="config")):
        with pytest.raises(SealError, match="cipher/aes_256_gcm"):
            await call
    remove()
    with pytest.raises(KeyRingError):
        await bare.seal(b"", purpose="config")


async def test_a_key_without_its_cipher_is_named():
    """A key file from a time when another cipher was loaded: the error says which suite is missing and which are there."""
    made = ciphers(ring=Ring(fresh_key(0xABC, suite=0xE001)))
    with pytest.raises(SealError, match=r"key 0000000000000abc is for cipher suite 57345.*2 \(cipher_0\)"):
        await made.seal(b"", purpose="config")


async def test_a_value_over_the_limit_is_refused_at_sealing():
    """What could not be opened again is not sealed."""
    with pytest.raises(SealError, match="at most 65536 bytes, got 65537"):
        await ciphers().seal(bytes(MAX_DATA_BYTES + 1), purpose="config")


async def test_a_short_key_is_refused():
    """A ring that gives 16 bytes would weaken everything derived from them."""
    made = ciphers(ring=Ring(Key(1, 2, b"k" * 16)))
    with pytest.raises(KeyRingError, match="has 16 bytes, needs 32"):
        await made.seal(b"", purpose="config")


async def test_a_cipher_that_gives_the_wrong_length_is_caught():
    """One that forgets its tag, or does not encrypt at all, never gets into an envelope."""

    class Broken(AesGcm):
        def seal(self, key, nonce, aad, data):
            return data

    with pytest.raises(SealError, match="cipher_0 breaks its contract"):
        await ciphers(Broken()).seal(b"data", purpose="config")


async def test_a_remote_cipher_that_never_answers_is_given_up(monkeypatch):
    """Every wait has a limit; the error names the cipher."""

    class Hung(AesGcm):
        async def seal(self, key, nonce, aad, data):
            await anyio.sleep_forever()

        async def open(self, key, nonce, aad, data):
            await anyio.sleep_forever()

    monkeypatch.setattr(suite_module, "ANSWER_LIMIT", 0.02)
    ring = Ring(fresh_key())
    text = await ciphers(ring=ring).seal(b"", purpose="config")
    made = ciphers(Hung(), ring=ring)
    for call in (made.seal(b"", purpose="config"), made.open(text, purpose="config")):
        with pytest.raises(SealError, match=r"cipher_0 gave no answer within 0\.02 s"):
            await call


async def test_every_operation_is_an_event():
    """Seal and open, success and failure; with the key's id and the place, never the value."""
    events = []
    key = fresh_key(0xABC)
    made = ciphers(ring=Ring(key), events=events)
    text = await made.seal_config(CANARY, path=("db", "password"))
    await made.open_config(text, path=("db", "password"))
    await refusal(made, text, path=("elsewhere",))
    await refusal(made, "nonsense")
    made._ring.keys.clear()
    with pytest.raises(KeyRingError):
        await made.seal(CANARY.encode(), purpose="session")
    hex_id = f"{key.id:016x}"
    assert [(event.operation, event.target, event.key_id, event.outcome) for event in events] == [
        ("seal", "config db.password", hex_id, "ok"),
        ("open", "config db.password", hex_id, "ok"),
        ("open", "config elsewhere", hex_id, "failed"),
        ("open", "config", None, "failed"),
        ("seal", "session", None, "failed"),
    ]
    assert CANARY not in repr(events)


async def test_neither_value_nor_key_is_in_any_repr():
    """What a debugger or a log prints of the objects involved."""
    key = Key(1, 2, b"material-canary-material-canary-")
    made = ciphers(ring=Ring(key))
    text = await made.seal(CANARY.encode(), purpose="config")
    shown = f"{key!r} {made!r} {made._suites!r} {Envelope.decode(text)!r} {made._suites[2].backend!r}"
    assert CANARY not in shown
    assert "material-canary" not in shown


@given(
    data=st.binary(max_size=200),
    purpose=st.text(max_size=10),
    path=st.lists(st.text(max_size=5) | st.integers(0, 9), max_size=3).map(tuple),
    kind=st.sampled_from(["bytes", "str", "int", "bool"]),
)
def test_any_value_at_any_place_comes_back(data, purpose, path, kind):
    """Round trip."""

    async def round_trip():
        made = ciphers()
        text = await made.seal(data, purpose=purpose, path=path, type=kind)
        assert await made.open(text, purpose=purpose, path=path, type=kind) == data

    anyio.run(round_trip)


class Counting(Ring):
    """A ring that allows so many messages."""

    def __init__(self, *keys):
        super().__init__(*keys)
        self.counted = []

    def count(self, key, limit):
        if len(self.counted) == 2:
            raise KeyRingError(f"key {key.id:016x} has sealed enough")
        self.counted.append((key.id, limit))


async def test_a_ring_that_counts_is_asked_before_every_message():
    """It hears what the cipher allows, and its refusal is the caller's error; opening is not counted."""
    ciphers, ring = Ciphers("orders"), Counting(fresh_key(7))
    ciphers.add_backend("aes", AesGcm())
    ciphers.use_ring(ring)
    for _ in range(2):
        text = await ciphers.seal(b"x", purpose="p")
        assert await ciphers.open(text, purpose="p") == b"x"
    with pytest.raises(KeyRingError, match="sealed enough"):
        await ciphers.seal(b"x", purpose="p")
    assert ring.counted == [(7, 2**32)] * 2
    assert ciphers.max_messages(2) == 2**32
    assert ciphers.max_messages(3) is None


async def test_a_ring_that_was_taken_out_counts_no_more():
    """The next ring need not count."""
    ciphers, ring = Ciphers("orders"), Counting(fresh_key())
    ciphers.add_backend("aes", AesGcm())
    ciphers.use_ring(ring)()
    ciphers.use_ring(Ring(fresh_key()))
    await ciphers.seal(b"x", purpose="p")
    assert ring.counted == []


places = st.fixed_dictionaries(
    {
        "purpose": st.text(max_size=4),
        "path": st.lists(st.text(max_size=3) | st.integers(0, 9), max_size=3).map(tuple),
        "type": st.sampled_from(["bytes", "str", "int", "bool"]),
    }
)
BACKENDS = [XaesGcm, AesGcm, XChaCha, AesGcmSiv]


@pytest.mark.parametrize("backend", BACKENDS)
@settings(deadline=None, max_examples=40)
@given(home=places, other=places, names=st.tuples(*[st.sampled_from(["orders", "billing", "orders2"])] * 2))
def test_a_value_opens_at_its_own_place_only(backend, home, other, names):
    """Under every suite: any difference in purpose, service, path or type is refused, equal ones open."""
    ring = Ring(fresh_key(suite=backend.suite))

    async def move():
        text = await ciphers(backend(), ring=ring, name=names[0]).seal(b"value", **home)
        made = ciphers(backend(), ring=ring, name=names[1])
        if home == other and names[0] == names[1]:
            assert await made.open(text, **other) == b"value"
        else:
            await refusal(made, text, **other)

    anyio.run(move)


@pytest.mark.parametrize("backend", BACKENDS)
@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=40), more=st.data())
def test_no_other_bytes_open(backend, data, more):
    """Under every suite: one to three bits flipped, bytes appended, put in or cut out."""
    ring = Ring(fresh_key(suite=backend.suite))

    async def spoil():
        made = ciphers(backend(), ring=ring)
        raw = raw_of(await made.seal(data, purpose="config"))
        bits = more.draw(st.sets(st.integers(0, len(raw) * 8 - 1), min_size=1, max_size=3))
        flipped = bytearray(raw)
        for bit in bits:
            flipped[bit // 8] ^= 1 << bit % 8
        at = more.draw(st.integers(0, len(raw)))
        extra = more.draw(st.binary(min_size=1, max_size=20))
        for spoiled in (
            bytes(flipped),
            raw[:at] + extra + raw[at:],
            raw[:at] + raw[at + 1 :] if at < len(raw) else raw[:-1],
        ):
            await refusal(made, text_of(spoiled))

    anyio.run(spoil)
