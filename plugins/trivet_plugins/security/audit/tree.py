"""`MerkleTree`: the hash tree over all lines of the log (RFC 6962), as it grows: only its peaks are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet_plugins.security.merkle import EMPTY_ROOT, HASH_BYTES, node_hash

if TYPE_CHECKING:
    from collections.abc import Iterable


class MerkleTree:
    """A tree that grows.

    Args:
        size: How many leaves it has.
        peaks: The roots of its complete subtrees, the largest first: one per bit that is set in ``size``.

    Raises:
        ValueError: if the number of peaks does not fit.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self._peaks = [*peaks]
        if len(self._peaks) != size.bit_count() or any(len(peak) != HASH_BYTES for peak in self._peaks):
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks of {HASH_BYTES} bytes")

    def append(self, leaf: bytes) -> None:
        """Add the hash of a leaf."""
        node, rest = leaf, self.size
        while rest & 1:
            node = node_hash(self._peaks.pop(), node)
            rest >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the hash of the whole tree."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in self._peaks[-2::-1]:
            root = node_hash(peak, root)
        return root

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """What it takes to go on with it."""
        return tuple(self._peaks)

    def copy(self) -> MerkleTree:
        """Return another one that grows by itself."""
        return MerkleTree(self.size, self._peaks)
