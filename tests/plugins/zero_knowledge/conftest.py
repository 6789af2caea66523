"""The published vectors of the drafts and of RFC 9497."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(scope="session")
def vectors(test_data):
    """Read a file of vectors."""

    def read(name):
        return json.loads((test_data / name).read_text())

    return read


@pytest.fixture(scope="session")
def records(vectors):
    """The 14 proofs of the draft, by relation and flavour."""
    found = vectors("sigma/sigma-proofs_Shake128_P256.json")
    assert len(found) == 14
    return {(record["Relation"], record["Flavor"]): record for record in found}
