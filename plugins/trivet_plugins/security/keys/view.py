"""`RingView`: the keys of a file as they are now: which seals, which open, and until when that holds."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import attrs

from trivet import KeyState
from trivet_plugins.security.keys import lifecycle

if TYPE_CHECKING:
    from trivet import Key
    from trivet_plugins.security.keys.document import KeyDocument
    from trivet_plugins.security.keys.ring_file import Loaded

NEVER: Final = float("inf")


@attrs.frozen(eq=False)
class RingView:
    """A file's keys until the next pending key's time comes.

    Args:
        loaded: The file.
        document: Its keys now.
        primary: The key that seals.
        by_id: All that open.
        until: Seconds since the epoch.
    """

    loaded: Loaded
    document: KeyDocument
    primary: Key
    by_id: dict[int, Key]
    until: float

    @classmethod
    def of(cls, loaded: Loaded, now: dt.datetime) -> RingView:
        """Look at a file at a time."""
        document = lifecycle.at(loaded.document, now)
        turns = [one.activates.timestamp() for one in document.keys if one.state is KeyState.PENDING]
        by_id = {one.id: one.key for one in document.keys if one.state.opens}
        return cls(loaded, document, document.primary().key, by_id, min(turns, default=NEVER))

    def has_the_keys_of(self, loaded: Loaded) -> bool:
        """Tell whether a file differs in what was counted only."""
        return _keys(self.loaded.document) == _keys(loaded.document)


def _keys(document: KeyDocument) -> list[object]:
    header = None if document.wrap is None else document.wrap.header
    return [header, *((one.id, one.state, one.activates) for one in document.keys)]
