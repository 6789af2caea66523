"""The command line as such: help, commands, plugins' commands, failures."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from trivet_plugins.cli.options import LaunchCommand, launch_options
from trivet_plugins.cli.program import COMMANDS

TRIVET = Path(sys.executable).parent / "trivet"
HEAVY = {
    "trivet",
    "anyio",
    "attrs",
    "pluggy",
    "structlog",
    "cattrs",
    "rich",
    "cryptography",
    "watchdog",
    "yaml",
    "psutil",
}

ACME = """
import click
from trivet import hookimpl

@hookimpl
def register_commands(cli):
    @cli.command()
    def greet():
        "Greet the user."
        click.echo("hello from acme")

    @cli.command()
    def run():
        "Take over."
"""


@pytest.fixture
def acme(directory):
    """An installed plugin distribution with commands, beside the working directory."""
    site = directory.path / "site"
    directory.write("site/acme_commands.py", ACME)
    info = "site/acme_commands-1.0.dist-info"
    directory.write(f"{info}/METADATA", "Metadata-Version: 2.1\nName: acme-commands\nVersion: 1.0\n")
    directory.write(f"{info}/entry_points.txt", "[trivet]\nacme = acme_commands\n")
    return {"PYTHONPATH": str(site)}


def test_help_names_every_command(directory):
    """``trivet``, ``--help`` and ``-h`` list the commands with a line each; each has help of its own."""
    for args in (["--help"], ["-h"], []):
        done = directory.trivet(*args)
        assert all(f"\n  {name}" in done.stdout + done.stderr for name in COMMANDS), done
    for name in COMMANDS:
        done = directory.trivet(name, "--help")
        assert (done.returncode, done.stderr) == (0, ""), done
        assert f"trivet {name}" in done.stdout


def test_help_lines_are_those_of_the_commands(directory):
    """The text that stands in the table is the first sentence of the command's own help."""
    for name, (_, text) in COMMANDS.items():
        done = directory.trivet(name, "--help")
        assert " ".join(text.removesuffix(".").split()) in " ".join(done.stdout.split()), name


