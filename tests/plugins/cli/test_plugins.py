"""``trivet plugins``."""

from __future__ import annotations

import json

KEYS = ["id", "kind", "plugin", "distribution", "version", "state", "replaces", "error"]

REPLACING = """
from trivet import Kernel, Provider, hookimpl

class Acme:
    trivet_name = "acme"
    @hookimpl
    def register_services(self, composition):
        return [Provider(name="web_of_acme", factory=object, replaces="service/web"),
                Provider(name="not_to_be_had", factory=object, extra="acme", modules=("acme_missing",))]

kernel = Kernel("orders", plugins=[Acme(), "no_such_plugin"])
"""


def rows_of(done):
    return {row["id"]: row for row in json.loads(done.stdout)}


def test_json_has_the_promised_keys(directory):
    """A list of objects with exactly these keys, in the order of ids; nothing is running."""
    done = directory.trivet("plugins", "--json")
    rows = json.loads(done.stdout)
    assert all(list(row) == KEYS for row in rows)
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert {row["state"] for row in rows} == {"declared"}
    web = rows_of(done)["service/web"]
    assert (web["kind"], web["plugin"], web["distribution"]) == ("service", "web", "trivet")
    assert done.stderr == ""


def test_what_an_application_adds_is_listed(directory):
    """With ``--app``: replacements, what lacks an extra, and broken plugins, each with its reason."""
    directory.write("app.py", REPLACING)
    directory.write("orders.toml", "")
    rows = rows_of(directory.trivet("plugins", "--app", "app.py", "--json"))
    assert "service/web" not in rows
    assert rows["service/web_of_acme"]["replaces"] == "service/web"
    assert rows["service/web_of_acme"]["distribution"] is None
    assert rows["service/not_to_be_had"]["state"] == "unavailable"
    assert "pip install 'trivet[acme]'" in rows["service/not_to_be_had"]["error"]
    assert rows["plugin/no_such_plugin"]["state"] == "broken"


def test_the_table_lines_up(directory):
    """Without ``--json``: a header and a row per provider, columns aligned, remarks last."""
    directory.write("app.py", REPLACING)
    directory.write("orders.toml", "")
    lines = directory.trivet("plugins", "--app", "app.py").stdout.splitlines()
    assert lines[0].split() == ["ID", "STATE", "PLUGIN", "DISTRIBUTION", "REMARK"]
    state, plugin = lines[0].index("STATE"), lines[0].index("PLUGIN")
    assert all(line[state - 1] == line[plugin - 1] == " " and line[state] != " " for line in lines)
    [acme] = [line for line in lines if line.startswith("service/web_of_acme")]
    assert acme.endswith("replaces service/web")


def test_an_invalid_configuration_hides_nothing(directory):
    """The list comes all the same, with a note on stderr."""
    directory.write("orders.toml", "[database]\npool_size = 0\n")
    done = directory.trivet("plugins", "--app", "app.py", "--json")
    assert done.returncode == 0
    assert "service/web" in rows_of(done)
    assert "trivet check" in done.stderr


def test_the_configuration_names_plugins(directory):
    """``[plugins] enable`` and ``block`` count."""
    directory.write("trivet.toml", '[plugins]\nenable = ["acme_not_installed"]\nblock = ["web"]\n')
    rows = rows_of(directory.trivet("plugins", "--json"))
    assert rows["plugin/acme_not_installed"]["state"] == "broken"
    assert "service/web" not in rows
