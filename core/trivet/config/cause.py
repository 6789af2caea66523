"""`Cause`: why a snapshot is made, and who asked for it."""

from __future__ import annotations

import attrs

_LONGEST = 200


@attrs.frozen
class Cause:
    """Why a snapshot is made.

    Args:
        reason: E.g. ``start``, ``file changed: config/base.toml``, ``SIGHUP``, ``rollback to 3 by alice``.
        actor: Who asked for it; None where nobody did: a file changed, an override ended.
    """

    reason: str
    actor: str | None = None

    @classmethod
    def by(cls, actor: str, what: str, why: str = "") -> Cause:
        """Make the cause of what somebody asked for: ``rollback to 3 by alice: the pool was too small``.

        Raises:
            ValueError: if a text is too long, or not one printable line; logs and pages show it.
        """
        for name, text in (("actor", actor), ("reason", why)):
            if len(text) > _LONGEST or not text.isprintable():
                raise ValueError(f"{name} must be one printable line of at most {_LONGEST} characters")
        if not actor.strip():
            raise ValueError("actor must say who asks, e.g. 'alice'")
        return cls(f"{what} by {actor}" + (f": {why}" if why else ""), actor)
