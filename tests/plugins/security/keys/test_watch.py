"""How the key ring shows in ``/health`` and ``/metrics``."""

from __future__ import annotations

import datetime as dt

import pytest

from trivet import KeyRing, KeyState, Status
from trivet_plugins.security.keys.lifecycle import Policy

PLUGINS = ["aes_gcm", "key_file"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "orders.keys"


@pytest.fixture
async def kernel(kernel_factory, path):
    """A kernel whose ring has a key already."""
    settings = {"key_file": {"path": str(path), "create": True}}
    return await kernel_factory({"plugins": settings}, plugins=PLUGINS)


async def verdict(kernel):
    report = await kernel.health.refresh("ready")
    (result,) = [one for one in report.results if one.name == "keys"]
    return result.status, result.output


def series(kernel, name):
    kernel.metrics.families()
    return {cell.labels[0]: cell.value for cell in kernel.metrics.get(name).cells()}


async def test_a_ring_that_is_well_passes_and_shows_its_keys(kernel):
    ring = kernel.service(KeyRing)
    key = f"{ring.primary().id:016x}"
    assert await verdict(kernel) == (Status.PASS, "")
    assert series(kernel, "trivet_key_state") == {key: frozenset({"primary"})}
    assert 0 <= series(kernel, "trivet_key_age_seconds")[key] < 3600
    assert series(kernel, "trivet_key_messages") == {key: 0}


async def test_a_service_without_keys_is_left_alone(kernel_factory, path):
    """It seals nothing: that is no reason to warn."""
    kernel = await kernel_factory({"plugins": {"key_file": {"path": str(path)}}}, plugins=PLUGINS)
    assert await verdict(kernel) == (Status.PASS, "")
    assert series(kernel, "trivet_key_state") == {}


async def test_an_old_key_and_one_that_is_nearly_used_up_warn(kernel):
    ring = kernel.service(KeyRing)
    second = dt.timedelta(seconds=1)
    ring.policy = Policy(suite=2, age=second, messages=2**32, delay=second)
    primary = ring.loaded.document.primary()
    object.__setattr__(primary, "expires", primary.activates)
    object.__setattr__(primary, "messages", 2**32 - 1)
    status, output = await verdict(kernel)
    assert status is Status.WARN
    assert "wants a successor, it is 0 days old: trivet keys rotate" in output
    assert "messages: trivet keys rotate --now" in output


async def test_a_file_that_others_may_read_is_told_while_the_old_keys_serve_on(kernel_factory, path):
    settings = {"key_file": {"path": str(path), "create": True, "poll_interval": "0.1s"}}
    kernel = await kernel_factory({"plugins": settings}, plugins=PLUGINS)
    import anyio

    path.chmod(0o644)
    with anyio.fail_after(15):
        while (await verdict(kernel))[0] is not Status.WARN:
            await anyio.sleep(0.05)
        assert "open to others" in (await verdict(kernel))[1]
        assert kernel.ciphers.can_seal
        path.chmod(0o600)
        while (await verdict(kernel))[0] is not Status.PASS:
            await anyio.sleep(0.05)


def test_every_state_is_one_of_the_metric(kernel_factory):
    assert {str(state) for state in KeyState} == {"pending", "primary", "decrypt-only", "disabled", "destroyed"}
