"""The hash tree, against published vectors and against itself."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet_plugins.security import merkle


def decoded(text):
    return base64.b64decode(text) if text else b""


def cases(test_data, name):
    return json.loads((test_data / "merkle" / name).read_text())


def test_published_inclusion_proofs(test_data):
    """transparency-dev/merkle: every good proof holds, every spoilt one is refused."""
    found = cases(test_data, "inclusion.json")
    assert len(found) == 49
    wrong = [
        case["id"]
        for case in found
        if merkle.includes(
            decoded(case["leafHash"]),
            case["leafIdx"],
            size=case["treeSize"],
            root=decoded(case["root"]),
            proof=[decoded(one) for one in case["proof"] or ()],
        )
        == case["wantErr"]
    ]
    assert wrong == []


def test_published_consistency_proofs(test_data):
    """As above."""
    found = cases(test_data, "consistency.json")
    assert len(found) == 43
    wrong = [
        case["id"]
        for case in found
        if merkle.extends(
            decoded(case["root1"]),
            decoded(case["root2"]),
            old_size=case["size1"],
            new_size=case["size2"],
            proof=[decoded(one) for one in case["proof"] or ()],
        )
        == case["wantErr"]
    ]
    assert wrong == []


def defined(leaves):
    """The root as RFC 6962, section 2.1 defines it."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + defined(leaves[:split]) + defined(leaves[split:])).digest()


@pytest.mark.parametrize("count", [*range(20), 63, 64, 65])
def test_the_root_is_that_of_the_definition(count):
    """Of any number of leaves."""
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(count)]
    assert merkle.root(leaves) == defined(leaves)


def test_a_leaf_is_no_node():
    """Different prefixes: no node's content passes for a leaf."""
    left, right = merkle.leaf_hash(b"l"), merkle.leaf_hash(b"r")
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)


@given(st.integers(1, 40), st.data())
def test_proofs_hold_and_no_altered_one_does(count, data):
    """Any leaf of any tree; any beginning of any tree; and not with one bit flipped, a hash more or a hash less."""
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(count)]
    root = merkle.root(leaves)
    index = data.draw(st.integers(0, count - 1))
    proof = merkle.inclusion_proof(leaves, index)
    old = merkle.root(leaves[: index + 1])
    older = merkle.consistency_proof(leaves, index + 1)

    def holds(inclusion, consistency):
        return (
            merkle.includes(leaves[index], index, size=count, root=root, proof=inclusion),
            merkle.extends(old, root, old_size=index + 1, new_size=count, proof=consistency),
        )

    assert holds(proof, older) == (True, True)
    assert holds([*proof, root], [*older, root]) == (False, False)
    for spoilt, good in ((proof, older), (older, proof)):
        if spoilt:
            at = data.draw(st.integers(0, len(spoilt) - 1))
            flipped = bytes([spoilt[at][0] ^ 1]) + spoilt[at][1:]
            changed = [*spoilt[:at], flipped, *spoilt[at + 1 :]]
            assert not (holds(changed, older)[0] if good is older else holds(proof, changed)[1])
            assert not (holds(proof[:-1], older)[0] if good is older else holds(proof, older[:-1])[1])


def test_there_is_no_proof_of_what_is_not_there():
    """Neither for a leaf outside of the tree nor for a longer beginning."""
    leaves = [merkle.leaf_hash(b"x")]
    for make, number in ((merkle.inclusion_proof, 1), (merkle.consistency_proof, 2), (merkle.consistency_proof, 0)):
        with pytest.raises(IndexError):
            make(leaves, number)
