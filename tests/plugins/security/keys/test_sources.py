"""Master keys from all places, and the key ring of a kernel under them."""

from __future__ import annotations

import base64
import io
import json
import os
import pty
import subprocess
import sys
import traceback

import anyio
import pytest

from trivet import Kernel, KeyRing, KeyRingError, Launch, Passphrase, Provider, hookimpl
from trivet.events import ConfigWarning, SecurityOperation
from trivet_plugins.security.keys import master_text

NAMES = ["command_line", "files", "toml", "aes_gcm", "key_file", "master_keys", "sealed", "security_level"]
RAW = bytes(range(224, 256))  # with + and / in base64
TEXT = base64.b64encode(RAW).decode()


@pytest.fixture
def kernel_of(tmp_path):
    """Make a kernel that is started with these settings, as under ``--set``."""

    def make(*, environ=None, plugins=(), dirs=(), **settings):
        settings = {"path": str(tmp_path / "orders.keys"), **settings}
        assignments = [f"plugins.key_file.{name}={json.dumps(value)}" for name, value in settings.items()]
        assignments.append("plugins.security_level.name=standard")
        launch = Launch(assignments=assignments, environ={} if environ is None else environ, secrets=dirs)
        return Kernel("orders", plugins=[*NAMES, *plugins], discover="none", strict=True, launch=launch)

    return make


async def loaded(kernel, source, name):
    async with kernel.secured():
        return await kernel.provided("key_source")[source].load(name)


async def refusal(kernel, source, name):
    with pytest.raises(KeyRingError) as caught:
        await loaded(kernel, source, name)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(shown.format_exception_only())
    assert TEXT[:20] not in text
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.rstrip("="),
        base64.urlsafe_b64encode(RAW).decode(),
        f"  {TEXT}\n\n",
        base64.b64encode(RAW * 2).decode(),
    ],
)
async def test_a_master_key_is_base64_in_either_alphabet(kernel_of, tmp_path, text):
    """Padded or not, with white space around it, 32 bytes or more."""
    path = tmp_path / "master.key"
    path.write_text(text)
    path.chmod(0o600)
    assert (await loaded(kernel_of(), "file", str(path)))[:32] == RAW


@pytest.mark.parametrize("text", ["", "hunter2", TEXT[:40], "é" * 40, TEXT + "!", "=" * 44, "AA AA" * 20, "-----BEGIN"])
async def test_what_is_no_master_key_says_how_to_make_one(kernel_of, tmp_path, text):
    """A password in its place would be guessed: it must be random, and long."""
    path = tmp_path / "master.key"
    path.write_text(text)
    path.chmod(0o600)
    message = await refusal(kernel_of(), "file", str(path))
    assert message.endswith("no master key; it must be the base64 of 32 random bytes: openssl rand -base64 32")


async def test_a_file_must_be_private_regular_and_small(kernel_of, tmp_path):
    """Each refusal names the file and the remedy."""
    path = tmp_path / "master.key"
    assert "no such file; make one: umask 077; openssl rand" in await refusal(kernel_of(), "file", str(path))
    path.write_text(TEXT)
    path.chmod(0o640)
    assert f"open to others (mode 0640); run: chmod 600 {path}" in await refusal(kernel_of(), "file", str(path))
    path.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(path)
    assert "symbolic link" in await refusal(kernel_of(), "file", str(link))
    path.write_bytes(b"A" * 5000)
    assert "larger than 4096 bytes" in await refusal(kernel_of(), "file", str(path))
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "not a regular file" in await refusal(kernel_of(), "file", str(tmp_path / "pipe"))
    assert "which one?" in (await refusal(kernel_of(), "file", "")).lower()


async def test_a_variable_is_removed_when_it_is_read(kernel_of):
    """Child processes and dumps of the environment do not show it; the kernel can start again."""
    environ = {"MASTER_KEY": TEXT, "OTHER": "1"}
    kernel = kernel_of(environ=environ)
    for _ in range(2):
        assert await loaded(kernel, "environment", "MASTER_KEY") == RAW
        assert environ == {"OTHER": "1"}
    assert "$NOBODY is not set" in await refusal(kernel, "environment", "NOBODY")


async def test_a_variable_of_the_process_is_gone_for_all_and_known_to_all_kernels(kernel_of, monkeypatch):
    """The real environment: what a child gets has it no more."""
    monkeypatch.setenv("TRIVET_TEST_MASTER", TEXT)
    for _ in range(2):
        assert await loaded(kernel_of(environ=os.environ), "environment", "TRIVET_TEST_MASTER") == RAW
    child = await anyio.run_process([sys.executable, "-c", "import os; print('TRIVET_TEST_MASTER' in os.environ)"])
    assert child.stdout == b"False\n"


