"""``trivet token``, run as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from trivet import Secret
from trivet_plugins.web.guard import Guard

TRIVET = Path(sys.executable).parent / "trivet"
CANARY = "hunter2-canary-hunter2"


def token(*arguments, stdin=""):
    command = [TRIVET, "token", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=18)


def opens(given, token_hash):
    guard = Guard(None, token_hash=Secret(token_hash))
    headers = {"host": "localhost", "authorization": f"Bearer {given}"}
    return guard.refusal(headers, ("203.0.113.5", 1)) is None


def test_a_new_token_is_printed_with_the_hash_that_it_opens():
    """256 bits, another at every call; what to do with them is said beside them."""
    made = [token("new") for _ in range(2)]
    pairs = [dict(line.split(": ", 1) for line in done.stdout.splitlines()) for done in made]
    values = [(pair["token"].strip(), pair["token_hash"].strip()) for pair in pairs]
    assert all(opens(given, token_hash) for given, token_hash in values)
    assert len({given for given, _ in values}) == 2
    assert not opens(values[0][0], values[1][1])
    assert all(len(given) == 43 for given, _ in values)
    assert "token_hash =" in made[0].stderr


def test_the_hash_of_a_token_comes_from_standard_input():
    """Nothing but the hash is printed; the line end is no part of the token."""
    done = token("hash", stdin=f"{CANARY}\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert opens(CANARY, done.stdout.strip())


def test_a_short_token_is_refused_without_being_shown():
    done = token("hash", stdin="hunter2\n")
    assert (done.returncode, done.stdout) == (64, "")
    assert "at least 16 characters" in done.stderr
    assert "hunter2" not in done.stderr
    assert token("hash").returncode == 78
