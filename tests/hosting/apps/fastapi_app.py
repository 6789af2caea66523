"""FastAPI, with the kernel as its lifespan."""

from __future__ import annotations

import anyio
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from stand import break_pump, greeting, kernel, ready, requests

from trivet_plugins.web import AdminApp

app = FastAPI(lifespan=kernel.lifespan)
app.mount("/_trivet", AdminApp(kernel))


@app.get("/", response_class=PlainTextResponse)
async def index():
    requests.inc()
    return greeting.current.text


@app.get("/ready")
async def readiness():
    text, status = ready()
    return PlainTextResponse(text, status)


@app.post("/slow", response_class=PlainTextResponse)
async def slow():
    break_pump()
    await anyio.sleep(0.5)
    return "done"


@app.post("/break", response_class=PlainTextResponse)
async def break_it():
    break_pump()
    return "broken"
