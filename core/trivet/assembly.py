"""`Assembly`: the plugins of one kernel and what they make up, kept up to date as more are enabled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, cast

from trivet.composition import Composition, Declared, compose, missing_extras
from trivet.discovery import Discover, Plugins
from trivet.errors import PluginError
from trivet.events import ConfigWarning, PluginBroken
from trivet.stall import StallWatch, report_to_stderr

if TYPE_CHECKING:
    from collections.abc import Callable

    from trivet.events import Event
    from trivet.launch import Launch
    from trivet.observers import Observers

_STALL_LIMIT = 5.0


class Assembly:
    """Load plugins when first asked, and compose their providers.

    Args:
        kernel: The kernel's name.
        plugins: Modules, objects and names of installed plugins.
        discover: What loads by itself.
        block: Names of plugins that must not load.
        strict: Raise on a broken plugin instead of setting it aside.
        observers: Gets the plugins' ``on_event`` hooks, and hears of broken plugins.
    """

    def __init__(
        self,
        kernel: str,
        *,
        plugins: Sequence[object | str],
        discover: Discover,
        block: Collection[str],
        strict: bool,
        observers: Observers,
    ) -> None:
        self.broken: dict[str, PluginError] = {}
        self.watch = StallWatch(_STALL_LIMIT, report_to_stderr)
        self._kernel = kernel
        self._plugins = Plugins(self.watch, block=block, on_broken=self._set_aside)
        self._to_load: tuple[Discover, Sequence[object | str]] | None = (discover, tuple(plugins))
        self._strict = strict
        self._observers = observers
        self._observed: list[Callable[[Event], None]] = []
        self._own: list[Declared] = []
        self._composition: Composition | None = None

    def add(self, declared: Declared) -> None:
        """Add a provider of the application itself."""
        self._own.append(declared)
        self._composition = None

    def compose(self, launch: Launch) -> Composition:
        """Return the composition of all plugins so far; see `Kernel.compose`."""
        if self._composition is None:
            with self.watch:
                if self._to_load is not None:
                    self._load(launch, *self._to_load)
                    self._to_load = None
                context = Composition(kernel=self._kernel, launch=launch)
                declared = [*self._plugins.declare(context), *self._own]
            self._composition = compose(context, declared, missing_extras(declared))
        return self._composition

    def _load(self, launch: Launch, discover: Discover, wanted: Sequence[object | str]) -> None:
        self._plugins.builtin_only = launch.environ.get("TRIVET_SAFE", "") not in ("", "0")
        self._plugins.load(discover, wanted)
        self._look_for_observers()

    def admit(self, enable: Collection[str], block: Collection[str]) -> bool:
        """Load more plugins by name, drop others for good: what ``plugins.enable`` and ``plugins.block`` ask for.

        Returns:
            True if this changed anything; `compose` then gives a new composition.
        """
        changed = self._plugins.admit(enable, block)
        if changed:
            self._look_for_observers()
            self._composition = None
        return changed

    def _look_for_observers(self) -> None:
        for hook in self._plugins.implementations("on_event"):
            callback = cast("Callable[[Event], None]", hook.function)
            if callback not in self._observed:
                self._observed.append(callback)
                self._observers.add(callback)
        for name in self._plugins.left_out:
            self._observers.emit(ConfigWarning(message=f"TRIVET_SAFE is set: plugin {name} is left out"))
        self._plugins.left_out.clear()

    def _set_aside(self, error: PluginError) -> None:
        if self._strict:
            raise error
        self.broken[error.plugin] = error
        self._observers.emit(PluginBroken(plugin=error.plugin, reason=error.reason))
