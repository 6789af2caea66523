"""The ciphers: each is a plugin and a backend of one suite of the registry in `trivet.ciphers`."""
