"""`read`: an exposition as families of samples, with limits for what strangers send."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from trivet.openmetrics.rules import SUFFIXES, check_group, check_sample, group_of
from trivet.openmetrics.sample import ExpositionError, ParsedFamily, Sample
from trivet.openmetrics.sample_line import LineError, read_sample, unescape

if TYPE_CHECKING:
    from collections.abc import Iterable

_META: Final = re.compile(
    r'# (HELP|TYPE|UNIT) (?:([a-zA-Z_:][a-zA-Z0-9_:]*)|"((?:[^"\\]|\\.)+)")(?: (.*))?\Z', re.DOTALL
)
_TEXT_META: Final = re.compile(
    r'#[ \t]+(HELP|TYPE)[ \t]+(?:([a-zA-Z_:][a-zA-Z0-9_:]*)|"((?:[^"\\]|\\.)+)")(?:[ \t]+(.*))?\Z', re.DOTALL
)
_TEXT_KINDS: Final = {"untyped": "unknown", **{kind: kind for kind in ("counter", "gauge", "histogram", "summary")}}


@attrs.frozen
class Limits:
    """What is read at most.

    Args:
        characters: Of the whole text.
        line: Characters of a line.
        samples: Samples.
    """

    characters: int = 64 * 2**20
    line: int = 2**20
    samples: int = 1_000_000


def read(text: str, *, openmetrics: bool = True, limits: Limits | None = None) -> list[ParsedFamily]:
    """Read an exposition.

    Args:
        text: The whole text.
        openmetrics: True: OpenMetrics 1.0, every rule of which is enforced. False: the Prometheus text format, where order and
            values are taken as they come. Both with the quoted names of Prometheus 3.
        limits: Default: 64 Mi characters, 1 Mi per line, a million samples.

    Raises:
        ExpositionError: if it is none, or too large.
    """
    limits = limits or Limits()
    if len(text) > limits.characters:
        raise ExpositionError(1, f"the text has {len(text):,} characters, at most {limits.characters:,} are read")
    reader = _Reader(limits, openmetrics=openmetrics)
    lines = text.split("\n")
    if openmetrics:
        if lines[-1] == "":
            lines.pop()
        if not lines or lines.pop() != "# EOF":
            raise ExpositionError(max(1, len(lines) + 1), "the text does not end with # EOF: it was cut short")
    return reader.read(lines)


class _Reader:
    def __init__(self, limits: Limits, *, openmetrics: bool) -> None:
        self._limits = limits
        self._openmetrics = openmetrics
        self._families: list[ParsedFamily] = []
        self._taken: set[str] = set()
        self._said: set[str] = set()
        self._groups: set[tuple[tuple[str, str], ...]] = set()
        self._group: list[Sample] = []
        self._samples = 0

    def read(self, lines: Iterable[str]) -> list[ParsedFamily]:
        number = 1
        try:
            for line in lines:
                self._line(line)
                number += 1
            self._close()
        except LineError as exc:
            raise ExpositionError(number, str(exc)) from None
        return self._families

    def _line(self, line: str) -> None:
        if len(line) > self._limits.line:
            raise LineError(f"the line has more than {self._limits.line:,} characters")
        if line.startswith("#"):
            self._metadata(line)
        elif self._openmetrics or line.strip():
            self._samples += 1
            if self._samples > self._limits.samples:
                raise LineError(f"there are more than {self._limits.samples:,} samples")
            self._sample(read_sample(line if self._openmetrics else line.strip(), openmetrics=self._openmetrics))

    def _metadata(self, line: str) -> None:
        found = (_META if self._openmetrics else _TEXT_META).match(line)
        if found is None:
            if self._openmetrics:
                raise LineError("what begins with # must be HELP, TYPE, UNIT or, at the end, EOF")
            return  # a comment
        word, text = found[1], found[4]
        name = found[2] or unescape(found[3])
        if text is None and (self._openmetrics or word == "TYPE"):
            raise LineError(f"{word} says nothing about {name}")
        family = self._families[-1] if self._families else None
        if family is None or family.name != name:
            family = self._begin(name)
        elif family.samples:
            raise LineError(f"{word} of {name} comes after its samples")
        if word in self._said:
            raise LineError(f"{word} of {name} comes twice")
        self._said.add(word)
        self._describe(family, word, text or "")

    def _describe(self, family: ParsedFamily, word: str, text: str) -> None:
        if word == "HELP":
            family.help = unescape(text)
        elif word == "UNIT":
            if text and not family.name.endswith(f"_{text}"):
                raise LineError(f"the name {family.name} must end with its unit, _{text}")
            family.unit = text
        else:
            kind = (text if text in SUFFIXES else None) if self._openmetrics else _TEXT_KINDS.get(text.strip())
            if kind is None:
                raise LineError(f"{text[:40]!r} is no type of a metric")
            family.kind = kind

    def _sample(self, sample: Sample) -> None:
        family = self._families[-1] if self._families else None
        if family is None or sample.name not in self._names(family):
            family = self._begin(sample.name)
        if self._openmetrics:
            group = group_of(family, sample)
            if not self._group or group != group_of(family, self._group[0]):
                self._end_group(family)
                if group in self._groups:
                    raise LineError("samples with these labels were there before, and others between")
                self._groups.add(group)
            check_sample(family, sample)
            self._group.append(sample)
        family.samples.append(sample)

    def _names(self, family: ParsedFamily) -> set[str]:
        suffixes = SUFFIXES[family.kind]
        if not self._openmetrics:
            suffixes = ("", *suffixes)  # its counters have no suffix but that of their name
        return {f"{family.name}{suffix}" for suffix in suffixes}

    def _begin(self, name: str) -> ParsedFamily:
        self._close()
        if name in self._taken:
            raise LineError(f"{name} was there before, or is the name of another metric's samples")
        self._said, self._groups = set(), set()
        family = ParsedFamily(name)
        self._families.append(family)
        return family

    def _close(self) -> None:
        """End the family that was read last."""
        if not self._families:
            return
        family = self._families[-1]
        self._end_group(family)
        if self._openmetrics and family.unit and family.kind in ("info", "stateset"):
            raise LineError(f"{family.name} is of a type that has no unit")
        names = {family.name, *self._names(family)} if self._openmetrics else {family.name}
        if clash := names & self._taken:
            raise LineError(f"{family.name} clashes with another metric over {', '.join(sorted(clash))}")
        self._taken |= names

    def _end_group(self, family: ParsedFamily) -> None:
        group, self._group = self._group, []
        if group:
            check_group(family, group)
