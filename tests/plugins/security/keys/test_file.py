"""The key ring in a file."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
import traceback
import types

import pytest

from trivet import KeyCounter, KeyKeeper, KeyRing, KeyRingError, Launch
from trivet_plugins.security.keys import file as key_file
from trivet_plugins.security.keys import ring_file
from trivet_plugins.security.keys.document import KeyDocument
from trivet_plugins.security.keys.file import KeyFile, KeyFileConfig, path_of

CANARY = b"key-material-canary-of-32-bytes!"
CANARY_TEXT = base64.urlsafe_b64encode(CANARY).rstrip(b"=").decode()


def entry(**other):
    made = {"id": "00000000000000aa", "suite": 2, "state": "primary", "created": "2026-11-24T18:00:00Z"}
    return {**made, "material": CANARY_TEXT, **other}


def write(path, content, mode=0o600):
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    path.write_bytes(content)
    path.chmod(mode)
    return KeyFile(path)


def keys_of(*entries, version=1):
    return {"version": version, "keys": list(entries)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "orders.keys"


def refusal(ring):
    """The message of a refusal; neither it nor its traceback holds key material, even with all local variables shown."""
    with pytest.raises(KeyRingError) as caught:
        ring.primary()
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    own = [frame for frame in shown.stack if "test_key_file" not in frame.filename]
    printed = "".join(f"{frame.name} {frame.locals}" for frame in own) + "".join(shown.format_exception_only())
    assert CANARY_TEXT not in printed
    assert CANARY.decode() not in printed
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value)


def test_a_new_file_has_one_primary_key_and_mode_0600(path):
    """32 random bytes, an id, and nobody but the owner."""
    key = KeyFile(path).create(suite=2)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ring = KeyFile(path)
    assert ring.primary().id == key.id
    assert ring.primary().material == key.material
    assert len(key.material) == 32
    assert ring.key_ids() == [key.id]
    assert sorted(stray.name for stray in path.parent.iterdir()) == ["orders.keys", "orders.keys.lock"]


def test_the_mode_does_not_depend_on_the_umask(path):
    """Neither a lax nor an absurd umask changes who can read the keys."""
    for number, mask in enumerate((0o000, 0o777)):
        before = os.umask(mask)
        try:
            made = path.with_suffix(f".{number}")
            KeyFile(made).create(suite=2)
        finally:
            os.umask(before)
        assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_an_existing_file_is_never_overwritten(path):
    """Not even one that is empty, damaged or a dangling link: its keys may be needed."""
    path.write_bytes(b"anything")
    with pytest.raises(KeyRingError, match="exists; the values sealed with its keys would be lost"):
        KeyFile(path).create(suite=2)
    assert path.read_bytes() == b"anything"
    link = path.with_name("link.keys")
    link.symlink_to(path.with_name("nowhere"))
    with pytest.raises(KeyRingError, match="exists"):
        KeyFile(link).create(suite=2)


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    """A missing directory: the path and the system's words."""
    with pytest.raises(KeyRingError, match=r"none/orders\.keys cannot be changed: .*No such file or directory"):
        KeyFile(tmp_path / "none" / "orders.keys").create(suite=2)


def test_without_hard_links_creation_is_still_exclusive(path, monkeypatch):
    """File systems that know no hard links: one creator, and the second is refused."""

    def unsupported(*_args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", unsupported)
    key = KeyFile(path).create(suite=2)
    assert KeyFile(path).primary().id == key.id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(KeyRingError, match="exists"):
        KeyFile(path).create(suite=2)


def test_of_20_processes_that_create_at_once_one_succeeds(path):
    """Exactly one key, and everyone who asks reads that one."""
    code = (
        "import sys, pathlib; from trivet_plugins.security.keys.file import KeyFile; from trivet import KeyRingError\n"
        "sys.stdin.read()\n"  # all wait here until the last one is ready
        "try: print(KeyFile(pathlib.Path(sys.argv[1])).create(suite=2).id)\n"
        "except KeyRingError: print('exists')"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(20)
    ]
    for process in started:
        process.stdin.close()
    answers = [process.stdout.read().strip() for process in started]
    for process in started:
        process.stdout.close()
        assert process.wait(timeout=15) == 0
    (created,) = [answer for answer in answers if answer != "exists"]
    assert answers.count("exists") == 19
    assert KeyFile(path).key_ids() == [int(created)]


def test_several_keys_one_seals_all_open(path):
    """The primary comes first, wherever it stands in the file; all ids are found."""
    ring = write(path, keys_of(entry(id="0" * 15 + "1", state="decrypt-only"), entry(id="0" * 15 + "2", suite=57345)))
    assert ring.primary().id == 2
    assert ring.primary().suite == 57345
    assert ring.key_ids() == [2, 1]
    assert ring.find(1).material == CANARY
    assert ring.find(3) is None


def test_a_missing_file_is_no_error_until_a_key_is_needed(path):
    """A service without sealed values needs no keys; the error then says how to make them."""
    ring = KeyFile(path)
    message = refusal(ring)
    assert message.startswith(f"{path}: there is no key file")
    assert f"trivet secrets init --key-file {path}" in message
    key = KeyFile(path).create(suite=2)
    assert ring.find(key.id) is not None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610, 0o601, 0o777])
