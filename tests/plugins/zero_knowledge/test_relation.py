"""A relation exists only where the draft's instance validation lets it, and within the limits."""

from __future__ import annotations

import attrs
import pytest

from trivet_plugins.zero_knowledge.codec import encode_length
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.named_relations import bbs_blind_commitment, dleq, pedersen_dleq
from trivet_plugins.zero_knowledge.point import GENERATOR, IDENTITY, multiply
from trivet_plugins.zero_knowledge.relation import (
    MAX_BYTES,
    MAX_EQUATIONS,
    MAX_TERMS,
    Equation,
    ImageTerm,
    LinearRelation,
    Term,
)
from trivet_plugins.zero_knowledge.scalar import ORDER

G, P, Q, R = (multiply(number, GENERATOR) for number in (1, 5, 6, 30))
VALID = dleq(P, Q, R)


def single(image, terms, *elements):
    return LinearRelation((G, *elements), (Equation(tuple(image), tuple(terms)),))


INVALID = {
    "no equation": lambda: LinearRelation((G,), ()),
    "no image": lambda: single([], [Term(0, 0)]),
    "no terms": lambda: single([ImageTerm(1)], [], P),
    "element that is not there": lambda: single([ImageTerm(2)], [Term(0, 0)], P),
    "element of a term that is not there": lambda: single([ImageTerm(1)], [Term(0, 2)], P),
    "element that nothing uses": lambda: single([ImageTerm(1)], [Term(0, 0)], P, Q),
    "scalar left out": lambda: single([ImageTerm(1)], [Term(1, 0)], P),
    "scalar far away": lambda: single([ImageTerm(1)], [Term(0, 0), Term(2**32 - 1, 0)], P),
    "first element is not the generator": lambda: LinearRelation((P, Q), (Equation((ImageTerm(1),), (Term(0, 0),)),)),
    "no elements": lambda: LinearRelation((), (Equation((ImageTerm(0),), (Term(0, 0),)),)),
    "identity as element": lambda: single([ImageTerm(1)], [Term(0, 0)], IDENTITY),
    "image that cancels": lambda: single([ImageTerm(1), ImageTerm(1, ORDER - 1)], [Term(0, 0)], P),
    "image of zeros": lambda: single([ImageTerm(1, 0)], [Term(0, 0)], P),
    "scalar whose terms cancel": lambda: single([ImageTerm(1)], [Term(0, 0), Term(1, 1), Term(1, 1, ORDER - 1)], P),
    "scalar without weight": lambda: single([ImageTerm(1)], [Term(0, 0), Term(1, 0, 0)], P),
    "coefficient at the order": lambda: single([ImageTerm(1, ORDER)], [Term(0, 0)], P),
    "negative coefficient": lambda: single([ImageTerm(1)], [Term(0, 0, -1)], P),
    "too many equations": lambda: LinearRelation((G, P), VALID.equations[:1] * (MAX_EQUATIONS + 1)),
    "too many terms": lambda: single([ImageTerm(1)], [Term(0, 0)] * MAX_TERMS, P),
}


@pytest.mark.parametrize("build", INVALID.values(), ids=INVALID)
def test_what_is_not_valid_is_not_built(build):
    with pytest.raises(ProofError):
        build()


@pytest.mark.parametrize(
    "relation",
    [
        single([ImageTerm(1)], [Term(0, 0)], P),
        single([ImageTerm(1), ImageTerm(0, ORDER - 1)], [Term(0, 0)], P),
        single([ImageTerm(1)], [Term(0, 0), Term(1, 1)], P),
        single([ImageTerm(0)], [Term(0, 0)]),
        VALID,
        pedersen_dleq((G, P, Q, R), (P, Q)),
        bbs_blind_commitment((P, Q), R),
    ],
)
def test_what_is_valid_is_and_reads_back(relation):
    assert LinearRelation.decode(relation.encode()) == relation


def test_the_right_number_of_points_is_asked_for():
    with pytest.raises(ProofError):
        pedersen_dleq((P, Q), (R, R))


DATA = VALID.encode()
BYTES = {
    "nothing": b"",
    "no equations": encode_length(0),
    "one byte less": DATA[:-1],
    "one element less": DATA[:-33],
    "one byte more": DATA + b"\0",
    "one element more": DATA + P.encode(),
    "a count of 2^32 - 1": b"\xff\xff\xff\xff" + DATA[4:],
    "an image count of 2^32 - 1": DATA[:4] + b"\xff\xff\xff\xff" + DATA[8:],
    "one equation less in the count": encode_length(1) + DATA[4:],
    "an element far away": DATA[:8] + b"\xff\xff\xff\xff" + DATA[12:],
    "a coefficient at the order": DATA[:12] + ORDER.to_bytes(32, "big") + DATA[44:],
    "big-endian counts": DATA[:4][::-1] + DATA[4:],
    "zeros beyond the limit": bytes(MAX_BYTES + 1),
}


@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES)
def test_bytes_that_are_no_relation_are_refused(data):
    with pytest.raises(ProofError):
        LinearRelation.decode(data)


def test_a_relation_beyond_the_limits_is_refused_before_any_arithmetic(monkeypatch):
    monkeypatch.setattr("trivet_plugins.zero_knowledge.codec.decode_point", lambda data: pytest.fail("arithmetic"))
    terms = b"".join(Term(0, number).encode() for number in range(1, MAX_TERMS + 1))
    many = encode_length(1) + encode_length(1) + ImageTerm(0).encode() + encode_length(MAX_TERMS) + terms
    with pytest.raises(ProofError, match="terms"):
        LinearRelation.decode(many + P.encode() * MAX_TERMS)


def test_a_relation_cannot_be_changed_once_it_is_checked():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        VALID.elements = (G, IDENTITY)
