"""Every built-in provider keeps the promises of its kind: the same suites that third parties run."""

from __future__ import annotations

import base64
import http.server
import threading
from typing import ClassVar

import attrs
import pytest

from trivet import Kernel, Launch, LoadContext, Provider, Secret, hookimpl
from trivet.testing import memory_config
from trivet.testing.suites import (
    AdminPagesSuite,
    CipherBackendSuite,
    ConfigFormatSuite,
    ConfigSourceSuite,
    HealthCheckSuite,
    KeySourceCase,
    KeySourceSuite,
    MetricExporterSuite,
    PasswordHasherSuite,
    ResolverCase,
    ResolverSuite,
    TracerSuite,
)
from trivet_plugins.monitoring.disk import DiskConfig, disk_check
from trivet_plugins.zero_knowledge.conformance import ProofCase, ProofSystemSuite
from trivet_plugins.zero_knowledge.membership_statement import MembershipStatement
from trivet_plugins.zero_knowledge.named_relations import dleq
from trivet_plugins.zero_knowledge.pedersen import commit
from trivet_plugins.zero_knowledge.point import GENERATOR, multiply
from trivet_plugins.zero_knowledge.range_statement import RangeStatement
from trivet_plugins.zero_knowledge.sigma_system import RelationStatement

SUITES = {
    "admin_pages": AdminPagesSuite,
    "cipher": CipherBackendSuite,
    "config_format": ConfigFormatSuite,
    "config_source": ConfigSourceSuite,
    "health_check": HealthCheckSuite,
    "key_source": KeySourceSuite,
    "metric_exporter": MetricExporterSuite,
    "password_hasher": PasswordHasherSuite,
    "proof_system": ProofSystemSuite,
    "resolver": ResolverSuite,
    "tracer": TracerSuite,
}


@pytest.fixture
def running(kernel_factory):
    """Start a kernel with some plugins and a configuration, and give one of its objects."""

    async def run(provider, *plugins, **sections):
        kernel = await kernel_factory({"plugins": sections} if sections else None, plugins=plugins)
        kind, _, name = provider.partition("/")
        return kernel.provided(kind)[name]

    return run


# -- ciphers ----------------------------------------------------------------------------------------------------------


class TestAesGcm(CipherBackendSuite):
    """AES-256-GCM."""

    provider = "cipher/aes_256_gcm"

    @pytest.fixture
    async def cipher(self, running):
        """As the kernel has it."""
        return await running(self.provider, "aes_gcm")


class TestAesGcmSiv(CipherBackendSuite):
    """AES-256-GCM-SIV."""

    provider = "cipher/aes_256_gcm_siv"

    @pytest.fixture
    async def cipher(self, running):
        """As the kernel has it."""
        return await running(self.provider, "aes_gcm_siv")


class TestXaesGcm(CipherBackendSuite):
    """XAES-256-GCM."""

    provider = "cipher/xaes_256_gcm"

    @pytest.fixture
    async def cipher(self, running):
        """As the kernel has it."""
        return await running(self.provider, "xaes_gcm")


class TestXChaCha(CipherBackendSuite):
    """XChaCha20-Poly1305."""

    provider = "cipher/xchacha20_poly1305"

    @pytest.fixture
    async def cipher(self, running):
        """As the kernel has it."""
        return await running(self.provider, "xchacha")


class TestArgon2id(PasswordHasherSuite):
    """Argon2id."""

    provider = "password_hasher/argon2id"

    @pytest.fixture
    async def hasher(self, running):
        """As the kernel has it, with parameters that a test can afford."""
        return await running(
            self.provider, "argon2id", "security_level", argon2id={"memory": 32, "passes": 1, "lanes": 1}
        )

    @pytest.fixture
    def excessive(self):
        """64 GiB; a million passes; a thousand lanes."""
        tail = f"{'A' * 22}${'A' * 43}"
        asked = ("m=67108864,t=1,p=1", "m=32,t=1000000,p=1", "m=65536,t=1,p=1000")
        return [f"$argon2id$v=19${cost}${tail}" for cost in asked]


