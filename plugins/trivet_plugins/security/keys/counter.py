"""`MessageCount`: how many messages a process may still seal under a key before it must ask the key file again.

A process takes messages from the file in blocks, and counts them in memory. One that crashes leaves messages unused that the
file counts as sealed: the file never counts too few. The first block is small, so that a command that seals one value costs
little of a key's life; each further one is eight times as large, up to 2^20.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from trivet_plugins.security.keys import lifecycle

if TYPE_CHECKING:
    from trivet_plugins.security.keys.document import KeyDocument

BLOCK: Final = 2**20
_FIRST: Final = 2**10
_GROWTH: Final = 8


class MessageCount:
    """Messages left, by key id."""

    def __init__(self) -> None:
        self._left: dict[int, int] = {}
        self._block: defaultdict[int, int] = defaultdict(lambda: _FIRST)
        self._uncounted: defaultdict[int, int] = defaultdict(int)

    def take(self, key_id: int) -> bool:
        """Take one message; False where none is left."""
        left = self._left.get(key_id, 0)
        if left < 1:
            return False
        self._left[key_id] = left - 1
        return True

    def wanted(self, key_id: int, left: int) -> int:
        """Return how many to ask for.

        Args:
            key_id: The key.
            left: How many its cipher still allows.
        """
        return min(self._block[key_id], left)

    def give(self, key_id: int, block: int) -> None:
        """Add a block that the file now counts."""
        if not block:
            return
        self._left[key_id] = self._left.get(key_id, 0) + block
        self._block[key_id] = min(BLOCK, self._block[key_id] * _GROWTH)

    def give_uncounted(self, key_id: int, block: int) -> None:
        """Add a block that cannot be counted in the file; only this process knows of it."""
        self._uncounted[key_id] += block
        self.give(key_id, block)

    def is_low(self, key_id: int) -> bool:
        """Tell whether a key that this process seals with has less than half of its last block left."""
        return key_id in self._left and self._left[key_id] < self._block[key_id] // _GROWTH // 2

    def uncounted(self, key_id: int) -> int:
        """Return how many messages of a key only this process knows of."""
        return self._uncounted[key_id]


class Reservation:
    """A step that takes a block of messages of a key from a ring.

    Args:
        count: Whose block it will be.
        key_id: The key.
        limit: The most messages that its cipher allows.
    """

    def __init__(self, count: MessageCount, key_id: int, limit: int) -> None:
        self.granted = 0
        """How many were taken; 0 where the key is used up."""
        self._count = count
        self._key_id = key_id
        self._limit = limit

    def __call__(self, document: KeyDocument) -> KeyDocument:
        """Return the ring with the block counted."""
        known = document.find(self._key_id)
        sealed = known.messages if known is not None else self._limit
        left = self._limit - sealed - self._count.uncounted(self._key_id)
        self.granted = max(0, self._count.wanted(self._key_id, left))
        return lifecycle.reserved(document, self._key_id, self.granted) if self.granted else document
