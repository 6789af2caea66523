"""What all tests share: both event loops, published test data, and services in processes of their own."""

from __future__ import annotations

import contextlib
import inspect
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import attrs
import httpx
import pytest

ROOT = Path(__file__).parent.parent
TRIVET = Path(sys.executable).with_name("trivet")
TEST_DATA = Path(os.environ.get("TRIVET_TEST_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(params=["asyncio", "trio"], scope="module")
def anyio_backend(request):
    """Run the test on asyncio, then on trio."""
    return request.param


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector, name, obj):
    """Let anyio run every async test that does not ask for pytest-asyncio."""
    if not collector.istestfunction(obj, name):
        return
    function = obj.hypothesis.inner_test if hasattr(obj, "hypothesis") else obj
    marks = {mark.name for mark in getattr(obj, "pytestmark", ())} | {mark.name for mark in collector.iter_markers()}
    if inspect.iscoroutinefunction(function) and not marks & {"anyio", "asyncio"}:
        pytest.mark.anyio(obj)


@pytest.fixture(autouse=True)
def _structlog_is_left_unconfigured():
    """Configured, it is where the kernel's events go to in every test after; its own ``capture_logs`` leaves it so."""
    yield
    structlog = sys.modules.get("structlog")
    if structlog is not None and structlog.is_configured():
        structlog.reset_defaults()


@pytest.fixture(scope="session")
def test_data():
    """The directory of published vectors and fixtures: ``TRIVET_TEST_DATA``, else ``../shared/data``."""
    if TEST_DATA.is_dir():
        return TEST_DATA
    reason = f"no test data at {TEST_DATA}: set TRIVET_TEST_DATA to its directory"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def program():
    """Find a program of a Debian package: ``program("promtool", package="prometheus")``; ``.ci/run`` fills ``.tools``."""

    def find(name, *, package):
        found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), str(ROOT / ".tools")]))
        if found:
            return found
        reason = f"{name} is not installed: it is in Debian's package {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)

    return find


@attrs.define
class Service:
    """A service under ``trivet run`` in a process of its own.

    ``client`` asks its pages; ``log`` is what it wrote so far.
    """

    process: subprocess.Popen[bytes]
    client: httpx.Client
    output: Path

    @property
    def log(self):
        return self.output.read_text()

    def wait_until(self, condition, seconds=60):
        """Wait until ``condition`` gives something true, and return that; the service must go on running."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            with contextlib.suppress(httpx.TransportError):
                if found := condition():
                    return found
            time.sleep(0.05)
        raise AssertionError(self.log)


def clean_environment(**more):
    """The environment without the switches of this process's framework and services."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRIVET_", "ORDERS_"))}
    return {**kept, **more}


@pytest.fixture
def orders(tmp_path):
    """A copy of the orders example: what it writes beside itself stays out of the repository."""
    ignored = shutil.ignore_patterns("*.db*", "__pycache__")
    return shutil.copytree(ROOT / "docs" / "examples" / "orders", tmp_path / "orders", ignore=ignored)


@pytest.fixture
def run_trivet():
    """Run a ``trivet`` command to its end: ``run_trivet("check", "app.py", cwd=..., TRIVET_SAFE="1")``."""

    def run(*arguments, cwd, stdin=None, **environ):
        environ = clean_environment(**environ)
        return subprocess.run(
            [TRIVET, *arguments],
            cwd=cwd,
            env=environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture
def run_service():
    """Run ``trivet run app.py`` on a free port until the block ends: ``with run_service(directory) as service:``."""

    @contextlib.contextmanager
    def run(directory, *options, **environ):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [TRIVET, "run", "app.py", "--set", f"plugins.web.port={port}", *options]
        output = directory / "service.log"
        with output.open("w") as log:
            process = subprocess.Popen(command, cwd=directory, env=clean_environment(**environ), stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
                service = Service(process, client, output)
                service.wait_until(lambda: client.get("/readyz").status_code == 200)
                yield service
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0, service.log
        finally:
            process.kill()
            process.wait()

    return run
