"""``trivet secrets rotate`` and ``check``, run as a user runs them."""

from __future__ import annotations

import json
import re
import stat

import anyio
import pytest

from trivet_plugins.security.keys.file import KeyFile

CANARY = "hunter2-canary"
TOKEN = re.compile(r"trivet:1:[\w-]+")
TOML = """\
\ufeff# A comment.\r
[database]\r
password = 'x'   # kept\r
url = "postgres://u:${%s}@db"\r
"odd key" = { token = "y", n = [ 1, 2 ] }\r
"""


@pytest.fixture
def sealed(service):
    """Seal a value into the file of the service; more of them with ``sealed(path, file)``."""

    def seal(path="database.password", file="orders.toml", value=CANARY):
        done = service("seal", path, "--name", "orders", *(["--file", file] if file else []), stdin=value)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return seal


def rotate(service, *arguments):
    return service("rotate", "--name", "orders", *arguments)


def test_only_values_under_older_keys_change(service, sealed, rotate_keys):
    """Every other byte stays: byte order mark, line ends, comments, and the values that the primary key sealed."""
    inside = sealed("database.url", file=None)
    service.toml.write_bytes((TOML % inside).encode())
    sealed()
    rotate_keys(service.directory / "orders.keys")
    sealed('database."odd key".token')
    before = service.toml.read_bytes().decode()
    old, reference, new = TOKEN.findall(before)
    service.toml.chmod(0o640)
    done = rotate(service, "orders.toml")
    assert (done.returncode, done.stdout) == (
        0,
        "orders.toml: 2 sealed anew, 1 under the primary key already\n",
    ), done.stderr
    after = service.toml.read_bytes().decode()
    assert TOKEN.sub("*", after) == TOKEN.sub("*", before)
    assert TOKEN.findall(after)[2] == new
    assert not {old, reference} & set(TOKEN.findall(after))
    assert stat.S_IMODE(service.toml.stat().st_mode) == 0o640
    assert service("open", "database.password", "--name", "orders", "--file", "orders.toml").stdout == f"{CANARY}\n"
    again = rotate(service, "orders.toml")
    assert again.stdout == "orders.toml: 0 sealed anew, 3 under the primary key already\n"
    assert service.toml.read_bytes().decode() == after


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        ("yaml", "# c\na:\n- b: x  # note\n- {b: 'y', c: \"z\"}\nlong: >-\n  folded\n  text\n"),
        ("json", '{"a": [ {"b":"x"},{"b" : "y"} ],\n\t"c": null}\n'),
    ],
)
def test_other_formats(service, sealed, rotate_keys, suffix, text):
    """YAML and JSON are spliced like TOML."""
    file = service.directory / f"more.{suffix}"
    file.write_text(text)
    for path in ("a[0].b", "a[1].b"):
        sealed(path, file.name)
    before = file.read_text()
    rotate_keys(service.directory / "orders.keys")
    assert rotate(service, file.name).stdout == f"{file.name}: 2 sealed anew, 0 under the primary key already\n"
    assert TOKEN.sub("*", file.read_text()) == TOKEN.sub("*", before)
    assert file.read_text() != before
    assert service("check", file.name, "--name", "orders").returncode == 0


def test_a_link_stays_a_link(service, sealed, rotate_keys):
    """What it points to changes."""
    sealed()
    real = service.directory / "real.toml"
    service.toml.rename(real)
    service.toml.symlink_to("real.toml")
    rotate_keys(service.directory / "orders.keys")
    assert rotate(service, "orders.toml").returncode == 0
    assert service.toml.is_symlink()
    assert service("check", "orders.toml", "--name", "orders").stdout.count("(primary)") == 1


def test_all_means_every_configuration_file_of_the_service(service, sealed, rotate_keys):
    """The base file and the drop-ins beside it; a usage error says so where neither is given."""
    more = service.directory / "conf.d" / "10.toml"
    more.parent.mkdir()
    more.write_text("[database]\nuser = 'u'\n")
    sealed()
    sealed("database.user", str(more))
    rotate_keys(service.directory / "orders.keys")
    done = rotate(service, "--all", "--json")
    assert [(row["file"], row["values"], row["rotated"]) for row in json.loads(done.stdout)] == [
        ("orders.toml", 1, 1),
        ("conf.d/10.toml", 1, 1),
    ]
    for arguments in ((), ("--all", "orders.toml")):
        done = rotate(service, *arguments)
        assert done.returncode == 64
        assert "name the files, or say --all" in done.stderr


