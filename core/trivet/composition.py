"""`compose`: the pure decision of what would run and in which order. No I/O, no event loop."""

from __future__ import annotations

import difflib
import importlib.util
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from trivet.errors import CompositionError, ProviderConflict, RequirementError
from trivet.phase import Phase, waves_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trivet.launch import Launch
    from trivet.plugin import Plugin
    from trivet.provider import Provider


@attrs.frozen(eq=False)
class Declared:
    """A provider as a plugin declared it.

    Args:
        kind: The kind, given by the hook.
        provider: The record.
        plugin: Who offers it.
    """

    kind: str
    provider: Provider[Any]
    plugin: Plugin

    @property
    def id(self) -> str:
        """The provider's id, ``kind/name``."""
        return f"{self.kind}/{self.provider.name}"


@attrs.frozen(eq=False, kw_only=True)
class Composition:
    """What would run. Hooks get it while it is still empty: then only ``kernel`` and ``launch`` say something.

    Args:
        kernel: The kernel's name.
        launch: How the process was started.
        providers: Id to provider, of all that take part; replaced ones are left out.
        aliases: Id of a replaced provider to the id of its replacement.
        unavailable: Id to the reason, of providers whose extra is missing or that require such a one.
        waves: Per phase, groups of ids that start together, in order.
    """

    kernel: str
    launch: Launch
    providers: Mapping[str, Declared] = attrs.field(factory=dict)
    aliases: Mapping[str, str] = attrs.field(factory=dict)
    unavailable: Mapping[str, str] = attrs.field(factory=dict)
    waves: Mapping[Phase, tuple[tuple[str, ...], ...]] = attrs.field(factory=dict)

    def requirements(self, provider: str) -> tuple[str, ...]:
        """Return the ids that a provider requires, replacements put in."""
        return tuple(_current(self.aliases, wanted) for wanted in self.providers[provider].provider.requires)

    def predecessors(self, provider: str) -> tuple[str, ...]:
        """Return the ids that start before a provider: what it requires, and what it is to come after and takes part."""
        found = dict.fromkeys(self.requirements(provider))
        for wanted in self.providers[provider].provider.after:
            kind, _, name = wanted.partition("/")
            current = _current(self.aliases, wanted)
            found.update(
                dict.fromkeys(
                    id_ for id_ in self.providers if id_ == current or (name == "*" and id_.startswith(f"{kind}/"))
                )
            )
        return tuple(id_ for id_ in found if id_ != provider and id_ not in self.unavailable)


def compose(context: Composition, declared: Sequence[Declared], missing: Mapping[str, str]) -> Composition:
    """Fit declared providers together.

    Args:
        context: The empty composition that hooks got.
        declared: All of them.
        missing: Id to reason, of those whose optional packages are not installed.

    Raises:
        ProviderConflict: if two give one id and neither replaces the other.
        RequirementError: if one requires what nobody gives.
        RequirementCycle: if they require each other.
        CompositionError: for a factory, section or replacement that cannot work.
    """
    aliases = _replacements(declared)
    # A plugin may replace the provider of its own name: then the id stays and the older one is the one without `replaces`.
    providers: dict[str, Declared] = {}
    for item in sorted(declared, key=lambda one: one.id):
        if item.id in aliases or (item.id in _same_id_replaced(declared) and item.provider.replaces != item.id):
            continue
        if item.id in providers:
            raise ProviderConflict(item.id, [providers[item.id].plugin.name, item.plugin.name])
        providers[item.id] = item
    for item in providers.values():
        _check_factory(item)
    _check_sections(providers)
    composition = attrs.evolve(context, providers=providers, aliases=aliases)
    unavailable = _unavailable(composition, missing)
    composition = attrs.evolve(composition, unavailable=unavailable)
    return attrs.evolve(composition, waves=waves_of(composition))


