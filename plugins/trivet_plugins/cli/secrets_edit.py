"""``trivet secrets edit``: a file in the user's editor, with its sealed values in the clear."""

from __future__ import annotations

import hashlib
import pathlib
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import attrs
import click

from trivet_plugins.cli.options import LaunchCommand
from trivet_plugins.cli.service import Service, service_options

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trivet import Kernel
    from trivet_plugins.cli.clear_text import ClearText, Edited
    from trivet_plugins.cli.draft import Draft
    from trivet_plugins.cli.private_file import PrivateFile

T = TypeVar("T")


@click.command(cls=LaunchCommand)
@click.argument("file", type=click.Path(path_type=pathlib.Path))
@click.option("--resume", is_flag=True, help="Go on with the draft that an edit left behind.")
@click.option("--discard", is_flag=True, help="Throw such a draft away first.")
@service_options
def edit(service: Service, file: pathlib.Path, *, resume: bool, discard: bool) -> None:
    """Edit FILE with its sealed values in the clear: $VISUAL, else $EDITOR.

    Sealed values stand there as "seal:VALUE". Saved, everything that begins with "seal:" is sealed for its place; what
    you did not touch keeps its envelope. An edit that cannot be saved is kept, sealed, for --resume.
    """
    import anyio

    if resume and discard:
        raise click.UsageError("--resume and --discard exclude each other")
    kernel = service.kernel()
    session = _Session(service, kernel, anyio.run(_begin, service, kernel, file))
    session.edit(session.resumed() if resume else session.fresh(discard=discard))


async def _begin(service: Service, kernel: Kernel, file: pathlib.Path) -> ClearText:
    from trivet_plugins.cli.clear_text import ClearText
    from trivet_plugins.cli.sealed_file import SealedFile

    async with kernel.secured():
        service.ring(kernel).primary()
        async with kernel.ciphers.operation("edit", f"file {file}"):
            return await ClearText.of(SealedFile.read(kernel, file))


@attrs.define(eq=False)
class _Session:
    """One edit, from the first look at the file to the last word about it."""

    service: Service
    kernel: Kernel
    clear: ClearText

    @property
    def file(self) -> pathlib.Path:
        return self.clear.file.source.file

    def fresh(self, *, discard: bool) -> str:
        draft = self._draft()
        if discard:
            draft.drop()
        elif draft.path.exists():
            raise click.UsageError(
                f"{draft.path} is the draft of an edit that was not saved; say --resume or --discard"
            )
        return self.clear.text

    def resumed(self) -> str:
        text, base = self._in_kernel(self._draft().read)
        if base != hashlib.sha256(self.clear.file.source.raw).hexdigest():
            click.echo(f"{self.file} has changed since this draft was begun; saved, it undoes those changes", err=True)
            if not _asks("go on with the draft?"):
                from trivet_plugins.cli.splice import SpliceError

                raise SpliceError(f"{self.file}: left as it is, and so is the draft; --discard throws the draft away")
        return text

    def edit(self, text: str) -> None:
        from trivet_plugins.cli.editor import leaving_on_signals
        from trivet_plugins.cli.private_file import PrivateFile

        self._explain()
        with leaving_on_signals(), PrivateFile(self.file.name, text) as private:
            if not private.in_memory:
                click.echo(f"warning: {private.path.parent} may be on a disk; it is wiped when you are done", err=True)
            try:
                edited = self._until_it_fits(private)
            except BaseException:
                self._keep(private)
                raise
        self._report(edited)

    def _explain(self) -> None:
        from trivet.config.origin import dotted

        click.echo('what begins with "seal:" is a secret: it is sealed when you save', err=True)
        for path in self.clear.closed:
            place = self.clear.file.source.place(path)
            click.echo(f"{place}: {dotted(path)} stays sealed: it does not open, or is part of a text", err=True)

    def _until_it_fits(self, private: PrivateFile) -> Edited | None:
        from trivet import SealError
        from trivet_plugins.cli.editor import run_editor
        from trivet_plugins.cli.splice import SpliceError

        while True:
            run_editor(private.path)
            text = private.read()
            if text == self.clear.text:
                return None
            try:
                edited = self._in_kernel(partial(self._save, text))
            except (SpliceError, SealError) as exc:
                if not _can_ask():
                    raise
                click.echo(str(exc), err=True)
                if not _asks("edit again?"):
                    raise
            else:
                return edited

    def _keep(self, private: PrivateFile) -> None:
        """Keep what was typed, whatever went wrong; the failure itself goes on its way."""
        from trivet import TrivetError

        try:
            text = private.read()
            if text == self.clear.text:
                return
            self._in_kernel(partial(self._draft().keep, text, base=self.clear.file.source.raw))
        except (OSError, ValueError, TrivetError) as exc:
            click.echo(f"error: the edit could not be kept: {exc}", err=True)
        else:
            click.echo(f"your edit is kept in {self._draft().path}, sealed; go on with --resume", err=True)

    def _report(self, edited: Edited | None) -> None:
        from trivet.config.origin import dotted

        if edited is None:
            self._draft().drop()
            click.echo(f"{self.file}: nothing changed")
            return
        for path in edited.bare:
            click.echo(f"{edited.source.place(path)}: warning: {dotted(path)} stands in the clear now", err=True)
        click.echo(f"{self.file}: saved, {len(edited.anew)} sealed anew")

    def _draft(self) -> Draft:
        from trivet_plugins.cli.draft import Draft

        return Draft(self.file, self.kernel.ciphers)

    def _in_kernel(self, step: Callable[[], Awaitable[T]]) -> T:
        import anyio

        async def inside() -> T:
            async with self.kernel.secured():
                return await step()

        return anyio.run(inside)

    async def _save(self, text: str) -> Edited:
        async with self.kernel.ciphers.operation("edit", f"file {self.file}"):
            edited = await self.clear.sealed(text)
            await self.clear.file.save(edited.text)
        self._draft().drop()
        return edited


def _can_ask() -> bool:
    from trivet_plugins.cli.secret_input import is_interactive

    return is_interactive()


def _asks(question: str) -> bool:
    return _can_ask() and click.confirm(question, default=True, err=True)
