"""``${env:...}`` and ``${file:...}`` as a user writes them: in real files, over a real kernel."""

from __future__ import annotations

import os

import anyio
import attrs
import pytest

from trivet import ConfigError, Kernel, Launch, Secret
from trivet_plugins.config import (
    command_line,
    environment,
    files,
    resolve_env,
    resolve_file,
    secrets_directory,
    toml,
    watcher,
)
from trivet_plugins.config.value_file import VALUE_FILE_BYTES
from trivet_plugins.security.ciphers import aes_gcm
from trivet_plugins.security.keys import file as key_file
from trivet_plugins.security.sealed import resolver as sealed

PLUGINS = [toml, files, environment, command_line, secrets_directory, resolve_env, resolve_file]
LIMIT = 10
NO_SECRET = Secret("")


@attrs.frozen
class Database:
    url: str = ""
    port: int = 0
    certificate: str = ""
    password: Secret[str] = NO_SECRET
    labels: dict[str, str] = attrs.field(factory=dict)


def make(*paths, environ=None, plugins=(), **more):
    """A kernel over files, and its section ``database``."""
    launch = Launch(files=paths, environ=environ or {}, **more)
    kernel = Kernel("orders", plugins=[*PLUGINS, *plugins], discover="none", launch=launch)
    return kernel, kernel.config.bind("database", Database)


async def load(*paths, **more):
    """The kernel and the section, loaded."""
    kernel, live = make(*paths, **more)
    async with kernel.configured():
        return kernel, live.current


async def refusal(*paths, **more):
    """The lines of the report."""
    with pytest.raises(ConfigError) as caught:
        await load(*paths, **more)
    return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def base(tmp_path):
    """Write a base file with a section ``database``."""

    def write(text):
        path = tmp_path / "base.toml"
        path.write_text(f"[database]\n{text}")
        return path

    return write


async def test_variables_whatever_their_prefix(base):
    path = base('url = "http://${env:PGHOST:-localhost}:${database.port}/"\nport = "${env:PGPORT}"\n')
    _, database = await load(path, environ={"PGPORT": "5432"})
    assert (database.url, database.port) == ("http://localhost:5432/", 5432)


async def test_a_variable_that_is_not_set_is_a_problem_with_place_and_remedy(base):
    path = base('port = 1\nurl = "x${env:PGHOST}"\n')
    assert await refusal(path) == [
        f"{path}:3:7: error: database.url: the variable PGHOST is not set; set it, or give a default: ${{env:PGHOST:-...}}"
    ]


async def test_a_circle_names_files_and_lines(tmp_path, base):
    path = base('url = "${database.labels.a}"\n')
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.toml").write_text('[database.labels]\na = "x${database.url}"\n')
    (problem,) = await refusal(path)
    drop_in = tmp_path / "conf.d" / "a.toml"
    assert f"circle: {path}:2:7 (database.url) -> {drop_in}:2:5 (database.labels.a) -> {path}:2:7" in problem


async def test_a_variable_called_a_password_is_a_secret(base):
    kernel, database = await load(base('url = "x:${env:PGPASSWORD_TOKEN}"\n'), environ={"PGPASSWORD_TOKEN": "hunter2"})
    assert database.url == "x:hunter2"
    assert kernel.config.show()["database"]["url"] == "***"


async def test_a_file_beside_the_file_that_names_it(base, tmp_path, monkeypatch):
    """Not beside the working directory: a configuration directory may be moved as a whole."""
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "server.pem").write_text("BEGIN\nEND\n\n")
    monkeypatch.chdir("/")
    _, database = await load(base('certificate = "${file:tls/server.pem}"\n'))
    assert database.certificate == "BEGIN\nEND\n"


async def test_from_elsewhere_a_file_is_looked_for_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "port").write_text("20\n")
    monkeypatch.chdir(tmp_path)
    _, database = await load(environ={"ORDERS_DATABASE__PORT": "${file:port}"})
    assert database.port == 20
    _, database = await load(assignments=["database.port=${file:port}"])
    assert database.port == 20


async def test_a_file_that_is_not_there_has_a_default_and_a_broken_one_has_not(base, tmp_path):
    _, database = await load(base('url = "${file:none:-x}"\n'))
    assert database.url == "x"
    (tmp_path / "binary").write_bytes(b"\xff\0")
    (problem,) = await refusal(base('url = "${file:binary:-x}"\n'))
    assert "binary is not UTF-8 text" in problem
    (problem,) = await refusal(base('url = "${file:none}"\n'))
    assert "none is not there; make it, or give a default" in problem


