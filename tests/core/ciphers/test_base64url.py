"""Base64url in its one form."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.ciphers import base64url

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.binary(max_size=200))
def test_it_is_what_the_standard_library_gives_without_padding(raw):
    """RFC 4648, section 5; and it reads back."""
    text = base64url.encode(raw)
    assert text == base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert base64url.decode(text) == raw


@given(st.text(st.sampled_from(ALPHABET + "=+/ \n.é"), max_size=12) | st.text(max_size=8))
def test_a_text_that_decodes_is_the_one_that_encoding_gives(text):
    """Any other is refused: never two texts of the same bytes."""
    try:
        raw = base64url.decode(text)
    except ValueError:
        return
    assert base64url.encode(raw) == text


@pytest.mark.parametrize("raw", [b"\xff", b"\xff\xff", b"\xfb\xef\xbe"])
def test_of_all_last_characters_one_decodes_to_the_same_bytes(raw):
    """The unused bits at the end must be zeros."""
    text = base64url.encode(raw)
    twins = []
    for last in ALPHABET:
        try:
            twins.append(base64url.decode(text[:-1] + last) == raw)
        except ValueError:
            continue
    assert twins.count(True) == 1


@pytest.mark.parametrize(
    "text", ["A", "AAAAA", "QQ==", "QQ=", "=", "A=A=", "+_8A", "Zm 9", "Zm9v\n", "\0AAA", "é" * 4, "\ud800"]
)
def test_what_is_no_base64url_is_refused(text):
    """Padding, the other alphabet, white space, a length that no bytes have."""
    with pytest.raises(ValueError, match="not base64url"):
        base64url.decode(text)
