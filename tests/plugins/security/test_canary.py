"""No secret leaks from a real service: planted ones are searched for in everything that it and its commands say and leave.

Planted: sealed values, an environment variable, a mounted secret, a master key, data keys, passwords right and wrong, the token
of the pages, an override, a session. Searched: the log at level debug with tracebacks, reprs, events, health, metrics, every
page, the commands' output with ``--debug``, the last known good configuration, the audit log, and every other file there is.
"""

from __future__ import annotations

import base64
import json
import secrets
import urllib.parse

import anyio
import pytest

from trivet import Kernel, KeyRing, Launch
from trivet_plugins.security.audit.seed import Seed

APP = '''
import json, logging, pathlib, traceback
import anyio, attrs
from trivet import Kernel, Passwords, Secret, acting_as

canaries = json.loads(pathlib.Path("canaries.json").read_text())
log = logging.getLogger("orders")
kernel = Kernel("orders")


@attrs.frozen
class Database:
    password: Secret[str]
    pool_size: int = 4


@attrs.frozen
class Mail:
    token: Secret[str]
    mounted: Secret[str]


database = kernel.config.bind("database", Database)
mail = kernel.config.bind("mail", Mail)
kernel.observe(lambda event: print("EVENT", event))


def fail(password):
    """Raise with a secret in a local variable, as real code does."""
    revealed = password.reveal()
    raise RuntimeError(f"the database refused {len(revealed)} characters")


async def ways_to_fail(ciphers, passwords, sealed):
    async def attempt(name, awaitable):
        try:
            await awaitable
        except Exception as exc:
            log.exception("attempt %s failed", name, extra={"error": exc, "password": canaries["log_field"]})
            print(repr(exc), str(exc), exc.args, getattr(exc, "__notes__", ()))

    await attempt("elsewhere", ciphers.open(sealed, purpose="other"))
    await attempt("damaged", ciphers.open(sealed[:-4] + "AAAA", purpose="session"))
    await attempt("no envelope", ciphers.open(canaries["no_envelope"], purpose="session"))
    await attempt("too long", ciphers.seal(canaries["session"].encode() * 10_000, purpose="session"))
    await attempt("short password", passwords.hash(canaries["short"][:3]))
    await attempt("no hash", passwords.verify(canaries["password"], canaries["no_hash"]))
    await attempt("forged", ciphers.verify(b"data", "forged", purpose="cookie"))


def show_everything():
    for thing in (database, mail, database.current, mail.current, kernel, kernel.ciphers, kernel.config):
        print(repr(thing), str(thing), f"{thing}", f"{thing!r}")
    print(attrs.asdict(database.current), vars(kernel.ciphers))
    for kind in {row.kind for row in kernel.plugins()}:
        for name, instance in kernel.provided(kind).items():
            print(kind, name, repr(instance), str(instance), getattr(instance, "__dict__", ""))
    for format_ in ("toml", "json", "yaml"):
        print(kernel.config.export(format_))
    print([kernel.config.explain(path) for path in ("database.password", "mail.token", "mail.mounted")])


@kernel.task("work")
async def work():
    passwords, ciphers = kernel.service(Passwords), kernel.ciphers
    with acting_as("user:alice"):
        hashed = await passwords.hash(canaries["password"], account="alice")
        await passwords.verify(canaries["wrong"], hashed, account="alice")
        await passwords.verify(canaries["password"], hashed, account="alice")
    sealed = await ciphers.seal(canaries["session"].encode(), purpose="session")
    await ciphers.open(sealed, purpose="session")
    await ways_to_fail(ciphers, passwords, sealed)
    ciphers.derive(purpose="cache", length=32)
    await ciphers.verify(b"data", ciphers.sign(b"data", purpose="cookie"), purpose="cookie")
    try:
        fail(database.current.password)
    except RuntimeError:
        log.exception("as every service does", stack_info=True)
        traceback.print_exc()
    show_everything()
    print("DONE", flush=True)
'''

