"""``trivet secrets``, run as a user runs it."""

from __future__ import annotations

import os
import pty
import re
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from trivet.ciphers.envelope import Envelope
from trivet_plugins.security.keys.file import KeyFile

CANARY = "hunter2-canary"
TRIVET = Path(sysconfig.get_path("scripts")) / "trivet"
BASE = """\
# The comment stays.
[database]
password = "change me"   # so does this one
pool = 10
"""


def failed(done, code, *words):
    """It ended with that code and one message, without traceback or secret."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert CANARY not in done.stderr
    for word in words:
        assert word in done.stderr


def seal(service, *arguments, stdin=CANARY):
    return service("seal", "database.password", *arguments, stdin=stdin)


def sealed_text(service):
    done = seal(service, "--app", "app.py")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# -- init -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "environ", "name"),
    [
        (["--key-file", "my.keys"], {}, "my.keys"),
        (["--name", "orders"], {}, "orders.keys"),
        (["--app", "app.py"], {}, "orders.keys"),
        ([], {"TRIVET_KEY_FILE": "env.keys"}, "env.keys"),
        (["--key-file", "true"], {"TRIVET_KEY_FILE": "env.keys"}, "true"),
        (["--app", "app.py", "--set", "plugins.key_file.path=set.keys"], {}, "set.keys"),
    ],
    ids=str,
)
def test_init_makes_a_key_file_and_says_what_to_do_next(service, arguments, environ, name):
    """Where the options say, for its owner only."""
    (service.directory / "orders.keys").unlink()
    done = service("init", *arguments, **environ)
    assert done.returncode == 0, done.stderr
    path = service.directory / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = KeyFile(path).primary()
    assert done.stdout.startswith(f"{name}: created, with key {key.id:016x} for xaes_256_gcm\nnext:\n")
    assert "trivet secrets seal database.password" in done.stdout
    assert f"export TRIVET_KEY_FILE={name}" in done.stdout
    assert path.read_text().split('"material": "')[1][:43] not in done.stdout + done.stderr
    assert [keys.name for keys in service.directory.glob("*keys")] in ([], [name])


def test_init_never_overwrites(service):
    """The keys of sealed values are not thrown away by a repeated command."""
    before = (service.directory / "orders.keys").read_bytes()
    failed(service("init", "--app", "app.py"), 78, "orders.keys exists", "--key-file")
    assert (service.directory / "orders.keys").read_bytes() == before


def test_init_wants_to_know_where(service):
    """Without any name there is no good guess."""
    failed(service("init"), 64, "--key-file", "--app", "--name")


@pytest.mark.parametrize("suite", ["xchacha20_poly1305", "3"])
def test_init_takes_a_cipher_by_name_or_number(service, suite):
    """What ``trivet plugins`` calls it, or what stands in envelopes; the key seals with it from then on."""
    done = service("init", "--key-file", "new.keys", "--suite", suite)
    assert done.returncode == 0, done.stderr
    assert "for xchacha20_poly1305\n" in done.stdout
    sealed = service("seal", "database.password", "--name", "orders", "--key-file", "new.keys", stdin=CANARY).stdout
    assert Envelope.decode(sealed.strip()).suite == 3


def test_init_for_a_cipher_that_is_not_there_lists_those_that_are(service):
    """A key that nothing can use is not made."""
    failed(
        service("init", "--key-file", "new.keys", "--suite", "7"),
        64,
        "no loaded cipher is suite 7",
        "1 (xaes_256_gcm), 2 (aes_256_gcm)",
    )
    assert not (service.directory / "new.keys").exists()


def test_a_key_file_that_the_service_does_not_take_is_not_passed_over(service):
    """A kernel without ``--set`` or with another key ring: refused, never done with other keys than those named."""
    (service.directory / "bare.py").write_text(
        "from trivet import Kernel\nkernel = Kernel('orders', block=['command_line'])\n"
    )
    failed(service("init", "--app", "bare.py", "--key-file", "my.keys"), 78, "takes no --key-file", "orders.keys")
    done = service("seal", "a", "--app", "bare.py", "--key-file", "my.keys", stdin=CANARY)
    failed(done, 78, "takes no --key-file", "orders.keys")


@pytest.mark.timeout(90)
def test_20_processes_that_init_at_once_make_one_key(service):
    """One says created, nineteen say exists, and the key is the one that was printed."""
    command = [TRIVET, "secrets", "init", "--key-file", "many.keys"]
    started = [
        subprocess.Popen(command, cwd=service.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(20)
    ]
    outputs = [(*process.communicate(timeout=80), process.returncode) for process in started]
    created = [out for out, _, code in outputs if code == 0]
    assert len(created) == 1
    assert [code for _, err, code in outputs if "many.keys exists" in err] == [78] * 19
    (key_id,) = KeyFile(service.directory / "many.keys").key_ids()
    assert f"{key_id:016x}" in created[0]
    assert list(service.directory.glob(".many*")) == []


# -- seal and open --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [CANARY, CANARY + "\n", CANARY + "\r\n"], ids=["bare", "lf", "crlf"])
def test_what_is_sealed_into_a_file_opens_and_nothing_else_changed(service, value):
    """One line end of the input is not part of the value; comments and layout stay."""
    done = seal(service, "--app", "app.py", "--file", "orders.toml", stdin=value)
    assert (done.returncode, done.stdout) == (0, "orders.toml:3:12: sealed\n"), done.stderr
    after = service.toml.read_text()
    (sealed,) = re.findall(r'"(trivet:1:[\w-]+)"', after)
    assert after.replace(sealed, "change me") == BASE
    opened = service("open", "database.password", "--app", "app.py")
    assert opened.stdout == f"{CANARY}\n"
    assert "in the clear" in opened.stderr
    assert CANARY not in opened.stderr
    assert service("open", "database.password", "--app", "app.py", "--file", "orders.toml").stdout == f"{CANARY}\n"


def test_the_installed_command_from_init_to_check(secrets_directory, run_trivet):
    """As a user meets it: make keys, seal, check the service, open. ``--name`` does where the code is not at hand."""
    (secrets_directory / "orders.keys").unlink()
    seal_it = ("seal", "database.password", "--name", "orders", "--file", "orders.toml")
    for arguments, stdin in ((("init", "--name", "orders"), None), (seal_it, f"{CANARY}\n")):
        done = run_trivet("secrets", *arguments, cwd=secrets_directory, stdin=stdin)
        assert done.returncode == 0, done.stderr
    checked = run_trivet("check", "app.py", cwd=secrets_directory)
    assert checked.returncode == 0, checked.stdout
    assert (
        run_trivet("secrets", "open", "database.password", "--app", "app.py", cwd=secrets_directory).stdout
        == f"{CANARY}\n"
    )


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_other_formats(service, suffix):
    """YAML and JSON files are spliced like TOML."""
    text = {"yaml": "# note\na:\n- b: old  # note\n", "json": '{"a": [ {"b":"old"} ]}'}[suffix]
    file = service.directory / f"more.{suffix}"
    file.write_text(text)
    done = service("seal", "a[0].b", "--name", "orders", "--file", file.name, stdin="several\nlines: é")
    assert done.returncode == 0, done.stderr
    assert re.sub(r'"?trivet:1:[\w-]+"?', '"old"', file.read_text()) in {text, text.replace("old", '"old"')}
    assert service("open", "a[0].b", "--name", "orders", "--file", file.name).stdout == "several\nlines: é\n"


def test_without_a_file_the_sealed_value_is_printed_alone(service):
    """For pasting, and for scripts."""
    text = sealed_text(service)
    assert re.fullmatch(r"trivet:1:[\w-]+", text)
    service.toml.write_text(BASE.replace("change me", text))
    assert service("open", "database.password", "--app", "app.py").stdout == f"{CANARY}\n"


def test_sealing_works_while_the_configuration_does_not(service):
    """The remedy that the error names must not need what it mends."""
    service.toml.write_text(BASE.replace("change me", "trivet:1:broken") + "unknown = 1\n")
    assert seal(service, "--app", "app.py", "--file", "orders.toml").returncode == 0
    assert service("open", "database.password", "--app", "app.py").stdout == f"{CANARY}\n"


@pytest.mark.parametrize(
    ("path", "line"),
    [("database.token", 'token = "*"'), ("cache.token", '\n[cache]\ntoken = "*"'), ("token", 'token = "*"')],
)
def test_a_key_that_is_not_there_yet_is_put_where_it_belongs(service, path, line):
    """At the end of its table, or in a new one; every other byte stays; and it is said to be new, for it may be a typo."""
    done = service("seal", path, "--name", "orders", "--file", "orders.toml", stdin=CANARY)
    assert re.fullmatch(r"orders\.toml:\d+:\d+: sealed, a new key\n", done.stdout), done.stderr
    (sealed,) = re.findall(r'"(trivet:1:[\w-]+)"', service.toml.read_text())
    assert service.toml.read_text().replace(sealed, "*").replace(f"{line}\n", "", 1) == BASE
    assert service("open", path, "--name", "orders", "--file", "orders.toml").stdout == f"{CANARY}\n"


@pytest.mark.parametrize("arguments", [["seal"], ["seal", "--app", "app.py", "--name", "orders"], ["open"]], ids=str)
def test_the_service_must_be_named_once(service, arguments):
    """The value is bound to its name: a guess would make values that do not open."""
    failed(service(arguments[0], "database.password", *arguments[1:], stdin=CANARY), 64, "--app", "--name")


def test_no_argument_takes_the_value(service):
    """What stands on a command line stands in the process list and the shell's history."""
    failed(
        service("seal", "database.password", CANARY.replace("canary", "argument"), "--name", "orders"), 64, "argument"
    )


