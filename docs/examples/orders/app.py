"""A small order-processing worker: typed settings that reload, a sealed password, a health check, metrics, a background task.

``make run`` starts it; by hand, ``trivet run app.py --profile dev``.
"""

from __future__ import annotations

import contextlib
import hmac
import pathlib
import random
import sqlite3
from collections.abc import Callable
from typing import TypeVar

import anyio
import attrs
import structlog
from attrs import validators

from trivet import Kernel, Launch, Secret, Status, Verdict

T = TypeVar("T")
HERE = pathlib.Path(__file__).parent
KEYS = (
    HERE / "demo.keys"
)  # in the repository on purpose; `trivet secrets init` makes your own, which must never be in one
with contextlib.suppress(OSError):
    KEYS.chmod(0o600)  # git keeps no modes, and a key file that others can read is refused
SCHEMA = "CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, region TEXT, cents INTEGER, signature TEXT)"


@attrs.frozen
class Database:
    """The section ``database``. SQLite has no users, so the password signs every row: an edit from outside shows."""

    password: Secret[str]
    url: str = attrs.field(default="sqlite:orders.db", validator=validators.matches_re(r"sqlite:.+"))
    pool_size: int = attrs.field(default=4, validator=[validators.ge(1), validators.le(32)])

    def path(self) -> pathlib.Path:
        """Return the file; a relative one is beside this module."""
        return HERE / self.url.removeprefix("sqlite:")

    def signature(self, *values: object) -> str:
        """Return the signature of a row."""
        return hmac.digest(self.password.reveal().encode(), repr(values).encode(), "sha256").hex()


@attrs.frozen
class Processing:
    """The section ``processing``."""

    interval: float = attrs.field(default=30.0, validator=validators.gt(0))
    batch: int = attrs.field(default=3, validator=validators.in_(range(1, 101)))
    regions: tuple[str, ...] = attrs.field(default=("eu",), validator=validators.min_len(1))


# Where its files are, from whatever directory it is started; --config and --set say otherwise.
RULES = HERE / "rules" / "orders.rules.yml"
launch = Launch(
    files=[HERE / "config" / "base.toml"],
    assignments=[f"plugins.key_file.path={KEYS}", f'plugins.alerts.rule_files=["{RULES}"]'],
)
kernel = Kernel("orders", launch=launch)
database = kernel.config.bind("database", Database)
processing = kernel.config.bind("processing", Processing)
processed = kernel.metrics.counter("orders_processed_total", "Orders charged and stored.", labels=("region",))
log = structlog.get_logger("orders")
pool = anyio.CapacityLimiter(1)


async def in_database(work: Callable[[sqlite3.Connection], T]) -> T:
    """Run ``work`` in a thread with a connection of its own; at most ``database.pool_size`` at a time."""
    settings = database.current  # one read: a reload in the middle changes nothing for this call
    pool.total_tokens = settings.pool_size

    def run() -> T:
        with contextlib.closing(sqlite3.connect(settings.path(), timeout=5)) as connection, connection:
            connection.execute(SCHEMA)
            return work(connection)

    return await anyio.to_thread.run_sync(run, limiter=pool)


@kernel.health.check("database", groups={"ready"}, timeout=2, interval=5)
async def database_answers() -> Verdict:
    """Read the newest order back and check its signature."""
    query = "SELECT region, cents, signature FROM orders ORDER BY number DESC LIMIT 1"
    row = await in_database(lambda connection: connection.execute(query).fetchone())
    if row is not None and not hmac.compare_digest(row[2], database.current.signature(*row[:2])):
        return Verdict(Status.WARN, "the newest order was changed from outside, or the password is another one")
    return Verdict()


@kernel.metrics.timed("charge_card", "Charge the customer's card.")
async def charge(cents: int) -> None:
    """Stand for a call to a payment service: it takes a while."""
    await anyio.sleep(cents / 100_000)


async def process(region: str) -> None:
    """Charge and store one order."""
    cents = random.randint(500, 20_000)
    await charge(cents)
    row = (region, cents, database.current.signature(region, cents))
    insert = "INSERT INTO orders (region, cents, signature) VALUES (?, ?, ?)"
    await in_database(lambda connection: connection.execute(insert, row))
    processed.labels(region).inc()


@kernel.task("process_orders", restart=5)
async def process_orders() -> None:
    """Process a batch, pause, and so on; every round reads the settings that are then in force."""
    while True:
        settings = processing.current
        async with anyio.create_task_group() as group:
            for _ in range(settings.batch):
                group.start_soon(process, random.choice(settings.regions))
        log.info("orders.processed", count=settings.batch, next_in=settings.interval)
        await anyio.sleep(settings.interval)
