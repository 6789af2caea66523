"""Run an operation again and again, each time in a forked process of its own, on word from `tests.faults.strace`.

The source on the command line defines ``prepare(directory)``, whose result ``operate(prepared)`` gets. One line on standard
input is one run: its directory. What is answered: the process's id when it is prepared, and how it ended.
"""

from __future__ import annotations

import os
import pathlib
import sys
import traceback

GO = b"go\n"


def read_line():
    """Read from the descriptor itself: nothing may be left in a buffer of the wrong process."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return b""
        line += byte
    return line


def say(text):
    """Answer in one write."""
    os.write(1, f"{text}\n".encode())


def act(scope, directory):
    """Be the process that is watched."""
    try:
        prepared = scope["prepare"](directory)
        say(os.getpid())
        if read_line() == GO:
            scope["operate"](prepared)
    except BaseException:  # noqa: BLE001 - its end must not run what the parent has still to do
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main():
    """Import once, fork for every run."""
    scope = {"__name__": "stage"}
    exec(compile(sys.argv[1], "<operation>", "exec"), scope)
    while line := read_line():
        child = os.fork()
        if child == 0:
            act(scope, pathlib.Path(os.fsdecode(line[:-1])))
        say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