@pytest.mark.parametrize(
    ("stdin", "words"),
    [
        ("", "the value is empty"),
        ("\n", "the value is empty"),
        ("trivet:1:abc", "sealed already"),
        ("a" * 65537, "longer than 65536 bytes"),
    ],
    ids=["nothing", "line", "sealed", "long"],
)
def test_a_value_that_cannot_be_meant_is_refused(service, stdin, words):
    """Nothing was piped in, or the wrong thing."""
    failed(seal(service, "--app", "app.py", "--file", "orders.toml", stdin=stdin), 78, words)
    assert service.toml.read_text() == BASE


def test_a_value_that_is_no_text_is_refused_without_showing_it(service):
    """A binary key piped in by mistake."""
    failed(seal(service, "--app", "app.py", stdin=CANARY.encode() + b"\xff"), 78, "not UTF-8")


def test_a_value_of_the_greatest_length_is_taken(service):
    """The limit itself, with a line end after it."""
    assert seal(service, "--app", "app.py", stdin="a" * 65536 + "\r\n").returncode == 0


@pytest.mark.parametrize(
    ("path", "file", "code", "words"),
    [
        ("database.pool.nope", "orders.toml", 65, "orders.toml: database.pool.nope cannot be put into this file"),
        ("users[0].nope", "orders.toml", 65, "orders.toml: users[0].nope cannot be put into this file"),
        ("database", "orders.toml", 65, "orders.toml:2:2: error: database is a table or list"),
        ("a", "nothing.toml", 66, "nothing.toml: cannot be read: No such file"),
        ("a", "app.py", 65, "app.py: no loaded format has the suffix '.py'; there are .json, .toml, .yaml, .yml"),
        ("a", "broken.toml", 65, "broken.toml:2"),
        ("a..b", "orders.toml", 64, "'a..b' is no path"),
        ("", "orders.toml", 64, "the path is empty"),
    ],
)
def test_a_place_that_is_not_there_is_refused(service, path, file, code, words):
    """The place, the remedy, the code; and the file as it was."""
    (service.directory / "broken.toml").write_text("a = [\n")
    failed(service("seal", path, "--app", "app.py", "--file", file, stdin=CANARY), code, words)
    assert service.toml.read_text() == BASE


