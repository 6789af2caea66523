"""Which kernel a TARGET names, and what is said when it names none."""

from __future__ import annotations

import pytest

from trivet import TargetError
from trivet_plugins.cli.target import Target


@pytest.mark.parametrize(
    ("text", "place", "attribute"),
    [
        ("app.py", "app.py", "kernel"),
        ("app.py:k", "app.py", "k"),
        ("dir/app.py:k", "dir/app.py", "k"),
        ("/abs:olute/app.py", "/abs:olute/app.py", "kernel"),
        ("orders", "orders", "kernel"),
        ("orders.main:service.kernel", "orders.main", "service.kernel"),
    ],
)
def test_both_forms_are_understood(text, place, attribute):
    """A module or a file, with or without an attribute; a path may hold a colon."""
    assert Target.parse(text) == Target(place, attribute)


@pytest.mark.parametrize("text", ["", ":", ":kernel", "app.py:"])
def test_half_a_target_is_none(text):
    """A missing half is said to be missing."""
    with pytest.raises(TargetError, match="module:attr"):
        Target.parse(text)


@pytest.mark.parametrize("target", ["app.py", "app.py:kernel", "./app.py", "app", "app:kernel", "app:holder.kernel"])
def test_a_kernel_is_found(directory, target):
    """By file or module, in an attribute or inside one."""
    directory.write("app.py", "from trivet import Kernel\nkernel = Kernel('orders')\nclass holder: kernel = kernel\n")
    directory.write("orders.toml", "")
    done = directory.trivet("check", target)
    assert (done.returncode, done.stdout) == (0, "orders: the configuration is valid\n")


def test_a_file_finds_its_neighbours(directory):
    """The file's directory is on the path, wherever the command is given."""
    directory.write("service/settings.py", "NAME = 'neighbour'\n")
    directory.write("service/main.py", "import settings\nfrom trivet import Kernel\nkernel = Kernel(settings.NAME)\n")
    done = directory.trivet("check", "service/main.py")
    assert done.stdout == "neighbour: the configuration is valid\n", done.stderr


def test_a_file_in_a_package_may_import_relatively(directory):
    """A file that belongs to a package is imported as part of it."""
    directory.write("shop/__init__.py", "")
    directory.write("shop/names.py", "NAME = 'relative'\n")
    directory.write("shop/main.py", "from .names import NAME\nfrom trivet import Kernel\nkernel = Kernel(NAME)\n")
    done = directory.trivet("check", "shop/main.py")
    assert done.stdout == "relative: the configuration is valid\n", done.stderr


def test_a_file_called_like_a_standard_module_displaces_nothing(directory):
    """``json.py`` may hold a kernel, while everyone else gets the real json."""
    directory.write("json.py", "from trivet import Kernel\nkernel = Kernel('shadow')\n")
    done = directory.trivet("plugins", "--app", "json.py", "--json")
    assert done.returncode == 0, done.stderr
    assert '"id": "service/web"' in done.stdout


FAILURES = {
    "no such file": ("apx.py", "apx.py does not exist; did you mean app.py?"),
    "no such directory": ("nowhere/app.py", "nowhere/app.py does not exist"),
    "a directory": ("folder.py", "folder.py is a directory"),
    "no such module": ("apx", "no module named 'apx'"),
    "no such submodule": ("app.sub", "app.sub"),
    "a path without .py": ("./app", "./app does not exist"),
    "no such attribute": ("app.py:krenel", "app.py has no 'krenel'; did you mean app.py:kernel?"),
    "another attribute": ("other.py", "other.py has no 'kernel'; did you mean other.py:service?"),
    "no kernel": ("app.py:Database", "app.py:Database is a type, not a trivet Kernel; did you mean app.py:kernel?"),
    "an import inside fails": ("broken_import.py", "broken_import.py:2: ModuleNotFoundError: No module named 'nope'"),
    "it raises": ("raises.py", "raises.py:2: ValueError: bad luck"),
    "it raises deep inside": ("deep.py", "helper.py:2: ZeroDivisionError"),
    "it raises in a library": ("in_library.py", "in_library.py:2: JSONDecodeError"),
    "it is not Python": ("syntax.py", "syntax.py:2: SyntaxError"),
    "it exits": ("exits.py", "exits.py exits when it is imported"),
    "trivet refuses": ("refused.py", "refused.py:2: ValueError: a kernel's name"),
    "not a module name": ("a b:c", "'a b' is no module name"),
    "a relative module": ("..app", "'..app' is no module name"),
}


@pytest.mark.parametrize("case", FAILURES)
@pytest.mark.parametrize("command", [["check"], ["config", "show", "--app"]])
def test_a_target_that_gives_no_kernel_is_explained(directory, case, command):
    """One line with the place in the user's own code, exit 66, no traceback."""
    directory.write("other.py", "from trivet import Kernel\nservice = Kernel('other')\n")
    directory.write("broken_import.py", "\nimport nope\n")
    directory.write("raises.py", "\nraise ValueError('bad luck')\n")
    directory.write("helper.py", "def divide():\n    return 1 / 0\n")
    directory.write("deep.py", "import helper\nhelper.divide()\n")
    directory.write("in_library.py", "import json\njson.loads('{')\n")
    directory.write("syntax.py", "x = 1\nx = = 2\n")
    directory.write("exits.py", "import sys\nsys.exit(3)\n")
    directory.write("refused.py", "from trivet import Kernel\nkernel = Kernel('a b')\n")
    directory.write("folder.py/x", "")
    target, expected = FAILURES[case]
    done = directory.trivet(*command, target)
    assert done.returncode == 66, done
    assert expected in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_debug_shows_the_traceback(directory):
    """``--debug`` adds the way to the failure."""
    directory.write("raises.py", "\nraise ValueError('bad luck')\n")
    done = directory.trivet("run", "raises.py", "--debug")
    assert done.returncode == 66
    assert "Traceback (most recent call last)" in done.stderr
    assert 'raises.py", line 2' in done.stderr
