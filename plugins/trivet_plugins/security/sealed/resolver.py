"""Sealed values in configuration: ``password = "trivet:1:..."`` in any source is opened when the configuration loads.

The keys come from the key ring. ``trivet secrets seal database.password --file orders.toml`` seals in place. A value opens only
at the path and in the service it was sealed for, so it is worth nothing when copied elsewhere. A document may have a manifest
(`trivet_plugins.security.sealed.manifest`); then a value that was replaced, removed or added without the key is refused, and so
is a document that is older than one that was in force before.

Config (``plugins.sealed``): ``manifest``, ``when_present`` or ``required``: each file and remote document with sealed
values must have one (default: as the security level says, ``required`` at ``paranoid``); ``marks``, the file that keeps
which generation was in force, so that an older one is refused after a restart too (default: ``sealed.marks`` in
``$STATE_DIRECTORY``, which systemd sets; else the marks are in memory); ``entries``, the manifest itself, which ``trivet
secrets`` keeps. Example::

    [plugins.sealed]
    manifest = "required"
    marks = "/var/lib/orders/sealed.marks"
"""

from __future__ import annotations

import pathlib
import shlex
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import anyio
import anyio.to_thread
import attrs

from trivet import Provider, Resolved, SealError, SecurityLevel, Shortfall, UnknownServiceError, hookimpl
from trivet.ciphers.manifests import ENTRIES, ManifestFault, Manifests, sealed_texts
from trivet.config.origin import dotted
from trivet.config.problem import Problem
from trivet.config.tree import MISSING, look_up
from trivet.events import ConfigRejected, ConfigReloaded, ConfigWarning, Event
from trivet_plugins.security.sealed.high_water import HighWater
from trivet_plugins.security.sealed.manifests import SealedManifests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from trivet import Composition, Kernel, Layer, ResolveContext, Resolver

_MAKE = "trivet secrets manifest FILE"


@attrs.frozen
class SealedConfig:
    """The section ``plugins.sealed``."""

    manifest: Literal["when_present", "required"] | None = None
    marks: pathlib.Path | None = None
    entries: tuple[str, ...] = ()

    def shortfalls(self, level: SecurityLevel) -> Iterator[Shortfall]:
        """Compare with a level."""
        if level.manifest and self.manifest == "when_present":
            yield Shortfall("manifest", f"files without a manifest load, which level {level.name} does not let them")


