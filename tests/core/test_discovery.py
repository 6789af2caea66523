"""Plugins are found, loaded and checked one by one; one that is broken is named and breaks nothing else."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import types
import uuid

import pytest

from trivet.composition import Composition
from trivet.discovery import Plugins
from trivet.errors import PluginError
from trivet.hookspecs import hookimpl, hookspec
from trivet.launch import Launch
from trivet.provider import Provider
from trivet.stall import StallWatch


def loaded(*wanted, discover="none", **options):
    broken = {}
    plugins = Plugins(
        StallWatch(60, lambda *_: None), on_broken=lambda error: broken.update({error.plugin: error}), **options
    )
    plugins.load(discover, wanted)
    declared = plugins.declare(Composition(kernel="test", launch=Launch()))
    return [item.id for item in declared], broken


def module(name, source):
    """Make a plugin module from text, as an import would."""
    made = types.ModuleType(name)
    code = "from trivet.hookspecs import hookimpl\nfrom trivet.provider import Provider\n" + textwrap.dedent(source)
    exec(compile(code, name, "exec"), made.__dict__)
    return made


GOOD = """
    @hookimpl
    def register_services(composition):
        return [Provider(name="good", factory=object)]
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution for real: modules, metadata and entry points in a directory on the path."""

    def install(distribution, name, source, group="trivet"):
        module_name = f"{distribution}_{uuid.uuid4().hex}"  # modules stay imported from one test to the next
        code = "from trivet.hookspecs import hookimpl\nfrom trivet.provider import Provider\n" + textwrap.dedent(source)
        (tmp_path / f"{module_name}.py").write_text(code)
        info = tmp_path / f"{distribution}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module_name}\n")

    monkeypatch.syspath_prepend(tmp_path)
    return install


def test_installed_is_not_loaded(install):
    """A third party's plugin loads when it is named, or with discover="all"; never by being there."""
    install("acme", "acme", GOOD)
    assert "service/good" not in loaded(discover="builtin")[0]
    assert "service/good" in loaded("acme")[0]
    assert "service/good" in loaded(discover="all")[0]


def test_contrib_loads_only_by_name(install):
    """The group ``trivet.contrib`` is not part of discover="all"."""
    install("contrib", "etcd", GOOD, group="trivet.contrib")
    assert "service/good" not in loaded(discover="all")[0]
    assert "service/good" in loaded("etcd")[0]


def test_built_ins_come_in_through_entry_points():
    """discover="builtin" loads trivet's own plugins, like anyone's, and "none" loads nothing."""
    ids, broken = loaded(discover="builtin")
    assert "config_format/toml" in ids
    assert broken == {}
    assert loaded() == ([], {})


def test_a_blocked_plugin_is_not_even_imported(install):
    """The block list is checked before loading."""
    install("acme", "acme", "raise SystemExit('imported')")
    assert loaded("acme", block={"acme"}) == ([], {})


def test_admit_adds_and_drops(install):
    """What the configuration enables is loaded then; what it blocks goes; asking twice changes nothing."""
    install("acme", "acme", GOOD)
    plugins = Plugins(StallWatch(60, lambda *_: None), on_broken=lambda error: pytest.fail(str(error)))
    assert plugins.admit(["acme"], [])
    assert not plugins.admit(["acme"], [])
    assert plugins.admit([], ["acme"])
    assert plugins.declare(Composition(kernel="test", launch=Launch())) == []


def test_safe_mode_loads_built_ins_only(install):
    """With builtin_only, names and objects of others are left out, and said to be."""
    install("acme", "acme", GOOD)
    plugins = Plugins(StallWatch(60, lambda *_: None), on_broken=lambda error: pytest.fail(str(error)))
    plugins.builtin_only = True
    plugins.load("all", ["acme", module("mine", GOOD)])
    ids = [item.id for item in plugins.declare(Composition(kernel="test", launch=Launch()))]
    assert "service/good" not in ids
    assert "config_format/toml" in ids
    assert set(plugins.left_out) == {"acme", "mine"}


def test_one_name_of_two_distributions_is_refused(install):
    """Neither loads: the error names both."""
    install("acme", "shared", GOOD)
    install("bolt", "shared", GOOD.replace("good", "other"))
    ids, broken = loaded("shared")
    assert ids == []
    assert "acme and bolt" in str(broken["shared"])


def test_an_unknown_name_gets_a_suggestion(install):
    """A typo in a plugin's name is told with the closest installed one."""
    install("acme", "acme", GOOD)
    assert "did you mean acme?" in str(loaded("acmee")[1]["acmee"])


