"""Can the scratch directory be written? Config (``plugins.acme_scratch``): ``path``, default the system's temporary directory."""

from __future__ import annotations

import pathlib
import tempfile

import anyio
import attrs

from trivet import CheckPlan, Status, Verdict


@attrs.frozen
class ScratchConfig:
    """The section ``plugins.acme_scratch``."""

    path: pathlib.Path = attrs.field(factory=lambda: pathlib.Path(tempfile.gettempdir()))


@attrs.frozen(eq=False)
class Scratch:
    """A health check: writes a file and reads it back."""

    config: ScratchConfig
    plan: CheckPlan = attrs.field(default=CheckPlan(groups={"ready"}, timeout=5, interval=10), init=False)

    async def check(self) -> Verdict | None:
        """Write and read 64 bytes."""
        return await anyio.to_thread.run_sync(self._try)

    def _try(self) -> Verdict | None:
        with tempfile.TemporaryFile(dir=self.config.path) as file:
            file.write(bytes(64))
            file.seek(0)
            if file.read() != bytes(64):
                return Verdict(Status.FAIL, f"{self.config.path} does not give back what was written")
        return None
