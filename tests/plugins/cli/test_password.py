"""``trivet password``, run as a user runs it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

CANARY = "hunter2-canary"
TRIVET = Path(sys.executable).parent / "trivet"
CHEAP = """\
[plugins.argon2id]
memory = 32
passes = 1
lanes = 1
[plugins.pbkdf2_sha256]
rounds = 1000
"""


@pytest.fixture
def password(tmp_path):
    """Run ``trivet password`` in a directory with a cheap ``trivet.toml``."""
    (tmp_path / "trivet.toml").write_text(CHEAP)

    def run(*arguments, stdin=CANARY, **environ):
        done = subprocess.run(
            [TRIVET, "password", *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error", **environ},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=18,
        )
        assert CANARY not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    run.directory = tmp_path
    return run


def made(password, *arguments):
    done = password("hash", *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.strip()


def test_a_hash_is_all_that_is_printed_and_verifies(password):
    """The line end of standard input is no part of the password."""
    hashed = made(password)
    assert hashed.startswith("$argon2id$v=19$m=32,t=1,p=1$")
    done = password("verify", hashed, stdin=f"{CANARY}\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "the password fits\n", "")
    done = password("verify", hashed, stdin="another password")
    assert (done.returncode, done.stdout, done.stderr) == (1, "the password does not fit\n", "")


def test_the_hash_may_come_from_a_file(password):
    """It is not in the list of processes then, and the shell has no dollar signs to eat."""
    (password.directory / "hash").write_text(made(password) + "\n")
    assert password("verify", "--hash-file", "hash").returncode == 0
    assert password("verify").returncode == 64
    assert password("verify", "x", "--hash-file", "hash").returncode == 64


def test_scheme_and_cost_are_settings(password):
    """As the service has them, or with --set; an old hash fits, and is said to be old."""
    hashed = made(password, "--set", "plugins.passwords.preferred=pbkdf2_sha256")
    assert hashed.startswith("$pbkdf2-sha256$i=1000,")
    done = password("verify", hashed)
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].startswith("the hash is out of date")
    standard = made(password, "--set", "plugins.security_level.name=standard", "--set", "plugins.argon2id.memory=null")
    assert "$m=19456,t=1,p=1$" in standard


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "words"),
    [
        (["hash"], "", 78, "empty"),
        (["hash"], "short", 65, "at least 8"),
        (["hash"], "x" * 2000, 65, "at most 1024"),
        (["hash"], "tab\tinside", 65, "control character"),
        (["verify", "$2b$12$abc"], CANARY, 65, "no plugin gives; there are: argon2id, pbkdf2-sha256"),
        (["verify", f"$argon2id$v=19$m=67108864,t=1,p=1${'A' * 22}${'A' * 43}"], CANARY, 65, "the bound is 262144 KiB"),
        (["hash", "--set", "plugins.passwords.preferred=bcrypt"], CANARY, 78, "no password hasher"),
        (["hash", "--app", "nowhere.py"], CANARY, 66, "nowhere.py"),
    ],
)
def test_what_cannot_be_done_is_one_line(password, arguments, stdin, code, words):
    """With the exit code of its kind, and without the password."""
    done = password(*arguments, stdin=stdin)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_with_a_pepper_the_service_is_named(password):
    """--app finds the service's key ring; another service's does not verify."""
    (password.directory / "app.py").write_text("from trivet import Kernel\nkernel = Kernel('shop')\n")
    (password.directory / "shop.toml").write_text(CHEAP + "[plugins.passwords]\npepper = true\n")
    assert "trivet secrets init" in password("hash", "--app", "app.py").stderr
    init = subprocess.run([TRIVET, "secrets", "init", "--app", "app.py"], cwd=password.directory, check=False)
    assert init.returncode == 0
    hashed = made(password, "--app", "app.py")
    assert hashed.startswith("$pepper$k=")
    assert password("verify", hashed, "--app", "app.py").returncode == 0
    assert password("verify", hashed).returncode == 78


def typed(directory, arguments, *answers):
    """Answer the prompts of a terminal; return what it showed, and the exit code."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(directory)
        os.execv(TRIVET, [str(TRIVET), "password", *arguments])
    shown, waiting, deadline = b"", list(answers), time.monotonic() + 18
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # the child has gone
            break
        if waiting and shown.rstrip().endswith(b":") and shown.count(b":") > len(answers) - len(waiting):
            os.write(terminal, waiting.pop(0).encode() + b"\n")
    os.close(terminal)
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_on_a_terminal_the_prompt_is_hidden(password):
    """Asked twice for a new password, once for one to check; never shown."""
    shown, code = typed(password.directory, ["hash"], CANARY, CANARY)
    assert code == 0, shown
    assert CANARY not in shown
    hashed = shown.split()[-1]
    shown, code = typed(password.directory, ["verify", hashed], CANARY)
    assert code == 0, shown
    assert CANARY not in shown
    assert "the password fits" in shown
