"""Sealed values in configuration: ``password = "trivet:1:..."`` in any source is opened when the configuration loads.

No settings; the keys come from the key ring. ``trivet secrets seal database.password --file orders.toml`` seals in place. A
value opens only at the path and in the service it was sealed for, so it is worth nothing when copied elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet import Provider, Resolved, SealError, hookimpl

if TYPE_CHECKING:
    from trivet import Composition, Kernel, ResolveContext, Resolver
    from trivet.ciphers.registry import Ciphers


class SealedValues:
    """Open sealed values for the place where they stand.

    Args:
        ciphers: Opens them.
    """

    scheme = "trivet"
    bare = True

    def __init__(self, ciphers: Ciphers) -> None:
        self._ciphers = ciphers

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
            value = await self._ciphers.open_config(f"{self.scheme}:{argument}", path=context.path)
        except SealError as exc:
            reason = str(exc)
        else:
            return Resolved(value, secret=True)
        raise SealError(f"{reason}; if the key file is right, seal it again: trivet secrets seal PATH --file FILE")


def connect(kernel: Kernel) -> SealedValues:
    """Make the resolver of a kernel."""
    return SealedValues(kernel.ciphers)


@hookimpl
def register_resolvers(composition: Composition) -> list[Provider[Resolver]]:
    """Offer ``resolver/sealed``."""
    return [Provider(name="sealed", factory=connect, requires=("service/key_file",))]
