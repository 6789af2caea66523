"""Fuzz one decoder until libFuzzer's options end it: ``python tests/fuzz/target.py NAME [libFuzzer options] CORPUS``.

It goes where new code runs: the modules of trivet, and the parsers of the standard library and PyYAML, count their branches.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import atheris


def main() -> None:
    """Load the decoders with counters inside, then hand over to libFuzzer, which never returns."""
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["trivet", "trivet_plugins", "tomllib", "yaml"]):
        decoder = runpy.run_path(str(Path(__file__).with_name("decoders.py")))["DECODERS"][name]
    corpus = Path(sys.argv[-1])
    for number, seed in enumerate(decoder.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, decoder.try_with)
    atheris.Fuzz()


main()