CONFIG = """
[database]
password = "{password}"

[plugins.key_file]
master = "file:master.key"

[plugins.audit]
path = "audit"

[plugins.audit_structlog]
enabled = true

[plugins.audit_file]
checkpoints = "witness"
records = "copy"

[plugins.web]
token = "{token}"

[plugins.logging]
level = "debug"
"""

PAGES = (
    *("/", "/livez", "/readyz", "/startupz", "/health", "/health?format=json", "/metrics", "/plugins"),
    *(
        "/config",
        "/config/values",
        "/config/export",
        "/config/export?format=json",
        "/config/schema",
        "/config/problems",
    ),
    *("/config/history", "/config/diff?from=1&to=2"),
    *("/config/explain?path=database.password", "/config/explain?path=mail.token"),
)
COMMANDS = (
    "check",
    "config show",
    "config get database.password",
    "config explain database.password",
    "config export --format json",
    "plugins --json",
    "secrets check orders.toml",
)


def forms(secret):
    """How a secret's bytes may look: as they are, and in the common encodings, in the midst of something too."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode(), urllib.parse.quote(secret).encode()}
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + secret + bytes(-(shift + len(secret)) % 3))
        inner = whole[4 if shift else 0 : -4]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return {form for form in found if len(form) >= 8}


def leaks(text, planted):
    """The names of the secrets that are in a text."""
    return sorted(name for name, secret in planted.items() if any(form in text for form in forms(secret)))


@pytest.fixture
def planted():
    """Secrets that cannot stand anywhere by chance, by name."""
    names = (
        *("password", "wrong", "short", "session", "no_envelope", "no_hash", "log_field"),
        *("database", "token", "variable", "mounted", "override"),
    )
    return {name: f"canary-{secrets.token_hex(12)}" for name in names}


@pytest.fixture
def service(tmp_path, planted, run_trivet):
    """A service whose secrets are sealed, mounted and given; the master key counts as one, and so do the data keys."""
    where = tmp_path / "orders"
    where.mkdir()
    master = secrets.token_bytes(32)
    (where / "app.py").write_text(APP)
    (where / "canaries.json").write_text(json.dumps(planted))
    (where / "master.key").write_bytes(base64.b64encode(master) + b"\n")
    (where / "master.key").chmod(0o600)
    (where / "mounted").mkdir(mode=0o700)
    (where / "mounted" / "mail__mounted").write_text(planted["mounted"])
    (where / "orders.toml").write_text(CONFIG.format(password="x", token="x"))
    plain = ["--app", "app.py", "--config", "orders.toml", "--secrets-dir", "mounted"]

    def trivet(*words, stdin=None):
        done = run_trivet(*words, cwd=where, stdin=stdin, ORDERS_MAIL__TOKEN=planted["variable"])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    trivet("audit", "init", "audit", "--name", "orders", "--seed-file", str(tmp_path / "seed"))
    trivet("secrets", "init", *plain)
    for path, name in (("database.password", "database"), ("plugins.web.token", "token")):
        trivet("secrets", "seal", path, "--file", "orders.toml", *plain, stdin=planted[name])
    known = {name: secret.encode() for name, secret in planted.items()}
    known |= {"master": master, "seed": Seed.read(tmp_path / "seed").key, **anyio.run(data_keys, where)}
    return where, known


async def data_keys(where):
    """The keys of the ring, which exist in the service's memory only."""
    strings = [f"plugins.key_file.path={where}/orders.keys", f"plugins.key_file.master=file:{where}/master.key"]
    launch = Launch(files=[where / "orders.toml"], environ={}, assignments=["plugins.audit.path=null"], strings=strings)
    kernel = Kernel("orders", launch=launch)
    async with kernel.secured():
        ring = kernel.service(KeyRing)
        return {f"data key {key_id:016x}": ring.find(key_id).material for key_id in ring.key_ids()}