class TestPbkdf2Sha256(PasswordHasherSuite):
    """PBKDF2-HMAC-SHA256."""

    provider = "password_hasher/pbkdf2_sha256"

    @pytest.fixture
    async def hasher(self, running):
        """As the kernel has it, with parameters that a test can afford."""
        return await running(self.provider, "pbkdf2_sha256", "security_level", pbkdf2_sha256={"rounds": 1000})

    @pytest.fixture
    def excessive(self):
        """A thousand million rounds."""
        return [f"$pbkdf2-sha256$i=1000000000,l=32${'A' * 22}${'A' * 43}"]


# -- proof systems ----------------------------------------------------------------------------------------------------


class TestSigmaP256(ProofSystemSuite):
    """Linear relations."""

    provider = "proof_system/sigma_p256"

    @pytest.fixture
    async def system(self, running):
        """As the kernel has it."""
        return await running(self.provider, "zero_knowledge")

    @pytest.fixture
    def case(self):
        """The same scalar behind two points."""
        points = [multiply(number, GENERATOR) for number in (5, 6, 30, 42)]
        true, other = dleq(*points[:3]), dleq(points[0], points[1], points[3])
        return ProofCase(RelationStatement(true), Secret((5,)), RelationStatement(other), Secret((6,)))


class TestRangeP256(ProofSystemSuite):
    """Ranges."""

    provider = "proof_system/range_p256"

    @pytest.fixture
    async def system(self, running):
        """As the kernel has it."""
        return await running(self.provider, "zero_knowledge")

    @pytest.fixture
    def case(self):
        """A value that the second range leaves out."""
        commitment = commit(10, 7)
        statements = RangeStatement(commitment, 3, 10), RangeStatement(commitment, 3, 9)
        return ProofCase(statements[0], Secret((10, 7)), statements[1], Secret((9, 7)))


class TestMembershipP256(ProofSystemSuite):
    """Membership in a set."""

    provider = "proof_system/membership_p256"

    @pytest.fixture
    async def system(self, running):
        """As the kernel has it."""
        return await running(self.provider, "zero_knowledge")

    @pytest.fixture
    def case(self):
        """A value that the second set leaves out."""
        commitment = commit(443, 7)
        statements = MembershipStatement(commitment, (80, 443, 8080)), MembershipStatement(commitment, (80, 8080))
        return ProofCase(statements[0], Secret((443, 7)), statements[1], Secret((80, 7)))


# -- master keys ------------------------------------------------------------------------------------------------------

MASTER = base64.b64decode("bWFzdGVyLWtleS1vZi10aGUtc3VpdGUtMzItYnl0ZXM=")
MASTER_TEXT = base64.b64encode(MASTER).decode()


class _MasterKeySuite(KeySourceSuite):
    """Each built-in place."""

    name = "suite"
    secret = MASTER
    environ: ClassVar = {}

    def place(self, directory):
        """Put the key where the source looks."""

    @pytest.fixture
    async def case(self, kernel_factory, tmp_path):
        """As the kernel has it."""
        environ = {key: value.format(directory=tmp_path) for key, value in self.environ.items()}
        launch = _launch(environ=environ, secrets=[tmp_path])
        kernel = kernel_factory.make(plugins=["master_keys"], launch=launch)
        await kernel_factory.start(kernel)
        self.place(tmp_path)
        source = kernel.provided("key_source")[self.provider.partition("/")[2]]
        return KeySourceCase(source=source, name=self.name.format(directory=tmp_path), secret=self.secret)


class TestMasterKeyFile(_MasterKeySuite):
    """A file."""

    provider = "key_source/file"
    name = "{directory}/master.key"

    def place(self, directory):
        """As the how-to makes it."""
        (directory / "master.key").write_text(f"{MASTER_TEXT}\n")
        (directory / "master.key").chmod(0o600)


class TestMasterKeyVariable(_MasterKeySuite):
    """A variable."""

    provider = "key_source/environment"
    name = "MASTER_KEY"
    environ: ClassVar = {"MASTER_KEY": MASTER_TEXT}


class TestMasterKeyCredential(_MasterKeySuite):
    """A credential of systemd."""

    provider = "key_source/credential"
    environ: ClassVar = {"CREDENTIALS_DIRECTORY": "{directory}"}

    def place(self, directory):
        """As systemd does, for a user who is not root."""
        (directory / "suite").write_text(MASTER_TEXT)
        (directory / "suite").chmod(0o440)


