"""What holds for every test: soak tests run only when asked for, examples have no deadline on a busy machine, and what
one test hides from the logs is no secret in the next.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

from monitor import log

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


@pytest.fixture(autouse=True)
def _no_secrets_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_secrets", log._Secrets())
