"""Fuzz the decoders, guided by coverage: ``python tests/fuzz [--seconds N] [NAME...]``, or ``make fuzz``.

Each runs in a process of its own for its share of the time. What it has learned stays in ``.fuzz/NAME/`` for the next time; an
input that breaks a decoder is left in ``.fuzz/`` and its name is printed. Exit 1: something was found.
"""

from __future__ import annotations

import argparse
import runpy
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
KEPT = HERE.parent.parent / ".fuzz"
LONGEST = 4096
SLOWEST = 10


def main() -> int:
    """Run what the arguments select."""
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="the decoders to fuzz (default: all)")
    parser.add_argument("--seconds", type=int, default=15, help="for each (default: %(default)s)")
    options = parser.parse_args()
    known = list(runpy.run_path(str(HERE / "decoders.py"))["DECODERS"])
    if unknown := set(options.names) - set(known):
        parser.error(f"no decoder {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    broken = [name for name in options.names or known if not fuzz(name, options.seconds)]
    print(f"broken: {', '.join(broken)}" if broken else "nothing found")
    return 1 if broken else 0


def fuzz(name: str, seconds: int) -> bool:
    """Fuzz one; return whether it held."""
    corpus = KEPT / name
    corpus.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, HERE / "target.py", name, f"-max_total_time={seconds}", f"-max_len={LONGEST}"]
    command += [f"-timeout={SLOWEST}", f"-artifact_prefix={KEPT}/{name}-", "-print_final_stats=1", corpus]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    lines = (done.stdout + done.stderr).splitlines()
    if done.returncode:
        traceback = done.stdout.partition("=== Uncaught Python exception: ===")[2]
        print(f"{name}: BROKEN{traceback or done.stdout}\n" + "\n".join(lines[-12:]), flush=True)
        return False
    runs = next((line.split()[-1] for line in lines if "number_of_executed_units" in line), "0")
    print(f"{name}: {int(runs):,} inputs, {len(list(corpus.iterdir()))} of them reach something else", flush=True)
    return True


sys.exit(main())
