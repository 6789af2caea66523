"""The tutorial and the README, followed word by word: files are written, commands are run, and what they print is what it says.

A block whose first line is ``# name`` is that file. In a ``console`` block, lines with ``$`` are commands, the others what
they print: ``…`` stands for any text, ``...`` for any lines. ``trivet run`` goes to the background until ``<!-- stop -->``.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "docs" / "tutorial.md", ROOT / "docs" / "how-to" / "test-a-plugin.md"]
SERVICES = ("BEACON_", "ORDERS_")
BIN = Path(sys.executable).parent
STEP = re.compile(r"^<!-- stop -->$|^(?P<above>[^\n]*)\n```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.timeout(120)


def pattern(lines):
    """The expected output as an expression."""
    parts = [r"(?:.*\n)*?" if line == "..." else re.escape(line).replace("…", ".*") + r"\n" for line in lines]
    return re.compile("".join(parts))


def commands(body):
    """Yield ``(command, expected lines)``."""
    for chunk in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, *expected = chunk.splitlines()
        yield command, expected


class Follower:
    """A person at two terminals."""

    def __init__(self, directory, port):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("TRIVET_", *SERVICES))}
        self.env = {**clean, "PATH": f"{BIN}:{clean['PATH']}"}
        self.env |= {f"{prefix}PLUGINS__WEB__PORT": port for prefix in SERVICES}
        self.directory, self.port, self.service, self.code = directory, port, None, 0

    def follow(self, command, expected):
        if command.startswith("trivet run"):
            log = (self.directory / "service.log").open("w")
            self.service = subprocess.Popen(
                shlex.split(command, comments=True), cwd=self.directory, env=self.env, stdout=log, stderr=log
            )
            log.close()
            return
        deadline, output = time.monotonic() + 20, None
        while not pattern(expected).fullmatch(output or "") and time.monotonic() < deadline:
            time.sleep(0 if output is None else 0.1)  # a person is not that fast: the service gets time to react
            output = self.run(command)
            if self.service is None:
                break
        assert pattern(expected).fullmatch(output), f"$ {command}\n{output}"

    def run(self, command):
        shell = f"(exit {self.code}); {command.replace('9310', self.port)}"
        done = subprocess.run(
            ["bash", "-c", shell],
            cwd=self.directory,
            env=self.env,
            input="open sesame",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        self.code = done.returncode
        return done.stdout

    def wait_until_ready(self):
        """Wait as a person would before Ctrl-C: a service that refuses its configuration fails here."""
        self.follow("curl -s http://127.0.0.1:9310/readyz", ["ok"])

    def stop(self):
        if self.service is not None:
            self.service.send_signal(signal.SIGINT)
            code = self.service.wait(timeout=20)
            self.service = None
            assert code == 0, (self.directory / "service.log").read_text()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tutorial uses curl")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_does_what_it_says(page, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    reader = Follower(tmp_path, port)
    try:
        for step in STEP.finditer(page.read_text()):
            if step["kind"] is None:
                reader.wait_until_ready()
                reader.stop()
            elif file := re.match(r"# (\S+)\n", step["body"]):
                (tmp_path / file[1]).write_text(step["body"])
            elif not step["above"].startswith("<!-- not run:"):
                for command, expected in commands(step["body"]):
                    reader.follow(command, expected)
    finally:
        if reader.service is not None:
            reader.service.kill()
            reader.service.wait()
