"""One promise per hook: what an implementation gives arrives where the hook says, in a kernel that runs."""

from __future__ import annotations

import attrs
import httpx
from click.testing import CliRunner

import trivet_plugins.web as web_plugin
from trivet import (
    AdminAnswer,
    AdminPage,
    CheckPlan,
    Document,
    Kernel,
    Launch,
    Layer,
    Origin,
    Provider,
    Resolved,
    Status,
    TraceContext,
    Verdict,
    hookimpl,
    hookspecs,
)
from trivet.events import KernelStarted
from trivet_plugins.cli.program import program
from trivet_plugins.web import AdminApp


@attrs.frozen
class Greeting:
    text: str = "hello"


def plugin(hook, function):
    """A plugin object that implements one hook."""
    function.__name__ = hook
    return type("OneHook", (), {hook: staticmethod(hookimpl(function)), "trivet_name": f"test_{hook}"})()


def offering(hook, factory, **options):
    return plugin(hook, lambda composition: [Provider(name="mine", factory=factory, **options)])


def kernel_with(*plugins, **launch):
    kernel = Kernel("hooks", plugins=plugins, discover="none", strict=True, launch=Launch(environ={}, **launch))
    return kernel, kernel.config.bind("greeting", Greeting)


class Source:
    def __init__(self, text="from a source"):
        self.text = text

    async def load(self, context):
        data = {"greeting": {"text": self.text}}
        return [Layer(name="mine", priority=1, data=data, locate=lambda path: Origin("mine", "my source"))]


async def test_register_config_sources_brings_values_and_their_origin():
    kernel, greeting = kernel_with(offering("register_config_sources", Source))
    async with kernel:
        assert greeting.current.text == "from a source"
        assert str(kernel.config.explain("greeting.text").origin) == "my source"


async def test_register_config_formats_brings_a_suffix(tmp_path):
    class Shout:
        suffixes = (".shout",)

        def parse(self, text):
            return Document({"greeting": {"text": text.strip().upper()}}, dict)

        def dump(self, tree):
            raise NotImplementedError

        def scalar(self, text, *, like):
            raise NotImplementedError

    file = tmp_path / "hooks.shout"
    file.write_text("moin\n")
    kernel, greeting = kernel_with(offering("register_config_formats", Shout), "files", files=[file])
    async with kernel:
        assert greeting.current.text == "MOIN"


async def test_register_resolvers_brings_a_scheme():
    class Reverse:
        scheme = "reverse"
        bare = True

        async def resolve(self, argument, context):
            return Resolved(argument[::-1])

    source = offering("register_config_sources", lambda: Source("reverse:niom"))
    kernel, greeting = kernel_with(source, offering("register_resolvers", Reverse))
    async with kernel:
        assert greeting.current.text == "moin"


async def test_register_cipher_backends_brings_a_suite():
    class Chacha:
        suite, key_bytes, nonce_bytes, tag_bytes, committing = 0xE001, 32, 12, 16, False
        max_messages, max_bytes = 2**32, 2**30

        def __init__(self):
            from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

            self.cipher = ChaCha20Poly1305

        def seal(self, key, nonce, aad, data):
            return self.cipher(key).encrypt(nonce, data, aad)

        def open(self, key, nonce, aad, data):
            return self.cipher(key).decrypt(nonce, data, aad)

    kernel, _ = kernel_with(offering("register_cipher_backends", Chacha))
    async with kernel:
        assert kernel.ciphers.suites() == {0xE001: "mine"}


async def test_register_password_hashers_brings_a_scheme():
    class Argon2id:
        scheme = "argon2id"

        async def hash(self, password):
            import argon2

            return argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(password)

        async def verify(self, password, hashed):
            import argon2

            return argon2.PasswordHasher().verify(hashed, password)

        def needs_rehash(self, hashed):
            return False

    kernel, _ = kernel_with(offering("register_password_hashers", Argon2id))
    async with kernel:
        hasher = kernel.provided("password_hasher")["mine"]
        assert await hasher.verify("moin", await hasher.hash("moin"))