def exercise(service, where, planted, heard):
    """Ask every page with the token, without and with a wrong one; override, reload, break and mend the configuration."""
    bearer = {"authorization": f"Bearer {planted['token']}"}

    def hear(answer):
        heard.append(f"{answer.status_code} {answer.headers} {answer.text}".encode())
        return answer

    for page in PAGES:
        for headers in (bearer, {}, {"authorization": f"Bearer {planted['wrong']}"}):
            hear(service.client.get(page, headers=headers))
    orders = [
        ("/config/override", {"values": {"database.password": planted["override"]}, "actor": "alice"}),
        ("/config/override", {"values": {"database.password": [planted["override"]]}, "actor": "alice"}),
        ("/config/override", {"values": {"database.nobody": planted["override"]}, "actor": "alice"}),
        ("/config/reload", {"actor": "bob"}),
    ]
    for path, body in orders:
        hear(service.client.post(path, json=body, headers=bearer))
    config = where / "orders.toml"
    good = config.read_text()
    line = next(line for line in good.splitlines() if line.startswith("password"))
    for bad in (
        line[:-6] + 'AAAA"',
        'password = ["' + planted["database"] + '"]',
        f"password = {{{{ {planted['database']}",
    ):
        config.write_text(good.replace(line, bad))
        hear(service.client.post("/config/reload", json={}, headers=bearer))
        for page in ("/config/problems", "/health", "/config/values"):
            hear(service.client.get(page, headers=bearer))
    config.write_text(good)
    hear(service.client.post("/config/reload", json={}, headers=bearer))


def left_behind(where):
    """What is in every file but those in which a person has put a secret."""
    given = {"canaries.json", "master.key", "mail__mounted"}
    return {
        path.relative_to(where): path.read_bytes()
        for path in where.rglob("*")
        if path.is_file() and path.name not in given
    }


@pytest.mark.timeout(240)
def test_no_planted_secret_leaves_the_service(service, planted, run_service, run_trivet):
    where, known = service
    heard = []
    options = ["--config", "orders.toml", "--secrets-dir", "mounted", "--last-known-good", "good.json", "--debug"]
    with run_service(where, *options, ORDERS_MAIL__TOKEN=planted["variable"]) as running:
        running.wait_until(lambda: "DONE" in running.log)
        exercise(running, where, planted, heard)
        running.wait_until(lambda: (where / "good.json").exists() and (where / "witness").exists())
    for command in COMMANDS:
        words = [*command.split(), "--app", "app.py", "--config", "orders.toml", "--secrets-dir", "mounted", "--debug"]
        words = words if command != "check" else ["check", "app.py", *words[3:]]
        done = run_trivet(*words, cwd=where, ORDERS_MAIL__TOKEN=planted["variable"])
        assert done.returncode in {0, 78}, (command, done.stdout, done.stderr)
        heard.append((done.stdout + done.stderr).encode())
    shown = ("audit show audit", "audit show audit --json", "audit checkpoint audit")
    heard += [run_trivet(*words.split(), cwd=where).stdout.encode() for words in shown]
    assert [leaks(text, known) for text in heard if leaks(text, known)] == []
    found = {name: leaks(content, known) for name, content in left_behind(where).items()}
    assert {name: names for name, names in found.items() if names} == {}
    log = (where / "service.log").read_text()
    assert log.count("Traceback") >= 5, "there was something to leak from"
    operations = {json.loads(line)["op"] for line in (where / "copy").read_text().splitlines()}
    assert {"open", "seal", "hash_password", "verify_password", "sign", "derive", "config_change"} <= operations
    seed = where.parent / "seed"
    assert "as it was written" in run_trivet("audit", "verify", "audit", "--seed-file", str(seed), cwd=where).stdout


def test_the_search_finds_what_is_there(planted):
    """In whatever encoding, at whatever place."""
    secret = planted["password"].encode()
    for shift in range(5):
        text = b"x" * shift + secret + b"yz"
        for encoded in (text, base64.b64encode(text), base64.urlsafe_b64encode(text), text.hex().encode()):
            assert leaks(encoded, {"it": secret}) == ["it"]
    assert leaks(b"nothing", {"it": secret}) == []
