"""``trivet config export|schema|validate|diff`` as a user runs them."""

from __future__ import annotations

import json
import tomllib

import jsonschema
import pytest

SECRET = "hunter2-hunter2"


def test_an_export_is_a_file_that_loads(directory):
    """With ``--reveal``; the warning about it goes to standard error, so that the document stays one."""
    done = directory.trivet("config", "export", "--app", "app.py", "--reveal", "--set", "database.pool_size=9")
    assert done.returncode == 0
    assert "secrets are written in the clear" in done.stderr
    assert tomllib.loads(done.stdout)["database"] == {"password": SECRET, "pool_size": 9}
    directory.write("exported.toml", done.stdout)
    again = directory.trivet("config", "export", "--app", "app.py", "--reveal", "--config", "exported.toml")
    assert again.stdout == done.stdout


def test_an_export_hides_secrets_and_says_so(directory):
    """In every format; without ``--reveal`` there is nothing to warn of."""
    for options in ([], ["--format", "yaml"], ["--format", "json"], ["--json"], ["--origins"], ["--json", "--origins"]):
        done = directory.trivet("config", "export", "--app", "app.py", *options)
        assert (done.returncode, done.stderr) == (0, "")
        assert SECRET not in done.stdout
        assert ("Redacted" in done.stdout) == ("json" not in str(options))
    origins = directory.trivet("config", "export", "--app", "app.py", "--origins").stdout
    assert "pool_size = 8  # orders.toml:3:13\n" in origins
    assert 'password = "***"  # orders.toml:2:12\n' in origins


def test_an_export_that_cannot_be_says_why(directory):
    """An unknown format; formats that contradict each other; a configuration that is not valid."""
    unknown = directory.trivet("config", "export", "--app", "app.py", "--format", "ini")
    assert (unknown.returncode, unknown.stdout) == (65, "")
    assert unknown.stderr == "error: there is no format 'ini'; there is json, toml, yaml\n"
    assert directory.trivet("config", "export", "--json", "--format", "toml").returncode == 64
    invalid = directory.trivet("config", "export", "--app", "app.py", "--set", "database.pool_size=0")
    assert (invalid.returncode, invalid.stdout) == (78, "")


def test_the_schema_needs_no_valid_configuration(directory):
    """It is what one corrects the file by; not even a document that parses is needed."""
    directory.write("orders.toml", "[database\n")
    done = directory.trivet("config", "schema", "--app", "app.py")
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"database": {"password": "a"}, "plugins": {"web": {"port": 0}}})
    assert not validator.is_valid({"database": {"password": "a", "pool_size": 0}})
    assert not validator.is_valid({"database": {}})
    partial = json.loads(directory.trivet("config", "schema", "--app", "app.py", "--partial", "--json").stdout)
    assert jsonschema.Draft202012Validator(partial).is_valid({"database": {}})


BAD = """[database]
pasword = "x"
pool_size = 0
"""


def test_problems_are_places_to_click(directory):
    """The form that editors and compilers share, all problems at once, exit 78; nothing but the configuration is looked at."""
    directory.write("bad.toml", BAD)
    done = directory.trivet("config", "validate", "--app", "app.py", "--config", "bad.toml")
    assert done.returncode == 78
    assert "bad.toml:2:11: error: database.pasword: unknown key; did you mean 'password'?" in done.stdout
    assert "bad.toml:3:13: error: database.pool_size: must be >= 1, got 0" in done.stdout
    assert "error: database.password: required" in done.stdout
    rows = json.loads(
        directory.trivet("config", "validate", "--app", "app.py", "--config", "bad.toml", "--json").stdout
    )
    assert {(row["file"], row["line"], row["path"]) for row in rows} >= {
        ("bad.toml", 2, "database.pasword"),
        ("bad.toml", 3, "database.pool_size"),
    }


def test_a_valid_configuration_is_said_to_be(directory):
    """Exit 0; an empty list for programs; no annotation for CI."""
    for options, said in (([], "orders: the configuration is valid\n"), (["--json"], "[]\n")):
        done = directory.trivet("config", "validate", "--app", "app.py", *options)
        assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
    assert "::" not in directory.trivet("config", "validate", "--app", "app.py", "--github").stdout
    assert directory.trivet("config", "validate", "--json", "--github").returncode == 64


