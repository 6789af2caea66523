"""``--suite NAME|NUMBER``: which of the loaded ciphers a key is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


def find_suite(wanted: str, suites: Mapping[int, str]) -> int:
    """Return the number of a loaded cipher.

    Args:
        wanted: Its number or its provider's name.
        suites: The loaded ciphers, see `Ciphers.suites`.

    Raises:
        BadParameter: if it is none of them; names those that there are.
    """
    found = next((number for number, name in suites.items() if wanted in {str(number), name}), None)
    if found is None:
        loaded = ", ".join(f"{number} ({name})" for number, name in suites.items()) or "none"
        raise click.BadParameter(f"no loaded cipher is suite {wanted}; there are: {loaded}", param_hint="--suite")
    return found
