"""A kernel that serves its pages on a free port."""

from __future__ import annotations

import httpx
import pytest

import trivet_plugins.web as web_plugin
from trivet_plugins.web import WebServer


@pytest.fixture
def served(kernel_factory):
    """Start a kernel whose pages are on a free port; gives it and a client of it."""
    clients = []

    async def start(section=None, *, config=None, plugins=()):
        settings = {"web": {"port": 0, **(section or {})}}
        kernel = await kernel_factory({"plugins": settings, **(config or {})}, plugins=[web_plugin, *plugins])
        clients.append(httpx.AsyncClient(base_url=kernel.service(WebServer).url, timeout=5))
        return kernel, clients[-1]

    return start