async def test_a_variable_that_is_a_setting_too_is_refused(kernel_of):
    """The service's prefix would make it configuration: shown, exported, compared."""
    message = await refusal(kernel_of(environ={"ORDERS_MASTER": TEXT}), "environment", "ORDERS_MASTER")
    assert "read as a setting too, for its prefix ORDERS_" in message


async def test_secrets_do_not_lead_out_of_their_directory(kernel_of, tmp_path):
    """Neither by name nor by link: who may write there must not make the service read other files."""
    (tmp_path / "outside").write_text(TEXT)
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "link").symlink_to("../outside")
    for name in ("../outside", str(tmp_path / "outside"), ".hidden", ""):
        await refusal(kernel_of(dirs=[mounted]), "secret", name)
    assert f"leads out of {mounted}" in await refusal(kernel_of(dirs=[mounted]), "secret", "link")
    assert f"no nothing in {mounted} or /run/secrets" in await refusal(kernel_of(dirs=[mounted]), "secret", "nothing")
    environ = {"CREDENTIALS_DIRECTORY": str(mounted)}
    assert "symbolic link" in await refusal(kernel_of(environ=environ), "credential", "link")
    assert "LoadCredentialEncrypted=" in await refusal(kernel_of(environ=environ), "credential", "nothing")
    assert "$CREDENTIALS_DIRECTORY is not set" in await refusal(kernel_of(), "credential", "nothing")


async def test_a_passphrase_has_one_form_however_it_is_typed(kernel_of, tmp_path):
    """Two keyboards, one key: composed or not (RFC 8265); the newline of an editor does not count."""
    for number, text in enumerate(("cafe\u0301 noir\n", "caf\u00e9 noir", "caf\u00e9\u00a0noir\r\n")):
        (tmp_path / f"phrase{number}").write_bytes(text.encode())
        found = await loaded(kernel_of(dirs=[tmp_path]), "passphrase", f"secret:phrase{number}")
        assert isinstance(found, Passphrase)
        assert found.reveal() == "caf\u00e9 noir"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"short", "fewer than 8 characters"), (b"", "it is empty"), (b"\xff" * 9, "not UTF-8"), (b"a\tb" * 5, "control")],
)
async def test_what_is_no_passphrase_is_refused(kernel_of, tmp_path, content, reason):
    """With the reason, and nothing of it."""
    (tmp_path / "phrase").write_bytes(content)
    message = await refusal(kernel_of(dirs=[tmp_path]), "passphrase", "secret:phrase")
    assert reason in message
    assert "must be one of file:NAME, environment:NAME" in await refusal(kernel_of(), "passphrase", "vault:x")


async def test_nobody_can_be_asked_without_a_terminal(kernel_of, monkeypatch):
    """A service must not hang there; the message says where a passphrase can be kept."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    assert "passphrase:credential:NAME" in await refusal(kernel_of(), "passphrase", "")


ASK = """
import anyio, sys
from trivet import Kernel
async def main():
    async with Kernel("orders", plugins=["master_keys"], discover="none").secured() as kernel:
        found = await kernel.provided("key_source")["passphrase"].load("")
        print(found.reveal() == "correct horse", flush=True)
anyio.run(main)
"""


def test_a_passphrase_is_typed_at_the_terminal_and_not_shown():
    """A real terminal; the prompt names the service."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ASK], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    seen = b""
    while b"ring of orders: " not in seen:
        seen += os.read(ours, 1000)
    os.write(ours, b"correct horse\n")
    assert process.communicate(timeout=15)[0] == b"True\n"
    os.close(ours)
    assert b"horse" not in seen


# -- in a kernel ------------------------------------------------------------------------------------------------------------


def watch(kernel):
    seen = []
    kernel.observe(lambda event: seen.append(event) if isinstance(event, SecurityOperation | ConfigWarning) else None)
    return seen


async def test_a_kernel_makes_its_ring_and_seals_under_a_master_key(kernel_of, tmp_path):
    """With ``create`` a first start needs no command; the second finds what the first has made."""
    (tmp_path / "master").write_text(TEXT)
    sealed = None
    for _ in range(2):
        kernel = kernel_of(dirs=[tmp_path], master="secret:master", create=True)
        seen = watch(kernel)
        async with kernel:
            if sealed is None:
                assert [one.operation for one in seen] == ["load_master_key", "create_keys"]
                sealed = await kernel.ciphers.seal(b"x", purpose="test")
            assert await kernel.ciphers.open(sealed, purpose="test") == b"x"
            listing = await kernel.service(KeyRing).listing()
            assert (listing.wrapped_by, len(listing.keys)) == ("a master key", 1)
        assert not [one for one in seen if isinstance(one, ConfigWarning)]
    assert TEXT not in (tmp_path / "orders.keys").read_text()