def test_a_file_open_to_others_is_refused_with_the_remedy(path, mode):
    """Any bit for group or others."""
    message = refusal(write(path, keys_of(entry()), mode))
    assert f"mode 0{mode:o}" in message
    assert f"chmod 600 {path}" in message


def test_the_remedy_can_be_pasted(tmp_path):
    """A path with a space is quoted in the command."""
    path = tmp_path / "my keys"
    assert f"chmod 600 '{path}'" in refusal(write(path, keys_of(entry()), 0o644))


def test_after_the_remedy_the_file_is_read(path):
    """No restart is needed after chmod."""
    ring = write(path, keys_of(entry()), 0o644)
    refusal(ring)
    path.chmod(0o600)
    assert ring.primary().id == 0xAA


def test_a_symbolic_link_is_refused(path):
    """Whoever can write the link's directory could point it elsewhere."""
    write(path.with_name("real"), keys_of(entry()))
    path.symlink_to(path.with_name("real"))
    assert "symbolic link" in refusal(KeyFile(path))


def test_what_is_no_regular_file_is_refused_and_not_waited_for(path):
    """A pipe would block for ever, a device give bytes without end."""
    os.mkfifo(path, 0o600)
    assert "not a regular file" in refusal(KeyFile(path))
    assert "not a regular file" in refusal(KeyFile(path.parent))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_says_who_should_own_it(path):
    """The process runs as another user than the file's."""
    assert "not readable for this user" in refusal(write(path, keys_of(entry()), 0o000))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "line 1, column 1"),
        (b"\xff\xfe\x00garbage", "not the JSON of a key file"),
        (b"\0" * 100, "not the JSON"),
        (json.dumps(keys_of(entry())).encode()[:-9], "not the JSON of a key file (line 1, column"),
        (b"[" * 200_000, "not the JSON of a key file"),
        (b'{"version": 1, "version": 1, "keys": []}', "not the JSON"),
        ([], "object of version, keys and more"),
        ({"keys": [entry()]}, "object of version, keys and more"),
        ({**keys_of(entry()), "extra": CANARY_TEXT}, "object of version and keys"),
        (keys_of(entry(), version=3), "another version of trivet"),
        (keys_of(entry(), version=2), "must be an object of generation, keys, mac, version, wrapping"),
        (keys_of(entry(), version=True), "another version"),
        (keys_of(), "at least one key"),
        ({"version": 1, "keys": {}}, "at least one key"),
        (keys_of(CANARY_TEXT), "key 1: must be an object of"),
        (keys_of({**entry(), CANARY_TEXT: 1}), "key 1: must be an object of"),
        (keys_of(entry(), {"id": "1"}), "key 2: must be an object of"),
        (keys_of(entry(id=CANARY_TEXT)), "key 1: id has not the form"),
        (keys_of(entry(id=170)), "key 1: id has not the form"),
        (keys_of(entry(id="AA" * 8)), "key 1: id has not the form"),
        (keys_of(entry(suite="2")), "key 1: suite must be"),
        (keys_of(entry(suite=True)), "key 1: suite must be"),
        (keys_of(entry(suite=0)), "key 1: suite must be"),
        (keys_of(entry(suite=65536)), "key 1: suite must be"),
        (keys_of(entry(state="disabled")), "key 1: state must be"),
        (keys_of(entry(state=[])), "key 1: state must be"),
        (keys_of(entry(created="2026-13-01T00:00:00Z")), "key 1: created, activates and expires must be dates"),
        (keys_of(entry(created="yesterday")), "key 1: created, activates and expires must be dates"),
        (keys_of(entry(material=CANARY_TEXT[:-1])), "key 1: not the base64url of 32 bytes"),
        (keys_of(entry(material=CANARY_TEXT + "A")), "key 1: not the base64url of 32 bytes"),
        (keys_of(entry(material="+" * 43)), "key 1: not the base64url of 32 bytes"),
        (keys_of(entry(material=None)), "key 1: not the base64url of 32 bytes"),
        (keys_of(entry(state="decrypt-only")), "exactly one key must be primary"),
        (keys_of(entry(), entry(id="1" * 16)), "exactly one key must be primary"),
        (keys_of(entry(), entry(state="decrypt-only")), "two keys have one id"),
        (b" " * (1024 * 1024 + 1), "larger than 1048576 bytes"),
    ],
)
def test_a_damaged_file_is_refused_with_the_reason_and_without_its_content(path, content, reason):
    """Empty, binary, cut, nested, of another version, with missing or wrong fields: named, never quoted."""
    message = refusal(write(path, content))
    assert message.startswith(f"{path}: ")
    assert reason in message


