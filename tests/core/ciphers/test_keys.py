"""What there is to know of keys."""

from __future__ import annotations

import pytest

from trivet import KeyState, Passphrase


def test_the_states_stand_in_the_order_of_a_life():
    """And say which of them open."""
    assert [str(state) for state in KeyState] == ["pending", "primary", "decrypt-only", "disabled", "destroyed"]
    assert [state for state in KeyState if state.opens] == list(KeyState)[:3]


@pytest.mark.parametrize("show", [repr, str, "{}".format])
def test_a_passphrase_shows_itself_only_when_asked(show):
    """Not in a log line, not in a traceback with local variables."""
    passphrase = Passphrase("correct horse")
    assert show(passphrase) == "Passphrase(***)"
    assert passphrase.reveal() == "correct horse"
