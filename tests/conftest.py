"""What all tests share: both event loops, and the published test data beside the repository."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEST_DATA = Path(os.environ.get("TRIVET_TEST_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(params=["asyncio", "trio"], scope="module")
def anyio_backend(request):
    """Run the test on asyncio, then on trio."""
    return request.param


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector, name, obj):
    """Let anyio run every async test that does not ask for pytest-asyncio."""
    if not collector.istestfunction(obj, name):
        return
    function = obj.hypothesis.inner_test if hasattr(obj, "hypothesis") else obj
    marks = {mark.name for mark in getattr(obj, "pytestmark", ())} | {mark.name for mark in collector.iter_markers()}
    if inspect.iscoroutinefunction(function) and not marks & {"anyio", "asyncio"}:
        pytest.mark.anyio(obj)


@pytest.fixture(scope="session")
def test_data():
    """The directory of published vectors and fixtures: ``TRIVET_TEST_DATA``, else ``../shared/data``."""
    if TEST_DATA.is_dir():
        return TEST_DATA
    reason = f"no test data at {TEST_DATA}: set TRIVET_TEST_DATA to its directory"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
