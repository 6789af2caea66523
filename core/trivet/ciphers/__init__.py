"""The ciphers part of the kernel."""
