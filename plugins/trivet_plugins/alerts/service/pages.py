"""`AlertsPages`: ``/api/v1/rules`` and ``/api/v1/alerts`` as Prometheus has them, ``/alerts`` and its orders."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, cast

from trivet import AdminAnswer, AdminPage, UnknownServiceError
from trivet_plugins.alerts.promql.number_text import plain_number
from trivet_plugins.alerts.rules.rule import AlertingRule
from trivet_plugins.alerts.service.alerts import Alerts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from trivet import AdminRequest, Kernel
    from trivet_plugins.alerts.rules.alert import Alert
    from trivet_plugins.alerts.rules.group_run import GroupRun, Run

_NO_RULES = "no rules are evaluated here: name rule files in plugins.alerts.rule_files"


class AlertsPages:
    """The pages of alerts.

    Args:
        kernel: Whose alerts.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._pages = (
            AdminPage("/api/v1/rules", answer=self._asked(_rules)),
            AdminPage("/api/v1/alerts", answer=self._asked(_alerts)),
            AdminPage("/alerts", answer=self._asked(_overview), summary="Alerts, silences, and how delivery goes."),
            AdminPage(
                "/alerts/silence",
                answer=self.silence,
                order="silence_alerts",
                takes={"matchers": list, "seconds": (int, float), "comment": str},
                needs={"matchers", "seconds"},
            ),
            AdminPage(
                "/alerts/unsilence",
                answer=self.unsilence,
                order="unsilence_alerts",
                takes={"id": str},
                needs={"id"},
            ),
            AdminPage(
                "/alerts/acknowledge",
                answer=self.acknowledge,
                order="acknowledge_alert",
                takes={"fingerprint": str, "comment": str},
                needs={"fingerprint"},
            ),
        )

    def pages(self) -> Iterable[AdminPage]:
        """Return them."""
        return self._pages

    def _asked(self, answer: Callable[[Alerts], AdminAnswer]) -> Callable[[AdminRequest], Awaitable[AdminAnswer]]:
        async def ask(_request: AdminRequest) -> AdminAnswer:
            try:
                return answer(self._kernel.service(Alerts))
            except UnknownServiceError:
                return AdminAnswer(f"{_NO_RULES}\n", 404)

        return ask

    async def silence(self, request: AdminRequest) -> AdminAnswer:
        """Add a silence from now on."""
        fields = request.fields
        matchers, seconds = cast("list[object]", fields["matchers"]), cast("float", fields["seconds"])
        if not all(isinstance(one, str) for one in matchers):
            return AdminAnswer('matchers is a list of texts like severity="page"\n', 400)
        try:
            dispatcher = self._kernel.service(Alerts).dispatcher
            now = dispatcher.now()
            found = await dispatcher.silences.add(
                cast("list[str]", matchers),
                start=now,
                end=now + seconds,
                creator=request.actor,
                comment=str(fields.get("comment", request.reason)),
            )
        except UnknownServiceError:
            return AdminAnswer(f"{_NO_RULES}\n", 404)
        except ValueError as exc:
            return AdminAnswer(f"{exc}\n", 400)
        except OSError as exc:
            return AdminAnswer(f"the silence cannot be written down: {exc.strerror}\n", 503)
        return AdminAnswer.json({"id": found})

    async def unsilence(self, request: AdminRequest) -> AdminAnswer:
        """End a silence."""
        return await self._done(
            lambda alerts: alerts.dispatcher.silences.remove(str(request.fields["id"]), actor=request.actor)
        )

    async def acknowledge(self, request: AdminRequest) -> AdminAnswer:
        """Say that somebody is at an alert."""
        comment = str(request.fields.get("comment", request.reason))
        return await self._done(
            lambda alerts: alerts.dispatcher.acknowledge(str(request.fields["fingerprint"]), request.actor, comment)
        )

    async def _done(self, action: Callable[[Alerts], Awaitable[None]]) -> AdminAnswer:
        try:
            await action(self._kernel.service(Alerts))
        except UnknownServiceError:
            return AdminAnswer(f"{_NO_RULES}\n", 404)
        except LookupError as exc:
            return AdminAnswer(f"{exc.args[0]}\n", 404)
        except OSError as exc:
            return AdminAnswer(f"that cannot be written down: {exc.strerror}\n", 503)
        return AdminAnswer.json({"done": True})


def _success(data: object) -> AdminAnswer:
    return AdminAnswer.json({"status": "success", "data": data})


def _rules(alerts: Alerts) -> AdminAnswer:
    return _success({"groups": [_group_row(group, alerts.interval_of(group)) for group in alerts.rules.groups]})


def _alerts(alerts: Alerts) -> AdminAnswer:
    return _success({"alerts": [_alert_row(alert) for _run, alert in alerts.alerts() if alert.state != "resolved"]})


def _overview(alerts: Alerts) -> AdminAnswer:
    dispatcher = alerts.dispatcher
    rows = [
        {
            **_alert_row(alert),
            "fingerprint": alert.fingerprint,
            "flapping": alert.fingerprint in dispatcher.flapping,
            "silenced": getattr(dispatcher.silences.silenced(alert), "id", None),
            "acknowledged": getattr(dispatcher.silences.acknowledgement(alert), "actor", None),
        }
        for _run, alert in alerts.alerts()
    ]
    silences = [
        {
            "id": one.id,
            "matchers": [*one.matchers],
            "start": one.start,
            "end": one.end,
            "creator": one.creator,
            "comment": one.comment,
        }
        for one in dispatcher.silences.list()
    ]
    queues = [
        {"name": one.name, "waiting": len(one.outbox), "error": one.error} for one in dispatcher.deliveries.values()
    ]
    return AdminAnswer.json({"alerts": rows, "silences": silences, "receivers": queues, "problem": alerts.problem})


def _group_row(group: GroupRun, interval: int) -> dict[str, Any]:
    runs = [run for run in group.runs if run.evaluated_at is not None]
    return {
        "name": group.group.name,
        "file": group.group.file,
        "interval": interval / 1_000,
        "limit": group.group.limit,
        "rules": [_rule_row(run) for run in group.runs],
        "evaluationTime": sum(run.seconds for run in group.runs),
        "lastEvaluation": _time(max((run.evaluated_at or 0 for run in runs), default=0)),
    }


def _rule_row(run: Run) -> dict[str, Any]:
    rule = run.rule
    row: dict[str, Any] = {
        "name": rule.name,
        "query": rule.expr.text,
        "health": run.health,
        "evaluationTime": run.seconds,
        "lastEvaluation": _time(run.evaluated_at or 0),
        "labels": {name: getattr(one, "source", one) for name, one in rule.labels.items()},
    }
    if run.error:
        row["lastError"] = run.error
    if not isinstance(rule, AlertingRule):
        return {**row, "type": "recording"}
    active = [one.told("") for one in getattr(run, "active", {}).values() if one.state != "inactive"]
    state = "firing" if any(one.state == "firing" for one in active) else "pending" if active else "inactive"
    return {
        **row,
        "type": "alerting",
        "state": state,
        "duration": rule.hold / 1_000,
        "keepFiringFor": rule.keep / 1_000,
        "annotations": {name: one.source for name, one in rule.annotations.items()},
        "alerts": [_alert_row(one) for one in active],
    }


def _alert_row(alert: Alert) -> dict[str, Any]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state,
        "activeAt": _time(alert.active_at),
        "value": plain_number(alert.value),
    }


def _time(milliseconds: int) -> str:
    moment = dt.datetime.fromtimestamp(milliseconds / 1_000, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
