"""Settings from environment variables: ``ORDERS_DATABASE__POOL_SIZE=20`` sets ``database.pool_size`` of ``Kernel("orders")``.

The prefix is the kernel's name in upper case, two underscores go one level down, and names match the schema in any case. It
says what the text means: bool words, numbers, durations (``10s``), sizes (``10MiB``), lists as ``a,b``, as JSON or one by one
(``ORDERS_HOSTS__0=a``), tables as JSON. ``..._FILE`` gives the name of a file to read the value from
(``ORDERS_DATABASE__PASSWORD_FILE=/run/secrets/db``). A variable with the prefix that fits nothing is an error, but for those that
Kubernetes sets for a service named like the kernel. An empty variable is an empty text, unless ``Launch(ignore_empty=True)``
says that it counts as not set. ``TRIVET_...`` belongs to trivet itself. No settings of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import anyio.to_thread

from trivet import Layer, LoadContext, Origin, Provider, hookimpl
from trivet.config.layer import ENVIRONMENT
from trivet_plugins.config.gathered import Gathered
from trivet_plugins.config.variables import Variable, is_ours, read_variables

if TYPE_CHECKING:
    from trivet import Composition, ConfigSource

NAME = "environment"
_SERVICE_LINK = re.compile(
    r"(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)


class Environment:
    """The environment variables with the kernel's prefix."""

    async def load(self, context: LoadContext) -> Sequence[Layer]:
        """Read the variables, and the files that ``_FILE`` variables name."""
        found = Gathered(NAME, f"env {context.prefix}...")
        variables = [
            Variable(name, text, text, Origin(NAME, f"env {name}"))
            for name, text in sorted(context.launch.environ.items())
            if is_ours(name, context)
        ]
        if variables:
            read = partial(read_variables, variables, context, found, others=_is_service_link)
            await anyio.to_thread.run_sync(read, abandon_on_cancel=True)
        return [found.as_layer(ENVIRONMENT)]


def _is_service_link(rest: str) -> bool:
    return _SERVICE_LINK.fullmatch(rest) is not None


@hookimpl
def register_config_sources(composition: Composition) -> list[Provider[ConfigSource]]:
    """Offer ``config_source/environment``."""
    return [Provider(name="environment", factory=Environment)]