class SealedValues:
    """Open sealed values for the place where they stand, and hold documents to their manifests.

    Args:
        kernel: Its ciphers open them.
        manifests: Check manifests.
        marks: Know what was in force.
    """

    scheme = "trivet"
    bare = True

    def __init__(self, kernel: Kernel, manifests: Manifests, marks: HighWater) -> None:
        self._kernel = kernel
        self._manifests = manifests
        self._marks = marks
        self._risen = anyio.Event()
        self._in_force = False

    async def resolve(self, argument: str, context: ResolveContext) -> Resolved:
        """Open a value.

        Args:
            argument: The envelope without its ``trivet:``.
            context: The place where it stands.

        Raises:
            SealError: if it does not open.
            KeyRingError: if there is no usable key ring.
        """
        try:
            value = await self._kernel.ciphers.open_config(f"{self.scheme}:{argument}", path=context.path)
        except SealError as exc:
            reason = str(exc)
        else:
            return Resolved(value, secret=True, text=True)
        origin = context.locate()
        file = shlex.quote(origin.source) if origin is not None and origin.line is not None else "FILE"
        command = f"trivet secrets seal {shlex.quote(dotted(context.path))} --file {file}"
        raise SealError(f"{reason}; if the key file is right, seal it again: {command}")

    # -- manifests ------------------------------------------------------------------------------------------------------------

    async def inspect(self, layers: Sequence[Layer]) -> Sequence[Layer]:
        """Check the manifests of all documents, and take them out."""
        self._settle()
        return [await self._inspected(layer) for layer in layers]

    async def _inspected(self, layer: Layer) -> Layer:
        entries = look_up(layer.data, ENTRIES)
        if layer.whole is None or layer.problems:
            return layer
        values, document = sealed_texts(layer.data), layer.whole.source
        mark = self._marks.mark(document)
        if entries is MISSING or entries == []:  # an export writes the empty list
            return _with_problems(layer, self._without_manifest(layer, [*values], mark))
        verdict = await self._manifests.check(entries, values)
        problems = [self._problem(layer, fault.path, fault.message) for fault in verdict.faults]
        if not problems and verdict.generation < mark:
            why = f"this is generation {verdict.generation} of its sealed values, and generation {mark} was in force before"
            remedy = f"put the newer file back, or, if the older values are meant: {_MAKE} --generation {mark + 1}"
            problems.append(self._problem(layer, ENTRIES, f"{why}: the file was rolled back; {remedy}"))
        self._marks.see(document, verdict.generation)
        return _with_problems(_without_entries(layer), problems)

    def _without_manifest(self, layer: Layer, values: list[tuple[str | int, ...]], mark: int) -> list[Problem]:
        if mark:
            why = f"generation {mark} of its sealed values had a manifest, and this file has none"
            return [
                self._problem(
                    layer, (), f"{why}: it was taken out, or the file is an older one; put it back, or: {_MAKE}"
                )
            ]
        if self._manifests.is_required() and values:
            why = "this value is sealed, and its file has no manifest, which plugins.sealed.manifest asks for"
            return [self._problem(layer, values[0], f"{why}; make one: {_MAKE}")]
        return []

    def _problem(self, layer: Layer, path: tuple[str | int, ...], message: str) -> Problem:
        is_value = path and path[: len(ENTRIES)] != ENTRIES
        document = layer.whole.source if layer.whole is not None else layer.name
        return Problem(ManifestFault(message, path).about(document), layer.locate(path), path if is_value else ())

    # -- marks ----------------------------------------------------------------------------------------------------------------

    def note(self, event: Event) -> None:
        """Hear whether what was inspected came into force."""
        if isinstance(event, ConfigRejected):
            self._marks.forget()
        elif isinstance(event, ConfigReloaded):
            self._in_force = True
            self._settle()

    def _settle(self) -> None:
        """Raise the marks to what was loaded last: it is in force, unless rejected, or the first and still on its way."""
        if self._in_force and self._marks.accept():
            self._risen.set()

    async def keep(self) -> None:
        """Write the marks whenever they rise, for ever."""
        try:
            while True:
                await self._risen.wait()
                await self._write()
        finally:
            self._settle()  # a rotation is no change that would have been told
            if self._risen.is_set():
                await self._write()

    async def _write(self) -> None:
        self._risen = anyio.Event()
        try:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._marks.write)
        except OSError as exc:
            why = f"the marks of sealed documents cannot be kept in {self._marks.path}: {exc.strerror}"
            self._kernel.emit(
                ConfigWarning(message=f"{why}; until they are, a rollback is not noticed after a restart")
            )


def _without_entries(layer: Layer) -> Layer:
    """Return a layer without its manifest, which changes with every rotation and concerns nobody else."""
    plugins, section, last = ENTRIES
    own = {key: value for key, value in layer.data[plugins][section].items() if key != last}
    others = {**layer.data[plugins], section: own}
    return attrs.evolve(layer, data={**layer.data, plugins: others})


def _with_problems(layer: Layer, problems: list[Problem]) -> Layer:
    return attrs.evolve(layer, problems=(*layer.problems, *problems)) if problems else layer


def connect_manifests(kernel: Kernel, config: SealedConfig) -> SealedManifests:
    """Make the service of a kernel."""
    try:
        demanded = kernel.service(SecurityLevel).manifest
    except UnknownServiceError:
        demanded = False
    return SealedManifests(
        kernel.ciphers, required=demanded if config.manifest is None else config.manifest == "required"
    )


@asynccontextmanager
async def connect(kernel: Kernel, config: SealedConfig) -> AsyncIterator[SealedValues]:
    """Give the resolver of a kernel, and keep its marks."""
    state = kernel.launch.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    marks = HighWater(config.marks or (pathlib.Path(state) / "sealed.marks" if state else None))
    values = SealedValues(kernel, kernel.service(Manifests), marks)
    leave = kernel.observe(values.note)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(values.keep)
            yield values
            group.cancel_scope.cancel()
    finally:
        leave()


@hookimpl
def register_services(composition: Composition) -> list[Provider[Manifests]]:
    """Offer ``service/sealed``: the manifests."""
    return [
        Provider(
            name="sealed",
            factory=connect_manifests,
            config=SealedConfig,
            provides=Manifests,
            after=("service/security_level",),
        )
    ]


@hookimpl
def register_resolvers(composition: Composition) -> list[Provider[Resolver]]:
    """Offer ``resolver/sealed``."""
    needs = ("service/key_file", "service/sealed")
    return [Provider(name="sealed", factory=connect, config=SealedConfig, requires=needs)]