def test_a_value_that_does_not_open_leaves_the_file_alone(service, sealed, rotate_keys):
    """Each is named with its place; half a rotation would hide them."""
    sealed()
    text = service.toml.read_text()
    (token,) = TOKEN.findall(text)
    service.toml.write_text(text + f"moved = '{token}'\n")
    before = service.toml.read_text()
    rotate_keys(service.directory / "orders.keys")
    done = rotate(service, "orders.toml")
    assert done.returncode == 78
    assert "orders.toml:5:9: error: database.moved: the sealed value does not open" in done.stderr
    assert "nothing was changed" in done.stderr
    assert CANARY not in done.stderr
    assert service.toml.read_text() == before


def test_check_tells_of_every_value(service, sealed, rotate_keys):
    """Place, key, state and cipher of those that open; why not, for the others; exit code 78."""
    sealed()
    assert service("check", "orders.toml", "--name", "orders").stdout.endswith("1 sealed value opens\n")
    text = service.toml.read_text()
    (token,) = TOKEN.findall(text)
    rotate_keys(service.directory / "orders.keys")
    sealed("database.pool")
    service.toml.write_text(service.toml.read_text() + f"moved = '{token}'\nbroken = 'trivet:1:abc'\n")
    done = service("check", "orders.toml", "--name", "orders")
    assert done.returncode == 78
    good, newer, moved, broken, verdict = done.stdout.splitlines()
    assert re.fullmatch(r"orders.toml:3:12: database.password: opens, key \w{16} \(decrypt-only\), aes_256_gcm", good)
    assert re.fullmatch(r"orders.toml:4:8: database.pool: opens, key \w{16} \(primary\), aes_256_gcm", newer)
    assert moved.startswith("orders.toml:5:9: error: database.moved: the sealed value does not open: key ")
    assert "another place" in moved
    assert broken.startswith("orders.toml:6:10: error: database.broken: the sealed value does not open: it is damaged")
    assert verdict == "2 of 4 sealed values do not open"
    assert CANARY not in done.stdout + done.stderr
    rows = json.loads(service("check", "orders.toml", "--name", "orders", "--json").stdout)["values"]
    assert [(row["line"], row["column"], row["opens"], row["state"]) for row in rows] == [
        (3, 12, True, "decrypt-only"),
        (4, 8, True, "primary"),
        (5, 9, False, "decrypt-only"),
        (6, 10, False, "unknown"),
    ]


def test_check_of_a_file_without_sealed_values_says_so(service):
    """And is content."""
    done = service("check", "orders.toml", "--name", "orders")
    assert (done.returncode, done.stdout) == (0, "no sealed value; trivet secrets seal makes one\n")


@pytest.mark.parametrize(
    ("state", "remedy"), [("disabled", "trivet keys retire"), ("destroyed", "what it sealed is lost")]
)
def test_check_tells_the_state_of_the_key_and_what_to_do(service, sealed, rotate_keys, state, remedy):
    """A value whose key was put away before the file was rotated."""
    sealed()
    ring = KeyFile(service.directory / "orders.keys")
    old = ring.primary().id
    rotate_keys(ring.path)

    async def put_away():
        await ring.disable(old)
        if state == "destroyed":
            await ring.destroy(old)

    anyio.run(put_away)
    done = service("check", "orders.toml", "--name", "orders")
    assert done.returncode == 78
    assert (
        f"orders.toml:3:12: error: database.password: the sealed value does not open: key {old:016x} is {state}"
        in done.stdout
    )
    assert remedy in done.stdout


def test_a_key_that_does_not_seal_yet_is_told(service, sealed):
    """Whoever has just made one wonders why nothing was sealed anew."""
    sealed()
    made = anyio.run(KeyFile(service.directory / "orders.keys").rotate)
    done = rotate(service, "orders.toml")
    assert done.stdout == "orders.toml: 0 sealed anew, 1 under the primary key already\n"
    assert f"key {made.id:016x} seals from {made.activates:%Y-%m-%d %H:%M} UTC on: rotate again then" in done.stderr
