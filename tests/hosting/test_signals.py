"""``trivet run`` and the signals that an operator, a shell and a process manager send it."""

from __future__ import annotations

import signal
import time

import pytest

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(params=["asyncio", "trio"])
def run(request, host, tmp_path):
    """Run the service with a configuration file, on both event loops."""
    config = tmp_path / "service.toml"
    config.write_text('[settings]\ntext = "one"\n')

    def run(**environ):
        command = (
            "-c",
            "from trivet_plugins.cli import main; main()",
            "run",
            "service.py",
            "--config",
            str(config),
            "--backend",
            request.param,
        )
        return host(*command, **environ)

    return run


@pytest.fixture
def rewrite(tmp_path):
    """Write the configuration file anew."""
    return (tmp_path / "service.toml").write_text


def seen(one, line):
    return lambda: line in one.diary


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_in_order(run, number):
    """Ctrl-C and SIGTERM are how a service is meant to end: within a second, in order, exit 0, nothing on the terminal."""
    seconds = []
    while len(seconds) < 3 and min(seconds, default=60) >= 1:  # a noisy machine gets another try
        one = run()
        one.until(seen(one, "text one"))
        begun = time.monotonic()
        assert one.stop(number) == 0, one.log
        seconds.append(time.monotonic() - begun)
        assert one.diary[-1] == "rests"
        assert "Traceback" not in one.log
    assert min(seconds) < 1


def test_sighup_reloads_what_has_changed(run, rewrite):
    """A good file comes into force; a bad one does not, and the service runs on; the next good one does."""
    one = run()
    one.until(seen(one, "text one"))
    rewrite('[settings]\ntext = "two"\n')
    one.process.send_signal(signal.SIGHUP)
    one.until(seen(one, "text two"))
    rewrite('[settings]\ntext = "three"\nunknown = 1\n')
    one.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    rewrite('[settings]\ntext = "four"\n')
    one.process.send_signal(signal.SIGHUP)
    one.until(seen(one, "text four"))
    assert "text three" not in one.diary
    assert one.stop(signal.SIGTERM) == 0, one.log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_it_at_once(run, number, tmp_path):
    """Somebody who asks twice does not want to wait for a provider that takes its time; the exit code names the signal."""
    one = run(SERVICES="drain", GATE=str(tmp_path / "never"))
    one.until(seen(one, "text one"))
    one.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert one.process.poll() is None
    assert one.stop(number) == 128 + number, one.log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_start_that_hangs_is_interrupted(run, number):
    """A provider that waits for something is given up, and what had started stops in order."""
    one = run(SERVICES="working hanging")
    one.until(seen(one, "works"))
    time.sleep(0.2)
    assert one.stop(number) == 0, one.log
    assert one.diary == ["works", "hanging is given up", "rests"]
    assert "Traceback" not in one.log


def test_a_start_that_blocks_the_event_loop_ends_at_the_second_ctrl_c(run):
    """A plugin's plain function that hangs cannot be given up; the person at the terminal still gets out."""
    one = run(SERVICES="working blocking")
    one.until(seen(one, "blocks"))
    one.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert one.stop(signal.SIGINT) == 128 + signal.SIGINT, one.log


def test_a_reload_that_hangs_does_not_hold_up_the_stop(run):
    """A source that does not answer any more is no reason to stay."""
    one = run(LOADS="3")
    one.until(seen(one, "text one"))
    one.process.send_signal(signal.SIGHUP)
    one.until(seen(one, "load hangs"))
    begun = time.monotonic()
    assert one.stop(signal.SIGTERM) == 0, one.log
    assert time.monotonic() - begun < 8  # a source may take 10 s
    assert one.diary[-1] == "rests"


def test_sighup_during_the_start_is_no_harm(run):
    """A process manager that is too early does not end the service (the default of the signal would)."""
    one = run(SERVICES="working hanging")
    one.until(seen(one, "works"))
    one.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert one.process.poll() is None
    assert one.stop(signal.SIGTERM) == 0, one.log
