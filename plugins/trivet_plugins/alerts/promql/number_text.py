"""A number as text, as Go writes it."""

from __future__ import annotations

import math
from decimal import Decimal


def plain_number(value: float) -> str:
    """Return a float without an exponent, with as few digits as tell it from its neighbours: ``strconv``'s ``'f', -1``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value.is_integer() and abs(value) < 1e15:
        return f"{value:.0f}"
    return f"{Decimal(repr(value)):f}"


def short_number(value: float) -> str:
    """Return a float as ``%g`` of Go has it: with an exponent where that is large or small."""
    if math.isnan(value) or math.isinf(value):
        return plain_number(value)
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)
