"""Passwords: ``service`` stores and checks them, ``argon2id`` and ``pbkdf2_sha256`` hash them; each of the three is a plugin."""
