"""References to environment variables in configuration: ``url = "http://${env:HOST:-localhost}/"``.

No settings. Any variable may be named, not only those with the service's prefix, but not by a remote document. Its text means
what the schema says: ``"20"`` is a number where a number belongs. A variable whose name says so (``..._PASSWORD``, ``..._TOKEN``)
is a secret, and so is what is made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet import NothingThereError, Provider, Resolved, hookimpl

if TYPE_CHECKING:
    from trivet import Composition, Kernel, ResolveContext, Resolver


class EnvironmentReferences:
    """Give the text of variables.

    Args:
        kernel: Knows the environment that the process was started with.
    """

    scheme = "env"
    bare = False

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def resolve(self, argument: str, context: ResolveContext) -> Resolved:
        """Look up a variable.

        Args:
            argument: Its name.
            context: Where the reference stands.

        Raises:
            NothingThereError: if it is not set.
            ValueError: if this cannot be a name, or another machine asks.
        """
        if context.remote():
            raise ValueError("a remote document cannot read this machine's variables; refer to it in a local file")
        if not argument.strip() or "=" in argument or "\0" in argument:
            raise ValueError("a reference to a variable names it like ${env:HOME}")
        text = self._kernel.launch.environ.get(argument)
        if text is None:
            raise NothingThereError(
                f"the variable {argument} is not set; set it, or give a default: ${{env:{argument}:-...}}"
            )
        return Resolved(text, text=True)


@hookimpl
def register_resolvers(composition: Composition) -> list[Provider[Resolver]]:
    """Offer ``resolver/env``."""
    return [Provider(name="env", factory=EnvironmentReferences)]
