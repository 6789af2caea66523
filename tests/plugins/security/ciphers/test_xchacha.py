"""XChaCha20-Poly1305 against the vector of its specification."""

from __future__ import annotations

from trivet_plugins.security.ciphers.xchacha import XChaCha

KEY = bytes(range(0x80, 0xA0))
NONCE = bytes(range(0x40, 0x58))
AAD = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
DATA = (
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    b"sunscreen would be it."
)
SEALED = bytes.fromhex(
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39"
    "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
    "21f9664c97637da9768812f615c68b13b52e"
    "c0875924c1c7987947deafd8780acf49"
)


def test_the_vector_of_the_draft():
    """draft-irtf-cfrg-xchacha-03, A.3.1."""
    assert XChaCha().seal(KEY, NONCE, AAD, DATA) == SEALED
    assert XChaCha().open(KEY, NONCE, AAD, SEALED) == DATA
