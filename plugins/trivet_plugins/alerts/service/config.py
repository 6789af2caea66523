"""`AlertsConfig`: the section ``plugins.alerts``."""

from __future__ import annotations

import pathlib
from typing import Any

import attrs

from trivet_plugins.alerts.notifications.settings import NotificationSettings


def _directory(_instance: object, _attribute: attrs.Attribute[Any], value: pathlib.Path | None) -> None:
    if value is not None and value.exists() and not value.is_dir():
        raise ValueError(f"state is a directory, and {value} is none")


@attrs.frozen(kw_only=True)
class AlertsConfig:
    """Which rules, how often, and who is told."""

    rule_files: tuple[str, ...] = ()
    evaluation_interval: float = attrs.field(default=15.0, validator=attrs.validators.ge(0.05))
    external_labels: dict[str, str] = attrs.field(factory=dict)
    external_url: str = ""
    state: pathlib.Path | None = attrs.field(default=None, validator=_directory)
    keep: float = attrs.field(default=3_600.0, validator=attrs.validators.ge(300))
    notify: NotificationSettings = attrs.field(factory=NotificationSettings)