BROKEN = {
    "raises on import": ("raise RuntimeError('no licence')", "does not import: RuntimeError: no licence"),
    "exits on import": ("raise SystemExit(3)", "does not import: SystemExit: 3"),
    "has no hooks": ("x = 1", "implements no hook"),
    "mistypes a hook": (
        "@hookimpl\ndef register_sevices(composition): return []",
        "there is no hook register_sevices; did you mean register_services?",
    ),
    "forgets the mark": ("def register_services(composition): return []", "lacks its mark: put @hookimpl above it"),
    "is async": ("@hookimpl\nasync def register_services(composition): return []", "is async, hooks are not"),
    "raises in a hook": (
        "@hookimpl\ndef register_services(composition): 1 / 0",
        "register_services failed: ZeroDivisionError: division by zero",
    ),
    "returns a string": ("@hookimpl\ndef register_services(composition): return 'x'", "must return a list of Provider"),
    "returns one": (
        "@hookimpl\ndef register_services(composition): return Provider(name='x', factory=object)",
        "must return a list of Provider records, got Provider",
    ),
    "returns other things": (
        "@hookimpl\ndef register_services(composition): return [1]",
        "got a int in the list",
    ),
    "returns an awaitable": (
        "async def later(): return []\n@hookimpl\ndef register_services(composition): return later()",
        "returned an awaitable",
    ),
    "takes other arguments": ("@hookimpl\ndef register_services(kernel, db): return []", "register_services"),
    "is for a newer API": (f"trivet_api = '>=2'\n{textwrap.dedent(GOOD)}", "needs plugin API >=2, this trivet has 1"),
    "has a bad API range": (f"trivet_api = 'soon'\n{textwrap.dedent(GOOD)}", 'trivet_api must look like ">=1,<2"'),
}


@pytest.mark.parametrize(("source", "text"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_plugin_is_named_and_isolated(install, source, text):
    """The error says which plugin, what and how to mend it; the sound one beside it works."""
    install("acme", "bad", source)
    ids, broken = loaded("bad", module("sound", GOOD))
    assert ids == ["service/good"]
    assert list(broken) == ["bad"]
    assert text in str(broken["bad"])


def test_the_cause_of_a_broken_import_is_kept(install):
    """The original exception is ``__cause__``, for --debug."""
    install("acme", "bad", "raise RuntimeError('no licence')")
    assert isinstance(loaded("bad")[1]["bad"].__cause__, RuntimeError)


def test_an_object_can_be_a_plugin():
    """Not only modules: any object with marked methods, also one that compares equal to others."""

    class Mine:
        trivet_name = "mine"

        @hookimpl
        def register_services(self, composition):
            return [Provider(name=f"of_{composition.kernel}", factory=object)]

    assert loaded(Mine()) == (["service/of_test"], {})


def test_properties_of_a_plugin_object_are_not_run():
    """Looking for hooks must not set off what a property does (pluggy#201)."""

    class Mine:
        @property
        def connection(self):
            raise OSError("opened a connection")

        @hookimpl
        def register_services(self, composition):
            return [Provider(name="mine", factory=object)]

    assert loaded(Mine()) == (["service/mine"], {})


def test_a_plugin_brings_hooks_of_its_own():
    """Other plugins implement them, under the same rules, whatever the order of loading."""

    class Specs:
        @hookspec(kind="alert_receiver")
        def register_alert_receivers(self, composition):
            """Offer receivers."""

    class Engine:
        trivet_hookspecs = Specs

        @hookimpl
        def register_services(self, composition):
            return [Provider(name="engine", factory=object)]

    class Pager:
        @hookimpl
        def register_alert_receivers(self, composition):
            return [Provider(name="pager", factory=object)]

    ids, broken = loaded(Pager(), Engine())
    assert (sorted(ids), broken) == (["alert_receiver/pager", "service/engine"], {})


def test_hooks_are_called_once_per_plugin():
    """Also when more plugins are enabled later and the composition is made anew."""
    calls = []

    class Mine:
        @hookimpl
        def register_services(self, composition):
            calls.append(1)
            return []

    plugins = Plugins(StallWatch(60, lambda *_: None), on_broken=lambda error: pytest.fail(str(error)))
    plugins.load("none", [Mine()])
    for _ in range(3):
        plugins.declare(Composition(kernel="test", launch=Launch()))
    assert calls == [1]


def test_two_plugins_of_one_name_are_refused():
    """The second is set aside with the remedy; the same object twice is no mistake."""
    one, two = module("same", GOOD), module("same", GOOD.replace("good", "other"))
    ids, broken = loaded(one, one, two)
    assert ids == ["service/good"]
    assert isinstance(broken["same"], PluginError)
    assert "set trivet_name on one" in str(broken["same"])


def test_a_plugin_that_hangs_on_import_is_named(tmp_path):
    """Nobody can cancel a blocking import; the process says which plugin it is, and where it hangs."""
    (tmp_path / "slow_plugin.py").write_text("import time\ntime.sleep(60)\n")
    info = tmp_path / "slow-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[trivet]\nslow = slow_plugin\n")
    code = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
import trivet.assembly
trivet.assembly._STALL_LIMIT = 0.2
import trivet
trivet.Kernel("test", plugins=["slow"], discover="none").compose()
"""
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline()
        process.kill()
    assert line.startswith("trivet: plugin slow (import of slow_plugin) has blocked the start for 0.2 s")
