"""The functions of one number: roots, logarithms, trigonometry, and parts of a date; outside of their domain they give NaN."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from trivet_plugins.alerts.promql.operators import divide


def _total(function: Callable[[float], float]) -> Callable[[float], float]:
    """Return a function that gives NaN where this one has no value."""

    def of(value: float) -> float:
        try:
            return float(function(value))
        except ValueError:
            return math.nan

    return of


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    """Return a function to whole numbers that leaves infinities and NaN as they are."""

    def of(value: float) -> float:
        return math.copysign(function(value), value) if math.isfinite(value) else value

    return of


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    def of(value: float) -> float:
        if value == 0:
            return -math.inf
        return function(value) if value > 0 else math.nan

    return of


def _growing(function: Callable[[float], float], *, odd: bool = False) -> Callable[[float], float]:
    def of(value: float) -> float:
        try:
            return function(value)
        except OverflowError:
            return -math.inf if odd and value < 0 else math.inf

    return of


def _atanh(value: float) -> float:
    return math.copysign(math.inf, value) if abs(value) == 1 else math.atanh(value)


def _sign(value: float) -> float:
    return 1.0 if value > 0 else -1.0 if value < 0 else value


def rounded(value: float, nearest: float) -> float:
    """Return the multiple of a number that is nearest, of two the greater one."""
    inverse = divide(1.0, nearest)
    scaled = value * inverse + 0.5
    return divide(math.floor(scaled) if math.isfinite(scaled) else scaled, inverse)


def greater(left: float, right: float) -> float:
    """Return the greater number; NaN if one is, unless the other is +Inf: as Go has it."""
    if math.isnan(left) or math.isnan(right):
        return math.inf if math.inf in {left, right} else math.nan
    return max(left, right)


def lesser(left: float, right: float) -> float:
    """Return the lesser number; NaN if one is, unless the other is -Inf."""
    if math.isnan(left) or math.isnan(right):
        return -math.inf if -math.inf in {left, right} else math.nan
    return min(left, right)


MATH_FUNCTIONS: Final[dict[str, Callable[[float], float]]] = {
    "abs": abs,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "exp": _growing(math.exp),
    "ln": _logarithm(math.log),
    "log2": _logarithm(math.log2),
    "log10": _logarithm(math.log10),
    "sqrt": _total(math.sqrt),
    "sgn": _sign,
    "deg": math.degrees,
    "rad": math.radians,
    "acos": _total(math.acos),
    "acosh": _total(math.acosh),
    "asin": _total(math.asin),
    "asinh": math.asinh,
    "atan": math.atan,
    "atanh": _total(_atanh),
    "cos": _total(math.cos),
    "cosh": _growing(math.cosh),
    "sin": _total(math.sin),
    "sinh": _growing(math.sinh, odd=True),
    "tan": _total(math.tan),
    "tanh": math.tanh,
}
