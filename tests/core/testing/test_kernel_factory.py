"""The fixture ``kernel_factory`` and the look for forgotten kernels, in a pytest of their own process."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.timeout(120)

PRELUDE = """
from contextlib import asynccontextmanager

import anyio
import attrs
import pytest
import pytest_asyncio

from trivet import Kernel, Launch, Provider, hookimpl

STOPPED = []


@attrs.frozen
class Database:
    pool_size: int = 1


@attrs.frozen
class ServiceConfig:
    size: int = 1


class Service:
    trivet_name = "service"

    @hookimpl
    def register_services(self, composition):
        @asynccontextmanager
        async def run(config):
            async with anyio.create_task_group() as group:  # a scope that only its own task may leave
                yield f"it {config.size}"
            STOPPED.append("service")

        return [Provider(name="service", factory=run, config=ServiceConfig, provides=str)]


def bare(name):
    return Kernel(name, discover="none", launch=Launch(environ={}))
"""

USE = """
async def test_body(kernel_factory):
    kernel = await kernel_factory({{"plugins": {{"service": {{"size": 5}}}}}}, plugins=[Service()])
    assert kernel.state == "running"
    assert kernel.service(str) == "it 5"
    KERNELS.append(kernel)


{fixture}
async def kernel(kernel_factory):
    made = kernel_factory.make({{"database": {{"pool_size": 7}}}}, plugins=[Service()])
    made.database = made.config.bind("database", Database)
    yield await kernel_factory.start(made)
    assert made.state == "running"  # fixtures that use a kernel are torn down before it stops


async def test_through_a_fixture(kernel):
    assert kernel.database.current == Database(pool_size=7)
    KERNELS.append(kernel)


def test_all_have_stopped():
    assert {{kernel.state for kernel in KERNELS}} == {{"stopped"}}
    assert len(STOPPED) == len(KERNELS) == {count}


KERNELS = []
"""


def test_it_works_under_the_pytest_plugin_of_anyio(inner):
    """Tests and fixtures start kernels on asyncio and trio, and all are stopped after the test."""
    use = USE.format(fixture="@pytest.fixture", count=4)
    # Function scope keeps the order of the file, so that the last test comes last.
    backends = '@pytest.fixture(params=["asyncio", "trio"])\ndef anyio_backend(request):\n    return request.param\n'
    result = inner(f"{PRELUDE}\n{backends}\n{use}".replace("async def test", "@pytest.mark.anyio\nasync def test"))
    result.assert_outcomes(passed=5)


@pytest.mark.parametrize("loop", ["function", "module", "session"])
def test_it_works_under_pytest_asyncio(inner, loop):
    """Set-up, test and teardown are tasks of their own there; the kernel lives in the event loop of the test, of any scope."""
    use = USE.format(fixture=f'@pytest_asyncio.fixture(loop_scope="{loop}")', count=2)
    mark = f'@pytest.mark.asyncio(loop_scope="{loop}")\nasync def test'
    inner((PRELUDE + use).replace("async def test", mark)).assert_outcomes(passed=3)


def test_it_works_under_pytest_asyncio_in_auto_mode(inner):
    """No marks at all."""
    result = inner(PRELUDE + USE.format(fixture="@pytest.fixture", count=2), "--asyncio-mode=auto")
    result.assert_outcomes(passed=3)


def test_it_works_without_pytest_asyncio(inner):
    """anyio brings its pytest plugin along; no other is needed."""
    source = PRELUDE.replace("import pytest_asyncio\n", "") + USE.format(fixture="@pytest.fixture", count=4)
    settings = [
        "-p",
        "no:asyncio",
        "-o",
        "asyncio_default_fixture_loop_scope=",
        "-W",
        "ignore::pytest.PytestConfigWarning",
    ]
    result = inner(source.replace("async def test", "@pytest.mark.anyio\nasync def test"), *settings)
    result.assert_outcomes(passed=5)


def test_a_test_without_an_event_loop_is_told_so(inner):
    """Without any async plugin's mark, and without pytest-asyncio, the remedy is named."""
    settings = [
        "-p",
        "no:asyncio",
        "-o",
        "asyncio_default_fixture_loop_scope=",
        "-W",
        "ignore::pytest.PytestConfigWarning",
    ]
    result = inner("def test_body(kernel_factory):\n    pass\n", *settings)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*mark the test with pytest.mark.anyio*"])


