"""Load the kernel that a TARGET names: ``module:attr`` or ``file.py[:attr]``, default attribute ``kernel``.

The working directory and, for a file, its directory (that of its top package, if it is in one) come first on
``sys.path``, as if the file were run as a script.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import pathlib
import sys
from typing import TYPE_CHECKING

import attrs

from trivet.errors import TargetError
from trivet_plugins.cli.place import describe_failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from trivet import Kernel

DEFAULT_ATTRIBUTE = "kernel"


@attrs.frozen
class Target:
    """A parsed TARGET.

    Args:
        place: Dotted module name, or path of a ``.py`` file.
        attribute: Dotted attribute that holds the kernel.
    """

    place: str
    attribute: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Take a TARGET apart.

        Raises:
            TargetError: if it has neither form.
        """
        place, colon, attribute = text.rpartition(":")
        if not colon or "/" in attribute or attribute.endswith(".py"):  # a path may hold colons, an attribute no slash
            place, attribute = text, DEFAULT_ATTRIBUTE
        if not place or not attribute:
            msg = f"{text!r} is no target; write module:attr or file.py[:attr], e.g. app.py or orders.main:kernel"
            raise TargetError(msg)
        return cls(place, attribute)

    @property
    def is_file(self) -> bool:
        """Whether the place is a path, not a module name."""
        return self.place.endswith(".py") or "/" in self.place

    def __str__(self) -> str:
        return f"{self.place}:{self.attribute}"


def load_kernel(text: str) -> Kernel:
    """Import a TARGET and return its kernel.

    Raises:
        TargetError: if there is no such file, module, attribute or kernel, or if the target's own code fails while it
            is imported (the cause is chained); names the line of the target that failed.
    """
    from trivet import Kernel

    target = Target.parse(text)
    _first_on_path(pathlib.Path.cwd())
    module = _import_file(target) if target.is_file else _import_module(target)
    found: object = module
    for name in target.attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise TargetError(_no_attribute(target, module)) from None
    if not isinstance(found, Kernel):
        msg = f"{target} is a {type(found).__name__}, not a trivet Kernel{_kernels_hint(target, module)}"
        raise TargetError(msg)
    return found


def _import_module(target: Target) -> ModuleType:
    if not all(part.isidentifier() for part in target.place.split(".")):
        msg = f"{target.place!r} is no module name; write module:attr or file.py[:attr]"
        raise TargetError(msg)
    try:
        with _blaming(target):
            return importlib.import_module(target.place)
    except TargetError as exc:
        missing = exc.__cause__.name if isinstance(exc.__cause__, ModuleNotFoundError) else None
        if missing is None or not f"{target.place}.".startswith(f"{missing}."):
            raise
        file = pathlib.Path(*target.place.split(".")).with_suffix(".py")
        hint = f"did you mean {file}?" if file.is_file() else f"looked in {pathlib.Path.cwd()} and the Python path"
        raise TargetError(f"no module named {missing!r}; {hint}") from None


def _import_file(target: Target) -> ModuleType:
    path = pathlib.Path(target.place)
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise TargetError(f"{target.place} {what}{_similar_files(path)}")
    root, name = _module_of(path.resolve())
    _first_on_path(root)
    if "." in name:  # part of a package: relative imports work only when it is imported as such
        with _blaming(target):
            return importlib.import_module(name)
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path.resolve()):
        return known
    # A file called like a module that is loaded already (json.py, say) must not take that one's place.
    free = known is None and name not in sys.stdlib_module_names
    return _execute(target, path.resolve(), name if free else f"trivet_target_{name}")


def _execute(target: Target, path: pathlib.Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        msg = f"{target.place} is no Python file; a target ends in .py"
        raise TargetError(msg)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        with _blaming(target):
            spec.loader.exec_module(module)
    except TargetError:
        del sys.modules[name]
        raise
    return module


@contextlib.contextmanager
def _blaming(target: Target) -> Iterator[None]:
    """Turn what the target's code raises into one line with its place."""
    try:
        yield
    except SystemExit as exc:
        msg = f"{target.place} exits when it is imported ({exc.code!r}); put that under if __name__ == '__main__'"
        raise TargetError(msg) from exc
    except Exception as exc:  # foreign code: whatever it raises is its failure, not ours
        raise TargetError(f"{target.place} does not import: {describe_failure(exc)}") from exc


def _module_of(path: pathlib.Path) -> tuple[pathlib.Path, str]:
    parts = [] if path.stem == "__init__" else [path.stem]
    root = path.parent
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    return root, ".".join(parts)


def _first_on_path(directory: pathlib.Path) -> None:
    text = str(directory)
    if text not in sys.path:
        sys.path.insert(0, text)


def _similar_files(path: pathlib.Path) -> str:
    with contextlib.suppress(OSError):
        near = difflib.get_close_matches(path.name, [file.name for file in path.parent.glob("*.py")], n=1)
        if near:
            return f"; did you mean {path.with_name(near[0])}?"
    return f"; looked in {pathlib.Path.cwd()}"


def _no_attribute(target: Target, module: ModuleType) -> str:
    text = f"{target.place} has no {target.attribute!r}"
    hint = _kernels_hint(target, module)
    if not hint:
        near = difflib.get_close_matches(target.attribute, vars(module), n=1)
        hint = f"; did you mean {target.place}:{near[0]}?" if near else "; it must hold a trivet Kernel"
    return text + hint


def _kernels_hint(target: Target, module: ModuleType) -> str:
    from trivet import Kernel

    names = sorted(name for name, value in vars(module).items() if isinstance(value, Kernel))
    return f"; did you mean {' or '.join(f'{target.place}:{name}' for name in names)}?" if names else ""
