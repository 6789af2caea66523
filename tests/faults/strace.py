"""`SyscallFaults`: kill a process at every system call of an operation, or make each of them fail, with strace.

An operation is Python source with two functions: ``prepare(directory)`` is not watched and gives what ``operate(prepared)``
takes, which is. It is run once to record its system calls and then once per call, each time in a fresh copy of a directory
and in a process of its own (`tests/faults/stage.py`). Counted are the calls that name something in that directory.

SIGKILL comes before the call takes effect, so "killed at call n" is "everything before n was done". It shows what a process
leaves behind that dies, not a machine that loses power: for that, look at `Call` and the order of ``fsync`` and ``rename``.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).parents[2]
STAGE = Path(__file__).with_name("stage.py")
# What changes files, and what frees locks; reading changes nothing.
SYSCALLS = (
    *(
        "open",
        "openat",
        "creat",
        "close",
        "write",
        "pwrite64",
        "writev",
        "ftruncate",
        "truncate",
        "copy_file_range",
        "sendfile",
    ),
    *(
        "fsync",
        "fdatasync",
        "rename",
        "renameat",
        "renameat2",
        "link",
        "linkat",
        "symlink",
        "symlinkat",
        "unlink",
        "unlinkat",
    ),
    *("chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat", "flock", "mkdir", "mkdirat", "rmdir"),
)
TRIES = 3
LIMIT = 30
_LINE = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\((?P<arguments>.*)")


@attrs.frozen
class Call:
    """One system call of an operation.

    Args:
        name: Its name.
        number: The how manieth of that name in its thread since the operation began.
        text: What strace prints of it, without any content.
    """

    name: str
    number: int
    text: str

    def __str__(self):
        return f"{self.name} #{self.number}: {self.text}"


@attrs.frozen
class Ending:
    """What one run left behind.

    Args:
        call: The call at which it was disturbed.
        directory: The copy that it worked in.
        code: Its exit code, negative for a signal; 1 where the operation raised.
    """

    call: Call
    directory: Path
    code: int


def _path():
    given = os.environ.get("PYTHONPATH")
    return os.pathsep.join((str(ROOT), given)) if given else str(ROOT)


class SyscallFaults:
    """Runs one operation under faults. Use it as a context manager; it holds a process that has imported what it needs.

    Args:
        operation: Python source that defines ``prepare(directory)`` and ``operate(prepared)``.
        template: The directory as it is before the operation.
        scratch: Where the copies go.
    """

    def __init__(self, operation, template, scratch):
        self.template = template
        self.scratch = scratch
        environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": _path()}  # operations may import tests
        self._errors = (scratch / "stderr").open("w+")
        self._stage = subprocess.Popen(
            [sys.executable, STAGE, operation],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environ,
        )
        self._runs = 0

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self._stage.stdin.close()
        self._stage.kill()
        self._stage.wait()
        self._stage.stdout.close()
        self._errors.close()

    def record(self):
        """Run the operation undisturbed; give its calls in order, and its directory."""
        directory, code, calls = self._run(())
        assert code == 0, self._said()
        assert calls, "the operation makes no system call that names its directory"
        return calls, directory

    def endings(self, *, fault="signal=KILL", only=SYSCALLS):
        """Yield an `Ending` per call of the operation.

        Args:
            fault: What strace injects: ``signal=KILL``, ``error=ENOSPC``, ``error=EIO``.
            only: Names of the calls to disturb.
        """
        calls, _ = self.record()
        for call in calls:
            if call.name in only:
                yield self._disturbed(call, fault)

    def _disturbed(self, call, fault):
        for _ in range(TRIES):
            directory, code, calls = self._run((f"inject={call.name}:{fault}:when={call.number}",))
            reached = any(one.name == call.name and one.number == call.number for one in calls)
            killed = code == -signal.SIGKILL
            if reached and (killed or "KILL" not in fault):
                return Ending(call, directory, code)
            shutil.rmtree(directory)
        raise AssertionError(f"the operation is not the same every time: {call} was not reached; {self._said()}")

    def _run(self, expressions):
        self._runs += 1
        directory, log = self.scratch / f"run-{self._runs}", self.scratch / f"log-{self._runs}"
        shutil.copytree(self.template, directory, symlinks=True)
        self._tell(directory)
        process = self._answer()
        try:
            with _strace(process, log, expressions):
                self._tell("go")
                code = self._answer()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            raise
        return directory, code, _calls(log.read_text(), str(directory))

    def _tell(self, word):
        self._stage.stdin.write(f"{word}\n".encode())
        self._stage.stdin.flush()

    def _answer(self):
        line = self._stage.stdout.readline()
        assert line, f"the operation cannot be prepared: {self._said()}"
        return int(line)

    def _said(self):
        self._errors.seek(0)
        return self._errors.read()[-2000:] or "it said nothing"


@contextlib.contextmanager
def _strace(process, log, expressions):
    # -y prints the paths behind descriptors, -s 0 no content, -Y is left out: a thread's name would vary.
    command = ["strace", "-f", "-y", "-s", "0", "-o", str(log), "-p", str(process)]
    command += ["-e", "trace=" + ",".join(f"?{name}" for name in SYSCALLS)]
    for expression in expressions:
        command += ["-e", expression]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        said = tracer.stderr.readline()
        if "attached" not in said:
            no_strace(f"strace cannot watch a process here: {said.strip()}")
        yield
        tracer.wait(LIMIT)
    finally:
        tracer.kill()
        tracer.wait()
        tracer.stderr.close()


def _calls(log, directory):
    counts, found = Counter(), []
    for line in log.splitlines():
        match = _LINE.match(line)
        if match is None or "resumed>" in line:
            continue
        counts[match["thread"], match["name"]] += 1
        if directory in match["arguments"]:
            text = match["arguments"].replace(directory, "")
            found.append(Call(match["name"], counts[match["thread"], match["name"]], text))
    return found


def no_strace(reason):
    """Skip; where everything must be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def syscall_faults(tmp_path_factory):
    """Give `SyscallFaults` over an operation and the directory it starts from; skip where there is no strace."""
    if shutil.which("strace") is None:
        no_strace("strace is not installed; on Debian: apt-get install strace")
    with contextlib.ExitStack() as stack:

        def over(operation, template):
            return stack.enter_context(SyscallFaults(operation, template, tmp_path_factory.mktemp("faults")))

        yield over


@pytest.fixture
def kill_at_every_syscall(syscall_faults):
    """Kill an operation at every system call, and look at what each leaves: ``kill(operation, template, check)``.

    ``check(directory)`` gets the copy of the template that the killed process worked in. The result is the recorded calls.
    """

    def kill(operation, template, check, **options):
        killed = []
        for ending in syscall_faults(operation, template).endings(**options):
            try:
                check(ending.directory)
            except BaseException as exc:
                exc.add_note(f"after {ending.call} was disturbed")
                raise
            shutil.rmtree(ending.directory)
            killed.append(ending.call)
        return killed

    return kill
