"""The store on PostgreSQL: what holds of it on a file holds on a server too."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from monitor.store import Store
from tests import (
    test_cases_store,
    test_store_outbox,
    test_store_posting,
    test_store_reading,
    test_store_record,
    test_store_retention,
    test_store_search,
)
from tests.postgres_parts import database, server, tables  # noqa: F401 - fixtures
from tests.store_parts import opened

_THERE = (
    test_store_record, test_store_reading, test_store_outbox, test_store_posting, test_store_retention, test_store_search,
    test_cases_store,
)  # fmt: skip
_OF_FILES = {"test_counts_are_flat_and_plain"}


@pytest.fixture
def store(tmp_path: Path, database: str) -> Iterator[Store]:  # noqa: F811
    made = opened(tmp_path / "state", url=database)
    yield made
    made.close()


def _taken_over(module: ModuleType) -> dict[str, FunctionType]:
    """The tests of a module that know a store alone, not where it is."""
    short = module.__name__.rpartition(".")[2].removeprefix("test_")
    return {
        f"test_{short}_{name.removeprefix('test_')}": one
        for name, one in vars(module).items()
        if name.startswith("test_") and name not in _OF_FILES and inspect.isfunction(one)
        if "store" in inspect.signature(one).parameters and "tmp_path" not in inspect.signature(one).parameters
    }


for _module in _THERE:
    globals().update(_taken_over(_module))
