"""`Layer`: what one config source loaded, and the order in which layers win."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from trivet.config.origin import Origin, Path
from trivet.config.problem import Problem

if TYPE_CHECKING:
    from trivet.config.contracts import Document, Span

# Precedence is data: a source states its own number, higher wins; the gaps are for third parties.
BASE_FILE: Final = 100
DROP_IN: Final = 200
PROFILE_FILE: Final = 300
REMOTE: Final = 400
SECRETS_DIRECTORY: Final = 500
DOTENV: Final = 600
DOTENV_PROFILE: Final = 650
ENVIRONMENT: Final = 700
COMMAND_LINE: Final = 800
OVERRIDE: Final = 900


class Delete:
    """The type of `DELETE`."""

    def __repr__(self) -> str:
        return "DELETE"


DELETE: Final = Delete()
"""A leaf that removes its path from the layers below (``--set a.b=null``)."""


@attrs.frozen(eq=False, kw_only=True)
class Layer:
    """A tree of values from one place.

    Args:
        name: E.g. ``base``, ``drop-in 10-local.toml``, ``environment``.
        priority: Higher wins; see the constants of this module. Among equals a later layer of one source wins, and of
            two sources the one whose name comes later.
        data: Mappings, lists and scalars. Never changed after the layer is made.
        locate: Gives the origin of a path in ``data`` (which exists); called only when a place is to be shown.
        text: True where scalars are text that the schema coerces (environment, ``--set``); files are strict.
        secret: True where every value is a secret (a secrets directory).
        remote: True where it comes from another machine: its text may not refer to this one's variables and files.
        problems: What was wrong with the source; a layer with problems rejects the whole load.
        watch: Files and directories whose change asks for a reload, existing or not.
        whole: The origin of the document that it was read from; None where it is not of one document.
        shares: Set by the merge, not by sources: where the items of lists went that are combined with those of other layers.
    """

    name: str
    priority: int
    data: Mapping[str, Any] = attrs.field(repr=False)
    locate: Callable[[Path], Origin]
    text: bool = False
    secret: bool = False
    remote: bool = False
    problems: tuple[Problem, ...] = ()
    watch: tuple[pathlib.Path, ...] = ()
    whole: Origin | None = None
    shares: Mapping[Path, tuple[int, ...]] = attrs.field(factory=dict, repr=False)

    @staticmethod
    def of_document(document: Document, whole: Origin, *, priority: int, remote: bool = False) -> Layer:
        """Make the layer of a parsed document. The places of its values are found when the first one is asked for.

        Args:
            document: What was parsed.
            whole: The origin of the document; its ``layer`` is the layer's name.
            priority: The layer's priority.
            remote: Whether it comes from another machine.
        """
        places: dict[str, Mapping[Path, Span]] = {}

        def locate(path: Path) -> Origin:
            if not places:
                places["all"] = document.spans()
            for end in range(len(path), -1, -1):
                span = places["all"].get(path[:end])
                if span is not None:
                    return attrs.evolve(whole, line=span.line, column=span.column)
            return whole

        return Layer(name=whole.layer, priority=priority, data=document.data, locate=locate, remote=remote, whole=whole)

    @staticmethod
    def refused(reason: str, origin: Origin, *, priority: int, down: bool = False) -> Layer:
        """Make the layer of a document that cannot be used: it holds nothing but a problem.

        Args:
            reason: What is wrong and what to do.
            origin: Where; its ``layer`` is the layer's name.
            priority: The layer's priority.
            down: See `Problem`.
        """
        problem = Problem(reason, origin, down=down)
        return Layer(name=origin.layer, priority=priority, data={}, locate=lambda _path: origin, problems=(problem,))