@pytest.mark.parametrize(
    ("path", "arguments", "code", "words"),
    [
        ("database.password", [], 78, "the configuration of orders: database.password is not sealed"),
        ("database.pool", ["--file", "orders.toml"], 78, "orders.toml:4:8: database.pool is not sealed"),
        ("database.nope", [], 65, "the configuration of orders has no database.nope"),
        ("database.nope", ["--file", "orders.toml"], 65, "orders.toml: has no database.nope"),
    ],
)
def test_what_is_not_sealed_is_not_printed(service, path, arguments, code, words):
    """`open` opens; it does not show configuration."""
    service.toml.write_text(BASE.replace("change me", CANARY))
    failed(service("open", path, "--app", "app.py", *arguments), code, words)


def test_a_value_that_does_not_open_says_what_may_be_wrong(service):
    """Other key, other place, other service: one message, exit code 78."""
    text = sealed_text(service)
    service.toml.write_text(f"[database]\npassword = '{text}'\nmoved = '{text}'\n")
    KeyFile(service.directory / "other.keys").create(suite=2)
    for arguments in (
        ("database.moved", "--app", "app.py"),
        ("database.password", "--name", "billing", "--key-file", "orders.keys", "--file", "orders.toml"),
        ("database.password", "--app", "app.py", "--key-file", "other.keys"),
    ):
        failed(service("open", *arguments), 78, "does not open", "another key", "another place")


