"""The bytes of a sealed value."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.ciphers.contracts import Key
from trivet.ciphers.envelope import MAX_DATA_BYTES, PREFIX, Envelope, EnvelopeError, derive, header

envelopes = st.builds(
    Envelope,
    st.integers(0, 0xFFFF),
    st.integers(0, 2**64 - 1),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=24, max_size=24),
    st.binary(max_size=80),
)
SMALL = Envelope(2, 0x0123456789ABCDEF, b"c" * 32, b"n" * 24, b"sealed and tagged")


def text_of(raw):
    return PREFIX + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_of(text):
    body = text.removeprefix(PREFIX)
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


def test_the_layout_is_the_documented_one():
    """Every offset of the table in the docstring holds."""
    raw = raw_of(SMALL.encode())
    assert raw[:14] == bytes.fromhex("5456 01 0002 0123456789abcdef 00")
    assert (raw[14:46], raw[46:70], raw[70:]) == (b"c" * 32, b"n" * 24, b"sealed and tagged")


def test_the_message_key_and_the_commitment_are_halves_of_one_hmac():
    """``HMAC-SHA512(data key, label || header || nonce)``, by the standard library's own HMAC."""
    digest = hmac.new(b"k" * 32, b"trivet/env/v1" + header(2, 7) + b"n" * 24, hashlib.sha512).digest()
    assert derive(Key(7, 2, b"k" * 32), header(2, 7), b"n" * 24) == (digest[:32], digest[32:])


@given(envelopes)
def test_decoding_gives_back_what_was_encoded(envelope):
    """Nothing is lost in the text form."""
    assert Envelope.decode(envelope.encode()) == envelope


@given(envelopes, st.data())
def test_a_text_that_decodes_is_the_only_text_of_its_envelope(envelope, data):
    """Change one character: it is refused, or it is the text of another envelope; never a second text of the same."""
    text = envelope.encode()
    at = data.draw(st.integers(0, len(text) - 1))
    other = text[:at] + data.draw(st.characters()) + text[at + 1 :]
    with contextlib.suppress(EnvelopeError):
        assert Envelope.decode(other).encode() == other


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text + "=",
        lambda text: text + "==",
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text[:20] + " " + text[20:],
        lambda text: text[:20] + "." + text[20:],
        lambda text: text.replace("trivet:1:", "trivet:2:"),
        lambda text: text.replace("trivet:1:", "TRIVET:1:"),
        lambda text: text.replace("trivet:1:", ""),
        lambda text: text + "é",
        lambda text: text + "\ud800",
        lambda text: PREFIX,
        lambda text: "",
        lambda text: text[:60],
    ],
    ids=range(14),
)
def test_other_spellings_are_refused(spoil):
    """Padding, white space, foreign characters, another prefix, a cut: none of them decodes to the envelope."""
    with pytest.raises(EnvelopeError):
        Envelope.decode(spoil(SMALL.encode()))


def test_stray_bits_in_the_last_character_are_refused():
    """Base64 has unused bits at the end; only zeros there are canonical."""
    text = Envelope(2, 7, b"c" * 32, b"n" * 24, b"1234").encode()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = text[:-1] + alphabet[alphabet.index(text[-1]) + 1]
    assert raw_of(twin) == raw_of(text)
    with pytest.raises(EnvelopeError):
        Envelope.decode(twin)


def test_the_other_alphabet_is_refused():
    """``+`` and ``/`` stand for the same bits in plain base64."""
    text = Envelope(2, 7, b"\xff" * 32, b"\xfb" * 24, b"\xfb\xff\xbf" * 4).encode()
    assert "-" in text
    assert "_" in text
    for url, plain in ("-+", "_/"):
        with pytest.raises(EnvelopeError):
            Envelope.decode(text.replace(url, plain))


@pytest.mark.parametrize(("offset", "value"), [(0, 0), (1, 0), (2, 0), (2, 2), *((13, 1 << bit) for bit in range(8))])
def test_unknown_magic_version_and_flags_are_refused(offset, value):
    """A later version's envelope is not read as one of this version."""
    raw = bytearray(raw_of(SMALL.encode()))
    raw[offset] = value
    with pytest.raises(EnvelopeError):
        Envelope.decode(text_of(raw))


def test_the_length_is_limited_before_anything_is_decoded():
    """A huge text costs nothing: it is refused by its length."""
    largest = Envelope(2, 7, b"c" * 32, b"n" * 24, bytes(MAX_DATA_BYTES + 64))
    assert Envelope.decode(largest.encode()) == largest
    with pytest.raises(EnvelopeError):
        Envelope.decode(Envelope(2, 7, b"c" * 32, b"n" * 24, bytes(MAX_DATA_BYTES + 65)).encode())
    with pytest.raises(EnvelopeError):
        Envelope.decode(PREFIX + "A" * 50_000_000)


def test_the_repr_shows_who_sealed_and_not_what():
    """Suite and key id are for logs; the rest is not."""
    shown = repr(SMALL)
    assert "suite=2" in shown
    assert "nnn" not in shown
    assert "sealed" not in shown.lower().replace("envelope", "")