def test_a_key_added_by_another_process_is_found(path):
    """Values sealed under a new key open without a restart: an unknown id makes the ring look again, once per change."""
    ring = write(path, keys_of(entry(id="0" * 15 + "1")))
    assert ring.find(2) is None
    replacement = path.with_name("new")
    write(replacement, keys_of(entry(id="0" * 15 + "1", state="decrypt-only"), entry(id="0" * 15 + "2")))
    replacement.rename(path)
    assert ring.find(2).id == 2
    assert ring.primary().id == 2


def test_an_unchanged_file_is_not_read_again(path, monkeypatch):
    """Unknown ids in hostile envelopes cost a look at the file's status, not a read."""
    ring = write(path, keys_of(entry()))
    ring.primary()
    monkeypatch.setattr(ring_file, "read_private", None)
    assert [ring.find(number) for number in range(100)] == [None] * 100


def test_known_keys_stay_when_the_file_goes_bad(path):
    """What is loaded keeps opening; only what needs the file says what is wrong with it."""
    ring = write(path, keys_of(entry()))
    ring.primary()
    path.chmod(0o644)
    assert ring.find(0xAA) is not None
    with pytest.raises(KeyRingError, match="chmod 600"):
        ring.find(0xBB)


def test_neither_repr_nor_contract_shows_material(path):
    """A ring in a log line; and it is what the kernel and the command line ask for."""
    ring = write(path, keys_of(entry()))
    shown = f"{ring!r} {ring.primary()!r} {ring.loaded!r} {KeyDocument.parse(path.read_bytes(), lambda _: None)!r}"
    assert CANARY_TEXT not in shown
    assert CANARY.decode() not in shown
    assert isinstance(ring, KeyRing)
    assert isinstance(ring, KeyKeeper)
    assert isinstance(ring, KeyCounter)


@pytest.mark.parametrize(
    ("configured", "environ", "expected"),
    [
        (None, {}, "orders.keys"),
        (None, {"TRIVET_KEY_FILE": "/run/keys"}, "/run/keys"),
        (None, {"TRIVET_KEY_FILE": ""}, "orders.keys"),
        ("/etc/keys", {"TRIVET_KEY_FILE": "/run/keys"}, "/etc/keys"),
    ],
)
def test_where_the_file_is(configured, environ, expected):
    """Configured, else the variable, else the kernel's name in the working directory."""
    kernel = types.SimpleNamespace(name="orders", launch=Launch(environ=environ))
    assert str(path_of(KeyFileConfig(path=configured), kernel)) == expected


def test_the_hook_offers_one_key_ring():
    """``service/key_file``, found by the type `KeyRing`."""
    (provider,) = key_file.register_services(None)
    assert (provider.name, provider.provides, provider.config) == ("key_file", KeyRing, KeyFileConfig)
