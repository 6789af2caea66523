"""The pages do what they show: every Python block runs, and every hook has a page with its exact signature that works.

A block that cannot run says so: ``<!-- not run: why -->`` stands on the line above it.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import types
from pathlib import Path

import anyio
import attrs
import click
import pytest
from click.testing import CliRunner

import trivet
from trivet import Kernel, hookspecs
from trivet.events import ConfigRejected
from trivet_plugins import zero_knowledge
from trivet_plugins.alerts import receivers
from trivet_plugins.security import audit

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
BRINGING = {
    audit.trivet_hookspecs: ["audit", "security_level"],
    receivers.trivet_hookspecs: ["alert_receivers"],
    zero_knowledge.trivet_hookspecs: ["zero_knowledge"],
}
"""The hooks that a built-in plugin brings, and what must be loaded for them."""
SPECS = {
    name: specs
    for specs in (hookspecs, *BRINGING)
    for name, function in vars(specs).items()
    if hasattr(function, "trivet_spec")
}
HOOKS = list(SPECS)
REGISTERING = [name for name in HOOKS if getattr(SPECS[name], name).trivet_kind is not None]
PAGES = sorted({ROOT / "README.md", *DOCS.rglob("*.md")} - {*DOCS.glob("_build/**/*.md")})


@attrs.frozen
class Region:
    """What the source of its page sets; unknown sections are errors."""

    name: str = ""
    zones: tuple[str, ...] = ()


FILE = re.compile(r"# (?P<name>\w+)\.py\n")
FENCE = re.compile(r"^(?P<above>[^\n]*)\n```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """Yield ``(line, code)`` of all Python blocks of a page that are to run."""
    text = page.read_text()
    for match in FENCE.finditer(text):
        if not match["above"].startswith("<!-- not run:"):
            yield text.count("\n", 0, match.start("code")) + 1, match["code"]


def write_file(code, directory, monkeypatch):
    """Write a block that says ``# name.py`` to that file, to be imported anew."""
    if file := FILE.match(code):
        (directory / f"{file['name']}.py").write_text(code)
        monkeypatch.delitem(sys.modules, file["name"], raising=False)


