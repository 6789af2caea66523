"""`UnixConnection`: HTTP over a unix socket."""

from __future__ import annotations

import socket
from http.client import HTTPConnection


class UnixConnection(HTTPConnection):
    """A connection of `http.client` to a server on a unix socket.

    Args:
        path: The socket's path.
        timeout: Seconds for each step.
    """

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path
        self._seconds = timeout

    def connect(self) -> None:
        """Connect.

        Raises:
            OSError: if nobody listens there, or this user may not connect.
        """
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._seconds)
        self.sock.connect(self._path)