def missing_extras(declared: Iterable[Declared]) -> dict[str, str]:
    """Return id and remedy of the providers whose optional packages are missing. Looks at the disk: not part of `compose`."""
    found: dict[str, str] = {}
    for item in declared:
        if not all(importlib.util.find_spec(module) for module in item.provider.modules):
            found[item.id] = f"pip install 'trivet[{item.provider.extra}]'"
    return found


def _same_id_replaced(declared: Sequence[Declared]) -> set[str]:
    return {item.id for item in declared if item.provider.replaces == item.id}


def _replacements(declared: Sequence[Declared]) -> dict[str, str]:
    owners: dict[str, Declared] = {}
    known = {item.id for item in declared}
    for item in declared:
        old = item.provider.replaces
        if old is None:
            continue
        if old in owners:
            raise ProviderConflict(old, [owners[old].plugin.name, item.plugin.name])
        if old.partition("/")[0] != item.kind:
            msg = f"{item.id} (plugin {item.plugin.name}) cannot replace {old}: that is of another kind"
            raise CompositionError(msg)
        # Absent is allowed (the old one may be blocked); a near miss is a typo that would leave both running.
        close = [] if old in known else difflib.get_close_matches(old, known - {item.id}, n=1, cutoff=0.85)
        if close:
            msg = (
                f"{item.id} (plugin {item.plugin.name}) replaces {old}, which nobody provides; did you mean {close[0]}?"
            )
            raise CompositionError(msg)
        owners[old] = item
    return {old: item.id for old, item in owners.items() if old != item.id}


def _current(aliases: Mapping[str, str], wanted: str) -> str:
    for _ in range(len(aliases) + 1):
        if wanted not in aliases:
            return wanted
        wanted = aliases[wanted]
    msg = f"providers replace each other in a circle: {wanted}; remove one replaces="
    raise CompositionError(msg)


def factory_parameters(provider: Provider[Any]) -> dict[str, bool]:
    """Return the names that a provider's factory takes, and whether it must get them."""
    try:
        parameters = inspect.signature(provider.factory).parameters.values()
    except (TypeError, ValueError):
        return {}  # a callable written in C shows no signature: it is called without arguments
    named = (one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD))
    return {one.name: one.default is one.empty for one in named}


def _check_factory(item: Declared) -> None:
    for name, required in factory_parameters(item.provider).items():
        if required and name == "config" and item.provider.config is None:
            msg = f"{item.id} (plugin {item.plugin.name}): its factory takes config; set config= on the Provider"
            raise CompositionError(msg)
        if required and name not in ("config", "kernel"):
            msg = f"{item.id} (plugin {item.plugin.name}): a factory may take 'config' and 'kernel', not {name!r}"
            raise CompositionError(msg)


def _check_sections(providers: Mapping[str, Declared]) -> None:
    owners: dict[str, Declared] = {}
    for item in providers.values():
        name = item.provider.name
        if item.provider.config is None:
            continue
        if item.kind == "config_format" or name in ("enable", "block"):
            msg = f"{item.id} (plugin {item.plugin.name}) cannot have a section plugins.{name}; remove config= or rename it"
            raise CompositionError(msg)
        if name in owners and owners[name].provider.config is not item.provider.config:
            msg = f"{owners[name].id} and {item.id} both want the section plugins.{name}; rename one"
            raise CompositionError(msg)
        owners[name] = item


def _unavailable(composition: Composition, missing: Mapping[str, str]) -> dict[str, str]:
    unavailable = {id_: reason for id_, reason in missing.items() if id_ in composition.providers}
    known = composition.providers.keys()
    spread = True
    while spread:
        spread = False
        for id_ in known - unavailable.keys():
            for wanted in composition.requirements(id_):
                if wanted not in known:
                    raise RequirementError(id_, wanted, matches=difflib.get_close_matches(wanted, known - {id_}, n=2))
                if wanted in unavailable:
                    unavailable[id_] = f"needs {wanted}: {unavailable[wanted]}"
                    spread = True
    return unavailable
