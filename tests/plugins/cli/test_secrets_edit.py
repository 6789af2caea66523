"""``trivet secrets edit``, with scripts for editors."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CANARY = "hunter2-canary"
TOKEN = re.compile(r"trivet:1:[\w-]+")
TRIVET = Path(sys.executable).with_name("trivet")
FILES = {
    "toml": "\ufeff# c\r\n[database]\r\npassword = 'x'   # kept\r\npool = 10\r\n[[users]]\r\nkey = \"y\"\r\n",
    "yaml": "# c\ndatabase:\n  password: x   # kept\n  pool: 10\nusers:\n- {key: 'y'}\n",
    "json": '{"database": {"password": "x",\n\t"pool": 10}, "users": [ {"key":"y"} ]}\n',
}


@pytest.fixture
def edited(service, monkeypatch):
    """Edit a file of the service with a Python function body over ``text``; ``edited.places`` are those of the private file."""
    runtime = service.directory / "runtime"
    runtime.mkdir(mode=0o700)
    log = service.directory / "editor.log"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.delenv("VISUAL", raising=False)

    def edit(body, *arguments, file="orders.toml", stdin=""):
        script = service.directory / "editor.py"
        script.write_text(
            "import os, sys\n"
            "path = sys.argv[1]\n"
            "text = open(path, newline='').read()\n"
            f"open({str(log)!r}, 'a').write(path + '\\n' + oct(os.stat(path).st_mode) + '\\n')\n"
            f"{body}\n"
            "open(path, 'w', newline='').write(text)\n"
        )
        monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
        done = service("edit", file, "--name", "orders", *arguments, stdin=stdin)
        assert list(runtime.iterdir()) == [], "the private file is still there"
        assert CANARY not in done.stdout + done.stderr
        return done

    edit.log = log
    edit.runtime = runtime
    return edit


def seal(service, path, value, file):
    done = service("seal", path, "--name", "orders", "--file", file, stdin=value)
    assert done.returncode == 0, done.stderr


def opened(service, path, file):
    done = service("open", path, "--name", "orders", "--file", file)
    assert done.returncode == 0, done.stderr
    return done.stdout.removesuffix("\n")


@pytest.mark.parametrize("suffix", FILES)
def test_only_what_changed_is_sealed_anew(service, edited, suffix):
    """One value edited: the other's envelope and every other byte of the file stay; the new one opens."""
    file = service.directory / f"more.{suffix}"
    file.write_bytes(FILES[suffix].encode())
    seal(service, "database.password", "old é\nsecond line", file.name)
    seal(service, "users[0].key", CANARY, file.name)
    before = file.read_bytes().decode()
    done = edited("assert 'seal:hunter2-canary' in text\ntext = text.replace('old ', 'new ')", file=file.name)
    assert (done.returncode, done.stdout) == (0, f"{file.name}: saved, 1 sealed anew\n"), done.stderr
    after = file.read_bytes().decode()
    assert TOKEN.sub("*", after) == TOKEN.sub("*", before)
    (first, second), (first_before, second_before) = TOKEN.findall(after), TOKEN.findall(before)
    assert second == second_before
    assert first != first_before
    assert opened(service, "database.password", file.name) == "new é\nsecond line"


def test_an_edit_of_nothing_changes_nothing(service, edited):
    """Not a byte, and it says so."""
    seal(service, "database.password", CANARY, "orders.toml")
    before = service.toml.read_bytes()
    assert edited("").stdout == "orders.toml: nothing changed\n"
    assert service.toml.read_bytes() == before


def test_the_clear_text_is_for_its_owner_only_and_in_memory(service, edited):
    """Mode 0600, in the runtime directory, under the file's own name."""
    seal(service, "database.password", CANARY, "orders.toml")
    edited("open(path + '~', 'w').write(text)")  # what an editor leaves behind
    path, mode = edited.log.read_text().splitlines()
    assert path.startswith(f"{edited.runtime}/trivet-")
    assert path.endswith("/orders.toml")
    assert mode == "0o100600"


def test_values_are_added_moved_bared_and_removed(service, edited):
    """Whatever begins with seal: is sealed for where it stands; what lost its mark stands in the clear, and is named."""
    seal(service, "database.password", CANARY, "orders.toml")
    done = edited("text = text.replace('password', 'moved') + 'token = \"seal:t\"\\nbare = \"seal:b\"\\n'")
    assert done.stdout == "orders.toml: saved, 3 sealed anew\n"
    assert opened(service, "database.moved", "orders.toml") == CANARY
    assert opened(service, "database.token", "orders.toml") == "t"
    assert "seal:" not in service.toml.read_text()
    done = edited("text = text.replace('seal:b', 'b').replace('token = \"seal:t\"\\n', '')")
    assert done.stdout == "orders.toml: saved, 0 sealed anew\n"
    assert "orders.toml:5:8: warning: database.bare stands in the clear now" in done.stderr
    assert "token" not in service.toml.read_text()
    assert service("check", "orders.toml", "--name", "orders").stdout.endswith("1 sealed value opens\n")