def test_ci_marks_the_lines(directory):
    """Workflow commands as GitHub documents them: ``%``, line ends, and in properties ``:`` and ``,`` are escaped.

    What is no file (a variable, an argument) is named in the message.
    """
    bad = directory.write("bad,100%.toml", BAD).name
    options = ["--config", bad, "--set", "database.pool_size=-1", "--github"]
    done = directory.trivet("config", "validate", "--app", "app.py", *options, ORDERS_DATABASE__POOL_SIZ="3")
    assert done.returncode == 78
    lines = done.stdout.splitlines()
    hint = "unknown key; did you mean 'password'?"
    assert f"::error file=bad%2C100%25.toml,line=2,col=11::database.pasword: {hint}" in lines
    assert any(line.startswith("::error::--set #1: database.pool_size: must be >= 1, got -1") for line in lines)
    assert any(line.startswith("::error::env ORDERS_DATABASE__POOL_SIZ: ") for line in lines)
    assert all(line.startswith("::error") for line in lines)
    missing = directory.trivet("config", "validate", "--app", "app.py", "--config", "none.toml", "--github")
    assert missing.stdout.startswith("::error::none.toml: ")


@pytest.fixture
def profiles(directory):
    """The service with profiles: ``dev`` has another secret, ``same`` says what the base says."""
    directory.write("orders.dev.toml", '[database]\npassword = "other"\npool_size = 9\n')
    directory.write("orders.same.toml", "[database]\npool_size = 8\n")
    return directory


DIFFERENCE = """--- as launched
+++ profile dev
- database.password = "***"  # orders.toml:2:12
+ database.password = "***"  # orders.dev.toml:2:12
- database.pool_size = 8  # orders.toml:3:13
+ database.pool_size = 9  # orders.dev.toml:3:13
"""


def test_profiles_differ_in_values_never_in_shown_secrets(profiles):
    """Exit 1; one side alone is compared with what is launched; the order of the sides is that of the marks."""
    done = profiles.trivet("config", "diff", "dev", "--app", "app.py")
    assert (done.returncode, done.stdout, done.stderr) == (1, DIFFERENCE, "")
    turned = profiles.trivet("config", "diff", "profile:dev", ".", "--app", "app.py").stdout.splitlines()
    assert turned[:2] == ["--- profile dev", "+++ as launched"]
    assert '- database.password = "***"  # orders.dev.toml:2:12' in turned


def test_equal_values_from_other_places_are_equal(profiles):
    """Exit 0: what counts is what the service would do."""
    done = profiles.trivet("config", "diff", ".", "same", "--app", "app.py")
    assert (done.returncode, done.stdout) == (0, "orders: as launched and profile same are equal\n")


def test_files_and_other_options_make_sides_too(profiles):
    """A file stands in place of the base files; other options count on both sides."""
    profiles.write("a.toml", '[database]\npassword = "x"\npool_size = 1\n')
    profiles.write("b.toml", '[database]\npassword = "x"\n')
    done = profiles.trivet("config", "diff", "a.toml", "b.toml", "--app", "app.py", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "before": "file a.toml",
        "after": "file b.toml",
        "differences": [
            {
                "path": "database.pool_size",
                "before": {"value": 1, "origin": {"layer": "base", "source": "a.toml", "line": 3, "column": 13}},
                "after": {
                    "value": 4,
                    "origin": {
                        "layer": "default",
                        "source": "default of app.Database.pool_size",
                        "line": None,
                        "column": None,
                    },
                },
            }
        ],
    }
    leveled = profiles.trivet("config", "diff", "a.toml", "b.toml", "--app", "app.py", "--set", "database.pool_size=5")
    assert leveled.returncode == 0


def test_a_side_that_is_none_is_explained(profiles):
    """Generations are a running service's; a side that does not load prints its problems and is no difference."""
    number = profiles.trivet("config", "diff", "3", "--app", "app.py")
    assert number.returncode == 64
    assert "profile:3" in number.stderr
    for text in ("profile:", "what:dev"):
        assert profiles.trivet("config", "diff", text, "--app", "app.py").returncode == 64
    profiles.write("bad.toml", BAD)
    done = profiles.trivet("config", "diff", "orders.toml", "bad.toml", "--app", "app.py")
    assert (done.returncode, done.stdout) == (78, "")
    assert "bad.toml:3:13: error: database.pool_size" in done.stderr
