"""``trivet secrets seal-file`` and ``open-file``, run as a user runs them."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from trivet_plugins.security.keys.file import KeyFile

TRIVET = Path(sys.executable).parent / "trivet"
CANARY = b"hunter2-canary"
DATA = CANARY + os.urandom(300_000) + CANARY


@pytest.fixture
def files(service):
    """A file to seal, beside the key file; and who is there."""
    (service.directory / "dump").write_bytes(DATA)
    before = {file.name for file in service.directory.iterdir()} | {"orders.keys.bak"}
    service.more = lambda: {file.name for file in service.directory.iterdir()} - before
    return service


def turn(service, command, source, target, **options):
    return service(command, source, target, "--name", "orders", **options)


def refused(done, code, *words):
    """It ended with that code and one message."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert CANARY.decode() not in done.stderr
    for word in words:
        assert word in done.stderr


def test_a_file_is_sealed_and_opened(files):
    """Both new files are for their owner only; the one that was sealed stays as it was; nothing else is left."""
    done = turn(files, "seal-file", "dump", "dump.sealed")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        f"dump.sealed: sealed, {len(DATA) + 70 + 5 * 16} bytes\n",
        "",
    )
    sealed = (files.directory / "dump.sealed").read_bytes()
    assert CANARY not in sealed
    done = turn(files, "open-file", "dump.sealed", "again")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"again: opened, {len(DATA)} bytes\n", "")
    assert (files.directory / "again").read_bytes() == (files.directory / "dump").read_bytes() == DATA
    assert {stat.S_IMODE((files.directory / name).stat().st_mode) for name in ("again", "dump.sealed")} == {0o600}
    assert files.more() == {"dump.sealed", "again"}


def test_standard_input_and_output(files):
    """``pg_dump | trivet secrets seal-file - - | ssh``: both ends of a pipe; the message goes to standard error."""
    command = [TRIVET, "secrets", "seal-file", "-", "-", "--name", "orders"]
    done = subprocess.run(command, cwd=files.directory, input=DATA, capture_output=True, check=False, timeout=18)
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode() == f"-: sealed, {len(done.stdout)} bytes\n"
    assert turn(files, "open-file", "-", "again", stdin=done.stdout).returncode == 0
    assert (files.directory / "again").read_bytes() == DATA


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:-1],
        lambda raw: raw[: 70 + 2 * 65_552],
        lambda raw: raw + b"\0",
        lambda raw: raw[:70] + raw[70 + 65_552 : 70 + 2 * 65_552] + raw[70 : 70 + 65_552] + raw[70 + 2 * 65_552 :],
        lambda raw: raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:],
        lambda raw: b"",
        lambda raw: DATA,
    ],
    ids=["cut", "cut between segments", "longer", "swapped", "damaged", "empty", "not sealed"],
)
def test_of_a_stream_that_is_not_whole_nothing_is_left(files, spoil):
    """Not even the genuine part: neither under its name nor under another."""
    turn(files, "seal-file", "dump", "dump.sealed")
    raw = (files.directory / "dump.sealed").read_bytes()
    (files.directory / "dump.sealed").write_bytes(spoil(raw))
    refused(
        turn(files, "open-file", "dump.sealed", "again"),
        78,
        "the sealed stream does not open: it is damaged or not whole",
    )
    assert files.more() == {"dump.sealed"}


def test_another_service_or_key_does_not_open_it(files):
    """The service's name is bound, as in every sealed value."""
    turn(files, "seal-file", "dump", "dump.sealed")
    other = files("open-file", "dump.sealed", "again", "--name", "billing", "--key-file", "orders.keys")
    refused(other, 78, "does not open")
    KeyFile(files.directory / "other.keys").create(suite=2)
    other = files("open-file", "dump.sealed", "again", "--name", "orders", "--key-file", "other.keys")
    refused(other, 78, "does not open")


def test_an_existing_file_is_not_overwritten(files):
    """Neither a file nor a link that leads nowhere; the keys are not even read."""
    (files.directory / "there").write_bytes(b"precious")
    (files.directory / "link").symlink_to("nowhere")
    for command in ("seal-file", "open-file"):
        refused(turn(files, command, "dump", "there"), 74, "there is there already; remove it")
        refused(turn(files, command, "dump", "link"), 74, "link is there already")
    assert (files.directory / "there").read_bytes() == b"precious"


def test_files_that_cannot_be_read_or_written_are_named(files):
    """A missing file, a directory, a directory that is not there."""
    refused(turn(files, "seal-file", "nothing", "out"), 66, "nothing: cannot be read: No such file")
    refused(turn(files, "seal-file", ".", "out"), 66, ".: cannot be read: Is a directory")
    refused(turn(files, "seal-file", "dump", "no/out"), 74, "no/out: cannot be written: No such file")
    assert files.more() == set()


def test_the_clear_text_does_not_go_to_a_pipe(files):
    """A program behind it would work with a part before the end is known."""
    refused(turn(files, "open-file", "dump", "-"), 64, "only at its end is the content known to be whole; name a file")


def test_without_keys_the_error_says_what_to_do(files):
    """As for values."""
    (files.directory / "orders.keys").unlink()
    refused(turn(files, "seal-file", "dump", "out"), 78, "trivet secrets init")
    assert files.more() == set()


def on_a_terminal(command, directory):
    """Run with a terminal for standard error; give the exit code and what stood on it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [TRIVET, "secrets", *command],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    return process.wait(timeout=18), shown.decode()


def test_a_terminal_shows_progress(files):
    """A bar with the name and the percentage, on standard error only."""
    code, shown = on_a_terminal(["seal-file", "dump", "dump.sealed", "--name", "orders"], files.directory)
    assert code == 0, shown
    assert "dump" in shown
    assert "100%" in shown


def test_a_sealed_file_does_not_go_to_a_terminal(files):
    """It is binary."""
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [TRIVET, "secrets", "seal-file", "dump", "-", "--name", "orders"],
        cwd=files.directory,
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
        timeout=18,
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 64
    assert b"binary" in done.stderr
