"""``trivet alerts``: check rule files, run their unit tests, list what is in them. Works on files, with no service running."""

from __future__ import annotations

import json
import pathlib
from typing import TYPE_CHECKING, Final

import click

from trivet.exit_codes import EX_DATAERR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet_plugins.alerts.rules.problem import Problem
    from trivet_plugins.alerts.rules.rule_file import RuleFile
    from trivet_plugins.alerts.rules.testing import Verdict

FAILED: Final = 1
_FILES: Final = click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=pathlib.Path), metavar="FILE..."
)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def alerts() -> None:
    """Check and test alert rules; look after the alerts of a running service."""


@alerts.command()
@_FILES
@_JSON
def check(files: tuple[pathlib.Path, ...], *, as_json: bool) -> None:
    """Read rule FILES as the service would, and tell what is wrong with them.

    Exit 0: nothing, but for warnings. 65: something is.
    """
    read = _read(files)
    problems = sorted(problem for one in read for problem in one.problems)
    bad = any(not one.is_warning for one in problems)
    if as_json:
        counts = {one.name: {"groups": len(one.groups), "rules": _count(one)} for one in read}
        click.echo(json.dumps({"valid": not bad, "files": counts, "problems": _rows(problems)}, indent=2))
    else:
        for problem in problems:
            click.echo(str(problem))
        for one in read:
            if all(problem.is_warning for problem in one.problems):
                click.echo(f"{one.name}: {_count(one)} rules found")
    if bad:
        click.get_current_context().exit(EX_DATAERR)


@alerts.command()
@_FILES
@_JSON
def test(files: tuple[pathlib.Path, ...], *, as_json: bool) -> None:
    """Run the unit tests of rules in FILES, in the format of promtool test rules.

    Exit 0: all pass. 1: some fail. 65: a file, or a rule file that it names, is not as it must be.
    """
    from trivet_plugins.alerts.rules.testing import run_tests

    verdicts = [run_tests(path) for path in files]
    if as_json:
        click.echo(json.dumps([_verdict_row(one) for one in verdicts], indent=2))
    else:
        for one in verdicts:
            click.echo("\n".join(_verdict_lines(one)))
    if any(one.problems for one in verdicts):
        click.get_current_context().exit(EX_DATAERR)
    if any(one.failures for one in verdicts):
        click.get_current_context().exit(FAILED)


@alerts.command("list")
@_FILES
@_JSON
def list_rules(files: tuple[pathlib.Path, ...], *, as_json: bool) -> None:
    """List the rules in FILES.

    Exit 0, or 65 where a file is not as it must be.
    """
    read = _read(files)
    rows = [row for one in read for row in _rule_rows(one)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        cells = [("GROUP", "RULE", "FOR", "KEEP", "EXPR")]
        cells += [(row["group"], row["name"], row["for"], row["keep_firing_for"], row["expr"]) for row in rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for line in cells:
            click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    problems = sorted(problem for one in read for problem in one.problems if not problem.is_warning)
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        click.get_current_context().exit(EX_DATAERR)


def _read(files: Sequence[pathlib.Path]) -> list[RuleFile]:
    from trivet_plugins.alerts.rules.rule_file import read_rules

    return [read_rules(path) for path in files]


def _count(file: RuleFile) -> int:
    return sum(len(group.rules) for group in file.groups)


def _rows(problems: Sequence[Problem]) -> list[dict[str, object]]:
    return [
        {
            "file": one.file,
            "line": one.line,
            "column": one.column,
            "severity": "warning" if one.is_warning else "error",
            "message": one.message,
        }
        for one in problems
    ]


def _verdict_row(verdict: Verdict) -> dict[str, object]:
    failures = [{"place": one.place, "test": one.test, "message": one.message} for one in verdict.failures]
    return {
        "file": verdict.name,
        "checks": verdict.checks,
        "passed": not failures and not verdict.problems,
        "failures": failures,
        "problems": _rows(verdict.problems),
    }


def _verdict_lines(verdict: Verdict) -> list[str]:
    lines = [str(one) for one in verdict.problems]
    lines += [
        f"{one.place}: failed{f' in {one.test!r}' if one.test else ''}: {one.message}" for one in verdict.failures
    ]
    if not lines:
        lines.append(f"{verdict.name}: {verdict.checks} checks pass")
    elif verdict.failures:
        lines.append(f"{verdict.name}: {len(verdict.failures)} failed, of {verdict.checks} checks")
    return lines


def _rule_rows(file: RuleFile) -> list[dict[str, str]]:
    from trivet_plugins.alerts.duration import duration_text
    from trivet_plugins.alerts.rules.rule import AlertingRule

    rows: list[dict[str, str]] = []
    for group in file.groups:
        for rule in group.rules:
            is_alert = isinstance(rule, AlertingRule)
            rows.append(
                {
                    "group": group.name,
                    "kind": "alert" if is_alert else "record",
                    "name": rule.name,
                    "for": duration_text(rule.hold) if isinstance(rule, AlertingRule) and rule.hold else "",
                    "keep_firing_for": duration_text(rule.keep) if isinstance(rule, AlertingRule) and rule.keep else "",
                    "expr": " ".join(rule.expr.text.split()),
                    "place": rule.place,
                }
            )
    return rows
