"""A real HTTP server on loopback in threads of its own, that takes posts, or fails in the way a test tells it to."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
import time


class WebhookServer(http.server.ThreadingHTTPServer):
    """Keeps what it accepted in ``posts``: path, headers and body of each.

    ``script`` says how the next posts are answered, one entry each: a status, ``(status, headers)``, ``"die"`` (the connection
    is cut in the middle of the answer), ``"stall"`` (no answer while the server runs), ``"flood"`` (an answer without an end).
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posts, self.tries, self.script, self.ended = [], [], [], threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def messages(self):
        return [json.loads(body) for _, _, body in self.posts]

    def alerts(self):
        """Name and status of all alerts of webhook messages, in order."""
        return [(one["labels"]["alertname"], one["status"]) for message in self.messages() for one in message["alerts"]]

    def handle_error(self, request, client_address):
        """Clients that leave early are what some tests are about."""

    def until(self, condition, seconds=15):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.02)
        raise AssertionError((self.tries, self.posts))


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.tries.append(time.monotonic())
        step = self.server.script.pop(0) if self.server.script else 200
        if step == "stall":
            self.server.ended.wait(30)
            return
        if step == "die":
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, headers = step if isinstance(step, tuple) else (200 if step == "flood" else step, {})
        if 200 <= status < 300:
            self.server.posts.append((self.path, dict(self.headers), body))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if step != "flood":
            self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
        while step == "flood" and not self.server.ended.is_set():
            self.wfile.write(b"x" * 65_536)

    def log_message(self, *arguments):
        """Nobody reads it."""


@contextlib.contextmanager
def webhook_server():
    server = WebhookServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