async def test_register_key_sources_brings_a_master_key():
    class Fixed:
        async def load(self, name):
            return name.encode() * 8

    kernel, _ = kernel_with(offering("register_key_sources", Fixed))
    async with kernel:
        assert await kernel.provided("key_source")["mine"].load("main") == b"main" * 8


async def test_register_health_checks_brings_a_check():
    class Failing:
        plan = CheckPlan(groups={"ready"})

        async def check(self):
            return Verdict(Status.FAIL, "as always")

    kernel, _ = kernel_with(offering("register_health_checks", Failing))
    async with kernel:
        report = await kernel.health.refresh("ready")
        assert report.status is Status.FAIL
        assert kernel.health.results["mine"].verdict.output == "as always"


async def test_register_metric_exporters_brings_a_format():
    class Names:
        media_type = "text/x-names"

        def encode(self, families):
            yield from (f"{family.name}\n".encode() for family in families)

    kernel, _ = kernel_with(offering("register_metric_exporters", Names))
    kernel.metrics.counter("moin_total", "Greetings.")
    async with kernel:
        exposition = b"".join(kernel.metrics.exporters["mine"].encode(kernel.metrics.families()))
    assert b"moin_total\n" in exposition


async def test_register_tracers_makes_the_spans():
    class Mine:
        def start(self, name, kind, attributes, parent):
            return MineSpan(TraceContext(7, 8))

    class MineSpan:
        def __init__(self, context):
            self.context = context

        def rename(self, name):
            pass

        def set(self, name, value):
            pass

        def event(self, name, attributes=None):
            pass

        def end(self, error):
            pass

    kernel, _ = kernel_with(offering("register_tracers", Mine))
    with kernel.tracing.span("before the start") as span:
        assert span.context is None
    async with kernel:
        with kernel.tracing.span("work") as span:
            assert span.context == TraceContext(7, 8)
            assert kernel.tracing.current() == span.context
    assert kernel.tracing.tracer is None


async def test_register_admin_pages_shows_pages():
    async def answer(request):
        return AdminAnswer(f"moin, {request.params['name']}")

    class Pages:
        def pages(self):
            return [AdminPage("/moin/{name}", answer=answer)]

    kernel, _ = kernel_with(web_plugin, offering("register_admin_pages", Pages))
    async with (
        kernel,
        httpx.AsyncClient(transport=httpx.ASGITransport(AdminApp(kernel)), base_url="http://localhost") as client,
    ):
        assert (await client.get("/moin/friend")).text == "moin, friend"


async def test_register_services_brings_a_service_by_its_type():
    kernel, _ = kernel_with(offering("register_services", Greeting, provides=Greeting))
    async with kernel:
        assert kernel.service(Greeting) == Greeting()


def test_register_commands_adds_to_the_command_line(tmp_path, monkeypatch):
    """A plugin that ``./trivet.toml`` enables brings its commands; here an installed one."""
    (tmp_path / "trivet.toml").write_text('[plugins]\nenable = ["greeter"]\n')
    (tmp_path / "greeter_plugin.py").write_text(
        "from trivet import hookimpl\n\n\n@hookimpl\ndef register_commands(cli):\n"
        "    import click\n\n    @cli.command()\n    def greet():\n        click.echo('moin')\n"
    )
    metadata = tmp_path / "greeter-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: greeter\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[trivet]\ngreeter = greeter_plugin\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    result = CliRunner().invoke(program, ["greet"])
    assert (result.output, result.exit_code) == ("moin\n", 0)


async def test_on_event_sees_the_start():
    seen = []

    def observe(event):
        seen.append(type(event))

    kernel, _ = kernel_with(plugin("on_event", observe))
    async with kernel:
        pass
    assert KernelStarted in seen


def test_every_hook_of_the_contract_is_tested_here():
    hooks = {name for name, function in vars(hookspecs).items() if hasattr(function, "trivet_spec")}
    tested = {name for name in hooks if any(test.startswith(f"test_{name}_") for test in globals())}
    assert hooks - tested == set()
