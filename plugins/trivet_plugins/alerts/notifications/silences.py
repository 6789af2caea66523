"""`Silences`: who wants no notifications of what, and who is at which alert. Each change is on the disk and in the audit log."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.alerts.notifications.silence import Acknowledgement, Silence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from trivet import Kernel
    from trivet_plugins.alerts.notifications.keeper import Keeper
    from trivet_plugins.alerts.rules.alert import Alert

_MOST: Final = 10_000
_REMEMBERED: Final = 432_000.0
"""Seconds for which a silence that has ended is listed."""


class Silences:
    """Silences and acknowledgements.

    Args:
        keeper: Writes them down.
        clock: Gives seconds since the epoch.
        kernel: Whose audit log.
    """

    def __init__(self, keeper: Keeper, clock: Callable[[], float], kernel: Kernel | None) -> None:
        self._keeper = keeper
        self._clock = clock
        self._kernel = kernel
        self._silences: dict[str, Silence] = {}
        self._acknowledged: dict[str, Acknowledgement] = {}

    async def add(self, matchers: Iterable[str], *, start: float, end: float, creator: str, comment: str = "") -> str:
        """Add a silence and return its id. Arguments: as `Silence` has them.

        Raises:
            ValueError: if it is none, or there are too many.
            OSError: if it cannot be written down; it then holds until the process ends.
        """
        one = Silence(
            id=secrets.token_hex(8), matchers=tuple(matchers), start=start, end=end, creator=creator, comment=comment
        )
        self._forget()
        if len(self._silences) >= _MOST:
            raise ValueError(f"there are {_MOST:,} silences already")
        async with self._recorded("add_silence", f"silence {one.id}", creator):
            self._silences[one.id] = one
            await self._save()
        return one.id

    async def remove(self, id_: str, *, actor: str) -> None:
        """End a silence now; one that has not begun never does.

        Raises:
            LookupError: if there is none of that id that has not ended.
            OSError: if that cannot be written down.
        """
        one, now = self._silences.get(id_), self._clock()
        if one is None or one.end <= now:
            raise LookupError(f"no silence {id_}")
        async with self._recorded("remove_silence", f"silence {id_}", actor):
            if one.start < now:
                self._silences[id_] = attrs.evolve(one, end=now)
            else:
                del self._silences[id_]
            await self._save()

    def list(self) -> tuple[Silence, ...]:
        """Return all silences, those that ended in the last five days too, by their start."""
        self._forget()
        return tuple(sorted(self._silences.values(), key=lambda one: (one.start, one.id)))

    async def acknowledge(self, alert: Alert, actor: str, comment: str) -> None:
        """Keep a firing alert from being repeated.

        Raises:
            OSError: if that cannot be written down.
        """
        async with self._recorded("acknowledge_alert", f"alert {alert.fingerprint}", actor):
            self._acknowledged[alert.fingerprint] = Acknowledgement(
                fingerprint=alert.fingerprint,
                fired_at=alert.fired_at,
                actor=actor,
                comment=comment,
                at=self._clock(),
            )
            await self._save()

    def resolved(self, fingerprint: str) -> None:
        """Forget the acknowledgement of an alert that has ended."""
        if self._acknowledged.pop(fingerprint, None) is not None:
            self._keeper.changed()

    def acknowledgement(self, alert: Alert) -> Acknowledgement | None:
        """Return who is at an alert, if it is firing as it was then."""
        found = self._acknowledged.get(alert.fingerprint)
        return found if found is not None and found.fired_at == alert.fired_at else None

    def silenced(self, alert: Alert) -> Silence | None:
        """Return an active silence that mutes an alert."""
        now = self._clock()
        return next((one for one in self._silences.values() if one.is_active(now) and one.fits(alert.labels)), None)

    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        """Return all acknowledgements."""
        return tuple(self._acknowledged.values())

    def load(self, silences: Iterable[Silence], acknowledgements: Iterable[Acknowledgement]) -> None:
        """Take up what was kept."""
        self._silences = {one.id: one for one in silences}
        self._acknowledged = {one.fingerprint: one for one in acknowledgements}

    def _forget(self) -> None:
        now = self._clock()
        self._silences = {key: one for key, one in self._silences.items() if now - one.end < _REMEMBERED}

    async def _save(self) -> None:
        self._keeper.changed()
        await self._keeper.save()

    @contextlib.asynccontextmanager
    async def _recorded(self, name: str, target: str, actor: str) -> AsyncIterator[None]:
        if self._kernel is None:
            yield
            return
        async with self._kernel.ciphers.operation(name, target, actor=actor):
            yield
