"""``trivet secrets merge-driver`` in real git repositories, as git runs it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CANARY = "hunter2-canary"
TRIVET = Path(sys.executable).with_name("trivet")
FILES = {
    "toml": "# c\n[database]\npassword = 'x'\nurl = 'y'\npool = 1\nlast = 1\n",
    "yaml": "# c\ndatabase:\n  password: x\n  url: y\n  pool: 1\n  last: 1\n",
    "json": '{\n  "database": {\n    "password": "x",\n    "url": "y",\n    "pool": 1,\n    "last": 1\n  }\n}\n',
}

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


@pytest.fixture(params=["toml"])
def repository(request, service, monkeypatch):
    """A repository with a sealed file under a manifest, and the driver as the page sets it up."""
    root, name = service.directory, f"more.{request.param}"
    for key, value in {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }.items():
        monkeypatch.setenv(key, value)

    def git(*arguments, code=0):
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        assert CANARY not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def trivet(*arguments, stdin="", code=0):
        done = service(*arguments, "--name", "orders", stdin=stdin)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def commit(change):
        """Let a function change the text of the file, or call what changes it, and commit."""
        changed = change(file.read_text())
        if changed is not None:
            file.write_text(changed)
        git("commit", "-qam", "change")

    file = root / name
    file.write_text(FILES[request.param])
    (root / ".gitattributes").write_text("*.toml merge=trivet\n*.yaml merge=trivet\n*.json merge=trivet\n")
    git("init", "-q", "-b", "main")
    git("config", "merge.trivet.driver", f"{shlex.quote(str(TRIVET))} secrets merge-driver --name orders %O %A %B %P")
    trivet("seal", "database.password", "--file", name, stdin=CANARY)
    trivet("seal", "database.url", "--file", name, stdin="url")
    trivet("manifest", name)
    git("add", ".gitattributes", name)
    git("commit", "-qm", "base")
    git("branch", "other")
    git.trivet, git.commit, git.file, git.name, git.keys = trivet, commit, file, name, root / "orders.keys"
    return git


def generation(git):
    return int(re.search(r'"1 (\d+) trivet-mac', git.file.read_text())[1])


def opened(git, path):
    return git.trivet("open", path, "--file", git.name).removesuffix("\n")


def seal(git, path, value):
    return lambda _text: git.trivet("seal", path, "--file", git.name, stdin=value) and None


@pytest.mark.parametrize("repository", FILES, indirect=True)
def test_changes_on_both_sides_merge_and_are_vouched_for(repository, rotate_keys):
    """One side changes a secret and a plain value, the other rotates the keys and adds a secret: lines that touch each other."""
    git = repository
    git.commit(seal(git, "database.password", "newer"))
    git.commit(lambda text: re.sub(r"(pool\W+)1", r"\g<1>2", text))
    git("checkout", "-q", "other")
    rotate_keys(git.keys)
    git.commit(lambda _text: git.trivet("rotate", git.name) and None)
    git.commit(seal(git, "smtp.token", "added"))
    git("checkout", "-q", "main")
    git("merge", "-q", "other")
    assert generation(git) == 4
    assert [opened(git, path) for path in ("database.password", "database.url", "smtp.token")] == [
        "newer",
        "url",
        "added",
    ]
    assert re.search(r"pool\W+2", git.file.read_text())
    assert "vouches for all of them" in git.trivet("check", git.name)


def test_the_same_secret_set_on_both_sides_is_one(repository):
    """Sealed twice, so the texts differ; the value is the same."""
    git = repository
    git.commit(seal(git, "database.password", "same"))
    git("checkout", "-q", "other")
    git.commit(seal(git, "database.password", "same"))
    git("merge", "-q", "main")
    assert opened(git, "database.password") == "same"
    git.trivet("check", git.name)


def test_a_secret_removed_on_one_side_and_only_rotated_on_the_other_is_removed(repository, rotate_keys):
    """A rotation changes nothing that anyone has to decide about."""
    git = repository
    git.commit(lambda text: re.sub(r"url = .*\n", "", text))
    git.trivet("manifest", git.name)
    git("commit", "-qam", "vouch")
    git("checkout", "-q", "other")
    rotate_keys(git.keys)
    git.commit(lambda _text: git.trivet("rotate", git.name) and None)
    git("merge", "-q", "main")
    assert "url" not in git.file.read_text()
    git.trivet("check", git.name)


def test_a_secret_changed_on_both_sides_is_a_conflict_with_markers(repository):
    """Git stops with both envelopes between markers; settled by hand, the file is vouched for again, a generation later."""
    git = repository
    git.commit(seal(git, "database.password", "one"))
    git.commit(seal(git, "database.url", "u2"))
    git("checkout", "-q", "other")
    git.commit(seal(git, "database.password", "two"))
    said = git("merge", "-q", "main", code=1)
    assert "more.toml: 1 conflicts; settle them" in said
    assert "trivet secrets manifest more.toml" in said
    text = git.file.read_text()
    assert text.count("<<<<<<< ours") == text.count(">>>>>>> theirs") == 1
    assert git("status", "--porcelain").startswith("UU more.toml")
    git.file.write_text(re.sub(r"<<<<<<< ours\n(.*?)=======\n.*?>>>>>>> theirs\n", r"\1", text, flags=re.DOTALL))
    git.trivet("manifest", git.name)
    assert generation(git) == 4
    assert (opened(git, "database.password"), opened(git, "database.url")) == ("two", "u2")
    git("commit", "-qam", "settled")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text, old: text.replace(re.search(r"password = (.*)", text)[1], old), "is not the sealed value"),
        (lambda text, _old: re.sub(r"url = .*\n", "", text), "at database.url, and there is none"),
        (lambda text, _old: re.sub(r"\n\[plugins.*", "", text, flags=re.DOTALL), "its manifest was taken out"),
    ],
    ids=["older", "removed", "stripped"],
)
def test_a_side_that_was_tampered_with_is_not_merged(repository, spoil, words):
    """Git fails, says which side and where, and leaves our side as it was."""
    git = repository
    old = re.search(r"password = (.*)", git.file.read_text())[1]
    git("checkout", "-q", "other")
    git.commit(seal(git, "database.password", "newer"))
    git.commit(lambda text: spoil(text, old))
    git("checkout", "-q", "main")
    git.commit(lambda text: text.replace("last = 1", "last = 2"))
    before = git.file.read_text()
    done = subprocess.run(["git", "merge", "other"], cwd=git.file.parent, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "theirs: more.toml" in done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    assert git.file.read_text() == before


def test_without_the_keys_nothing_is_merged(repository):
    """Whoever has no keys cannot vouch for a result."""
    git = repository
    git.commit(seal(git, "database.password", "one"))
    git("checkout", "-q", "other")
    git.commit(lambda text: text.replace("last = 1", "last = 2"))
    git.keys.rename(git.keys.with_name("away"))
    done = subprocess.run(["git", "merge", "main"], cwd=git.file.parent, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "there is no key file" in done.stdout + done.stderr


def test_files_without_manifests_merge_too(repository):
    """And get none."""
    git = repository
    plain = git.file.with_name("plain.toml")
    plain.write_text("a = 1\nb = 1\nc = 1\nd = 1\n")
    git("add", "plain.toml")
    git("commit", "-qm", "plain")
    git("branch", "-f", "other")
    plain.write_text(plain.read_text().replace("a = 1", "a = 2"))
    git("commit", "-qam", "a")
    git("checkout", "-q", "other")
    plain.write_text(plain.read_text().replace("d = 1", "d = 2"))
    git("commit", "-qam", "d")
    git("merge", "-q", "main")
    assert plain.read_text() == "a = 2\nb = 1\nc = 1\nd = 2\n"
