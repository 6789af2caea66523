"""The real ``trivet`` as a child process, in a directory of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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
