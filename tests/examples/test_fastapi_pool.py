"""The FastAPI example resizes its pool while requests come in, and loses none; what it cannot do it refuses and says why."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import attrs
import httpx
import psutil
import pytest

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).parent.parent.parent
OPEN_FILES = 256
CLIENTS = 4
REQUESTS = 3000
PATIENCE = 60
SERVERS = {
    "uvicorn": ("uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning"),
    "hypercorn on trio": (
        "hypercorn",
        "--worker-class",
        "trio",
        "--bind",
        "127.0.0.1:{port}",
        "--log-level",
        "warning",
    ),
}


@attrs.define
class Load:
    """Clients that ask without a pause. What they got stands in ``seen`` (sizes of the pool, in order of time) and ``failed``."""

    base_url: str
    seen: list[int] = attrs.field(factory=list)
    failed: list[object] = attrs.field(factory=list)
    over: threading.Event = attrs.field(factory=threading.Event)

    def ask(self, number):
        with httpx.Client(base_url=self.base_url, timeout=20, trust_env=False) as client:
            for turn in range(REQUESTS):
                if self.over.is_set():
                    return
                try:
                    response = client.get(f"/products/{(turn + number) % 100}")
                    answer = response.json()
                    if response.status_code != 200 or answer["name"] != f"product {answer['number']}":
                        self.failed.append(response.text)
                    self.seen.append(answer["pool_size"])
                except Exception as exc:  # noqa: BLE001 - any is a request lost
                    self.failed.append(exc)

    @contextlib.contextmanager
    def running(self):
        """Let the clients ask until the block ends."""
        threads = [threading.Thread(target=self.ask, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join(PATIENCE)


@attrs.define
class Shop:
    """The example, served by a process of its own."""

    directory: Path
    process: subprocess.Popen[bytes]
    client: httpx.Client

    @property
    def log(self):
        return (self.directory / "log").read_text()

    def set_pool_size(self, size):
        """Edit the file as an editor does; returns the place of the number."""
        file = self.directory / "config.toml"
        lines = file.read_text().splitlines()
        (at,) = [at for at, line in enumerate(lines) if line.startswith("pool_size = ")]
        lines[at] = f"pool_size = {size}"
        new = file.with_name("config.toml.new")
        new.write_text("\n".join(lines) + "\n")
        new.replace(file)
        return f"{file}:{at + 1}:{len('pool_size = ') + 1}"

    def until(self, condition):
        """Wait until ``condition`` gives something true; the process must go on running."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            with contextlib.suppress(httpx.TransportError):
                if found := condition():
                    return found
            time.sleep(0.02)
        raise AssertionError(self.log)

    def health(self):
        """What the page says of the configuration."""
        return self.client.get("/_trivet/health").json()["checks"]["configuration"][0]

    def wait_for_warning(self, text):
        self.until(lambda: text in self.health().get("output", ""))
        assert self.health()["status"] == "warn"

    def open_databases(self):
        """How often the database is open, in the server and its workers."""
        server = psutil.Process(self.process.pid)
        files = [file.path for one in (server, *server.children(recursive=True)) for file in one.open_files()]
        return files.count(str(self.directory / "shop.db"))


@pytest.fixture(params=SERVERS.values(), ids=SERVERS)
def shop(request, tmp_path):
    """Serve a copy of the example, with a low limit on open files."""
    ignored = shutil.ignore_patterns("*.db*", "__pycache__")
    directory = shutil.copytree(ROOT / "docs" / "examples" / "fastapi_pool", tmp_path / "shop", ignore=ignored)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server, *options = (part.format(port=port) for part in request.param)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRIVET_", "SHOP_"))}
    command = [
        "sh",
        "-c",
        f'ulimit -n {OPEN_FILES} && exec "$@"',
        "sh",
        sys.executable,
        "-m",
        server,
        *options,
        "app:app",
    ]
    with (directory / "log").open("w") as log:
        environ = {**kept, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, cwd=directory, env=environ, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as client:
            one = Shop(directory, process, client)
            one.until(lambda: client.get("/_trivet/readyz").status_code == 200)
            yield one
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    finally:
        process.kill()
        process.wait()


def test_the_pool_is_resized_under_load_and_no_request_is_lost(shop):
    """Four clients ask without a pause through four sizes, a mistake and a veto: every answer is a good one.

    A mistake is refused with its place, a size that open files do not allow is refused by the pool, and both keep the last size.
    """
    load = Load(str(shop.client.base_url))
    sizes = [4, 8, 2, 16, 1]
    with load.running():
        shop.until(lambda: len(load.seen) > 50)
        for size in sizes[1:]:
            shop.set_pool_size(size)
            shop.until(lambda size=size: size in load.seen[-CLIENTS:])

        place = shop.set_pool_size(0)
        shop.wait_for_warning(f"{place}: error: database.pool_size: must be >= 1")
        answered = len(load.seen)
        shop.until(lambda: len(load.seen) > answered + 20)

        place = shop.set_pool_size(OPEN_FILES)
        refusal = f"pool refused the reload: {OPEN_FILES} is more than the {OPEN_FILES // 4}"
        refusal = f"{place}: error: database.pool_size: {refusal}"
        shop.wait_for_warning(refusal)
        answered = len(load.seen)
        shop.until(lambda: len(load.seen) > answered + 20)

        shop.set_pool_size(6)
        shop.until(lambda: load.seen[-1] == 6)
        shop.until(lambda: shop.health()["status"] == "pass")
    assert load.failed == []
    assert list(dict.fromkeys(load.seen)) == [*sizes, 6]
    shop.until(lambda: shop.open_databases() == 6)  # none of the pools before is left open
    assert place in shop.log
    assert refusal in shop.log


@pytest.mark.parametrize("shop", [SERVERS["uvicorn"]], indirect=True, ids=["uvicorn"])
def test_a_pool_that_does_not_open_is_refused_as_well(shop):
    """The new pool is opened before it is asked for anything: what fails then is no request."""
    file = shop.directory / "config.toml"
    text = file.read_text()
    file.write_text(text.replace('path = "shop.db"', 'path = "nowhere/shop.db"'))
    shop.wait_for_warning("nowhere/shop.db cannot be opened")
    assert shop.client.get("/products/7").json() == {"number": 7, "name": "product 7", "pool_size": 4}
    assert shop.client.get("/products/700").status_code == 404
    file.write_text(text)
    shop.until(lambda: shop.health()["status"] == "pass")
