"""`Remote`: one document on a server: what is known of it, and when it is asked for again."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import anyio
import attrs

from trivet_plugins.config.http_answer import Answer, layer_of, reader_of, utc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trivet import ConfigFormat, Layer, Secret
    from trivet_plugins.config.http_address import Address
    from trivet_plugins.config.http_fetch import Limits


@attrs.frozen(kw_only=True)
class Rhythm:
    """When to ask, in seconds.

    Args:
        interval: From one answer to the next question.
        max_backoff: The longest pause while the server fails, whatever it asks for.
    """

    interval: float
    max_backoff: float

    def pause(self, failure: Failure | None) -> float:
        """Return the pause to the next question: spread a little, and after failures anywhere below a doubling limit."""
        if failure is None:
            return self.interval * random.uniform(0.9, 1.1)  # noqa: S311 - to keep a fleet from asking at once
        longest = min(self.max_backoff, self.interval * 2 ** min(failure.tries, 16))
        return max(random.uniform(0, longest), min(failure.retry_after, self.max_backoff))  # noqa: S311 - full jitter


@attrs.frozen
class Failure:
    """Why a server gives nothing.

    Args:
        reason: Fit for print.
        since: Of the first failure in a row, in seconds since the epoch.
        tries: Failures in a row.
        retry_after: Seconds that the server asked to be left alone for.
    """

    reason: str
    since: float
    tries: int
    retry_after: float

    def __str__(self) -> str:
        times = "1 try" if self.tries == 1 else f"{self.tries} tries"
        return f"{self.reason} (since {utc(self.since)}, {times})"


@attrs.frozen(eq=False)
class Given:
    """A layer that was given to the configuration, and what it was made of."""

    answer: Answer
    reader: ConfigFormat | None
    layer: Layer

    def is_among(self, layers: Iterable[Layer]) -> bool:
        """Tell whether the layer is one of some, perhaps as a copy: the configuration notes things on layers."""
        return any(layer.data is self.layer.data for layer in layers)


class Remote:
    """One document.

    Args:
        address: Where it is.
        name: Of its layer.
    """

    def __init__(self, address: Address, name: str) -> None:
        self.address = address
        self.name = name
        self.answer: Answer | None = None
        self.failure: Failure | None = None
        self.given: Given | None = None
        self.due = 0.0
        self._accepted: Given | None = None
        self._known: dict[str, str] = {}
        self._asked = 0
        self._lock = anyio.Lock()

    async def ask(self, headers: Mapping[str, Secret[str]], limits: Limits, rhythm: Rhythm) -> None:
        """Ask the server; who comes while another asks shares what that brings. Afterwards `answer` and `failure` are new."""
        from trivet_plugins.config.http_fetch import Unreachable, fetch  # ssl and email: only where a URL is configured

        asked = self._asked
        async with self._lock:
            if self._asked != asked:
                return
            try:
                answer = await fetch(self.address, self._known, headers, limits)
            except Unreachable as exc:
                before = self.failure
                since, tries = (before.since, before.tries) if before is not None else (time.time(), 0)
                self.failure = Failure(str(exc), since, tries + 1, exc.retry_after)
            else:
                self._take(answer)
            self._asked += 1
            self.due = time.monotonic() + rhythm.pause(self.failure)

    def _take(self, answer: Answer | None) -> None:
        self.failure = None
        if answer is not None:
            self._know(answer)
        old = self.answer
        if old is None or (answer is not None and not old.same_content(answer)):
            self.answer = answer
        elif old.cached is not None:  # the server says that what was cached still holds
            self.answer = attrs.evolve(old, cached=None)

    def _know(self, answer: Answer) -> None:
        known = {"If-None-Match": answer.etag, "If-Modified-Since": answer.last_modified}
        self._known = {name: value for name, value in known.items() if value}

    def use_cached(self, answer: Answer) -> None:
        """Begin with what an earlier life wrote down."""
        self._know(answer)
        self.answer = answer

    @property
    def has_news(self) -> bool:
        """True where the configuration was not given the last answer yet."""
        return self.failure is None and self.answer is not None and self.answer is not self._answer_given

    @property
    def _answer_given(self) -> Answer | None:
        return self.given.answer if self.given is not None else None

    def note_accepted(self, layers: Iterable[Layer]) -> None:
        """Remember the layer that is in force. Called when the next load begins, so nothing is under way."""
        if self.given is not None and self.given.is_among(layers):
            self._accepted = self.given

    def choose(self, wanted: str | None, formats: Mapping[str, ConfigFormat]) -> Given | None:
        """Return what to load: the last answer, but while the server fails what was last in force. Parses; changes nothing.

        Args:
            wanted: The name of a format.
            formats: By suffix.
        """
        given, answer = self.given, self.answer
        if self.failure is not None and self._accepted is not None:
            return self._accepted
        if answer is None:
            return given
        reader = reader_of(answer.content_type, self.address.suffix, wanted, formats)
        if given is not None and given.answer is answer and given.reader is reader:
            return given
        return Given(answer, reader, layer_of(answer, self.address.shown, self.name, reader))