def test_what_does_not_open_stays_as_it_is(service, edited):
    """And is named; the rest can be edited."""
    seal(service, "database.password", CANARY, "orders.toml")
    service.toml.write_text(service.toml.read_text() + "broken = 'trivet:1:abc'\nurl = 'x ${trivet:1:abc}'\n")
    done = edited("text = text.replace('pool = 10', 'pool = 11')")
    assert done.returncode == 0
    assert "orders.toml:5:10: database.broken stays sealed" in done.stderr
    assert "orders.toml:6:7: database.url stays sealed" in done.stderr
    assert "pool = 11" in service.toml.read_text()
    assert "broken = 'trivet:1:abc'\nurl = 'x ${trivet:1:abc}'\n" in service.toml.read_text()


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("text += 'x = ['", 65, "orders.toml:5"),
        ("text += 'x = \"seal:\"'", 78, "orders.toml:5:5: error: database.x: nothing follows seal:"),
        ("text += 'x = 1'\nopen(path, 'w', newline='').write(text)\nsys.exit(3)", 69, "ended with code 3"),
        ("os.write(os.open(path, os.O_WRONLY), b'\\xff'); sys.exit(0)", 70, "not UTF-8"),
    ],
    ids=["syntax", "empty", "editor", "bytes"],
)
def test_a_broken_edit_changes_nothing_and_is_not_lost(service, edited, body, code, words):
    """It is kept, sealed; the file stays; --resume goes on with it. What is no text cannot be kept, and that is said."""
    seal(service, "database.password", CANARY, "orders.toml")
    before = service.toml.read_bytes()
    done = edited(body)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert service.toml.read_bytes() == before
    draft = service.directory / ".orders.toml.draft"
    if code == 70:
        assert "could not be kept" in done.stderr
        return
    assert CANARY not in draft.read_text()
    assert draft.stat().st_mode & 0o777 == 0o600
    assert "--resume or --discard" in edited("").stderr
    done = edited("text = text[: text.index('x = ')] + 'x = 2\\n'", "--resume")
    assert done.stdout == "orders.toml: saved, 0 sealed anew\n", done.stderr
    assert service.toml.read_bytes() == before + b"x = 2\n"
    assert not draft.exists()


def test_a_draft_of_another_state_of_the_file_does_not_undo_it_silently(service, edited):
    """Where nobody can be asked it is refused, and both stay; --discard begins anew."""
    seal(service, "database.password", CANARY, "orders.toml")
    edited("text += 'x = ['")
    service.toml.write_text(service.toml.read_text() + "more = 1\n")
    done = edited("", "--resume")
    assert done.returncode == 65
    assert "saved, it undoes those changes" in done.stderr
    assert (service.directory / ".orders.toml.draft").exists()
    assert edited("", "--discard").stdout == "orders.toml: nothing changed\n"
    assert not (service.directory / ".orders.toml.draft").exists()
    assert "there is no draft to resume" in edited("", "--resume").stderr


def test_an_edit_that_another_overtook_is_kept(service, edited):
    """The file changed while the editor was open: nobody's work is lost."""
    seal(service, "database.password", CANARY, "orders.toml")
    done = edited(f"open({str(service.toml)!r}, 'a').write('theirs = 1\\n')\ntext += 'ours = 1\\n'")
    assert done.returncode == 65
    assert "changed by someone else meanwhile" in done.stderr
    assert "theirs = 1" in service.toml.read_text()
    assert (service.directory / ".orders.toml.draft").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_while_the_editor_is_open(service, edited, number):
    """SIGTERM and SIGHUP end both, wipe the clear text and keep the edit; a Ctrl-C is the editor's affair."""
    seal(service, "database.password", CANARY, "orders.toml")
    script, ready = service.directory / "slow.py", service.directory / "ready"
    script.write_text(
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(0))\n"
        "open(sys.argv[1], 'a').write('typed = 1\\n')\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
        "time.sleep(60)\n"
    )
    environ = {**os.environ, "EDITOR": f"{sys.executable} {script}"}
    process = subprocess.Popen(
        [TRIVET, "secrets", "edit", "orders.toml", "--name", "orders"],
        cwd=service.directory,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not ready.exists() and process.poll() is None:
        time.sleep(0.02)
    if number is signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    out, err = process.communicate(timeout=18)
    assert list(edited.runtime.iterdir()) == []
    assert CANARY not in out + err
    if number is signal.SIGINT:
        assert (process.returncode, out) == (0, "orders.toml: saved, 0 sealed anew\n"), err
        assert "typed = 1" in service.toml.read_text()
    else:
        assert process.returncode == 128 + number, err
        assert "Traceback" not in err
        assert (service.directory / ".orders.toml.draft").exists()
        assert "typed" not in service.toml.read_text()


def test_on_a_terminal_a_broken_edit_is_opened_again(service, edited, monkeypatch):
    """The mistake is shown with its place; yes opens what was typed again, and nothing is lost."""
    seal(service, "database.password", CANARY, "orders.toml")
    script = service.directory / "twice.py"
    script.write_text(
        "import sys\n"
        "text = open(sys.argv[1]).read()\n"
        "open(sys.argv[1], 'w').write(text.replace('x = [', 'x = 2') if 'x = [' in text else text + 'x = [\\n')\n"
    )
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - the other process
        os.chdir(service.directory)
        os.execv(TRIVET, [str(TRIVET), "secrets", "edit", "orders.toml", "--name", "orders"])
    shown, answered = b"", False
    with contextlib.suppress(OSError):  # the child closed its end
        while True:
            shown += os.read(terminal, 4096)
            if not answered and b"edit again? [Y/n]:" in shown:
                os.write(terminal, b"y\n")
                answered = True
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown
    assert b"orders.toml:6: error: not valid TOML" in shown
    assert b"orders.toml: saved, 0 sealed anew" in shown
    assert service.toml.read_text().endswith("x = 2\n")
    assert not (service.directory / ".orders.toml.draft").exists()
