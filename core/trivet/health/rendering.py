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
        if report.root_causes:
            body["rootCauses"] = list(report.root_causes)
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
    if result.causes:
        entry["causes"] = list(result.causes)  # the draft lets a check have members of its own
    if result.plan.depends_on:
        entry["dependsOn"] = sorted(result.plan.depends_on)
    if result.availability is not None:
        entry["availability"] = round(result.availability, 6)
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


def plain_json(report: Report, *, service: str | None = None) -> dict[str, object]:
    """Return the report as plain data, one object per check: for programs that know trivet.

    Args:
        report: What to write.
        service: The kernel's name.
    """
    return {
        "service": service,
        "group": report.group,
        "status": str(report.status),
        "gate": report.gate,
        "root_causes": list(report.root_causes),
        "checks": [_row(result, report.group) for result in report.results],
    }


def _row(result: Result, group: str | None) -> dict[str, object]:
    plan = result.plan
    return {
        "name": result.name,
        "status": str(result.counts_as(group)),
        "pending": result.pending,
        "stale": result.stale,
        "output": result.output,
        "causes": list(result.causes),
        "depends_on": sorted(plan.depends_on),
        "groups": sorted(plan.groups),
        "tags": sorted(plan.tags),
        "critical": plan.critical,
        "age_seconds": result.age,
        "took_seconds": result.seconds,
        "failures": result.failures,
        "availability": result.availability,
        "observed": {
            key: value if math.isfinite(value) else str(value) for key, value in result.verdict.observed.items()
        },
    }


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
    if details and result.causes:
        reason = f"{reason} (caused by {', '.join(result.causes)})"
    return (
        f"[-]{result.name} failed: {reason}"
        if status is Status.FAIL
        else f"[+]{result.name} ok, with a warning: {reason}"
    )
