"""A tree that grows leaf by leaf is the tree of RFC 6962 at every size."""

from __future__ import annotations

import pytest

from trivet_plugins.security import merkle
from trivet_plugins.security.audit.tree import MerkleTree


@pytest.mark.parametrize("size", range(70))
def test_a_tree_that_grew_has_the_root_of_the_whole(size):
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(size)]
    tree = MerkleTree()
    for leaf in leaves:
        tree.append(leaf)
    assert tree.root() == merkle.root(leaves)
    assert MerkleTree(tree.size, tree.peaks).root() == tree.root()


def test_peaks_that_do_not_fit_the_size_are_refused():
    for size, peaks in ((1, ()), (2, (bytes(32), bytes(32))), (1, (bytes(31),))):
        with pytest.raises(ValueError, match="peaks"):
            MerkleTree(size, peaks)
