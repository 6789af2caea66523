"""`Overrides`: values that somebody sets at run time, above all sources, for a while or until they are removed."""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import anyio
import attrs

from trivet.config.contracts import LoadContext
from trivet.config.layer import DELETE, OVERRIDE, Layer
from trivet.config.origin import Origin, Path, dotted, parse_path
from trivet.config.pin import moment
from trivet.secret import Secret

SOURCE: Final = "override"
_LONGEST_NAP = 30.0  # the clock may be set meanwhile, and "until 12:30" means what the clock says


@attrs.frozen(kw_only=True)
class Override:
    """Values that somebody set at run time.

    Args:
        id: Counts up from 1 in each kernel.
        paths: What it sets, dotted.
        actor: Who set them.
        reason: Why.
        until: When it ends, in seconds since the epoch; None: when it is removed.
    """

    id: int
    paths: tuple[str, ...]
    actor: str
    reason: str = ""
    until: float | None = None

    def __str__(self) -> str:
        return f"override by {self.actor}" + (f" (until {moment(self.until)})" if self.until is not None else "")


@attrs.frozen(eq=False, kw_only=True)
class OverrideLayer(Layer):
    """The layer of an override. Loading and resolving may copy it; it stays one.

    Args:
        override: Which.
    """

    override: Override


class Overrides:
    """The overrides of one kernel: a config source above all others."""

    def __init__(self) -> None:
        self._active: dict[int, tuple[Override, Layer]] = {}
        self._made: set[int] = set()
        self._ids = itertools.count(1)
        self._changed = anyio.Event()

    def make(self, values: Mapping[str, object], *, actor: str, reason: str, seconds: float | None) -> Override:
        """Add an override; it counts from the next snapshot on. Later ones win over earlier ones.

        Args:
            values: By dotted path, typed as in a file; `trivet.config.layer.DELETE` removes what weaker layers set.
            actor: Who sets them.
            reason: Why.
            seconds: How long it lasts; None: until it is removed.

        Raises:
            ValueError: if there is nothing to set, a path is none or lies in another one, or the time is no time.
        """
        if not values:
            raise ValueError("an override sets at least one value, e.g. {'database.pool_size': 20}")
        if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
            raise ValueError(f"expires_in is a number of seconds above 0, got {seconds!r}")
        until = time.time() + seconds if seconds is not None else None
        override = Override(id=next(self._ids), paths=tuple(values), actor=actor, reason=reason, until=until)
        layer = _layer(override, _tree(values), secret=any(isinstance(value, Secret) for value in values.values()))
        self._active[override.id] = (override, layer)
        self._made.add(override.id)
        self._changed.set()
        return override

    def get(self, id_: int) -> Override | None:
        """Return the one with an id, or None where there is none (any more)."""
        return self._active[id_][0] if id_ in self._active else None

    def remove(self, id_: int) -> Callable[[], None]:
        """Take one out: it does not count from the next snapshot on. Returns what puts it back."""
        before = dict(self._active)
        del self._active[id_]
        self._changed.set()

        def put_back() -> None:
            self._active = before
            self._changed.set()

        return put_back

    def forget(self) -> None:
        """End all of them. Their layers in older snapshots are from now on like any other layers."""
        self._active.clear()
        self._made.clear()
        self._changed.set()

    def active(self) -> tuple[Override, ...]:
        """Return those that count, the oldest first."""
        return tuple(override for override, _ in self._active.values())

    def layers(self) -> list[Layer]:
        """Return the layers of those that count and whose time is not over."""
        now = time.time()
        return [layer for one, layer in self._active.values() if one.until is None or one.until > now]

    def is_ours(self, layer: Layer) -> bool:
        """Tell whether a layer is that of an override, present or removed."""
        return isinstance(layer, OverrideLayer) and layer.override.id in self._made

    async def load(self, context: LoadContext) -> Sequence[Layer]:  # noqa: ARG002 - the contract of sources
        """Return a layer per override."""
        return self.layers()

    def due(self) -> list[Override]:
        """Return those whose time is over."""
        now = time.time()
        return [one for one in self.active() if one.until is not None and one.until <= now]

    async def until_due(self) -> None:
        """Wait until the time of one is over."""
        while not self.due():
            self._changed = anyio.Event()
            ends = [one.until for one in self.active() if one.until is not None]
            nap = min(min(ends) - time.time(), _LONGEST_NAP) if ends else math.inf
            with anyio.move_on_after(nap):
                await self._changed.wait()


def _layer(override: Override, data: Mapping[str, Any], *, secret: bool) -> OverrideLayer:
    origin = Origin(SOURCE, str(override))
    return OverrideLayer(
        name=SOURCE,
        priority=OVERRIDE,
        data=data,
        locate=lambda _path: origin,
        secret=secret,
        override=override,
    )


def _tree(values: Mapping[str, object]) -> dict[str, Any]:
    paths = {_names(parse_path(text)): value for text, value in values.items()}
    tree: dict[str, Any] = {}
    for path, value in paths.items():
        if any(path[:end] in paths for end in range(1, len(path))):
            raise ValueError(f"{dotted(path)} lies in another path of the same override")
        at = tree
        for part in path[:-1]:
            at = at.setdefault(part, {})
        at[path[-1]] = _open(value)
    return tree


def _names(path: Path) -> tuple[str, ...]:
    names = tuple(part for part in path if isinstance(part, str))
    if len(names) != len(path) or not names:
        raise ValueError(f"{dotted(path) or 'the empty path'} names no value; a list is set as a whole")
    return names


def _open(value: object) -> object:
    """Copy a value, so that who gave it can do with it what they like; open secrets, which the schema closes again."""
    if isinstance(value, Secret):
        return _open(value.reveal())
    if isinstance(value, Mapping):
        return {key: _open(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_open(item) for item in value]
    return value if value is DELETE else copy.deepcopy(value)
