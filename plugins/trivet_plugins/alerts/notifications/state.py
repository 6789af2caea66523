"""`State`: all that outlives a restart, as one JSON document: queues, groups, silences, acknowledgements, what flaps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import attrs

from trivet_plugins.alerts.notifications.group import Group
from trivet_plugins.alerts.notifications.outbox import Waiting
from trivet_plugins.alerts.notifications.silence import Acknowledgement, Silence
from trivet_plugins.alerts.receivers.receiver import Notification
from trivet_plugins.alerts.rules.alert import Alert

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION: Final = 1


class StateError(ValueError):
    """A document is no state of a dispatcher."""


@attrs.define(kw_only=True)
class State:
    """What is known."""

    queues: dict[str, tuple[Waiting, ...]] = attrs.field(factory=dict)
    groups: list[Group] = attrs.field(factory=list)
    silences: list[Silence] = attrs.field(factory=list)
    acknowledgements: list[Acknowledgement] = attrs.field(factory=list)
    flaps: dict[str, Any] = attrs.field(factory=dict)

    def encode(self) -> bytes:
        """Return the document."""
        groups = [
            {
                **attrs.asdict(one, filter=_is_no_set),
                "flapping": sorted(one.flapping),
                "alerts": _plain(one.alerts.values()),
            }
            for one in self.groups
        ]
        document = {
            "version": VERSION,
            "queues": {name: _plain(waiting) for name, waiting in self.queues.items()},
            "groups": groups,
            "silences": _plain(self.silences),
            "acknowledgements": _plain(self.acknowledgements),
            "flaps": self.flaps,
        }
        return json.dumps(document, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> State:
        """Read a document.

        Raises:
            StateError: if it is none of this version.
        """
        try:
            document = json.loads(data)
            version = document["version"]
            state = cls(
                queues={name: tuple(map(_waiting, queue)) for name, queue in document["queues"].items()},
                groups=[_group(one) for one in document["groups"]],
                silences=[Silence(**{**one, "matchers": tuple(one["matchers"])}) for one in document["silences"]],
                acknowledgements=[Acknowledgement(**one) for one in document["acknowledgements"]],
                flaps=document["flaps"],
            )
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise StateError(f"it is damaged ({type(exc).__name__})") from exc
        if version != VERSION:
            raise StateError(f"it is of version {version}, this program reads version {VERSION}")
        return state


def _is_no_set(attribute: attrs.Attribute[Any], _value: object) -> bool:
    return attribute.name not in {"alerts", "flapping"}


def _plain(records: Iterable[attrs.AttrsInstance]) -> list[dict[str, Any]]:
    return [attrs.asdict(one) for one in records]


def _pairs(pairs: Iterable[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in pairs)


def _alert(document: dict[str, Any]) -> Alert:
    pairs = {"labels": _pairs(document["labels"]), "annotations": _pairs(document["annotations"])}
    return Alert(**{**document, **pairs})


def _waiting(document: dict[str, Any]) -> Waiting:
    batch = document["batch"]
    parts = {"group_labels": _pairs(batch["group_labels"]), "alerts": tuple(map(_alert, batch["alerts"]))}
    return Waiting(**{**document, "batch": Notification(**{**batch, **parts})})


def _group(document: dict[str, Any]) -> Group:
    alerts = {alert.fingerprint: alert for alert in map(_alert, document["alerts"])}
    parts = {"labels": _pairs(document["labels"]), "flapping": set(document["flapping"]), "alerts": alerts}
    return Group(**{**document, **parts})
