"""kill -9 at every system call of ``trivet secrets rotate`` on a file of 1,000 values: always the old file or the new one."""

from __future__ import annotations

import re
import tomllib
from functools import partial

import anyio
import pytest

from trivet.ciphers.envelope import Envelope
from trivet.ciphers.manifests import ENTRIES, sealed_texts
from trivet.ciphers.registry import Ciphers
from trivet.config.tree import look_up
from trivet_plugins.security.ciphers.aes_gcm import AesGcm
from trivet_plugins.security.keys.file import KeyFile
from trivet_plugins.security.sealed.manifests import SealedManifests

COUNT = 1000
TOKEN = re.compile(r"trivet:1:[\w-]+")

ROTATE = """
import anyio
from tests.faults.test_rotation import ciphers_of
from trivet_plugins.cli.sealed_file import SealedFile
from trivet_plugins.cli.secrets_rotate import rotate_file
from trivet_plugins.cli.splice import SpliceFile
from trivet_plugins.config.toml import Toml
from trivet_plugins.security.sealed.manifests import SealedManifests
anyio.run(anyio.sleep, 0)  # imports what it takes
def prepare(directory):
    ciphers = ciphers_of(directory)
    source = SpliceFile.read(directory / "orders.toml", Toml())
    return SealedFile(source, ciphers, SealedManifests(ciphers)), ciphers._ring.primary().id
def operate(prepared):
    anyio.run(rotate_file, *prepared)
"""

pytestmark = pytest.mark.timeout(600)


def ciphers_of(directory):
    ciphers = Ciphers("orders")
    ciphers.add_backend("aes_256_gcm", AesGcm())
    ciphers.use_ring(KeyFile(directory / "orders.keys"))
    return ciphers


def opened(directory, text):
    """All values of a file, which its manifest must vouch for, and the keys that they are under."""
    data, ciphers = tomllib.loads(text), ciphers_of(directory)
    sealed = sealed_texts(data)

    async def open_all():
        verdict = await SealedManifests(ciphers).check(look_up(data, ENTRIES), sealed)
        assert verdict.faults == ()
        return {path: await ciphers.open_config(one, path=path) for path, one in sealed.items()}

    return anyio.run(open_all), {Envelope.decode(one).key_id for one in sealed.values()}


@pytest.fixture
def template(tmp_path):
    """A file of 1,000 values under a key that is not primary any more."""
    directory = tmp_path / "template"
    directory.mkdir()
    ring = KeyFile(directory / "orders.keys")
    ring.create(suite=2)
    ciphers = ciphers_of(directory)

    async def seal_all():
        return {
            ("values", f"key{number}"): await ciphers.seal_config(f"value {number}", path=("values", f"key{number}"))
            for number in range(COUNT)
        }

    sealed = anyio.run(seal_all)
    lines = "".join(f"{path[-1]} = '{one}'  # comment {path[-1]}\n" for path, one in sealed.items())
    entries = ", ".join(f'"{one}"' for one in SealedManifests(ciphers).make(sealed, generation=1))
    (directory / "orders.toml").write_text(f"[values]\n{lines}[plugins.sealed]\nentries = [{entries}]\n")
    anyio.run(partial(ring.rotate, delay=0))
    return directory


def test_a_killed_rotation_has_done_all_or_nothing(kill_at_every_syscall, template):
    """Every value opens, the manifest vouches, each other byte is as it was; and the next rotation ends the work."""
    before = (template / "orders.toml").read_text()
    values, (old,) = opened(template, before)
    outcomes = set()

    def check(directory):
        after = (directory / "orders.toml").read_text()
        found, (key,) = opened(directory, after)
        assert found == values
        assert TOKEN.sub("*", after).partition("[plugins")[0] == TOKEN.sub("*", before).partition("[plugins")[0]
        assert (key == old) == (after == before)
        outcomes.add(key == old)

    calls = kill_at_every_syscall(ROTATE, template, check)
    assert {call.name for call in calls} >= {"rename", "fsync"}
    assert outcomes == {True, False}
