"""Renderings of a health report: ``application/health+json`` and the text of the Kubernetes endpoints."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from trivet.health.check import Status

if TYPE_CHECKING:
    from trivet.health.report import Report
    from trivet.health.result import Result

MEDIA_TYPE: Final = "application/health+json"

_UNITS: Final = {"_bytes": "bytes", "_seconds": "s", "_share": "1", "_percent": "percent"}


def health_json(report: Report, *, service: str | None = None, details: bool = True) -> dict[str, object]:
    """Return the report in the form of draft-inadarei-api-health-check-06, ready for `json.dumps`.

    Args:
        report: What to write.
        service: The ``serviceId``.
        details: False leaves out the checks: for readers without a token.
    """
    body: dict[str, object] = {"status": str(report.status)}
    if service is not None:
        body["serviceId"] = service
    if report.gate is not None:
        body["output"] = report.gate
    if details:
        body["checks"] = {
            key: [entry] for result in report.results for key, entry in _entries(result, report.group).items()
        }
    return body


def _entries(result: Result, group: str | None) -> dict[str, dict[str, object]]:
    """Return one entry per observed number under ``check:number``, or one under the check's name."""
    entry: dict[str, object] = {"componentType": "component", "status": str(result.counts_as(group))}
    if result.output and entry["status"] != str(Status.PASS):
        entry["output"] = result.output
    if result.at is not None and result.age is not None:
        entry["time"] = datetime.fromtimestamp(result.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        entry["age"] = round(result.age, 3)
    if result.stale:
        entry["stale"] = True
    if not result.verdict.observed:
        return {result.name: entry}
    return {
        f"{result.name}:{key}": {**_observed(key, value), **entry} for key, value in result.verdict.observed.items()
    }


def _observed(key: str, value: float) -> dict[str, object]:
    shown: dict[str, object] = {"observedValue": value if math.isfinite(value) else str(value)}  # JSON has no NaN
    for suffix, unit in _UNITS.items():
        if key.endswith(suffix):
            shown["observedUnit"] = unit
    return shown


def kubernetes_text(report: Report, *, verbose: bool = False, details: bool = False) -> str:
    """Return the report as the Kubernetes API server prints it: ``ok``, or a line per check.

    Args:
        report: What to write.
        verbose: List the checks even where all is well.
        details: True shows what failed checks say, otherwise ``reason withheld``.
    """
    if report.ok and not verbose:
        return "ok\n"
    lines = [] if report.gate is None else [f"[-]kernel failed: {report.gate}"]
    lines += [_line(result, report.group, details=details) for result in report.results]
    endpoint = {"live": "livez", "ready": "readyz", "startup": "startupz"}.get(
        report.group or "", report.group or "health"
    )
    lines.append(f"{endpoint} check {'passed' if report.ok else 'failed'}")
    return "\n".join(lines) + "\n"


def _line(result: Result, group: str | None, *, details: bool) -> str:
    status = result.counts_as(group)
    if status is Status.PASS:
        return f"[+]{result.name} ok"
    reason = result.output if details else "reason withheld"
    return (
        f"[-]{result.name} failed: {reason}"
        if status is Status.FAIL
        else f"[+]{result.name} ok, with a warning: {reason}"
    )
