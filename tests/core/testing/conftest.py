"""Inner pytest runs, each in a process of its own, as a stranger's test suite would run."""

from __future__ import annotations

import pytest

SETTINGS = """
[pytest]
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


@pytest.fixture
def inner(pytester):
    """Run pytest over a test module; gives the result."""
    pytester.makeini(SETTINGS)

    def run(source, *options):
        pytester.makepyfile(test_inner=source)
        return pytester.runpytest_subprocess("-rA", "-p", "no:cacheprovider", *options, timeout=90)

    return run
