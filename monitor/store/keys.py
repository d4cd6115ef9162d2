"""The secret of a state: random bytes in a file of the state directory, from which keys for single purposes are made.

Sessions of the review pages are signed by one, and weekly samples drawn by another: who writes articles can't aim at a
sample, and every process draws the same one. Nothing is decided here.
"""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from monitor.errors import StateError

KEY_FILE = "web.key"
SAMPLE = "sample"
"""The purpose of the key that draws samples. It outlives a change of password: a week's sample stays what it was."""
_KEY_BYTES = 32


def kept_key(state_dir: Path, purpose: str) -> bytes:
    """The key of this state for `purpose`; what it is made from is made where there is none yet.

    Raises:
        StateError: that can't be written or read.
    """
    path = state_dir / KEY_FILE
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise StateError(f"{path}: can't be kept ({error.strerror or error}); check owner and rights") from error
    if len(key) < _KEY_BYTES:
        raise StateError(f"{path}: is cut off; delete it, then everybody logs in anew")
    return hmac.digest(key, purpose.encode(), "sha256")


def known_key(state_dir: Path, purpose: str) -> bytes:
    """The same, empty where there is none that can be read: for those who only look."""
    if not (state_dir / KEY_FILE).exists():
        return b""
    with suppress(StateError):
        return kept_key(state_dir, purpose)
    return b""


def _make(path: Path) -> None:
    """Daemon and pages may both begin: the file of whoever comes first stays."""
    draft = path.with_name(f".{KEY_FILE}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
