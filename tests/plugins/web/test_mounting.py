"""`AdminApp` inside applications of others."""

from __future__ import annotations

import re
import subprocess
import sys
from urllib.parse import urljoin

import httpx
import litestar
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

import trivet_plugins.web as web_plugin
from trivet import ConfigError, Kernel, Secret, UnknownServiceError
from trivet.testing import memory_config
from trivet_plugins.web import AdminApp

TOKEN = "correct-horse-battery-staple"


def client_of(app, address="127.0.0.1"):
    transport = httpx.ASGITransport(app, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


def in_fastapi(admin):
    app = FastAPI()
    app.mount("/_trivet", admin)
    return app


def in_starlette(admin):
    return Starlette(routes=[Mount("/_trivet", admin)])


def in_litestar(admin):
    return litestar.Litestar([litestar.asgi("/_trivet", is_mount=True, copy_scope=True)(admin)])


def kernel_of(section=None):
    config = memory_config({"plugins": {"admin_app": section or {}, "web": {"port": 0}}})
    return Kernel("orders", discover="none", plugins=[web_plugin, config], block=["command_line"], strict=True)


@pytest.mark.parametrize("host", [in_fastapi, in_starlette, in_litestar])
async def test_the_pages_work_under_a_prefix(host, anyio_backend):
    """Mounted in FastAPI, Starlette and Litestar every page answers, and the index links where it is mounted."""
    if host is in_litestar and anyio_backend == "trio":
        pytest.skip("Litestar is an asyncio framework")
    kernel = kernel_of()
    app = host(AdminApp(kernel))
    async with kernel, client_of(app) as client:
        index = await client.get("/_trivet/")
        assert index.status_code == 200
        for path in ("livez", "readyz", "startupz", "health", "config", "plugins"):
            assert (await client.get(f"/_trivet/{path}")).status_code == 200, path
        for index in ("/_trivet/", "/_trivet"):
            page = await client.get(index, headers={"accept": "text/html"}, follow_redirects=True)
            links = {urljoin(str(page.url), link) for link in re.findall(r'href="([^"]*)"', page.text)}
            assert "http://localhost/_trivet/livez" in links
            assert all(link.startswith("http://localhost/_trivet/") for link in links)


async def test_it_answers_before_the_start_and_after_the_stop():
    """An application is put together before its kernel starts: alive, not ready, and nothing that breaks."""
    kernel = kernel_of()
    async with client_of(AdminApp(kernel)) as client:
        for _ in range(2):
            assert (await client.get("/livez")).status_code == 200
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/startupz")).status_code == 503
            assert (await client.get("/")).json()["state"] in {"new", "stopped"}
            assert (await client.get("/plugins")).status_code == 200
            assert (await client.get("/config")).status_code in {200, 503}
            async with kernel:
                assert (await client.get("/readyz")).status_code == 200
                assert (await client.get("/startupz")).status_code == 200


async def test_a_public_service_does_not_publish_its_pages_by_accident():
    """Mounted without a token the pages are for this machine only."""
    kernel = kernel_of()
    app = in_fastapi(AdminApp(kernel))
    async with kernel, client_of(app, "203.0.113.9") as client:
        assert (await client.get("/_trivet/livez")).status_code == 200
        assert (await client.get("/_trivet/config")).status_code == 403
    async with kernel, client_of(app) as client:
        assert (await client.get("/_trivet/config", headers={"x-forwarded-for": "203.0.113.9"})).status_code == 403
        assert (await client.get("/_trivet/config", headers={"host": "shop.example"})).status_code == 421


async def test_with_a_token_it_is_open_to_who_has_it():
    """The token opens from anywhere."""
    kernel = kernel_of()
    app = in_fastapi(AdminApp(kernel, token=Secret(TOKEN), allowed_hosts=["shop.example"]))
    headers = {"host": "shop.example", "authorization": f"Bearer {TOKEN}"}
    async with kernel, client_of(app, "203.0.113.9") as client:
        assert (await client.get("/_trivet/plugins")).status_code == 401
        assert (await client.get("/_trivet/plugins", headers=headers)).status_code == 200


async def test_the_service_has_the_locks_of_its_section():
    """``kernel.service(AdminApp)`` is behind ``plugins.admin_app``; the served pages are behind ``plugins.web``."""
    kernel = kernel_of({"token": TOKEN})
    async with kernel, client_of(kernel.service(AdminApp)) as client:
        assert (await client.get("/config")).status_code == 401
    with pytest.raises(UnknownServiceError):
        kernel.service(AdminApp)


async def test_a_short_token_in_the_configuration_is_a_problem_with_its_path():
    """The problem names the key and not the token."""
    with pytest.raises(ConfigError) as caught:
        async with kernel_of({"token": "hunter2"}):
            pass
    assert "plugins.admin_app.token" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_importing_it_does_not_import_the_server():
    """The module loads without Starlette and hypercorn; only an `AdminApp` needs Starlette, and says which extra brings it."""
    program = """
import importlib.util, sys
from trivet import ConfigError, Kernel, MissingExtraError
from trivet_plugins.web import AdminApp
assert not {"starlette", "hypercorn"} & sys.modules.keys()
find = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "starlette" else find(name)
try:
    AdminApp(Kernel("orders", discover="none"))
except MissingExtraError as exc:
    print(exc)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=15)
    assert "pip install 'trivet[web]'" in done.stdout, done.stderr
