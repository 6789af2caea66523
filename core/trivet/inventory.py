"""What there is: the rows of `Kernel.plugins`, and which plugin would give a service that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trivet.failure import describe
from trivet.supervision import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trivet.composition import Composition, Declared
    from trivet.errors import PluginError
    from trivet.supervision import Slot


@attrs.frozen(kw_only=True)
class ProviderRow:
    """A line of `Kernel.plugins`.

    Args:
        id: ``kind/name``; of a plugin that was set aside, ``plugin/<name>``.
        kind: The kind; ``plugin`` for a plugin that was set aside.
        plugin: The plugin that gives it.
        distribution: The installed distribution it belongs to; None where it was passed in code.
        version: Of that distribution.
        state: A value of `trivet.supervision.State`, or ``broken``.
        replaces: The id it stands in for.
        error: Why it is unavailable, failed or broken.
        start_seconds: How long its start took.
    """

    id: str
    kind: str
    plugin: str
    distribution: str | None = None
    version: str | None = None
    state: str
    replaces: str | None = None
    error: str | None = None
    start_seconds: float | None = None


def inventory(
    composition: Composition, slots: Mapping[str, Slot], broken: Mapping[str, PluginError]
) -> list[ProviderRow]:
    """Return a row per provider, in the order of ids, then one per broken plugin."""
    rows = [
        _row(declared, slots.get(id_), composition.unavailable.get(id_))
        for id_, declared in sorted(composition.providers.items())
    ]
    for name, error in sorted(broken.items()):
        rows.append(ProviderRow(id=f"plugin/{name}", kind="plugin", plugin=name, state="broken", error=error.reason))
    return rows


def _row(declared: Declared, slot: Slot | None, unavailable: str | None) -> ProviderRow:
    state, error = State.DECLARED, None
    if unavailable is not None:
        state, error = State.UNAVAILABLE, unavailable
    elif slot is not None:
        state, error = slot.state, describe(slot.error) if slot.error is not None else None
    return ProviderRow(
        id=declared.id,
        kind=declared.kind,
        plugin=declared.plugin.name,
        distribution=declared.plugin.distribution,
        version=declared.plugin.version,
        state=state.value,
        replaces=declared.provider.replaces,
        error=error,
        start_seconds=slot.started_in if slot is not None else None,
    )


def missing_service(kind: type, composition: Composition, state: str) -> str:
    """Return the text of the error for a service that does not run: who would give it, and why it does not."""
    what = f"no running service provides {kind.__name__}"
    for id_, declared in composition.providers.items():
        provides = declared.provider.provides
        if provides is not None and issubclass(provides, kind):
            if id_ in composition.unavailable:
                return f"{what}: {id_} is unavailable, {composition.unavailable[id_]}"
            if state == "running":
                section = f"plugins.{declared.provider.name}"
                return f"{what}: {id_} has failed, or is not turned on in {section}; trivet plugins says which"
            return f"{what}: {id_} would, but the kernel is {state}; ask while it runs"
    return f"{what}: add a plugin with a service that has provides={kind.__name__}"