def test_a_critical_failure_fails_the_test_that_does_not_expect_it(inner):
    """The kernel that dies during a test is an error; taken out of ``failures`` it is the test's own affair."""
    result = inner(
        PRELUDE
        + """
@pytest.fixture
def anyio_backend():
    return "asyncio"


async def doomed(kernel_factory):
    kernel = kernel_factory.make()
    burning = anyio.Event()

    @kernel.task("doomed")
    async def doom():
        await burning.wait()
        raise OSError("bus went away")

    await kernel_factory.start(kernel)
    burning.set()
    with anyio.fail_after(5):
        while kernel.state != "stopped":
            await anyio.sleep(0.01)


@pytest.mark.anyio
async def test_unexpected(kernel_factory):
    await doomed(kernel_factory)


@pytest.mark.anyio
async def test_expected(kernel_factory):
    await doomed(kernel_factory)
    assert "bus went away" in str(kernel_factory.failures.pop())
"""
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_unexpected*", "*task/doomed*bus went away*"])


@pytest.mark.parametrize("mark", ["anyio", "asyncio"])
def test_a_test_that_leaves_a_kernel_running_fails_with_its_name(inner, mark):
    """Entered and never left: in the body of an async test, in a thread, in a fixture. The next test is not blamed."""
    result = inner(
        PRELUDE
        + f"""
LEFT = []


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.{mark}
async def test_async_body():
    LEFT.append(bare("forgotten_hosted").hosted())
    await LEFT[-1].__aenter__()


def test_sync_body():
    LEFT.append(bare("forgotten_thread").blocking())
    LEFT[-1].__enter__()


@pytest.fixture
def left_by_fixture():
    LEFT.append(bare("forgotten_fixture").blocking())
    LEFT[-1].__enter__()


def test_fixture(left_by_fixture):
    pass


@pytest.fixture(scope="session")
def shared():
    with bare("shared").blocking() as kernel:
        yield kernel.kernel


def test_shared(shared):
    assert shared.state == "running"


def test_innocent(shared):
    for left in LEFT[1:]:
        left.__exit__(None, None, None)
""",
        "-W",
        "default",
    )
    result.assert_outcomes(passed=3, failed=2, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "*the test left a kernel running: forgotten_hosted; leave its context*",
            "*the test left a kernel running: forgotten_thread; *",
            "*ERROR at teardown of test_fixture*",
            "*the test left a kernel running: forgotten_fixture; *",
        ]
    )


def test_the_failure_of_a_test_is_not_hidden_by_the_look_for_kernels(inner):
    """A test that fails says why it failed, kernel or not."""
    body = '\n@pytest.mark.asyncio\nasync def test_body():\n    assert bare("mine").name == "yours"\n'
    result = inner(PRELUDE + body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 'mine' == 'yours'*"])


def test_the_start_of_pytest_does_not_import_trivet(inner):
    """Tests that need no kernel do not wait for it, and coverage sees trivet's import."""
    result = inner("import sys\n\ndef test_body():\n    assert 'trivet' not in sys.modules\n")
    result.assert_outcomes(passed=1)


def test_without_pytest_the_kit_names_the_extra(tmp_path):
    """pytest is no dependency of trivet; who imports the kit without it reads what to install."""
    probe = (
        "import sys, importlib.util as u; real = u.find_spec; "
        "u.find_spec = lambda name, *a: None if name == 'pytest' else real(name, *a); import trivet.testing"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=15)
    assert done.stderr.strip().splitlines()[-1] == (
        "trivet.errors.MissingExtraError: trivet.testing needs an extra: pip install 'trivet[testing]'"
    )
