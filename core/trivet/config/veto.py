"""`Veto`: a refusal of a new configuration that says which value is to blame."""

from __future__ import annotations

from trivet.config.origin import Path, parse_path
from trivet.errors import TrivetError


class Veto(TrivetError):
    """Raised by a `ReloadParticipant` that cannot live with the new configuration: the old one stays in force.

    The class of a section may raise it too, in ``__attrs_post_init__``, where several fields do not fit together.

    Args:
        reason: Why, one sentence without a secret; it becomes a problem of the reload.
        path: The value that is to blame, dotted (``database.pool_size``) or in parts: the problem then names the place where it
            is set, as ``config/base.toml:8:13``. In a class, from the class on: ``pool_size``.

    Raises:
        ValueError: if ``path`` is no path.
    """

    def __init__(self, reason: str, *, path: str | Path = ()) -> None:
        super().__init__(reason)
        self.path = parse_path(path) if isinstance(path, str) else tuple(path)
