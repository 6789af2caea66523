"""Cut a server's open connections.

Hypercorn shields its writes on trio and waits for its connections without a limit on Python 3.12, so a client that stopped
reading would hold up the end for ever; and it offers no way to reach the sockets. The operating system does.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_WILDCARDS: Final = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def sever(address: tuple[str, int] | str) -> int:
    """Shut down this process's connections that came in at an address. Whoever waits for one goes on with an error.

    Args:
        address: Host and port, or the unix path, that a listening socket of this process was bound to.

    Returns:
        How many there were.
    """
    severed = 0
    for connection in _sockets():
        with connection, contextlib.suppress(OSError):  # one without a peer is no connection
            connection.getpeername()  # raises for one that only listens; of a unix client it is empty
            if _is_at(connection.getsockname(), address):
                connection.shutdown(socket.SHUT_RDWR)
                severed += 1
    return severed


def _is_at(name: object, address: tuple[str, int] | str) -> bool:
    if isinstance(name, str) or isinstance(address, str) or not isinstance(name, tuple):
        return name == address
    host, port = address
    return name[1] == port and (name[0] == host or host in _WILDCARDS)


def _sockets() -> Iterator[socket.socket]:
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - names, not paths
        with contextlib.suppress(OSError):  # closed in the meantime
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                yield socket.socket(fileno=os.dup(int(name)))
