"""A plain script: ``python script.py BACKEND [fail|wait|break]``."""

# ruff: noqa: T201 - a script prints
from __future__ import annotations

import sys
import time

import anyio
from stand import Pump, break_pump, greeting, kernel

with kernel.blocking(backend=sys.argv[1]) as k:
    print(greeting.current.text, type(k.service(Pump)).__name__, k.kernel.state, flush=True)
    print(k.call(anyio.sleep, 0), k.call("called".upper), flush=True)
    what = sys.argv[2] if len(sys.argv) > 2 else ""
    if what == "fail":
        raise ValueError("the script's own mistake")
    if what == "break":
        k.call(break_pump)
    if what:
        time.sleep(60)
print(kernel.state)
