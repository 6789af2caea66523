"""The user's editor, as a child process that outlives neither us nor its file."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Final, NoReturn

from trivet import TrivetError
from trivet.exit_codes import EX_UNAVAILABLE

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator
    from types import FrameType

_KNOWN: Final = ("editor", "vi", "nano")


class EditorError(TrivetError):
    """The editor did not run, or ended with an error."""

    exit_code = EX_UNAVAILABLE


def run_editor(path: pathlib.Path) -> None:
    """Let the user edit a file: with ``$VISUAL``, else ``$EDITOR``, else what is there.

    A Ctrl-C is the editor's. Whatever ends the wait ends the editor too.

    Raises:
        EditorError: if there is no editor, or it ends with an error.
    """
    command = _command()
    with _interrupts_are_the_editors():
        try:
            process = subprocess.Popen([*command, str(path)])  # noqa: S603 - the user's own editor
        except OSError as exc:
            raise EditorError(f"the editor {command[0]} does not start: {exc.strerror}; set $EDITOR") from None
        try:
            code = process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if code:
        raise EditorError(f"the editor {command[0]} ended with code {code}; nothing was changed")


def _command() -> list[str]:
    for name in ("VISUAL", "EDITOR"):
        if words := shlex.split(os.environ.get(name, "")):
            return words
    found = next(filter(shutil.which, _KNOWN), None)
    if found is None:
        raise EditorError("there is no editor; name one: export EDITOR=nano")
    return [found]


@contextlib.contextmanager
def leaving_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise `SystemExit` in the block, so that it cleans up."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    with contextlib.ExitStack() as stack:
        for number in (signal.SIGTERM, signal.SIGHUP):
            stack.callback(signal.signal, number, signal.signal(number, leave))
        yield


@contextlib.contextmanager
def _interrupts_are_the_editors() -> Iterator[None]:
    def ignore(_number: int, _frame: FrameType | None) -> None:
        """Do nothing. A function, since a child would inherit SIG_IGN."""

    before = signal.signal(signal.SIGINT, ignore)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
