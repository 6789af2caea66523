"""`ProofFile`: a proof to be handed to somebody who has the public key, and nothing else of the log."""

from __future__ import annotations

import base64
import binascii
import json
import pathlib
from typing import TYPE_CHECKING, Final, cast

import attrs

from trivet_plugins.security import merkle

if TYPE_CHECKING:
    from trivet_plugins.security.audit.checkpoint import PublicKey

MAX_BYTES: Final = 64 * 1024

_MEMBERS: Final = frozenset({"version", "kind", "record", "index", "earlier", "hashes", "checkpoint"})


@attrs.frozen(kw_only=True)
class ProofFile:
    """What is proven, and by what.

    Args:
        checkpoint: A signed note of the tree.
        hashes: The proof.
        record: Of ``inclusion``: the line of the log.
        index: Its number.
        earlier: Of ``consistency``: the signed note of the earlier tree.
    """

    checkpoint: str
    hashes: tuple[bytes, ...]
    record: str | None = None
    index: int | None = None
    earlier: str | None = None

    def dump(self) -> str:
        """Return it as JSON."""
        kind = "inclusion" if self.earlier is None else "consistency"
        values = attrs.asdict(self) | {"version": 1, "kind": kind}
        values["hashes"] = [base64.b64encode(one).decode() for one in self.hashes]
        return json.dumps(values, indent=2, ensure_ascii=False)

    @classmethod
    def read(cls, path: pathlib.Path) -> ProofFile:
        """Read one.

        Raises:
            ValueError: if it is none.
        """
        with path.open("rb") as file:
            return cls.parse(file.read(MAX_BYTES + 1))

    @classmethod
    def parse(cls, raw: bytes) -> ProofFile:
        """Read the content of one.

        Raises:
            ValueError: if it is none.
        """
        if len(raw) > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES} bytes; that is no proof")
        try:
            loaded = json.loads(raw)
            hashes = tuple(base64.b64decode(one, validate=True) for one in loaded["hashes"])
        except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
            raise ValueError("not a proof of trivet audit prove") from None
        if loaded.keys() != _MEMBERS or loaded["version"] != 1 or not _are_right(loaded):
            raise ValueError("not a proof of trivet audit prove, version 1")
        names = ("checkpoint", "record", "index", "earlier")
        return cls(hashes=hashes, **{name: loaded[name] for name in names})

    def statement(self, public: PublicKey) -> str:
        """Check it, and return what it proves.

        Raises:
            ValueError: with why it proves nothing.
        """
        tree = public.open(self.checkpoint)
        if self.earlier is not None:
            before = public.open(self.earlier)
            if not merkle.extends(before.root, tree.root, old_size=before.size, new_size=tree.size, proof=self.hashes):
                raise ValueError("the hashes do not lead from one checkpoint to the other")
            return (
                f"the {before.size} records of the earlier checkpoint are the first of the {tree.size} of the later one"
            )
        leaf, index = merkle.leaf_hash(cast("str", self.record).encode()), cast("int", self.index)
        if not merkle.includes(leaf, index, size=tree.size, root=tree.root, proof=self.hashes):
            raise ValueError("the hashes do not lead from the record to the checkpoint")
        return f"this is record {self.index} of the {tree.size} that the checkpoint covers"


def _are_right(loaded: dict[str, object]) -> bool:
    if not isinstance(loaded["checkpoint"], str):
        return False
    if loaded["kind"] == "consistency":
        return isinstance(loaded["earlier"], str)
    return isinstance(loaded["record"], str) and type(loaded["index"]) is int and loaded["earlier"] is None