def run(code, namespace, page, line, backend):
    """Run a block, top-level ``await`` included, with the page's own line numbers in its tracebacks."""
    compiled = compile("\n" * (line - 1) + code, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    finish(eval(compiled, namespace), backend)


def finish(result, backend):
    """Run what a coroutine function gave to its end."""
    if inspect.iscoroutine(result):

        async def wait():
            await result

        anyio.run(wait, backend=backend)


def signature_of(hook):
    """The signature as it stands in hookspecs.py, without decorator and comment."""
    source = ast.parse(inspect.getsource(SPECS[hook])).body
    function = next(node for node in source if getattr(node, "name", "") == hook)
    return f"def {hook}({ast.unparse(function.args)}) -> {ast.unparse(function.returns)}"


def plugin_of(hook):
    """The plugin that a hook's page shows, as a module."""
    page = DOCS / "hooks" / f"{hook}.md"
    module = sys.modules[f"page_{hook}"] = types.ModuleType(f"page_{hook}")
    for line, code in blocks(page):
        exec(compile("\n" * (line - 1) + code, str(page), "exec"), vars(module))
    return module


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_python_block_of_a_page_runs(page, backend, tmp_path, monkeypatch):
    """A reader who types what a page shows gets no error. Blocks of one page build on each other, the tests in them pass.

    A block that begins with ``# name.py`` is that file, and importable.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    module = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # where attrs and cattrs look up the names in annotations
    namespace = vars(module)
    for line, code in blocks(page):
        write_file(code, tmp_path, monkeypatch)
        run(code, namespace, page, line, backend)
    empty = tmp_path / "for_tests"
    empty.mkdir()
    for test in [value for name, value in namespace.items() if name.startswith("test_")]:
        finish(test(empty) if inspect.signature(test).parameters else test(), backend)


def test_the_readme_is_short_and_its_links_lead_somewhere():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 100
    links = re.findall(r"\]\(([^)#]+)", text)
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_the_readme_s_comparison_is_there():
    """``make bench`` writes it between two marks: a row for each measure, each with a figure of ours and one of a peer."""
    rows = re.search(
        r"<!-- figures: .*? -->\n(.*)<!-- end of figures -->", (ROOT / "README.md").read_text(), re.DOTALL
    )[1]
    figures = [
        row
        for row in rows.splitlines()
        if re.fullmatch(r"\| [^|]+ \| \d[^|]* [mun]?s \| [^|]+ \d[^|]* [mun]?s \|", row)
    ]
    assert len(figures) >= 6


@pytest.mark.parametrize("hook", HOOKS)
def test_a_page_quotes_the_hook_exactly(hook):
    """Whoever writes a plugin from the page alone writes the right function."""
    page = (DOCS / "hooks" / f"{hook}.md").read_text()
    assert page.startswith(f"# {hook}\n")
    assert signature_of(hook) in page.splitlines()


@pytest.mark.parametrize("hook", HOOKS)
def test_a_page_answers_what_one_asks_about_a_hook(hook):
    """When it is called, whether it may block, what None means, how it is done and who does it."""
    page = (DOCS / "hooks" / f"{hook}.md").read_text()
    asked = [":Called:", ":May it block:", ":None means:", "## A minimal implementation", "## Who uses it"]
    assert [one for one in asked if one not in page] == []


@pytest.mark.parametrize("hook", HOOKS)
def test_who_uses_a_hook_is_true(hook):
    """The built-ins and the files that a page names are there."""
    named = (DOCS / "hooks" / f"{hook}.md").read_text().partition("## Who uses it")[2]
    quoted = re.findall(r"`([a-z_]+/[a-z0-9_/]+(?:\.py)?)`", named)
    providers = Kernel("docs").compose().providers
    assert [one for one in quoted if one not in providers and not (ROOT / one).exists()] == []
    assert quoted or "No built-in" in named


def test_there_is_no_page_for_a_hook_that_is_gone():
    assert {page.stem for page in (DOCS / "hooks").glob("*.md")} == set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_named_by_a_test_of_its_own(hook):
    """Naming it in a page's test does not count."""
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if "docs" not in path.relative_to(ROOT).parts]
    assert [path for path in tests if re.search(rf"\b{hook}\b", path.read_text())], f"no test names {hook}"


@pytest.mark.parametrize("hook", REGISTERING)
async def test_the_minimal_implementation_of_a_page_runs_in_a_kernel(hook, tmp_path, monkeypatch):
    """What the page shows is a whole plugin: strict composition takes it, and its provider starts."""
    monkeypatch.chdir(tmp_path)
    plugin = plugin_of(hook)
    kind = getattr(SPECS[hook], hook).trivet_kind
    bringing = BRINGING.get(SPECS[hook], [])
    launch = trivet.Launch(environ={"ACME_MASTER_KEY": "c2l4dGVlbiBieXRlIGtleQ=="})
    kernel = Kernel("docs", plugins=[plugin, *bringing], discover="none", strict=True, launch=launch)
    kernel.config.bind("region", Region)
    async with kernel:
        rows = [row for row in kernel.plugins() if row.plugin not in bringing]
        running = [row for row in rows if row.state == "running"]
        objects = kernel.provided(kind)
    assert [row.kind for row in running] == [kind]
    assert running[0].id.partition("/")[2] in objects


def test_the_command_of_the_page_runs():
    group = click.Group()
    plugin_of("register_commands").register_commands(group)
    assert CliRunner().invoke(group, ["hello", "trivet"]).output == "hello trivet\n"


async def test_the_observer_of_the_page_observes():
    plugin = plugin_of("on_event")
    kernel = Kernel("docs", plugins=[plugin], discover="none", strict=True)
    async with kernel:
        kernel.emit(ConfigRejected(generation=1, reason="reload", problems=("a.toml:1:1: error: no",)))
    assert plugin.rejected == [("a.toml:1:1: error: no",)]
