"""`LinearRelation`: equations between points that hold for a witness of scalars, with the draft's encoding and its checks.

Source: the IRTF draft "Sigma Proofs for Linear Relations", state of August 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

import attrs

from trivet_plugins.zero_knowledge.codec import Reader, encode_length
from trivet_plugins.zero_knowledge.errors import ProofError
from trivet_plugins.zero_knowledge.point import GENERATOR, POINT_BYTES, Multiplier, Point, multiply, total
from trivet_plugins.zero_knowledge.scalar import ORDER, check_scalar, encode_scalar

__all__ = ("MAX_BYTES", "MAX_EQUATIONS", "MAX_TERMS", "Equation", "ImageTerm", "LinearRelation", "Term")

MAX_EQUATIONS: Final = 512
MAX_TERMS: Final = 2048
"""Of all equations and of their images together; the elements and scalars that they name are no more."""
MAX_BYTES: Final = 4 + MAX_EQUATIONS * 8 + MAX_TERMS * (40 + POINT_BYTES)


@attrs.frozen
class ImageTerm:
    """``coefficient * elements[element]``."""

    element: int
    coefficient: int = 1

    def encode(self) -> bytes:
        """Return 36 bytes."""
        return encode_length(self.element) + encode_scalar(self.coefficient)


@attrs.frozen
class Term:
    """``coefficient * witness[scalar] * elements[element]``."""

    scalar: int
    element: int
    coefficient: int = 1

    def encode(self) -> bytes:
        """Return 40 bytes."""
        return encode_length(self.scalar) + encode_length(self.element) + encode_scalar(self.coefficient)


@attrs.frozen
class Equation:
    """The sum of the image terms equals the sum of the terms."""

    image: tuple[ImageTerm, ...]
    terms: tuple[Term, ...]

    def encode(self) -> bytes:
        """Return both lists behind their counts."""
        image = b"".join(term.encode() for term in self.image)
        terms = b"".join(term.encode() for term in self.terms)
        return encode_length(len(self.image)) + image + encode_length(len(self.terms)) + terms


@attrs.frozen
class LinearRelation:
    """A statement; one that exists has passed the draft's instance validation.

    Args:
        elements: Points; the first is the generator, and each other one is in some equation.
        equations: At least one.

    Raises:
        ProofError: It has too many parts, is not complete, names what is not there, or leaves a scalar unconstrained.
    """

    elements: tuple[Point, ...]
    equations: tuple[Equation, ...]

    def __attrs_post_init__(self) -> None:
        _check_counts(self.equations)
        _check_names(self.elements, self.equations)
        if any(element.is_identity for element in self.elements):
            raise ProofError("a relation's element is the identity")
        if any(image.is_identity for image in self.images):
            raise ProofError("a relation's image is the identity")
        constrained = {scalar for scalar, entry in self._entries() if not entry.is_identity}
        if len(constrained) != self.scalars:
            raise ProofError("a relation leaves a scalar unconstrained: its terms cancel")

    def _entries(self) -> Iterator[tuple[int, Point]]:
        """Yield the entries of the matrix M: per equation and scalar, the sum of its terms."""
        for equation in self.equations:
            columns: dict[int, list[Point]] = {}
            for term in equation.terms:
                product = multiply(term.coefficient, self.elements[term.element])
                columns.setdefault(term.scalar, []).append(product)
            yield from ((scalar, total(points)) for scalar, points in columns.items())

    @cached_property
    def scalars(self) -> int:
        """How many scalars a witness has."""
        return 1 + max(term.scalar for equation in self.equations for term in equation.terms)

    @cached_property
    def images(self) -> tuple[Point, ...]:
        """The left-hand side of each equation."""
        return tuple(
            total(multiply(term.coefficient, self.elements[term.element]) for term in equation.image)
            for equation in self.equations
        )

    @cached_property
    def encoded(self) -> bytes:
        """The serialized relation: what the challenge depends on, every element and coefficient in it."""
        equations = b"".join(equation.encode() for equation in self.equations)
        elements = b"".join(element.encode() for element in self.elements[1:])
        return encode_length(len(self.equations)) + equations + elements

    def encode(self) -> bytes:
        """Return the serialized relation."""
        return self.encoded

    def map(self, scalars: Sequence[int]) -> tuple[Point, ...]:
        """Return the right-hand side of each equation for these scalars.

        Raises:
            ProofError: Their number is another.
        """
        if len(scalars) != self.scalars:
            raise ProofError(f"a witness of this relation has {self.scalars} scalars, not {len(scalars)}")
        weights = {(term.scalar, term.coefficient) for equation in self.equations for term in equation.terms}
        factors = {
            (scalar, coefficient): Multiplier(coefficient * check_scalar(scalars[scalar]) % ORDER)
            for scalar, coefficient in weights
        }
        return tuple(
            total(factors[term.scalar, term.coefficient].times(self.elements[term.element]) for term in equation.terms)
            for equation in self.equations
        )

    def holds(self, witness: Sequence[int]) -> bool:
        """Tell whether a witness satisfies every equation."""
        return self.map(witness) == self.images

    @classmethod
    def decode(cls, data: bytes) -> LinearRelation:
        """Read a serialized relation.

        Raises:
            ProofError: It is too large, not canonical, or not valid.
        """
        if len(data) > MAX_BYTES:
            raise ProofError(f"a relation has {len(data)} bytes; at most {MAX_BYTES} are taken")
        reader = Reader(data)
        equations = tuple(_read_equation(reader) for _ in range(reader.count(MAX_EQUATIONS)))
        _check_counts(equations)
        highest = max(_element_names(equations))
        if highest * POINT_BYTES != reader.remaining:
            raise ProofError("a relation has another number of elements than its equations name")
        elements = (GENERATOR, *reader.points(highest))
        return cls(elements, equations)


def _read_equation(reader: Reader) -> Equation:
    image = tuple(ImageTerm(reader.length(), reader.scalar()) for _ in range(reader.count(MAX_TERMS)))
    terms = (Term(reader.length(), reader.length(), reader.scalar()) for _ in range(reader.count(MAX_TERMS)))
    return Equation(image, tuple(terms))


def _all_terms(equations: Sequence[Equation]) -> Iterator[ImageTerm | Term]:
    for equation in equations:
        yield from equation.image
        yield from equation.terms


def _element_names(equations: Sequence[Equation]) -> set[int]:
    return {term.element for term in _all_terms(equations)}


def _check_counts(equations: Sequence[Equation]) -> None:
    if not 1 <= len(equations) <= MAX_EQUATIONS:
        raise ProofError(f"a relation has 1 to {MAX_EQUATIONS} equations, not {len(equations)}")
    if not all(equation.image and equation.terms for equation in equations):
        raise ProofError("an equation has an empty side")
    if sum(len(equation.image) + len(equation.terms) for equation in equations) > MAX_TERMS:
        raise ProofError(f"a relation has more than {MAX_TERMS} terms")


def _check_names(elements: Sequence[Point], equations: Sequence[Equation]) -> None:
    if not elements or elements[0] != GENERATOR:
        raise ProofError("a relation's first element is the generator")
    if _element_names(equations) | {0} != set(range(len(elements))):
        raise ProofError("a relation names an element that is not there, or leaves one out")
    scalars = {term.scalar for equation in equations for term in equation.terms}
    if scalars != set(range(len(scalars))):
        raise ProofError("a relation leaves a scalar out")
    for named in _all_terms(equations):
        check_scalar(named.coefficient)
