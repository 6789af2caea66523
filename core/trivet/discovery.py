"""Find and load plugins: entry points, names, objects passed in code. One that is broken is set aside and named.

Built-ins come in through entry points like anyone's. Since plugins may hold keys, installed does not mean loaded: only built-ins
load by themselves, others when named in code or in ``[plugins] enable``, or all of them with ``discover="all"``.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from trivet import hookspecs
from trivet.composition import Declared
from trivet.errors import PluginError
from trivet.hookspecs import PROJECT
from trivet.plugin import Plugin, check_api, check_hooks, plugin_name
from trivet.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from importlib.metadata import EntryPoint

    from trivet.composition import Composition
    from trivet.stall import StallWatch

Discover = Literal["builtin", "all", "none"]
GROUP = PROJECT
CONTRIB_GROUP = f"{PROJECT}.contrib"


class Plugins:
    """The loaded plugins of one kernel.

    Args:
        watch: Names the plugin that blocks.
        block: Names that are never loaded, not even imported.
        on_broken: Told of every plugin that is set aside.
    """

    def __init__(
        self,
        watch: StallWatch,
        *,
        block: Collection[str] = (),
        on_broken: Callable[[PluginError], None],
    ) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._kinds = _kinds_of(hookspecs)
        self._watch = watch
        self._block = frozenset(block)
        self._on_broken = on_broken
        self._loaded: dict[str, Plugin] = {}
        self._declared: dict[str, list[Declared]] = {}
        self._tried: set[str] = set()
        self.builtin_only = False
        """Load nothing but trivet's own (``TRIVET_SAFE=1``); names that this keeps out are in ``left_out``."""
        self.left_out: list[str] = []

    def load(self, discover: Discover, wanted: Iterable[object | str]) -> None:
        """Load what ``discover`` says, then the wanted names and objects."""
        found: list[Plugin] = [] if discover == "none" else list(self._installed(everyone=discover == "all"))
        for item in wanted:
            if isinstance(item, str):
                found.extend(self._named(item))
            elif self._admits(plugin_name(item), builtin=False):
                found.append(Plugin(plugin_name(item), item))
        # A plugin's own hooks must exist before anyone's implementations of them are checked.
        for plugin in found:
            self._guard(plugin, self._add_specs)
        for plugin in found:
            self._guard(plugin, self._register)

    def _installed(self, *, everyone: bool) -> Iterator[Plugin]:
        for point in _entry_points(GROUP):
            if (everyone or _is_builtin(point)) and self._admits(point.name, builtin=_is_builtin(point)):
                yield from self._import(point)

    def _named(self, name: str) -> Iterator[Plugin]:
        if name in self._loaded:
            return
        points = [*_entry_points(GROUP), *_entry_points(CONTRIB_GROUP)]
        matches = [point for point in points if point.name == name]
        if len({_distribution(point) for point in matches}) > 1:
            owners = " and ".join(sorted(_distribution(point) for point in matches))
            self._on_broken(PluginError(name, f"is offered by {owners}; uninstall one, or pass the module itself"))
        elif not matches:
            close = difflib.get_close_matches(name, [point.name for point in points], n=1)
            hint = f"did you mean {close[0]}?" if close else "install the distribution that brings it"
            self._on_broken(PluginError(name, f"is not installed; {hint}"))
        elif self._admits(name, builtin=_is_builtin(matches[0])):
            yield from self._import(matches[0])

    def _admits(self, name: str, *, builtin: bool) -> bool:
        if self.builtin_only and not builtin:
            self.left_out.append(name)
            return False
        return name not in self._block

    def _import(self, point: EntryPoint) -> Iterator[Plugin]:
        try:
            with self._watch.step(f"plugin {point.name} (import of {point.value})"):
                thing = point.load()
        except (Exception, SystemExit) as exc:
            error = PluginError(point.name, f"does not import: {type(exc).__name__}: {exc}")
            error.__cause__ = exc
            self._on_broken(error)
        else:
            distribution = point.dist
            version = distribution.version if distribution else None
            yield Plugin(point.name, thing, _distribution(point), version, builtin=_is_builtin(point))

    def _guard(self, plugin: Plugin, step: Callable[[Plugin], None]) -> None:
        try:
            step(plugin)
        except PluginError as exc:
            self._on_broken(exc)
        except Exception as exc:
            error = PluginError(plugin.name, f"is broken: {type(exc).__name__}: {exc}")
            error.__cause__ = exc
            self._on_broken(error)

    def _add_specs(self, plugin: Plugin) -> None:
        specs = getattr(plugin.object, "trivet_hookspecs", None)
        if specs is not None:
            self._manager.add_hookspecs(specs)
            self._kinds.update(_kinds_of(specs))

    def _register(self, plugin: Plugin) -> None:
        other = self._loaded.get(plugin.name)
        if other is not None:
            if other.object is plugin.object:
                return
            raise PluginError(plugin.name, "another plugin has this name; set trivet_name on one")
        check_api(plugin)
        check_hooks(plugin, self._kinds)
        try:
            self._manager.register(plugin.object, plugin.name)
        except pluggy.PluginValidationError as exc:
            raise PluginError(plugin.name, " ".join(str(exc).split())) from exc
        self._loaded[plugin.name] = plugin

    def declare(self, composition: Composition) -> list[Declared]:
        """Return what all plugins offer: call every ``register_*`` hook that was not called before, each isolated."""
        for plugin in [one for one in self._loaded.values() if one.name not in self._declared]:
            try:
                self._declared[plugin.name] = self._offers(plugin, composition)
            except PluginError as exc:
                self._drop(plugin.name)
                self._on_broken(exc)
        return [item for offers in self._declared.values() for item in offers]

    def _offers(self, plugin: Plugin, composition: Composition) -> list[Declared]:
        offers: list[Declared] = []
        for kind, function in self._implementations(plugin):
            hook = function.__name__
            try:
                with self._watch.step(f"plugin {plugin.name} ({hook})"):
                    offers.extend(_declared(kind, plugin, hook, function(composition)))
            except PluginError:
                raise
            except Exception as exc:
                raise PluginError(plugin.name, f"{hook} failed: {type(exc).__name__}: {exc}") from exc
        return offers

    def _implementations(self, plugin: Plugin) -> Iterator[tuple[str, Callable[..., Any]]]:
        for name, kind in self._kinds.items():
            for implementation in self.implementations(name):
                if implementation.plugin is plugin.object and kind is not None:
                    yield kind, implementation.function

    def implementations(self, hook: str) -> list[pluggy.HookImpl]:
        """Return the implementations of one hook, to be called one by one: pluggy's own call stops at the first that raises."""
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        return caller.get_hookimpls()

    def admit(self, enable: Iterable[str], block: Iterable[str]) -> bool:
        """Load more plugins by name, drop others for good.

        Returns:
            True if this changed anything.
        """
        self._block |= frozenset(block)
        dropped = self._block & self._loaded.keys()
        for name in dropped:
            self._drop(name)
        # Each name is tried once: one that is broken stays broken, and the start must come to an end.
        fresh = [name for name in enable if name not in self._loaded and name not in self._tried]
        self._tried.update(fresh)
        before = set(self._loaded)
        self.load("none", fresh)
        return bool(dropped) or set(self._loaded) != before

    def _drop(self, name: str) -> None:
        self._manager.unregister(self._loaded.pop(name).object)
        self._declared.pop(name, None)


