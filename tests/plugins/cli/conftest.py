"""The real ``trivet`` as a child process, in a directory of its own."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import anyio
import pytest

from trivet_plugins.cli import program
from trivet_plugins.security.keys.file import KeyFile

TRIVET = Path(sys.executable).parent / "trivet"
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONWARNINGS": "error", "TERM": "dumb"}

APP = """
from __future__ import annotations

import attrs
from trivet import Kernel, Secret


@attrs.frozen
class Database:
    password: Secret[str]
    pool_size: int = attrs.field(default=4, validator=attrs.validators.ge(1))


kernel = Kernel("orders")
database = kernel.config.bind("database", Database)
"""

BASE = """[database]
password = "hunter2-hunter2"
pool_size = 8

[plugins.web]
port = 0
"""


class Directory:
    """A working directory to run ``trivet`` in."""

    def __init__(self, path):
        self.path = path
        self.write("app.py", APP)
        self.write("orders.toml", BASE)

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def trivet(self, *args, **environ):
        """Run to the end; give what it did."""
        return subprocess.run(
            [TRIVET, *map(str, args)],
            cwd=self.path,
            env={**ENVIRONMENT, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=18,
        )

    @contextlib.contextmanager
    def running(self, *args, **environ):
        """Run a service; give a `Service` once it says that it has started."""
        with (self.path / "log").open("w") as log:
            process = subprocess.Popen(
                [TRIVET, "run", *map(str, args)],
                cwd=self.path,
                env={**ENVIRONMENT, **environ},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            service = Service(process, self.path / "log")
            try:
                yield service
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()


class Service:
    """A running ``trivet run``."""

    def __init__(self, process, log):
        self.process = process
        self.log = log

    def wait_for(self, text, seconds=15):
        """Wait until a text is in the log; give the log."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            log = self.log.read_text()
            if text in log:
                return log
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        pytest.fail(f"no {text!r} in the log (exit {self.process.poll()}):\n{self.log.read_text()}")

    def end(self, number=signal.SIGTERM):
        """Send a signal and wait for the end; give the exit code and the log."""
        self.process.send_signal(number)
        return self.process.wait(timeout=15), self.log.read_text()


@pytest.fixture
def directory(tmp_path):
    """A directory with ``app.py`` and ``orders.toml``."""
    return Directory(tmp_path)


# -- trivet secrets --------------------------------------------------------------------------------------------------------

SECRETS_APP = """\
import attrs
from trivet import Kernel, Secret

@attrs.frozen
class Database:
    password: Secret[str]
    pool: int = 1

kernel = Kernel("orders")
database = kernel.config.bind("database", Database)
"""
SECRETS_BASE = """\
# The comment stays.
[database]
password = "change me"   # so does this one
pool = 10
"""


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def secrets_directory(tmp_path):
    """An application, its configuration and a key file."""
    (tmp_path / "app.py").write_text(SECRETS_APP)
    (tmp_path / "orders.toml").write_text(SECRETS_BASE)
    KeyFile(tmp_path / "orders.keys").create(suite=2)
    return tmp_path


@pytest.fixture
def service(secrets_directory, monkeypatch, capsys):
    """Called, it runs ``trivet secrets``, or another ``command``, in the directory.

    In this process, which is as real as another and twenty times as fast.
    """
    directory = secrets_directory
    monkeypatch.chdir(directory)
    for name in ("TRIVET_KEY_FILE", "TRIVET_PROFILE", "TRIVET_SAFE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments, stdin="", command="secrets", **environ):
        raw = io.BytesIO(stdin if isinstance(stdin, bytes) else stdin.encode())
        loaded, path = set(sys.modules), list(sys.path)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["trivet", command, *arguments])
            patch.setattr(sys, "stdin", io.TextIOWrapper(raw))
            for name, value in environ.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                program.main()
        sys.path[:] = path
        for name in set(sys.modules) - loaded:  # a second run loads the application anew, as a second process does
            if str(directory) in (getattr(sys.modules[name], "__file__", None) or ""):
                del sys.modules[name]
        return Done(ended.value.code, *capsys.readouterr())

    run.directory = directory
    run.toml = directory / "orders.toml"
    return run


@pytest.fixture
def rotate_keys():
    """Called with a key file, it makes a new primary key in it; the old ones still open."""

    def rotate(path):
        anyio.run(partial(KeyFile(path).rotate, delay=0))

    return rotate
