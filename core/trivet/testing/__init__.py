"""What tests of services and plugins need: kernels with a configuration in memory, and a conformance suite per kind.

The fixture ``kernel_factory`` is there in every test suite of an environment that has trivet; `trivet.testing.suites` proves a
plugin::

    from trivet.testing.suites import CipherBackendSuite


    class TestVaultCipher(CipherBackendSuite):
        @pytest.fixture
        def cipher(self):
            return VaultCipher(...)

Needs pytest: ``pip install 'trivet[testing]'``.
"""

from __future__ import annotations

from importlib.util import find_spec

from trivet.errors import MissingExtraError

if find_spec("pytest") is None:
    raise MissingExtraError("trivet.testing", "testing")

import pytest

# The suites' asserts are what a plugin's author reads when one fails; pytest explains only those of modules it is told of.
pytest.register_assert_rewrite("trivet.testing.suites")

from trivet.testing.factory import KernelFactory  # noqa: E402 - after the registration above
from trivet.testing.memory import MemoryConfig, memory_config  # noqa: E402

__all__ = ("KernelFactory", "MemoryConfig", "memory_config")
