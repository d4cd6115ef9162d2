"""What holds for every test: soak tests run only when asked for, and examples have no deadline on a busy machine."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("longarm", deadline=None)
settings.load_profile("longarm")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "soak" in (config.option.markexpr or ""):
        return
    kept = [item for item in items if not item.get_closest_marker("soak")]
    left_out = [item for item in items if item.get_closest_marker("soak")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
