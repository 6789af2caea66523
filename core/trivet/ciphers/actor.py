"""`acting_as`: who is behind the security operations of a block of code, for the audit log."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACTOR: ContextVar[str | None] = ContextVar("trivet_actor", default=None)


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Name who asks for what is done in the block, in this task and in those that it starts.

    Without it an operation is laid to who started the program (`Launch.actor`), or else to the service itself.

    Args:
        actor: The kind of who asks and a name, e.g. ``http:127.0.0.1``, ``user:alice``; one printable line.

    Raises:
        ValueError: if it is empty or not one printable line.

    Example:
        >>> with acting_as(f"http:{request.client.host}"):
        ...     await kernel.ciphers.open(token, purpose="session")
    """
    if not actor.strip() or not actor.isprintable():
        raise ValueError("actor must be one printable line that says who asks, e.g. 'user:alice'")
    token = _ACTOR.set(actor)
    try:
        yield
    finally:
        _ACTOR.reset(token)


def current_actor() -> str | None:
    """Return who acts, where `acting_as` says so."""
    return _ACTOR.get()