async def test_large_files_pipes_and_directories_are_refused(base, tmp_path):
    (tmp_path / "large").write_text("x" * (VALUE_FILE_BYTES + 1))
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("large", "is larger than"), ("pipe", "no regular file"), (".", "no regular file")):
        with anyio.fail_after(LIMIT):
            (problem,) = await refusal(base(f'url = "${{file:{name}}}"\n'))
        assert why in problem


@pytest.mark.parametrize("name", ["password", "db-token.txt", "mine"])
async def test_files_that_are_secrets(base, tmp_path, name):
    """By name, or because not everybody may read them."""
    path = tmp_path / name
    path.write_text("hunter2")
    path.chmod(0o600 if name == "mine" else 0o644)
    kernel, database = await load(base(f'url = "x:${{file:{name}}}"\n'))
    assert database.url == "x:hunter2"
    assert "hunter2" not in str(kernel.config.show()) + str(kernel.config.explain("database.url"))


async def test_a_file_in_a_directory_of_secrets_is_one(base, tmp_path):
    where = tmp_path / "mounted"
    where.mkdir()
    (where / "dsn").write_text("hunter2")
    (where / "dsn").chmod(0o644)
    for options in ({"secrets": [where]}, {"environ": {"CREDENTIALS_DIRECTORY": str(where)}}):
        kernel, _ = await load(base('url = "${file:mounted/dsn}"\n'), **options)
        assert kernel.config.show()["database"]["url"] == "***"
    (where / "dsn").chmod(0o644)
    kernel, _ = await load(base('url = "${file:mounted/dsn}"\n'))
    assert kernel.config.show()["database"]["url"] == "hunter2"


async def test_what_a_file_or_a_variable_holds_is_not_read_for_references(base, tmp_path):
    """Passwords made by machines hold anything."""
    (tmp_path / "p").write_text("a${b")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "orders_database__url").write_text("c${d")
    _, database = await load(
        base('certificate = "${file:p}"\n'),
        environ={"ORDERS_DATABASE__PASSWORD_FILE": str(tmp_path / "p")},
        secrets=[tmp_path / "run"],
        value_files=[f"database.labels.x={tmp_path / 'p'}"],
    )
    assert (database.certificate, database.password.reveal(), database.url) == ("a${b", "a${b", "c${d")
    assert database.labels == {"x": "a${b"}


async def test_a_change_of_the_file_reloads(base, tmp_path):
    """One that comes into being too."""
    path = base('certificate = "${file:server.pem:-none}"\n')
    kernel, live = make(path, plugins=[watcher])
    async with kernel:
        assert live.current.certificate == "none"
        assert tmp_path / "server.pem" in kernel.config.watched_paths()
        (tmp_path / "server.pem").write_text("one\n")
        with anyio.fail_after(LIMIT):
            while live.current.certificate != "one":
                await anyio.sleep(0.01)


async def test_a_reference_to_a_sealed_value(base, tmp_path):
    """It is opened where it stands, and stays a secret where it goes."""
    plugins = [aes_gcm, key_file, sealed]
    keys = f"plugins.key_file.path={tmp_path / 'orders.keys'}"
    kernel, _ = make(base(""), plugins=plugins, assignments=[keys])
    async with kernel.secured():
        kernel.provided("service")["key_file"].create(suite=2)
        envelope = await kernel.ciphers.seal_config("hunter2", path=("database", "password"))
    path = base(f'password = "{envelope}"\nurl = "pg://u:${{database.password}}@h/"\n')
    kernel, database = await load(path, plugins=plugins, assignments=[keys])
    assert database.url == "pg://u:hunter2@h/"
    assert kernel.config.show()["database"]["url"] == "***"


async def test_what_starts_before_references_resolve_says_so(base, tmp_path):
    """The key file opens what others refer to, so its path cannot wait for them; it must not be taken literally either."""
    path = base('[plugins.key_file]\npath = "${env:HOME}/x"\n')
    (problem,) = await refusal(path, plugins=[aes_gcm, key_file, sealed], environ={"HOME": str(tmp_path)})
    assert problem.startswith(
        f"{path}:3:8: error: plugins.key_file.path: this plugin starts before references are resolved"
    )
