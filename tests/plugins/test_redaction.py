"""What a log does not show."""

from __future__ import annotations

import pytest

from trivet import Secret
from trivet_plugins.redaction import names_a_secret, redacted, redacted_text

SEALED = "trivet:1:VFYBAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_aaaaaaaaaaaaaaaa"


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db_password",
        "PASSWORD",
        "dbPassword",
        "passphrase",
        "secret",
        "client-secret",
        "secret_value",
        "token",
        "X-Auth-Token",
        "accessToken",
        "api_key",
        "apiKey",
        "private_key",
        "master_keys",
        "Authorization",
    ],
)
def test_names_of_secrets_are_known(name):
    """Words of a name tell a secret, however they are joined."""
    assert names_a_secret(name)


@pytest.mark.parametrize(
    "name",
    ["token_count", "key", "key_id", "monkey", "compass", "secretary", "path", "passed", "cookie_policy", "", "42"],
)
def test_other_names_are_left_alone(name):
    """A name that only resembles a secret's hides nothing."""
    assert not names_a_secret(name)


def test_a_secret_is_masked_at_any_depth():
    """Mappings, lists and objects inside each other show no secret."""
    value = {"database": {"password": "hunter2", "hosts": [{"api_key": "hunter2"}, Secret("hunter2")], "port": 5432}}
    shown = redacted("settings", value)
    assert "hunter2" not in repr(shown)
    assert shown == {"database": {"password": "***", "hosts": [{"api_key": "***"}, "***"], "port": 5432}}


def test_what_refers_to_itself_ends():
    """A value inside itself neither hangs nor shows anything."""
    value = {"password": "hunter2"}
    value["again"] = value
    assert "hunter2" not in repr(redacted("value", value)).replace(repr(value), "")
    assert isinstance(redacted("value", value), dict)


def test_whether_a_secret_is_set_may_be_told():
    """None and booleans under a secret's name are no secret."""
    assert redacted("password", None) is None
    assert redacted("has_token", True) is True
    assert redacted("password", "") == "***"


def test_sealed_values_are_shortened():
    """What is left of a sealed value tells which it is and opens nothing."""
    shown = redacted_text(f"cannot open {SEALED}, or {SEALED}.")
    assert shown == "cannot open trivet:1:VFYBAA…, or trivet:1:VFYBAA…."


def test_urls_lose_their_password():
    """The user stays, the password goes; a URL without one is left alone."""
    assert redacted_text("postgres://app:hunter2@db:5432/x") == "postgres://app:***@db:5432/x"
    assert redacted_text("http://127.0.0.1:9310/") == "http://127.0.0.1:9310/"


def test_an_objects_repr_is_redacted():
    """What is no plain data is logged as its repr, without the password of a URL in it."""
    assert redacted("error", ValueError("amqp://u:hunter2@mq")) == "ValueError('amqp://u:***@mq')"
