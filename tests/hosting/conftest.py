"""Real servers in processes of their own, and an HTTP client for each."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import attrs
import httpx
import pytest

APPS = Path(__file__).parent / "apps"
PATIENCE = 60
"""Seconds; a noisy machine imports a web framework slowly."""


@attrs.define
class Host:
    """A process that hosts a kernel.

    ``diary`` is what the kernel's services wrote, ``log`` what the process did.
    """

    process: subprocess.Popen[bytes]
    client: httpx.Client
    directory: Path

    @property
    def diary(self):
        path = self.directory / "diary"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def log(self):
        return (self.directory / "log").read_text()

    def open_gate(self):
        """Let ``drain`` stop."""
        (self.directory / "gate").touch()

    def until(self, condition):
        """Wait until ``condition`` gives something true, and return that; the process must go on running."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            with contextlib.suppress(httpx.TransportError):
                if found := condition():
                    return found
            time.sleep(0.02)
        raise AssertionError(self.log)

    def end(self):
        """Wait for the process's end, and return its exit code."""
        return self.process.wait(PATIENCE)

    def stop(self, number):
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.end()


@pytest.fixture
def host(tmp_path):
    """Run a Python command in the directory of the applications; ``{port}`` in it becomes a free one."""
    with contextlib.ExitStack() as stack:

        def run(*command, **environ):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIVET_")}
            log = stack.enter_context((tmp_path / "log").open("w"))
            process = subprocess.Popen(
                [sys.executable, *(part.format(port=port) for part in command)],
                cwd=APPS,
                env={**kept, "DIARY": str(tmp_path / "diary"), "PYTHONUNBUFFERED": "1", **environ},
                stdout=log,
                stderr=log,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False))
            return Host(process, client, tmp_path)

        yield run
