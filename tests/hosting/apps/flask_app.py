"""Flask on werkzeug's threaded server, with the kernel in a thread of its own: ``python flask_app.py PORT BACKEND``."""

from __future__ import annotations

import sys
import threading

import anyio
from flask import Flask
from stand import break_pump, greeting, kernel, ready, requests
from werkzeug.serving import make_server

app = Flask(__name__)
threads = threading.local()


@app.get("/")
def index():
    requests.inc()
    return greeting.current.text


@app.get("/count")
def count():
    return str(sum(int(cell.value) for cell in requests.cells()))


@app.get("/ready")
def readiness():
    return ready()


async def double(number):
    await anyio.sleep(0.01)
    return number * 2


@app.get("/double/<int:number>")
def doubled(number):
    return str(app.extensions["kernel"].call(double, number))


@app.post("/break")
def break_it():
    app.extensions["kernel"].call(break_pump)
    return "broken"


if __name__ == "__main__":
    with kernel.blocking(backend=sys.argv[2]) as k:
        app.extensions["kernel"] = k
        make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()