class TestMasterKeySecret(_MasterKeySuite):
    """A mounted secret."""

    provider = "key_source/secret"

    def place(self, directory):
        """As Kubernetes does."""
        (directory / "..1").mkdir()
        (directory / "..data").symlink_to("..1")
        (directory / "..1" / "suite").write_text(MASTER_TEXT)
        (directory / "suite").symlink_to("..data/suite")


class TestPassphrase(_MasterKeySuite):
    """A passphrase in a mounted secret."""

    provider = "key_source/passphrase"
    name = "secret:suite"
    secret = "correct horse battery"

    def place(self, directory):
        """As an editor writes it."""
        (directory / "suite").write_text(f"{self.secret}\n")


# -- configuration ----------------------------------------------------------------------------------------------------


class TestToml(ConfigFormatSuite):
    """TOML."""

    provider = "config_format/toml"
    malformed = (
        "\0",
        "a = ",
        "a.b = 1\na.b.c = 2\n",
        "[a]\n[a]\n",
        "a = 'x",
        "a = 01",
        "= 1",
        "a = {b = 1",
        "a = 1 b = 2",
    )

    @pytest.fixture
    async def config_format(self, running):
        """As the kernel has it."""
        return await running(self.provider, "toml")


class TestJson(ConfigFormatSuite):
    """JSON."""

    provider = "config_format/json"
    malformed = (
        "\0",
        "[1, 2]",
        "1",
        "null",
        '"text"',
        '{"a": 1,}',
        '{"a": NaN}',
        "{'a': 1}",
        '{"a": 1} {}',
        '{"a" 1}',
    )

    @pytest.fixture
    async def config_format(self, running):
        """As the kernel has it."""
        return await running(self.provider, "json")


class TestYaml(ConfigFormatSuite):
    """YAML."""

    provider = "config_format/yaml"
    malformed = (
        "\0",
        "- 1\n- 2\n",
        "text",
        "12",
        "a: [1",
        "a: b: c",
        "a: *nobody",
        "a: !!python/object:os.system {}",
        "\ta: 1",
    )

    @pytest.fixture
    async def config_format(self, running):
        """As the kernel has it."""
        return await running(self.provider, "yaml")


class TestFiles(ConfigSourceSuite):
    """Configuration files."""

    provider = "config_source/files"

    @pytest.fixture
    def directory(self, tmp_path):
        """A base file, two drop-ins and a profile."""
        (tmp_path / "conf.d").mkdir()
        (tmp_path / "base.toml").write_text('[database]\nurl = "x"\nhosts = [{ name = "a" }, { name = "b" }]\n')
        (tmp_path / "conf.d" / "10-a.toml").write_text("[database]\npool = 3\n")
        (tmp_path / "conf.d" / "20-b.toml").write_text("[database.limits]\nrate = 0.5\n")
        (tmp_path / "base.dev.toml").write_text("debug = true\n")
        return tmp_path

    @pytest.fixture
    async def context(self, kernel_factory, directory):
        """Started with the base file and the profile."""
        kernel = await kernel_factory(plugins=["toml"])
        toml = kernel.provided("config_format")["toml"]
        return _context(launch=_launch(files=[directory / "base.toml"], profile="dev"), formats={".toml": toml})

    @pytest.fixture
    async def source(self, running):
        """As the kernel has it."""
        return await running(self.provider, "files")

    @pytest.fixture
    def broken(self, directory, source):
        """One file is cut short."""
        (directory / "conf.d" / "20-b.toml").write_text("[database.lim")
        return source


class TestHttp(ConfigSourceSuite):
    """A document on a server."""

    provider = "config_source/http"

    @pytest.fixture
    def server(self):
        """It answers with what its ``content`` holds."""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(self.server.content)))
                self.end_headers()
                self.wfile.write(self.server.content)

            def log_message(self, *arguments):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.handle_error = lambda *arguments: None  # a load that is cancelled hangs up
            server.content = b'[database]\nurl = "x"\nhosts = [{ name = "a" }]\n'
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield server
            server.shutdown()
            thread.join()

    @pytest.fixture
    async def context(self, kernel_factory):
        """With the format of the document."""
        kernel = await kernel_factory(plugins=["toml"])
        return _context(launch=_launch(), formats={".toml": kernel.provided("config_format")["toml"]})

    @pytest.fixture
    async def source(self, kernel_factory, server):
        """As a kernel has it that polls once in an hour."""
        settings = {"url": f"http://127.0.0.1:{server.server_address[1]}/database.toml", "interval": 3600}
        kernel = kernel_factory.make({"plugins": {"http": settings}}, plugins=["http", "toml"])
        kernel.config.bind("database", _Database)
        await kernel_factory.start(kernel)
        return kernel.provided("config_source")["http"]

    @pytest.fixture
    def broken(self, source, server):
        """The document is cut short."""
        server.content = b"[database"
        return source