def test_a_missing_key_file_is_named_with_the_command_that_makes_it(service):
    """The command, pasted, is all that was missing."""
    (service.directory / "orders.keys").unlink()
    done = seal(service, "--app", "app.py", "--file", "orders.toml")
    failed(done, 78, "orders.keys: there is no key file; make one: trivet secrets init --key-file orders.keys")
    assert service.toml.read_text() == BASE


def test_a_key_file_that_others_can_read_is_refused(service):
    """With the command that cures it."""
    (service.directory / "orders.keys").chmod(0o644)
    failed(seal(service, "--app", "app.py"), 78, "chmod 600 orders.keys")


def test_a_target_that_does_not_load_is_named(service):
    """Exit code 66, as for every command."""
    failed(seal(service, "--app", "nothing.py"), 66, "nothing.py")


@pytest.mark.parametrize("name", ["a b", "", "1a"])
def test_a_name_that_is_none_is_a_usage_error(service, name):
    """The kernel's own rule, told by the option's name."""
    failed(seal(service, "--name", name), 64, "--name")


# -- on a terminal --------------------------------------------------------------------------------------------------------


def on_terminal(directory, *arguments, answers):
    """Run ``trivet secrets`` on a pseudo-terminal, answer each prompt; return exit code and all that the terminal showed."""
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - the other process
        os.chdir(directory)
        os.execv(TRIVET, [str(TRIVET), "secrets", *arguments])
    shown = b""
    waiting = list(answers)
    try:
        while True:
            if waiting and shown.rstrip().endswith(waiting[0][0]):
                os.write(terminal, waiting.pop(0)[1])
            shown += os.read(terminal, 4096)
    except OSError:  # the child closed its end
        pass
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_on_a_terminal_it_asks_twice_and_shows_nothing(service):
    """The typed value is not echoed."""
    typed = f"{CANARY}\n".encode()
    answers = [(b"database.password:", typed), (b"Repeat for confirmation:", typed)]
    code, shown = on_terminal(
        service.directory, "seal", "database.password", "--app", "app.py", "--file", "orders.toml", answers=answers
    )
    assert code == 0, shown
    assert CANARY not in shown
    assert "orders.toml:3:12: sealed" in shown
    code, shown = on_terminal(service.directory, "open", "database.password", "--app", "app.py", answers=[])
    assert code == 0
    assert CANARY in shown
    assert "everyone who sees this terminal" in shown


def test_on_a_terminal_it_looks_for_key_and_place_before_it_asks(service):
    """Nobody types a password in vain."""
    for path, missing in (
        ("database.pool.nope", "database.pool.nope cannot be put"),
        ("database.password", "there is no key file"),
    ):
        code, shown = on_terminal(
            service.directory, "seal", path, "--app", "app.py", "--file", "orders.toml", answers=[]
        )
        assert code in {65, 78}
        assert missing in shown
        (service.directory / "orders.keys").unlink(missing_ok=True)


def test_ctrl_c_at_the_prompt_ends_it(service):
    """Exit code 130, the file as it was."""
    answers = [(b"database.password:", b"\x03")]
    code, shown = on_terminal(
        service.directory, "seal", "database.password", "--app", "app.py", "--file", "orders.toml", answers=answers
    )
    assert code == 130
    assert "Traceback" not in shown
    assert service.toml.read_text() == BASE


# -- the whole surface ----------------------------------------------------------------------------------------------------


def test_help_needs_neither_kernel_nor_cryptography():
    """``--help`` answers at once."""
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from trivet_plugins.cli.secrets import secrets\n"
        "done = CliRunner().invoke(secrets, ['--help'])\n"
        "assert all(name in done.output for name in ('init', 'seal', 'open')), done.output\n"
        "sys.exit(bool({'trivet.kernel', 'cryptography', 'anyio'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0


def test_debug_shows_a_traceback_without_the_secret(service):
    """``--debug`` is for plugin authors, not for secrets."""
    (service.directory / "orders.keys").write_text('{"version": 1, "keys": "key-canary"}')
    done = seal(service, "--app", "app.py", "--debug")
    assert done.returncode == 78
    assert "Traceback" in done.stderr
    assert CANARY not in done.stderr
    assert "key-canary" not in done.stderr
