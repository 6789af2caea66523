"""`Throttle`: how often a client may do what it should not, per minute, in bounded memory.

A token bucket per client: full at first, refilled evenly. IPv6 clients count by their /64, which is what one customer has. Of
many clients the one that was quiet for longest is forgotten first.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_CLIENTS: Final = 4096
_MINUTE: Final = 60.0


class Throttle:
    """Buckets of clients.

    Args:
        per_minute: How much a bucket holds, and how much flows back in a minute.
        clients: How many buckets are kept.
        clock: Gives seconds.
    """

    def __init__(
        self, per_minute: int, *, clients: int = _CLIENTS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._size = float(per_minute)
        self._rate = per_minute / _MINUTE
        self._most = clients
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str | None) -> float:
        """Return the seconds until the client's bucket holds one again; 0 where it does."""
        return max(0.0, (1.0 - self._level(_group(client))) / self._rate)

    def take(self, client: str | None) -> bool:
        """Take one out of the client's bucket; False where it was empty."""
        group = _group(client)
        level = self._level(group)
        if level < 1.0:
            return False
        self._buckets[group] = (level - 1.0, self._clock())
        self._buckets.move_to_end(group)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return True

    def __len__(self) -> int:
        return len(self._buckets)

    def _level(self, group: str) -> float:
        level, at = self._buckets.get(group, (self._size, 0.0))
        return min(self._size, level + (self._clock() - at) * self._rate)


def _group(client: str | None) -> str:
    try:
        address = ipaddress.ip_address((client or "").partition("%")[0])
    except ValueError:
        return ""  # a unix socket, or a host that gives names: all of them share one
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False).network_address)
