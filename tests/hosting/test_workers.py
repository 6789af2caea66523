"""``async with kernel:`` as the whole of a process: what ends the body ends the process as if the kernel were not there."""

from __future__ import annotations

import signal

import pytest

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.parametrize("backend", ["asyncio", "trio"]),
]

STOPPED = ["drain starts", "pump starts", "works running", "pump stops", "drain stops"]


@pytest.mark.parametrize("mode", ["worker", "hosted"])
def test_ctrl_c_interrupts_the_worker(host, backend, mode):
    """The kernel stops in order, and the process ends as Python does at Ctrl-C: with a `KeyboardInterrupt`, in no group."""
    one = host("worker.py", backend, mode, "wait")
    one.until(lambda: "works running" in one.diary)
    assert one.stop(signal.SIGINT) == -signal.SIGINT, one.log
    assert one.log.splitlines()[-1].strip() == "KeyboardInterrupt"
    assert "ExceptionGroup" not in one.log
    assert one.diary == STOPPED


@pytest.mark.parametrize("mode", ["worker", "hosted"])
def test_sys_exit_keeps_its_code(host, backend, mode):
    """The body's exit is the process's exit, without a word."""
    one = host("worker.py", backend, mode, "exit")
    assert one.end() == 3, one.log
    assert one.log == ""
    assert one.diary == STOPPED


def test_a_critical_failure_ends_the_worker(host, backend):
    """With the provider's name and the cause, once."""
    one = host("worker.py", backend, "worker", "break")
    assert one.end() == 1
    assert one.log.splitlines()[-1] == (
        "trivet.errors.ProviderFailed: service/pump (plugin stand) failed while running: OSError: the pump is broken"
    )
    assert one.diary[3:] == ["pump breaks", "drain stops"]


def test_a_critical_failure_ends_a_hosted_worker(host, backend):
    """By SIGTERM, the default in hosted mode."""
    one = host("worker.py", backend, "hosted", "break")
    assert one.end() == -signal.SIGTERM, one.log
    assert one.diary[3:] == ["pump breaks", "drain stops"]