@attrs.frozen
class _Database:
    url: str
    hosts: tuple[dict[str, str], ...]


class TestEnvironment(ConfigSourceSuite):
    """Environment variables."""

    provider = "config_source/environment"

    @pytest.fixture
    def variables(self):
        """What is set."""
        return {"SUITE_DATABASE__URL": "x", "SUITE_DATABASE__POOL": "3", "SUITE_DEBUG": "yes", "OTHER": "1"}

    @pytest.fixture
    def context(self, variables):
        """Started with the variables."""
        return _context(launch=_launch(environ=variables))

    @pytest.fixture
    async def source(self, running):
        """As the kernel has it."""
        return await running(self.provider, "environment")

    @pytest.fixture
    def broken(self, source, variables):
        """Two variables that cannot both be."""
        variables["SUITE_DATABASE"] = "y"
        return source


class TestDotenv(ConfigSourceSuite):
    """``.env`` files."""

    provider = "config_source/dotenv"

    @pytest.fixture
    def directory(self, tmp_path):
        """One for all profiles and one for a profile."""
        (tmp_path / ".env").write_text("SUITE_DATABASE__URL=x\nSUITE_DATABASE__POOL='3'\nOTHER=1\n")
        (tmp_path / ".env.dev").write_text('export SUITE_DEBUG="yes"  # for now\n')
        return tmp_path

    @pytest.fixture
    def context(self, directory):
        """Started with a base file beside which they stand."""
        return _context(launch=_launch(files=[directory / "base.toml"], profile="dev"))

    @pytest.fixture
    async def source(self, running):
        """As the kernel has it."""
        return await running(self.provider, "dotenv")

    @pytest.fixture
    def broken(self, directory, source):
        """A quote is left open."""
        (directory / ".env").write_text("SUITE_DATABASE__URL='x\n")
        return source


class TestSecretsDirectory(ConfigSourceSuite):
    """Directories of secrets."""

    provider = "config_source/secrets_directory"

    @pytest.fixture
    def directory(self, tmp_path):
        """As Kubernetes mounts it, and a file of somebody else."""
        (tmp_path / "..1").mkdir()
        (tmp_path / "..data").symlink_to("..1")
        for name in ("suite_database__url", "suite_database__password"):
            (tmp_path / "..1" / name).write_text("x\n")
            (tmp_path / name).symlink_to(f"..data/{name}")
        (tmp_path / "others").write_bytes(b"\xff")
        return tmp_path

    @pytest.fixture
    def context(self, directory):
        """Started with the directory."""
        return _context(launch=_launch(secrets=[directory]))

    @pytest.fixture
    async def source(self, running):
        """As the kernel has it."""
        return await running(self.provider, "secrets_directory")

    @pytest.fixture
    def broken(self, directory, source):
        """Binary content."""
        (directory / "..1" / "suite_database__url").write_bytes(b"\0\1")
        return source


class TestCommandLine(ConfigSourceSuite):
    """``--set``, ``--set-string`` and ``--set-file``."""

    provider = "config_source/command_line"
    assignments = ("database.url=x", "database.pool=3", 'database.hosts=["a"]', "debug=null")

    @pytest.fixture
    def context(self, tmp_path):
        """Started with assignments."""
        (tmp_path / "value").write_text("x\n")
        return _context(
            launch=_launch(
                assignments=self.assignments,
                strings=["database.name=5", "database.labels.a=b"],
                value_files=[f"database.key={tmp_path / 'value'}"],
            )
        )

    @pytest.fixture
    async def source(self, running):
        """As the kernel has it."""
        return await running(self.provider, "command_line")


class TestBrokenCommandLine(TestCommandLine):
    """``--set`` with one that is no assignment."""

    assignments = ("database.pool=3", "nonsense")

    @pytest.fixture
    def broken(self, source):
        """Broken by what it is started with."""
        return source

    test_it_gives_layers_with_values = None


