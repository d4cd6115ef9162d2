"""Column types: what a value may look like once it is in the database.

Every way into the database leads through these types, so hostile text is cleaned here and nowhere else: lone surrogates
and NULs become U+FFFD (one for one, so marked stretches keep their offsets), long text is cut, whole numbers are
clamped to 64 bits, times become whole microseconds. They must never decide anything.
"""

# ruff: noqa: ARG002 - SQLAlchemy hands every hook the dialect
from __future__ import annotations

import hashlib
import json
import math
import re
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Float, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from monitor.model import EPOCH

MAX_INT = 2**63 - 1
_MICROSECOND = timedelta(microseconds=1)
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str, limit: int) -> str:
    """`text` as every database takes it: at most `limit` code points, no NUL, no lone surrogate."""
    return _NOT_STORABLE.sub("\ufffd", text[:limit])


def micros(span: timedelta) -> int:
    """`span` in whole microseconds, the unit of every stored time."""
    return span // _MICROSECOND


class Words(TypeDecorator[str]):
    """Text from outside, cleaned and cut to `limit` code points."""

    impl = Text
    cache_ok = True

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean on the way in."""
        return None if value is None else clean(value, self.limit)


_KEY_LIMIT = 2_000  # below what a PostgreSQL index takes (2,704 bytes)


def key_words(text: str) -> str:
    """`text` as stored where something is found by it: what is too long ends in its own digest and stays unique."""
    cleaned = clean(text, len(text))
    if len(cleaned) <= _KEY_LIMIT:
        return cleaned
    return f"{cleaned[: _KEY_LIMIT - 65]}#{hashlib.sha256(cleaned.encode()).hexdigest()}"


class KeyWords(TypeDecorator[str]):
    """Text that something is found by, stored as `key_words` has it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean and shorten on the way in, the same way each time."""
        return None if value is None else key_words(value)


class UtcTime(TypeDecorator[datetime]):
    """An aware time as whole microseconds since the epoch: sorts, subtracts and shifts on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Turn an aware time into a number; a naive one is a mistake of ours and raises TypeError."""
        return None if value is None else micros(value - EPOCH)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Turn the number into aware UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


class Whole(TypeDecorator[int]):
    """A whole number clamped to 64 bits."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """Clamp on the way in."""
        return None if value is None else max(-MAX_INT, min(MAX_INT, value))


class Finite(TypeDecorator[float]):
    """A number that is one: SQLite would turn NaN into NULL and lose the row with it."""

    impl = Float
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        """Turn what is no number into 0."""
        return value if value is None or math.isfinite(value) else 0.0


class Json(TypeDecorator[Any]):
    """Lists and tables as ASCII JSON text; strings inside are cleaned like `Words`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write compact JSON."""
        return None if value is None else json.dumps(_clean_inside(value), separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read it back; tuples come back as lists."""
        return None if value is None else json.loads(value)


_JSON_WORDS = 20_000


def _clean_inside(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, _JSON_WORDS)
    if isinstance(value, float):
        return value if math.isfinite(value) else 0.0
    if isinstance(value, dict):
        return {str(key): _clean_inside(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_inside(item) for item in value]
    return value
