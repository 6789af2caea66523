"""Every exception that trivet raises on purpose: each carries data, and says what happened, where, and what to do next.

Value mistakes are also `ValueError`, look-ups `LookupError`, missing extras `ImportError`. ``exit_code`` is the command line's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from trivet.exit_codes import EX_CONFIG, EX_DATAERR, EX_NOINPUT, EX_SOFTWARE, EX_UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet.config.problem import Problem


class TrivetError(Exception):
    """The root of all trivet errors. Never raised itself."""

    exit_code: ClassVar[int] = EX_SOFTWARE


class PluginError(TrivetError):
    """A plugin cannot be used: it does not load, breaks a hook's contract or asks for another API version.

    Args:
        plugin: The plugin's name.
        reason: What is wrong and what to do about it, one sentence.
    """

    exit_code = EX_CONFIG

    def __init__(self, plugin: str, reason: str) -> None:
        super().__init__(plugin, reason)
        self.plugin = plugin
        self.reason = reason

    def __str__(self) -> str:
        return f"plugin {self.plugin}: {self.reason}"


class CompositionError(TrivetError, ValueError):
    """The declared providers do not fit together."""

    exit_code = EX_CONFIG


class ProviderConflict(CompositionError):
    """Two plugins give the same provider id, and neither says that it replaces the other.

    Args:
        provider: The id, ``kind/name``.
        plugins: The names of the plugins that claim it.
    """

    def __init__(self, provider: str, plugins: Sequence[str]) -> None:
        super().__init__(provider, tuple(plugins))
        self.provider = provider
        self.plugins = tuple(plugins)

    def __str__(self) -> str:
        names = " and ".join(self.plugins)
        return f'{self.provider} is provided by {names}; set replaces="{self.provider}" on one, or block one'


class RequirementError(CompositionError):
    """A provider needs another that nobody gives.

    Args:
        provider: The id of the provider that asks.
        missing: The id it asks for.
        matches: Ids that look alike, best first.
        reason: Why the wanted provider is not to be had, where that is known (its extra is missing, say).
    """

    def __init__(self, provider: str, missing: str, *, matches: Sequence[str] = (), reason: str = "") -> None:
        super().__init__(provider, missing, tuple(matches), reason)
        self.provider = provider
        self.missing = missing
        self.matches = tuple(matches)
        self.reason = reason

    def __str__(self) -> str:
        if self.reason:
            hint = self.reason
        elif self.matches:
            hint = f"did you mean {' or '.join(self.matches)}?"
        else:
            hint = "add a plugin that provides it"
        return f"{self.provider} requires {self.missing}, which no plugin provides; {hint}"


class RequirementCycle(CompositionError):
    """Providers require each other in a circle.

    Args:
        cycle: The ids in order; the last requires the first.
    """

    def __init__(self, cycle: Sequence[str]) -> None:
        super().__init__(tuple(cycle))
        self.cycle = tuple(cycle)

    def __str__(self) -> str:
        return f"providers require each other: {' -> '.join((*self.cycle, self.cycle[0]))}; remove one requirement"


class ProviderStartError(TrivetError):
    """A critical provider did not start. The original exception is ``__cause__``.

    Args:
        provider: The provider's id.
        plugin: The plugin that gives it.
        phase: Where it failed: ``configure``, ``start``, ``timeout``.
        reason: What happened, one sentence.
    """

    def __init__(self, provider: str, plugin: str, phase: str, reason: str) -> None:
        super().__init__(provider, plugin, phase, reason)
        self.provider = provider
        self.plugin = plugin
        self.phase = phase
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.provider} (plugin {self.plugin}) failed in phase {self.phase}: {self.reason}"


class ProviderFailed(TrivetError):
    """A critical provider crashed while the kernel ran. The original exception is ``__cause__``.

    Args:
        provider: The provider's id.
        plugin: The plugin that gives it.
        reason: What happened, one sentence.
    """

    def __init__(self, provider: str, plugin: str, reason: str) -> None:
        super().__init__(provider, plugin, reason)
        self.provider = provider
        self.plugin = plugin
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.provider} (plugin {self.plugin}) failed while running: {self.reason}"


class StartupRefused(TrivetError):
    """Raised by a provider that must not start: printed as one line, exit code 78.

    Args:
        reason: What is wrong and what to do about it.
    """

    exit_code = EX_CONFIG


class RetryLater(TrivetError):
    """Raised by a provider whose outside system is not there yet: tried again as its ``restart`` allows.

    Args:
        reason: What was missing.
        delay: Seconds to wait before the next try; None leaves it to the back-off.
    """

    exit_code = EX_UNAVAILABLE

    def __init__(self, reason: str, *, delay: float | None = None) -> None:
        super().__init__(reason)
        self.delay = delay


class KernelStateError(TrivetError, RuntimeError):
    """Something was asked of the kernel that its present state does not allow."""


class UnknownServiceError(TrivetError, LookupError):
    """No running provider gives a service of the type asked for."""


class MissingExtraError(TrivetError, ImportError):
    """A provider's optional dependency is not installed.

    Args:
        what: What needs it.
        extra: The pip extra of trivet that brings it.
    """

    exit_code = EX_UNAVAILABLE

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an extra: pip install 'trivet[{extra}]'")
        self.extra = extra


class ConfigError(TrivetError, ValueError):
    """The configuration is not valid. Holds every problem of every layer, none with a secret's text.

    Args:
        problems: All of them, in the order of their places.
    """

    exit_code = EX_CONFIG

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(tuple(problems))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class ConfigNotLoadedError(TrivetError, LookupError):
    """A configuration value was read before the kernel has loaded the configuration."""


class UnknownPathError(TrivetError, LookupError):
    """A configuration path leads nowhere."""

    exit_code = EX_DATAERR


class SealError(TrivetError, ValueError):
    """A value could not be sealed or opened.

    Opening fails with ONE text whatever the cause (wrong key, wrong place, damage), so that nothing can be learned from it.
    """

    exit_code = EX_CONFIG


class KeyRingError(TrivetError, ValueError):
    """A key file is missing, unreadable, damaged or open to others. Says which file and what to do."""

    exit_code = EX_CONFIG


class MetricError(TrivetError, ValueError):
    """A metric or its labels break the rules of the exposition formats, or clash with another metric."""


class HealthError(TrivetError, ValueError):
    """A health check is defined wrongly, or its name is taken."""


class TargetError(TrivetError, LookupError):
    """A ``module:attr`` or ``file.py[:attr]`` target does not import or holds no kernel."""

    exit_code = EX_NOINPUT
