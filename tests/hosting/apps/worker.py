"""A worker: ``python worker.py BACKEND MODE WHAT`` with MODE ``worker`` or ``hosted``, WHAT ``exit``, ``wait`` or ``break``."""

from __future__ import annotations

import sys

import anyio
from stand import break_pump, kernel, note

backend, mode, what = sys.argv[1:]


async def main():
    async with kernel if mode == "worker" else kernel.hosted():
        note(f"works {kernel.state}")
        if what == "exit":
            sys.exit(3)
        if what == "break":
            break_pump()
        await anyio.sleep_forever()


anyio.run(main, backend=backend)