def _declared(kind: str, plugin: Plugin, hook: str, result: object) -> Iterator[Declared]:
    if result is None:
        return
    if inspect.isawaitable(result):
        getattr(result, "close", lambda: None)()
        raise PluginError(plugin.name, f"{hook} returned an awaitable; return a list of Provider records")
    if isinstance(result, str | Mapping) or not isinstance(result, Iterable):
        raise PluginError(plugin.name, f"{hook} must return a list of Provider records, got {type(result).__name__}")
    for item in result:
        if not isinstance(item, Provider):
            raise PluginError(
                plugin.name, f"{hook} must return Provider records, got a {type(item).__name__} in the list"
            )
        yield Declared(kind, item, plugin)


def _kinds_of(specs: object) -> dict[str, str | None]:
    found = ((name, getattr(specs, name)) for name in dir(specs))
    return {
        name: getattr(function, "trivet_kind", None) for name, function in found if hasattr(function, f"{PROJECT}_spec")
    }


def _entry_points(group: str) -> Sequence[EntryPoint]:
    from importlib.metadata import entry_points

    # An editable install can be listed twice (its own metadata and a path's): the same value is the same plugin.
    unique = {(point.name, point.value, _distribution(point)): point for point in entry_points(group=group)}
    return [unique[key] for key in sorted(unique)]


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else ""


def _is_builtin(point: EntryPoint) -> bool:
    return point.group == GROUP and _distribution(point) == PROJECT
