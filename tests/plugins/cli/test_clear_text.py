"""From a sealed file to its clear text and back, for whatever documents hypothesis makes."""

from __future__ import annotations

import anyio
from hypothesis import given
from hypothesis import strategies as st
from tests.plugins.cli.test_splice import format_of, leaves, trees, write

from trivet.ciphers.contracts import Key
from trivet.ciphers.registry import Ciphers
from trivet.config.tree import look_up
from trivet_plugins.cli.clear_text import ClearText
from trivet_plugins.cli.sealed_file import SealedFile
from trivet_plugins.cli.splice import SpliceFile
from trivet_plugins.security.ciphers.aes_gcm import AesGcm

secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


class Ring:
    """One key."""

    key = Key(1, 2, bytes(range(32)))

    def primary(self):
        return self.key

    def find(self, key_id):
        return self.key if key_id == 1 else None

    def key_ids(self):
        return [1]


CIPHERS = Ciphers("orders")
CIPHERS.add_backend("aes_256_gcm", AesGcm())
CIPHERS.use_ring(Ring())


async def sealed_file(directory, name, tree, paths, texts):
    """Write a document and seal texts at some of its places."""
    file = write(directory, name, format_of(name).dump(tree))
    source = SpliceFile.read(file, format_of(name))
    for path, text in zip(paths, texts, strict=True):
        source = source.with_text(source.spliced(path, await CIPHERS.seal_config(text, path=path)))
    return SealedFile(source, CIPHERS, None)


@given(trees.filter(lambda tree: list(leaves(tree))), st.sampled_from(["toml", "yaml", "json"]), st.data())
def test_what_is_not_edited_comes_back_byte_for_byte(tmp_path_factory, tree, name, data):
    """Any document, any secrets at any places: the clear text has them all, and goes back to the very text it came from."""
    paths = data.draw(st.lists(st.sampled_from(list(leaves(tree))), min_size=1, max_size=4, unique=True))
    texts = data.draw(st.lists(secrets, min_size=len(paths), max_size=len(paths)))

    async def round_trip():
        file = await sealed_file(tmp_path_factory.mktemp("clear"), name, tree, paths, texts)
        clear = await ClearText.of(file)
        shown = format_of(name).parse(clear.text).data
        assert [look_up(shown, path) for path in paths] == [f"seal:{text}" for text in texts]
        same = await clear.sealed(clear.text)
        assert (same.text, same.anew, same.bare) == (file.source.text, (), ())
        edited = file.source.with_text(clear.text)
        other = edited.format.scalar("seal:other", like=edited.source(paths[0]))
        changed = await clear.sealed(edited.replaced({paths[0]: (other, "seal:other")}))
        assert (changed.anew, changed.bare) == ((paths[0],), ()) if texts[0] != "other" else True
        there = format_of(name).parse(changed.text).data
        old = file.source.document.data
        assert [look_up(there, path) for path in paths[1:]] == [look_up(old, path) for path in paths[1:]]
        assert await CIPHERS.open_config(look_up(there, paths[0]), path=paths[0]) == "other"

    anyio.run(round_trip)
