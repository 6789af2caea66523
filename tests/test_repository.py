"""The house rules that a machine can check. Each failure lists every offender, with its place."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import types
from functools import cache
from pathlib import Path

import pytest

import trivet

ROOT = Path(__file__).parent.parent
CORE = ROOT / "core"
ROOTS = {CORE: 250, ROOT / "plugins": 300, ROOT / "contrib": 300}
FUNCTION_LINES = 30

# Isolation of foreign code is the job of the first three. Each other file that swallows an exception says whose it is.
MAY_SWALLOW = {
    "discovery.py": "a plugin's import and hooks",
    "hosting.py": "a kernel's failure, on its way to the host",
    "supervision.py": "a provider's start, run and stop",
    "config/isolation.py": "resolvers, validators, participants and subscribers",
    "health/function.py": "a check in a thread, on its way to the event loop",
    "health/runner.py": "a check: that it raises is its verdict",
    "kernel.py": "the body of `async with`, raised again outside of the task group",
    "metrics/gauge.py": "a reading, while others are scraped",
    "metrics/registry.py": "a collector, while others are scraped",
    "metrics/watch.py": "a tracer, in the middle of an update",
    "metrics/wrapping.py": "a consumer's exception, on its way into the generator",
    "observers.py": "an observer, while others are told",
    "revealed.py": "validators, whose text may hold the secret",
    "run.py": "providers of one wave: the first failure leaves alone, not in a group",
}
HEAVY = ("structlog", "cattrs", "click", "rich", "cryptography", "watchdog")

# Name and reason of each file or function that may be longer. Keep it short, or mend the rule.
LONGER: dict[str, str] = {}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@cache
def tree(path):
    return ast.parse(path.read_text(), str(path))


def sources(root):
    return sorted(path for path in root.rglob("*.py") if "__pycache__" not in path.parts)


def place(path, line=None):
    name = path.relative_to(ROOT).as_posix()
    return f"{name}:{line}" if line else name


def definitions(node, prefix=""):
    """Yield ``(qualified name, node)`` of all classes, functions and methods, but none inside a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            name = prefix + child.name
            yield name, child
            if isinstance(child, ast.ClassDef):
                yield from definitions(child, f"{name}.")
        elif isinstance(child, ast.If | ast.Try):
            yield from definitions(child, prefix)


def code_lines(function):
    """Lines from ``def`` to the end, without the docstring."""
    first = function.body[0]
    docstring = first.end_lineno - first.lineno + 1 if ast.get_docstring(function, clean=False) is not None else 0
    return function.end_lineno - function.lineno + 1 - docstring


def is_repeated(function):
    """Tell whether the docstring stands elsewhere: on the implementation of an overload, on a property's getter."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in function.decorator_list}
    return bool(names & {"overload", "setter", "deleter", "override"})


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.name)
def test_a_file_has_one_noun_and_stays_short(root):
    counts = {place(path): len(path.read_text().splitlines()) for path in sources(root)}
    assert {name: count for name, count in counts.items() if count > ROOTS[root] and name not in LONGER} == {}


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.name)
def test_a_function_fits_on_a_screen(root):
    long = {
        f"{place(path, node.lineno)} {name}": code_lines(node)
        for path in sources(root)
        for name, node in definitions(tree(path))
        if not isinstance(node, ast.ClassDef) and code_lines(node) > FUNCTION_LINES
    }
    assert {name: count for name, count in long.items() if name.split()[1] not in LONGER} == {}


def test_every_public_name_of_the_kernel_has_a_docstring():
    missing = [place(path, 1) for path in sources(CORE) if ast.get_docstring(tree(path)) is None]
    for path in sources(CORE):
        for name, node in definitions(tree(path)):
            public = not any(part.startswith("_") for part in name.split("."))
            if public and ast.get_docstring(node) is None and not is_repeated(node):
                missing.append(f"{place(path, node.lineno)} {name}")
    assert missing == []


def swallows_everything(handler):
    """Tell whether an except clause takes any exception and does not raise it again at its end."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {ast.unparse(item).rpartition(".")[2] if item else "BaseException" for item in caught}
    last = handler.body[-1]
    return bool(names & {"Exception", "BaseException"}) and not (isinstance(last, ast.Raise) and last.exc is None)


def test_only_files_that_isolate_foreign_code_swallow_any_exception():
    found = {}
    for path in sources(CORE):
        handlers = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ExceptHandler)]
        if lines := [handler.lineno for handler in handlers if swallows_everything(handler)]:
            found[path.relative_to(CORE / "trivet").as_posix()] = lines
    assert {name: lines for name, lines in found.items() if name not in MAY_SWALLOW} == {}
    assert MAY_SWALLOW.keys() - found.keys() == set(), "nothing to swallow there any more: take it off the list"


@pytest.mark.parametrize(
    "load", ["", "[getattr(trivet, name) for name in trivet.__all__]"], ids=["import", "every name"]
)
def test_importing_trivet_pulls_in_nothing_heavy(load):
    probe = f"import sys, trivet; {load or None}; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=15)
    assert done.stdout.split() == []


def test_the_public_names_are_a_sorted_tuple_equal_to_what_is_there():
    assert isinstance(trivet.__all__, tuple)
    assert list(trivet.__all__) == sorted(trivet.__all__)
    there = {
        name
        for name, value in vars(trivet).items()
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and name not in {"annotations", "TYPE_CHECKING", "import_module"}
    }
    assert there - set(trivet.__all__) == set()
    assert [name for name in trivet.__all__ if not hasattr(trivet, name)] == []


def test_type_checkers_read_the_same_public_names():
    """``__init__.pyi`` and ``__init__.py`` name the same things, from the same modules."""
    stub = tree(CORE / "trivet" / "__init__.pyi")
    homes = {alias.name: node.module for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert homes == trivet._HOME_OF
    assert sorted(homes) == list(trivet.__all__)


def test_no_tracked_file_names_a_registry_or_a_path_of_one_machine():
    hosts = ["py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js", "deb." + "debian", "proxy.go" + "lang"]
    paths = ["/wo" + "rk/", "/ro" + "ot/", "/opt/py" + "pi", "/home/" + r"\w+"]
    pattern = re.compile("|".join([*map(re.escape, hosts), *(rf"(?<![\w.$}}~]){path}" for path in paths)]))
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=15
    )
    if listed.returncode:
        pytest.skip("no git repository here: an unpacked sdist tracks no files")
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".woff2", ".bin"}:
            lines = path.read_text(errors="replace").splitlines()
            found += [
                f"{name}:{number}: {line.strip()}" for number, line in enumerate(lines, 1) if pattern.search(line)
            ]
    assert found == []


def test_the_reference_has_every_public_name():
    pages = "\n".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md"))
    there = set(re.findall(r"^\.\. auto\w+:: (\w+)$", pages, re.MULTILINE))
    assert set(trivet.__all__) - there == set()