def test_help_imports_nothing_heavy():
    """The answer to ``--help`` needs click and nothing of trivet's kernel."""
    program = (
        "import sys; sys.argv = ['trivet', '--help']\n"
        "from trivet_plugins.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=15)
    assert not HEAVY & set(done.stderr.split())


def test_help_is_not_much_slower_than_click_itself(directory):
    """At most 2.5 times a hello world of click: the best of several runs of each, alternating."""
    hello = "import click\n@click.command()\ndef hello(): pass\nhello()"

    def seconds(args):
        begun = time.perf_counter()
        subprocess.run(args, capture_output=True, check=True, timeout=15, cwd=directory.path)
        return time.perf_counter() - begun

    trivet = [sys.executable, "-c", "from trivet_plugins.cli import main; main()", "--help"]
    pairs = [(seconds(trivet), seconds([sys.executable, "-c", hello, "--help"])) for _ in range(7)]
    assert min(ours for ours, _ in pairs) <= 2.5 * min(theirs for _, theirs in pairs)


def test_version(directory):
    """``--version`` prints one line."""
    done = directory.trivet("--version")
    assert done.stdout.startswith("trivet ")


@pytest.mark.parametrize(
    "args",
    [
        ["chekc"],
        ["run", "--no-such-option"],
        ["run", "app.py", "more"],
        ["config", "explain"],
        ["run", "--backend", "x"],
    ],
)
def test_a_typing_mistake_exits_with_64(directory, args):
    """Usage errors have the code of sysexits.h and say what is wrong."""
    done = directory.trivet(*args)
    assert done.returncode == 64
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plugins_command_runs_when_it_is_enabled(directory, acme):
    """``[plugins] enable`` in trivet.toml brings commands, in help too; a built-in name is not taken over."""
    directory.write("trivet.toml", '[plugins]\nenable = ["acme"]\n')
    done = directory.trivet("greet", **acme)
    assert done.stdout == "hello from acme\n", done.stderr
    listing = directory.trivet("--help", **acme)
    assert re.search(r"\bgreet +Greet the user\.", listing.stdout)
    assert "Take over" not in listing.stdout
    assert "the command 'run' is taken" in listing.stderr


def test_installed_is_not_enabled(directory, acme):
    """Without being enabled a plugin's code does not run for a command; nor in safe mode."""
    assert directory.trivet("greet", **acme).returncode == 64
    directory.write("trivet.toml", '[plugins]\nenable = ["acme"]\n')
    assert directory.trivet("greet", TRIVET_SAFE="1", **acme).returncode == 64


def test_a_broken_plugin_costs_its_commands_only(directory, acme):
    """It is named, and everything else works."""
    directory.write("site/acme_commands.py", ACME + "    raise RuntimeError('no luck')\n")
    directory.write("trivet.toml", '[plugins]\nenable = ["acme", "nope"]\n')
    done = directory.trivet("--help", **acme)
    assert done.returncode == 0
    assert "acme: register_commands failed: RuntimeError: no luck" in done.stderr
    assert "nope: is not installed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_trivet_toml_that_does_not_parse_leaves_the_commands_usable(directory):
    """Help still comes, with a warning."""
    directory.write("trivet.toml", "[plugins\n")
    done = directory.trivet("--help")
    assert done.returncode == 0
    assert "warning: trivet.toml" in done.stderr


def test_a_reader_that_leaves_is_no_failure(directory):
    """``trivet plugins | head -1`` ends without noise."""
    shell = f"'{TRIVET}' plugins --json | head -n 1"
    done = subprocess.run(
        ["sh", "-c", shell], capture_output=True, text=True, check=False, timeout=15, cwd=directory.path
    )
    assert (done.stdout, done.stderr) == ("[\n", "")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--config", "a.toml", "b.yaml", "app.py"], (("a.toml", "b.yaml"), "app.py")),
        (["app.py", "--config", "a.toml", "b.json", "--profile", "x"], (("a.toml", "b.json"), "app.py")),
        (["--config", "a.toml", "--config", "b.toml", "c.yml"], (("a.toml", "b.toml", "c.yml"), None)),
        (["--config=a.toml", "app.py"], (("a.toml",), "app.py")),
        (["app.py"], ((), "app.py")),
    ],
)
def test_several_files_may_follow_one_option(given, expected):
    """``--config a b`` is ``--config a --config b``; a target is never taken for a file."""

    @click.command(cls=LaunchCommand)
    @click.argument("target", required=False)
    @launch_options
    def command(target, files, **launch):
        return files, target

    assert command.main(given, standalone_mode=False) == expected


def test_the_options_mean_the_same_everywhere(directory):
    """``--config``, ``--profile`` and ``--set`` select the same configuration in every command."""
    directory.write("a.toml", '[database]\npassword = "p-p-p-p-p"\npool_size = 1\n')
    directory.write("a.dev.toml", "[database]\npool_size = 2\n")
    for options, expected in (
        (["--config", "a.toml"], 1),
        (["--config", "a.toml", "--profile", "dev"], 2),
        (["--config", "a.toml", "--profile", "dev", "--set", "database.pool_size=3"], 3),
    ):
        shown = directory.trivet("config", "show", "--app", "app.py", "--json", *options)
        assert json.loads(shown.stdout)["database"]["pool_size"] == expected, shown.stderr
        got = directory.trivet("config", "get", "database.pool_size", "--app", "app.py", *options)
        assert got.stdout == f"{expected}\n"
        assert directory.trivet("check", "app.py", *options).returncode == 0
    wrong = directory.trivet("check", "app.py", "--config", "a.toml", "--set", "database.pool_size=0")
    assert wrong.returncode == 78
    assert "--set #1: error: database.pool_size" in wrong.stdout
