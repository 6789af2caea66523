"""`Plugin`: a loaded plugin that keeps the contract of `trivet.hookspecs`, and the checks that say why one does not."""

from __future__ import annotations

import difflib
import inspect
import operator
import re
from types import ModuleType
from typing import TYPE_CHECKING

import attrs

from trivet.errors import PluginError
from trivet.hookspecs import API_VERSION, PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|<|>)\s*(\d+)\s*\Z")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


@attrs.frozen(eq=False)
class Plugin:
    """A plugin and where it is from.

    Args:
        name: The entry point's name, or the module's or class's name.
        object: The module or object with the hook implementations.
        distribution: The installed distribution it belongs to; None where it was passed in code.
        version: Of that distribution.
        builtin: True for trivet's own.
    """

    name: str
    object: object
    distribution: str | None = None
    version: str | None = None
    builtin: bool = False


def plugin_name(thing: object) -> str:
    """Return the name of a plugin that was passed in code: ``trivet_name`` if it has one, else its module's or class's."""
    given = getattr(thing, "trivet_name", None)
    if isinstance(given, str):
        return given
    if isinstance(thing, ModuleType):
        return thing.__name__
    return type(thing).__qualname__


def check_api(plugin: Plugin) -> None:
    """Hold the plugin's ``trivet_api`` (``">=1,<2"``) against ours.

    Raises:
        PluginError: if this trivet is not in its range, or the range cannot be read.
    """
    wanted = getattr(plugin.object, "trivet_api", None)
    if wanted is None:
        return
    clauses = [_CLAUSE.match(part) for part in str(wanted).split(",")]
    if not isinstance(wanted, str) or not all(clauses):
        raise PluginError(plugin.name, f'trivet_api must look like ">=1,<2", got {wanted!r}')
    if not all(_COMPARE[clause[1]](API_VERSION, int(clause[2])) for clause in clauses if clause):
        remedy = "install a trivet or a plugin that fits"
        raise PluginError(plugin.name, f"needs plugin API {wanted}, this trivet has {API_VERSION}; {remedy}")


def check_hooks(plugin: Plugin, known: Collection[str]) -> None:
    """Check that the plugin implements hooks, that they exist, and that none is async or lacks its mark.

    Raises:
        PluginError: naming the function and the remedy.
    """
    implemented = 0
    for name, function, marked in _functions(plugin.object):
        if marked and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"hooks are {', '.join(sorted(known))}"
            raise PluginError(plugin.name, f"there is no hook {name}; {hint}")
        if not marked and name in known and _defined_by(plugin.object, function):
            raise PluginError(plugin.name, f"{name} lacks its mark: put @hookimpl above it")
        if marked and (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
            remedy = "make it a plain function that returns providers; their factories may be async"
            raise PluginError(plugin.name, f"{name} is async, hooks are not: {remedy}")
        implemented += marked
    if not implemented:
        raise PluginError(plugin.name, "implements no hook; mark its functions with @hookimpl, or remove it")


def _functions(thing: object) -> Iterator[tuple[str, Callable[..., object], bool]]:
    # Looked up on the class first: reading every attribute of an object would run its properties (pluggy#201).
    owner = thing if isinstance(thing, ModuleType | type) else type(thing)
    for name in dir(owner):
        if not name.startswith("_") and inspect.isroutine(getattr(owner, name, None)):
            function = getattr(thing, name)
            yield name, function, getattr(function, f"{PROJECT}_impl", None) is not None


def _defined_by(thing: object, function: Callable[..., object]) -> bool:
    # A module that imports the hook *specification* to refer to it has not forgotten a mark.
    return not isinstance(thing, ModuleType) or getattr(function, "__module__", None) == thing.__name__
