"""A file system that is really taken away, and an inotify that is really exhausted: in namespaces of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(120)


def in_a_namespace(script, *arguments, user=False):
    """Run a script where mounts, and with ``user`` limits per user, are its own; skip where the system does not allow that."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is not installed: it is in Debian's package util-linux")
    command = [unshare, "--mount", *(["--user", "--map-root-user"] if user or os.geteuid() else [])]
    allowed = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if allowed.returncode:
        pytest.skip(f"no namespaces for this process: {allowed.stderr.strip()}")
    file = Path(__file__).with_name(script)
    done = subprocess.run(
        [*command, sys.executable, file, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=100
    )
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_directory_that_is_unmounted_and_mounted_again(tmp_path, anyio_backend):
    """The old values serve on, the problem names the file, and what the new mount holds is in force soon after."""
    (tmp_path / "mnt").mkdir()
    file = tmp_path / "mnt" / "base.toml"
    assert in_a_namespace("unmounted.py", tmp_path / "mnt", anyio_backend) == [
        "1",
        f"{file}: error: no such file; create it, or correct --config",
        "1",
        "2",
        "well",
    ]


def test_an_inotify_without_watches_left_is_replaced_by_polling(tmp_path, anyio_backend):
    """The system's own limit, set to nothing in a user namespace: one warning says so, and the next poll sees changes."""
    ours = Path("/proc/self/ns/user").readlink()
    warning, *values = in_a_namespace("exhausted.py", tmp_path, anyio_backend, ours, user=True)
    assert warning.startswith("no inotify watches are left (")
    assert "raise fs.inotify.max_user_watches or max_user_instances" in warning
    assert values == ["0", "1", "2", "1 warning"]
