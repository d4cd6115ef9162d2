"""Where the real measuring data stands, for tests that want it; they are skipped, and say so, where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("LONGARM_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def shared(name: str) -> Path:
    """Path of `name` in the shared folder; skips the calling test when it is not there."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs {name} from the shared data folder, which is not beside this checkout")
    return path
