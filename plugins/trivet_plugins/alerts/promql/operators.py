"""The operators on floats: arithmetic that never fails, as IEEE 754 has it, and comparisons."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Final

Arithmetic = Callable[[float, float], float]
Comparison = Callable[[float, float], bool]


def divide(left: float, right: float) -> float:
    """Return a quotient."""
    try:
        return left / right
    except ZeroDivisionError:
        if left == 0 or math.isnan(left):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1, right)


def modulo(left: float, right: float) -> float:
    """Return the remainder, which has the sign of the dividend."""
    try:
        return math.fmod(left, right)
    except ValueError:
        return math.nan


def power(base: float, exponent: float) -> float:
    """Return a power."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        if base != 0:
            return math.nan
        return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf


ARITHMETIC: Final[dict[str, Arithmetic]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divide,
    "%": modulo,
    "^": power,
    "atan2": math.atan2,
}
COMPARISONS: Final[dict[str, Comparison]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
SETS: Final = frozenset({"and", "or", "unless"})

# The most usual ones in rules, at the speed of a loop without calls.
_SCALED: Final[dict[str, Callable[[Sequence[float], float], list[float]]]] = {
    "+": lambda values, scalar: [value + scalar for value in values],
    "-": lambda values, scalar: [value - scalar for value in values],
    "*": lambda values, scalar: [value * scalar for value in values],
}
_FILTERS: Final[dict[str, Callable[[Sequence[float], float], list[int]]]] = {
    "==": lambda values, scalar: [at for at, value in enumerate(values) if value == scalar],
    "!=": lambda values, scalar: [at for at, value in enumerate(values) if value != scalar],
    ">": lambda values, scalar: [at for at, value in enumerate(values) if value > scalar],
    "<": lambda values, scalar: [at for at, value in enumerate(values) if value < scalar],
    ">=": lambda values, scalar: [at for at, value in enumerate(values) if value >= scalar],
    "<=": lambda values, scalar: [at for at, value in enumerate(values) if value <= scalar],
}
_MIRRORED: Final = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}


def of_scalars(op: str, left: float, right: float) -> float:
    """Return what an operator gives between two numbers; a comparison gives 0 or 1."""
    if op in COMPARISONS:
        return float(COMPARISONS[op](left, right))
    return ARITHMETIC[op](left, right)


def with_scalar(op: str, values: Sequence[float], scalar: float, *, scalar_first: bool) -> list[float]:
    """Return what an operator gives between each value and a number; a comparison gives 0 or 1."""
    if op in _SCALED and not scalar_first:
        return _SCALED[op](values, scalar)
    if op == "/" and not scalar_first and scalar:
        return [value / scalar for value in values]
    if scalar_first:
        return [of_scalars(op, scalar, value) for value in values]
    return [of_scalars(op, value, scalar) for value in values]


def fitting(op: str, values: Sequence[float], scalar: float, *, scalar_first: bool) -> list[int]:
    """Return the places of the values for which a comparison with a number is true."""
    return _FILTERS[_MIRRORED[op] if scalar_first else op](values, scalar)


def pairwise(op: str, left: Sequence[float], right: Sequence[float]) -> list[float]:
    """Return what an operator gives between values at the same places; a comparison gives 0 or 1."""
    if op in COMPARISONS:
        return [float(found) for found in map(COMPARISONS[op], left, right)]
    return [*map(ARITHMETIC[op], left, right)]