class TestMemoryConfig(ConfigSourceSuite):
    """The testing kit's own source."""

    @pytest.fixture
    def source(self):
        """With nested values."""
        return memory_config({"database": {"url": "x", "hosts": [{"name": "a"}]}})


def _launch(**options):
    return Launch(**{"environ": {}, **options})


def _context(launch, formats=None):
    from trivet.testing.suites.config_source import FreeSchema

    return LoadContext(kernel="suite", launch=launch, schema=FreeSchema(), formats=formats or {})


class TestSealed(ResolverSuite):
    """Sealed values."""

    provider = "resolver/sealed"

    @pytest.fixture
    async def case(self, kernel_factory, tmp_path):
        """A value that the kernel's own key has sealed."""
        settings = {"plugins": {"key_file": {"path": str(tmp_path / "suite.keys")}}}
        kernel = await kernel_factory(settings, name="suite", plugins=["aes_gcm", "key_file", "sealed"])
        kernel.provided("service")["key_file"].create(suite=2)
        path = ("database", "password")
        envelope = await kernel.ciphers.seal_config("hunter2-of-the-suite", path=path)
        return ResolverCase(
            resolver=kernel.provided("resolver")["sealed"],
            argument=envelope.removeprefix("trivet:"),
            value="hunter2-of-the-suite",
            secret=True,
            path=path,
        )


class TestEnvironmentReferences(ResolverSuite):
    """``${env:...}``."""

    provider = "resolver/env"

    @pytest.fixture
    async def case(self, kernel_factory):
        """A variable."""
        kernel = kernel_factory.make(
            plugins=["resolve_env"], launch=_launch(environ={"SUITE_HOST": "host-of-the-suite"})
        )
        await kernel_factory.start(kernel)
        return ResolverCase(
            resolver=kernel.provided("resolver")["env"], argument="SUITE_HOST", value="host-of-the-suite"
        )


class TestFileReferences(ResolverSuite):
    """``${file:...}``."""

    provider = "resolver/file"

    @pytest.fixture
    async def case(self, running, tmp_path):
        """A file that not everybody may read."""
        path = tmp_path / "key.pem"
        path.write_text("content-of-the-suite\n")
        path.chmod(0o600)
        resolver = await running(self.provider, "resolve_file")
        return ResolverCase(resolver=resolver, argument=str(path), value="content-of-the-suite", secret=True)


# -- observability ----------------------------------------------------------------------------------------------------


class TestDisk(HealthCheckSuite):
    """Free space on a disk."""

    provider = "health_check/disk"

    # Not from a running kernel, whose own run of the check would be in the way: it answers one at a time.

    @pytest.fixture
    def check(self):
        """With limits that no disk of a developer is under."""
        return disk_check(DiskConfig(warn_share=0.0, fail_share=0.0, fail_bytes=0))

    @pytest.fixture
    def failing(self):
        """With limits that every disk is under."""
        return disk_check(DiskConfig(warn_share=1.0, fail_share=0.0, fail_bytes=0))


class TestMemory(HealthCheckSuite):
    """Available memory."""

    provider = "health_check/memory"

    @pytest.fixture
    async def check(self, running):
        """With limits that no machine is under."""
        return await running(self.provider, "memory", memory={"warn_share": 0.0, "fail_share": 0.0})

    @pytest.fixture
    async def failing(self, running):
        """With limits that every machine is under."""
        return await running(self.provider, "memory", memory={"warn_share": 1.1, "fail_share": 0.0})


class TestEventLoop(HealthCheckSuite):
    """Lag of the event loop."""

    provider = "health_check/event_loop"

    @pytest.fixture
    async def check(self, running):
        """With limits that a loaded machine keeps."""
        return await running(self.provider, "event_loop", event_loop={"warn": 60.0, "fail": 60.0})

    @pytest.fixture
    async def failing(self, running):
        """With limits that nothing keeps."""
        return await running(self.provider, "event_loop", event_loop={"warn": -1.0, "fail": 60.0})


class TestConfigurationCheck(HealthCheckSuite):
    """Whether the last reload was accepted."""

    provider = "health_check/configuration"

    @pytest.fixture
    async def check(self, running):
        """In a kernel whose configuration is well."""
        return await running(self.provider, "kernel")

    @pytest.fixture
    async def failing(self, kernel_factory):
        """After a reload that was rejected."""
        memory = memory_config({})
        kernel = await kernel_factory(plugins=["kernel", memory])
        memory.data = {"nobody": {"binds": "this"}}
        await kernel.config.reload(reason="test")
        return kernel.provided("health_check")["configuration"]