async def test_the_level_says_how_long_keys_seal_and_what_a_passphrase_costs(kernel_of, tmp_path):
    """Level standard: a year, and OWASP's minimum; AES-256-GCM."""
    (tmp_path / "phrase").write_text("correct horse")
    async with kernel_of(dirs=[tmp_path], master="passphrase:secret:phrase", create=True).secured() as kernel:
        listing = await kernel.service(KeyRing).listing()
        (key,) = listing.keys
        assert (key.expires - key.created).days == 365
        assert key.suite == 2
        assert listing.wrapped_by == "a passphrase (Argon2id, 19456 KiB, 2 passes, 1 lanes)"


async def test_a_master_key_that_is_missing_is_said_when_a_key_is_needed(kernel_of, tmp_path):
    """A service without sealed values starts all the same; the failure to load is recorded."""
    (tmp_path / "master").write_text(TEXT)
    async with kernel_of(dirs=[tmp_path], master="secret:master", create=True).secured():
        pass
    kernel = kernel_of(master="secret:master")
    seen = watch(kernel)
    async with kernel:
        assert (seen[0].operation, seen[0].target, seen[0].outcome) == ("load_master_key", "secret:master", "failed")
        with pytest.raises(KeyRingError, match=r"cannot be loaded: secret:master: there is no master in /run/secrets"):
            await kernel.ciphers.seal(b"x", purpose="test")


async def test_an_unknown_source_is_named_with_those_that_there_are(kernel_of):
    """A typo in the setting."""
    async with kernel_of(master="fiel:/etc/master", create=False) as kernel:
        with pytest.raises(
            KeyRingError, match="no key source is called 'fiel'; there are: credential, environment, file"
        ):
            kernel.service(KeyRing).create(suite=2)


async def test_a_third_party_can_give_the_master_key(kernel_of, tmp_path):
    """It starts before the key ring, whatever its plugin is called and requires."""

    class Vault:
        async def load(self, name):
            await anyio.sleep(0.01)
            return f"{name}-key-of-a-vault-that-is-long-enough".encode()

    @hookimpl
    def register_key_sources(composition):
        return [Provider(name="zz_vault", factory=Vault, requires=["service/zz_client"])]

    @hookimpl
    def register_services(composition):
        return [Provider(name="zz_client", factory=object)]

    hooks = {"register_key_sources": register_key_sources, "register_services": register_services}
    plugin = type("Plugin", (), {name: staticmethod(hook) for name, hook in hooks.items()})
    plugin.trivet_name = "vault"
    async with kernel_of(plugins=[plugin()], master="zz_vault:orders", create=True) as kernel:
        assert (await kernel.service(KeyRing).listing()).wrapped_by == "a master key"


async def test_a_running_kernel_follows_another_process_and_replaces_keys(kernel_of, tmp_path):
    """A rotation by hand reaches the service within its interval; a key that is due is replaced without a hand."""
    kernel = kernel_of(create=True, automatic=True, poll_interval="100ms", max_age="1h", delay="2h")
    seen = watch(kernel)
    async with kernel:
        first = kernel.service(KeyRing).primary()
        with anyio.fail_after(15):
            while "rotate_key" not in [one.operation for one in seen]:
                await anyio.sleep(0.02)
        async with kernel_of().secured() as other:
            made = await other.service(KeyRing).rotate(delay=0)
        with anyio.fail_after(15):
            while kernel.service(KeyRing).primary().id != made.id:
                await anyio.sleep(0.02)
        assert kernel.service(KeyRing).find(first.id).id == first.id


@pytest.mark.parametrize(
    ("setting", "value", "warning"),
    [
        ("max_age", "800d", "plugins.key_file.max_age: 800 days are more than the 365 days of level standard"),
        ("max_messages", 2**40, "plugins.key_file.max_messages: 1099511627776 messages are more than the 2147483648"),
    ],
)
async def test_settings_below_the_level_are_a_warning(kernel_of, setting, value, warning):
    """At the start and in ``trivet check``."""
    kernel = kernel_of(**{setting: value})
    seen = watch(kernel)
    async with kernel:
        (message,) = [one.message for one in seen if isinstance(one, ConfigWarning)]
    assert message.startswith(warning)


def test_texts_are_no_longer_than_a_master_key_needs():
    """What is read from outside has a bound."""
    assert master_text.MAX_BYTES == 4096
