"""`actor_name`: who gives an order at the command line."""

from __future__ import annotations

from getpass import getuser


def actor_name() -> str:
    """Return the user's name; a user without one, as in many containers, is someone."""
    try:
        return getuser()
    except (OSError, KeyError):
        return "someone at the command line"