class TestProvidersCheck(HealthCheckSuite):
    """Whether all providers run."""

    provider = "health_check/providers"

    @pytest.fixture
    async def check(self, running):
        """In a kernel that is whole."""
        return await running(self.provider, "kernel")

    @pytest.fixture
    async def failing(self, running):
        """Beside a provider that does not start."""
        return await running(self.provider, "kernel", _Lame())


class _Lame:
    @hookimpl
    def register_services(self, composition):
        def fail():
            raise OSError("no such device")

        return [Provider(name="lame", factory=fail, critical=False)]


class TestPrometheus(MetricExporterSuite):
    """The Prometheus text format."""

    provider = "metric_exporter/prometheus"

    @pytest.fixture
    async def exporter(self, running):
        """As the kernel has it."""
        return await running(self.provider, "prometheus")


class TestProtobuf(MetricExporterSuite):
    """Prometheus's protocol buffers. Lengths part their texts, so a line break in a help text is no more than that."""

    test_a_help_text_cannot_forge_a_series = None
    provider = "metric_exporter/protobuf"

    @pytest.fixture
    async def exporter(self, running):
        """As the kernel has it."""
        return await running(self.provider, "protobuf")


class TestOpenMetrics(MetricExporterSuite):
    """OpenMetrics."""

    provider = "metric_exporter/openmetrics"

    @pytest.fixture
    async def exporter(self, running):
        """As the kernel has it."""
        return await running(self.provider, "openmetrics")


class TestAlertsPages(AdminPagesSuite):
    """The pages of alerts, where no rules are evaluated."""

    provider = "admin_pages/alerts"

    @pytest.fixture
    async def admin_pages(self, running):
        """As the kernel has it."""
        return await running(self.provider, "alerts")


class TestQueryPages(AdminPagesSuite):
    """The pages of queries, over a history."""

    provider = "admin_pages/query"

    @pytest.fixture
    async def admin_pages(self, running):
        """As the kernel has it."""
        return await running(self.provider, "query", "history")


# -- nobody without a suite -------------------------------------------------------------------------------------------


def test_every_builtin_provider_of_these_kinds_runs_its_suite():
    """A new built-in comes with a class above."""
    own = [suite for suite in globals().values() if isinstance(suite, type) and suite.__module__ == __name__]
    proved = {suite.provider for suite in own if issubclass(suite, tuple(SUITES.values())) and suite.provider}
    composition = Kernel(strict=True, launch=Launch(environ={})).compose()
    there = {id_ for id_, declared in composition.providers.items() if declared.kind in SUITES}
    assert there - proved == set(), "without a suite"
    assert proved - there == set(), "not there any more"


def test_every_suite_proves_its_own_kind():
    """A class that names a provider is of the suite of that provider's kind."""
    for suite in (value for value in globals().values() if isinstance(value, type) and value.__module__ == __name__):
        if getattr(suite, "provider", None):
            assert issubclass(suite, SUITES[suite.provider.partition("/")[0]]), suite.provider


# -- tracers ----------------------------------------------------------------------------------------------------------


class TestMemoryTracer(TracerSuite):
    """Spans in memory."""

    provider = "tracer/tracer"

    @pytest.fixture
    async def tracer(self, running):
        """As the kernel has it."""
        return await running(self.provider, "tracer")


# -- all of them together -----------------------------------------------------------------------------------------------


async def test_all_built_ins_run_without_a_setting(tmp_path, monkeypatch):
    """What nobody has set up does nothing, quietly: no plugin is broken, no provider has failed, no check warns."""
    monkeypatch.chdir(tmp_path)
    kernel = Kernel("orders", plugins=[memory_config({"plugins": {"web": {"port": 0}}})], launch=Launch(environ={}))
    async with kernel:
        wrong = {row.id: (row.state, row.error) for row in kernel.plugins() if row.state != "running"}
        report = await kernel.health.refresh()
        unwell = {
            one.name: one.output for one in report.results if one.name in ("configuration", "providers") and one.output
        }
    assert (wrong, unwell) == ({}, {})
