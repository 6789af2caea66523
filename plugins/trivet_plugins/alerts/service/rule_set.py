"""`RuleSet`: the rule files that are in force, and how they were found."""

from __future__ import annotations

import glob
import os
import pathlib
from typing import TYPE_CHECKING

import attrs

from trivet_plugins.alerts.rules.alerting_run import AlertingRun
from trivet_plugins.alerts.rules.group_run import GroupRun
from trivet_plugins.alerts.rules.problem import Problem, ProblemsError
from trivet_plugins.alerts.rules.rule_file import read_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trivet_plugins.alerts.rules.group_run import Run
    from trivet_plugins.alerts.rules.rule import Group

Stamp = tuple[tuple[str, int, int, int], ...]


@attrs.frozen
class RuleSet:
    """Rules, read and free of problems.

    Args:
        groups: Of all files, ready to be evaluated.
        stamp: What tells that a file has changed.
    """

    groups: tuple[GroupRun, ...]
    stamp: Stamp

    @classmethod
    def load(cls, patterns: Iterable[str], *, external_url: str) -> RuleSet:
        """Read all files. Works on the disk: call it in a thread.

        Raises:
            ProblemsError: with every problem of every file.
        """
        stamp = stamp_of(patterns)
        named = (pattern for pattern in patterns if not glob.has_magic(pattern))
        problems = [Problem(one, 0, 0, "there is no such file") for one in named if not pathlib.Path(one).exists()]
        groups: list[Group] = []
        for path, *_ in stamp:
            file = read_rules(pathlib.Path(path))
            problems += [one for one in file.problems if not one.is_warning]
            groups += file.groups
        if problems:
            raise ProblemsError(sorted(problems))
        generator = f"{external_url.rstrip('/')}/api/v1/query?query={{}}" if external_url else ""
        return cls(tuple(GroupRun(group, generator=generator) for group in groups), stamp)

    def take_over(self, before: RuleSet) -> None:
        """Give rules that were in force already what they knew, and take it from those that were."""
        heirs = {key: run for group in self.groups for key, run in _runs(group)}
        for group in before.groups:
            for key, run in _runs(group):
                heir = heirs.get(key)
                if heir is None:
                    continue
                heir.returned, run.returned = run.returned, {}
                if isinstance(run, AlertingRun) and isinstance(heir, AlertingRun):
                    heir.active = run.active


def stamp_of(patterns: Iterable[str]) -> Stamp:
    """Return names, times and sizes of the files that patterns find now, sorted, each once."""
    found = {path for pattern in patterns for path in glob.glob(pattern)}  # noqa: PTH207 - a pattern may be absolute
    stamp: list[tuple[str, int, int, int]] = []
    for path in sorted(found):
        try:
            status = os.stat(path)  # noqa: PTH116 - a plain string, as glob gave it
        except OSError:
            continue  # it went away meanwhile
        stamp.append((path, status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(stamp)


def _runs(group: GroupRun) -> Iterator[tuple[str, Run]]:
    for run in group.runs:
        yield f"{group.identity};{run.rule.identity}", run
