"""Strategies: what a field may ask of the lists that several layers set, ``attrs.field(metadata={"merge": "append"})``."""

from __future__ import annotations

STRATEGIES = ("append", "prepend", "unique", "by:<key>")
"""What a field may ask for."""


def is_strategy(name: object) -> bool:
    """Tell whether a field may ask for this."""
    return name in STRATEGIES[:-1] or (isinstance(name, str) and name.startswith("by:") and len(name) > len("by:"))
