"""The hash tree of RFC 6962 (SHA-256): its root, and proofs that a leaf is in it or that one tree is the beginning of another.

A leaf is ``H(0x00 || data)``, a node ``H(0x01 || left || right)``, so that no node passes for a leaf. The left part of n leaves
has the largest power of two below n. Proofs and their checks are those of RFC 9162, sections 2.1.3 and 2.1.4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()
"""The root of a tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of a tree.

    Args:
        leaves: The hashes of its leaves, in order.
    """
    level = list(leaves)
    while len(level) > 1:  # an odd one at the end goes up as it is, which gives the tree of the RFC
        pairs = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0] if level else EMPTY_ROOT


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes that lead from a leaf to the root, lowest first.

    Args:
        leaves: The hashes of all leaves.
        index: Which one, from 0.

    Raises:
        IndexError: if there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"the tree has {len(leaves)} leaves, none is number {index}")
    proof: list[bytes] = []
    while len(leaves) > 1:
        split = _split(len(leaves))
        left, right = leaves[:split], leaves[split:]
        proof.append(root(right if index < split else left))
        leaves, index = (left, index) if index < split else (right, index - split)
    return proof[::-1]


def consistency_proof(leaves: Sequence[bytes], size: int) -> list[bytes]:
    """Return the hashes that show that the first ``size`` leaves are the beginning of all.

    Args:
        leaves: The hashes of all leaves.
        size: Those of the older tree, 1 or more.

    Raises:
        IndexError: if there are not that many.
    """
    if not 0 < size <= len(leaves):
        raise IndexError(f"the tree has {len(leaves)} leaves, {size} are no beginning of them")
    proof: list[bytes] = []
    whole = True  # whether the older tree's root is known to whoever checks
    while size < len(leaves):
        split = _split(len(leaves))
        left, right = leaves[:split], leaves[split:]
        if size <= split:
            proof.append(root(right))
            leaves = left
        else:
            proof.append(root(left))
            leaves, size, whole = right, size - split, False
    return ([] if whole else [root(leaves)]) + proof[::-1]


def includes(leaf: bytes, index: int, *, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Check that a leaf is in a tree.

    Args:
        leaf: Its hash.
        index: Its number, from 0.
        size: How many leaves the tree has.
        root: The tree's root.
        proof: What `inclusion_proof` gave.
    """
    if not 0 <= index < size:
        return False
    above, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if above & 1 or above == last:
            found = node_hash(sibling, found)
            above, last = _past_lone(above, last)
        else:
            found = node_hash(found, sibling)
        above, last = above >> 1, last >> 1
    return last == 0 and found == root


def extends(old: bytes, new: bytes, *, old_size: int, new_size: int, proof: Sequence[bytes]) -> bool:
    """Check that a tree is the beginning of another.

    Args:
        old: The root of the older tree.
        new: The root of the newer one.
        old_size: How many leaves the older has, 1 or more.
        new_size: How many the newer has.
        proof: What `consistency_proof` gave.
    """
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old == new
    # The older tree's root is left out of the proof where that is a whole tree by itself.
    path = [old, *proof] if old_size & (old_size - 1) == 0 else [*proof]
    return bool(path) and _climb(old_size - 1, new_size - 1, path) == (old, new)


def _climb(above: int, last: int, path: list[bytes]) -> tuple[bytes, bytes] | None:
    """Return the roots of the older and the newer tree that a path leads to."""
    while above & 1:
        above, last = above >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if above & 1 or above == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            above, last = _past_lone(above, last)
        else:
            new = node_hash(new, sibling)
        above, last = above >> 1, last >> 1
    return (old, new) if last == 0 else None


def _past_lone(above: int, last: int) -> tuple[int, int]:
    while above & 1 == 0 and above != 0:
        above, last = above >> 1, last >> 1
    return above, last


def _split(count: int) -> int:
    """Return the largest power of two below a count."""
    return 1 << (count - 1).bit_length() - 1
