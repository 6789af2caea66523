"""``trivet check``."""

from __future__ import annotations

import json
import re

LINE = re.compile(r"(?P<file>[^:]+):(?P<line>\d+):(?P<column>\d+): error: (?P<message>.+)")


def test_a_valid_configuration_is_said_to_be_valid(directory):
    """Exit 0 and a line; nothing is served."""
    done = directory.trivet("check", "app.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "orders: the configuration is valid\n", "")


def test_every_problem_has_its_place(directory):
    """Each is a line that editors can follow; all of them come at once, and the exit code is 78."""
    directory.write(
        "wrong.toml",
        '[database]\npassword = "hunter2-hunter2"\npool_size = 0\npool_sise = 3\n\n[plugins.web]\nport = "many"\n',
    )
    done = directory.trivet("check", "app.py", "--config", "wrong.toml")
    assert done.returncode == 78
    found = {(match["file"], int(match["line"])) for match in map(LINE.match, done.stdout.splitlines()) if match}
    assert found == {("wrong.toml", 3), ("wrong.toml", 4), ("wrong.toml", 7)}, done.stdout
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr == ""
    assert "hunter2" not in done.stdout


def test_a_missing_value_is_a_problem_without_a_place(directory):
    """It says where the value could be set."""
    directory.write("empty.toml", "")
    done = directory.trivet("check", "app.py", "--config", "empty.toml")
    assert done.returncode == 78
    assert "error: " in done.stdout
    assert "ORDERS_DATABASE__PASSWORD" in done.stdout


def test_json_has_the_same_problems(directory):
    """``--json`` prints a list of objects; an empty one where all is well."""
    assert json.loads(directory.trivet("check", "app.py", "--json").stdout) == []
    directory.write("wrong.toml", '[database]\npassword = "hunter2-hunter2"\npool_size = 0\n')
    done = directory.trivet("check", "app.py", "--config", "wrong.toml", "--json")
    [problem] = json.loads(done.stdout)
    assert done.returncode == 78
    assert list(problem) == ["file", "line", "column", "path", "message", "severity"]
    assert (problem["file"], problem["line"], problem["path"]) == ("wrong.toml", 3, "database.pool_size")


def test_what_does_not_parse_is_one_problem(directory):
    """Broken syntax, a file that is not there and one that is no text: a line each, with the file's name."""
    directory.write("syntax.toml", "[database\n")
    (directory.path / "binary.toml").write_bytes(b"\x00\xff\xfe")
    for name in ("syntax.toml", "nowhere.toml", "binary.toml"):
        done = directory.trivet("check", "app.py", "--config", name)
        assert done.returncode == 78, done
        assert name in done.stdout
        assert "Traceback" not in done.stdout + done.stderr


def test_a_broken_plugin_fails_the_check(directory):
    """A check is what a pipeline asks: a plugin that would be set aside is an error there."""
    directory.write("app.py", "from trivet import Kernel\nkernel = Kernel('orders', plugins=['no_such_plugin'])\n")
    directory.write("orders.toml", "")
    done = directory.trivet("check", "app.py")
    assert done.returncode == 78
    assert done.stdout == "error: plugin no_such_plugin: is not installed; install the distribution that brings it\n"
    assert json.loads(directory.trivet("check", "app.py", "--json").stdout)[0]["file"] is None


def test_plugins_that_do_not_fit_together_fail_the_check(directory):
    """A conflict of providers is a line too."""
    directory.write(
        "app.py",
        "from trivet import Kernel, Provider, hookimpl\n"
        "class Rival:\n"
        "    trivet_name = 'rival'\n"
        "    @hookimpl\n"
        "    def register_services(self, composition):\n"
        "        return [Provider(name='web', factory=object)]\n"
        "kernel = Kernel('orders', plugins=[Rival()])\n",
    )
    directory.write("orders.toml", "")
    done = directory.trivet("check", "app.py")
    assert done.returncode == 78
    assert done.stdout.startswith("error: service/web is provided by ")
    assert 'replaces="service/web"' in done.stdout


def test_without_a_target_the_directory_is_checked(directory):
    """The kernel is then that of trivet.toml."""
    directory.write("trivet.toml", "[plugins.web]\nport = 70000\n")
    done = directory.trivet("check")
    assert done.returncode == 78
    assert done.stdout.startswith("trivet.toml:2:8: error: plugins.web.port"), done.stdout


def test_what_falls_below_the_security_level_is_a_warning(directory):
    """The setting, its value, the level's and the place; the configuration is valid all the same: exit 0."""
    directory.write(
        "app.py",
        "import attrs\n"
        "from trivet import Kernel, Provider, Shortfall, hookimpl\n"
        "@attrs.frozen\n"
        "class VaultConfig:\n"
        "    rounds: int = 1_000_000\n"
        "    def shortfalls(self, level):\n"
        "        if self.rounds < level.pbkdf2_rounds:\n"
        "            yield Shortfall('rounds', f'{self.rounds} is below {level.pbkdf2_rounds} of level {level.name}')\n"
        "class Vault:\n"
        "    trivet_name = 'vault'\n"
        "    @hookimpl\n"
        "    def register_services(self, composition):\n"
        "        return [Provider(name='vault', factory=object, config=VaultConfig, requires=['service/security_level'])]\n"
        "    @hookimpl\n"
        "    def register_resolvers(self, composition):\n"
        "        return [Provider(name='vault', factory=Opener, requires=['service/vault'])]\n"
        "class Opener:\n"
        "    scheme = 'vault'\n"
        "    bare = False\n"
        "    async def resolve(self, argument, context): ...\n"
        "kernel = Kernel('orders', plugins=[Vault()])\n",
    )
    directory.write("orders.toml", "[plugins.vault]\nrounds = 1000\n")
    done = directory.trivet("check", "app.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "warning: plugins.vault.rounds: 1000 is below 1000000 of level high (set at orders.toml:2:10)",
        "orders: the configuration is valid",
    ]
    [row] = json.loads(directory.trivet("check", "app.py", "--json").stdout)
    assert (row["severity"], "plugins.vault.rounds" in row["message"]) == ("warning", True)
    lowered = directory.trivet("check", "app.py", "--set", "plugins.vault.rounds=600000")
    assert "600000 is below 1000000 of level high (set at --set #1)" in lowered.stdout
    standard = ("--set", "plugins.security_level.name=standard", "--set", "plugins.vault.rounds=600000")
    assert directory.trivet("check", "app.py", *standard).stdout == "orders: the configuration is valid\n"
    assert directory.trivet("check", "app.py", "--set", "plugins.security_level.name=low").returncode == 78
