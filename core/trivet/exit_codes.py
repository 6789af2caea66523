"""Exit codes of the command line, from sysexits.h (`os.EX_*` is not there on every system)."""

from __future__ import annotations

from typing import Final

EX_USAGE: Final = 64
EX_DATAERR: Final = 65
EX_NOINPUT: Final = 66
EX_UNAVAILABLE: Final = 69
EX_SOFTWARE: Final = 70
EX_IOERR: Final = 74
EX_CONFIG: Final = 78
