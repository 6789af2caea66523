"""The tutorial, followed word by word: files are written, commands are run, and what they print is what it says.

A block whose first line is ``# name`` is that file. In a ``console`` block, lines with ``$`` are commands, the others what
they print: ``…`` stands for any text, ``...`` for any lines. ``trivet run`` goes to the background until ``<!-- stop -->``.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent.parent / "docs" / "tutorial.md"
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
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("TRIVET_", "BEACON_"))}
        self.env = {**clean, "PATH": f"{BIN}:{clean['PATH']}", "BEACON_PLUGINS__WEB__PORT": port}
        self.directory, self.port, self.service, self.code = directory, port, None, 0

    def follow(self, command, expected):
        if command.startswith("trivet run"):
            log = (self.directory / "service.log").open("w")
            self.service = subprocess.Popen(command.split(), cwd=self.directory, env=self.env, stdout=log, stderr=log)
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

    def stop(self):
        if self.service is not None:
            self.service.send_signal(signal.SIGINT)
            code = self.service.wait(timeout=20)
            self.service = None
            assert code == 0, (self.directory / "service.log").read_text()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tutorial uses curl")
def test_the_tutorial_does_what_it_says(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    reader = Follower(tmp_path, port)
    try:
        for step in STEP.finditer(PAGE.read_text()):
            if step["kind"] is None:
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
