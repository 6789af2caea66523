"""`StateFile`: which alerts are pending and firing, over a restart and a kill.

Written after every round that changed something, in one step, so it holds the state after some round, whole. What it is about:
the alerts of a rule are found again by the rule's name, query and labels, so a rule that was changed begins anew.

A service that comes back goes on where it was: the time that it was down does not count into ``for`` (Prometheus's way, with its
outage tolerance, ``rules/manager.go``), and an alert that fires goes on firing, ``keep_firing_for`` too (which Prometheus loses,
prometheus#13957). The history may begin anew with the process: until it reaches back as far as the query of a rule does, an alert
that the query does not give is not taken for resolved.
"""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any, Final

import attrs
import cattrs

from trivet import durable_file
from trivet_plugins.alerts.rules.active_alert import ActiveAlert
from trivet_plugins.alerts.rules.alerting_run import AlertingRun

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable

    from trivet_plugins.alerts.rules.group_run import GroupRun

OUTAGE_TOLERANCE: Final = 3_600_000
"""Milliseconds for which a service may be down; what is older is forgotten."""

MAX_BYTES: Final = 64 << 20
"""The largest file that is read."""

_VERSION: Final = 1
_logger = logging.getLogger("trivet.alerts")


@attrs.frozen(kw_only=True)
class _Kept:
    """An alert as the file has it."""

    labels: list[tuple[str, str]]
    annotations: list[tuple[str, str]]
    value: str
    active_at: int
    state: str
    fired_at: int | None
    missing_since: int | None
    resolved_at: int | None


class StateFile:
    """Keeps the state of rules in a file.

    Args:
        path: The file; its directory must be there.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self._written = b""

    def save(self, groups: Iterable[GroupRun], now: int) -> None:
        """Write the state, unless it is what was written last.

        Args:
            groups: All that are evaluated.
            now: Milliseconds since the epoch.

        Raises:
            OSError: if it cannot be written; the file is then as it was.
        """
        rules = {key: [_kept(one) for one in run.active.values()] for key, run in _runs(groups) if run.active}
        body = json.dumps(rules, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
        if body == self._written and body == b"{}":
            return
        with durable_file.writing(self.path) as file:
            file.write(b'{"version":%d,"saved_at":%d,"rules":%b}\n' % (_VERSION, now, body))
        self._written = body

    def restore(self, groups: Iterable[GroupRun], now: int, *, interval: int) -> int:
        """Give rules the alerts that they had. A file that is damaged is set aside, with a warning.

        Args:
            groups: All that will be evaluated.
            now: Milliseconds since the epoch.
            interval: Milliseconds between two evaluations, where a group does not say.

        Returns:
            How many alerts were given back.
        """
        try:
            durable_file.remove_leftovers(self.path)
            saved_at, rules = self._read()
        except FileNotFoundError:
            return 0
        except OSError as exc:
            _logger.warning("%s: what was pending and firing cannot be read: %s", self.path, exc.strerror)
            return 0
        except (ValueError, cattrs.BaseValidationError) as exc:
            self._set_aside(exc)
            return 0
        down = max(0, now - saved_at)
        if down > OUTAGE_TOLERANCE:
            _logger.warning("%s: it is older than an hour: alerts begin anew", self.path)
            return 0
        given = 0
        for group in groups:
            pause = group.group.interval or interval
            for key, run in _runs([group]):
                alerts = [_restored(one, run, now, down, pause) for one in rules.get(key, ())]
                run.active.update({alert.labels: alert for alert in alerts})
                given += len(alerts)
        return given

    def _read(self) -> tuple[int, dict[str, list[_Kept]]]:
        with self.path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ValueError("it is too large")
        content: Any = json.loads(data)
        if not isinstance(content, dict) or content.get("version") != _VERSION:
            raise ValueError("it is no state of alerts, or one of a later version")
        return int(content["saved_at"]), cattrs.structure(content["rules"], dict[str, list[_Kept]])

    def _set_aside(self, why: Exception) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        try:
            self.path.replace(aside)
        except OSError as exc:
            _logger.warning("%s: it is damaged, and cannot be renamed: %s", self.path, exc.strerror)
        else:
            what = (
                why
                if isinstance(why, ValueError) and not isinstance(why, json.JSONDecodeError)
                else "not as it was written"
            )
            _logger.warning("%s: it is damaged (%s); it is %s now, and alerts begin anew", self.path, what, aside.name)


def _runs(groups: Iterable[GroupRun]) -> Iterable[tuple[str, AlertingRun]]:
    for group in groups:
        seen: dict[str, int] = {}
        for run in group.runs:
            if isinstance(run, AlertingRun):
                identity = run.rule.identity
                seen[identity] = seen.get(identity, 0) + 1
                yield f"{group.identity};{identity};{seen[identity]}", run


def _kept(alert: ActiveAlert) -> dict[str, Any]:
    return {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "value": repr(alert.value),  # JSON has no word for NaN
        "active_at": alert.active_at,
        "state": alert.state,
        "fired_at": alert.fired_at,
        "missing_since": alert.missing_since,
        "resolved_at": alert.resolved_at,
    }


def _restored(kept: _Kept, run: AlertingRun, now: int, down: int, pause: int) -> ActiveAlert:
    state: Any = kept.state if kept.state in {"pending", "firing"} else "inactive"
    try:
        value = float(kept.value)
    except ValueError:
        value = math.nan
    return ActiveAlert(
        labels=tuple((name, text) for name, text in kept.labels),
        annotations=tuple((name, text) for name, text in kept.annotations),
        value=value,
        active_at=kept.active_at + (down if state == "pending" else 0),
        state=state,
        fired_at=kept.fired_at,
        missing_since=kept.missing_since,
        resolved_at=kept.resolved_at,
        spared_until=now + run.reach + 2 * pause,
    )
