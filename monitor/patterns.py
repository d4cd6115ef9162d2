"""Words and patterns by which a channel chooses: what may be written, and whether a text says it. Pure.

A wish is words, such as "hunger strike" or "exil*", or a pattern between slashes, "/visa (ban|refus)/". Words stand as
whole words and are compared as `monitor.text` folds them; "*" at the end lets the last one go on; in writing without
spaces they stand anywhere. A pattern is RE2's: it takes time in proportion to the text, whatever is written, which
Python's own expressions do not. Case never counts.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from monitor.text import normalized, tokens

if TYPE_CHECKING:
    import re2

MAX_CHARS = 200
TEXT_CHARS = 20_000
"""So much of a text is looked through."""
_MAX_MEMORY = 1 << 20


def checked(wish: str) -> str:
    """Return `wish` as it is kept.

    Raises:
        ValueError: it says nothing, is too long, or its pattern can't be read; the text says which.
    """
    wish = wish.strip()
    if len(wish) > MAX_CHARS:
        raise ValueError(f"at most {MAX_CHARS} characters")
    if not _is_pattern(wish):
        if not tokens(wish.rstrip("*")):
            raise ValueError("a word, such as “exile” or “exil*”")
        return wish
    import re2  # noqa: PLC0415 - loads a compiled library

    try:
        found = _compiled(wish)
    except re2.error as error:
        raise ValueError(f"a pattern that RE2 reads: {_reason(error)}") from None
    if found.search(""):
        raise ValueError("a pattern that is not found in every text")
    return wish


def says(wish: str, text: str) -> bool:
    """Say whether `text` says `wish`, which `checked` has let through."""
    text = text[:TEXT_CHARS]
    if _is_pattern(wish):
        return bool(_compiled(wish).search(text))
    words, folded = normalized(wish.rstrip("*")), normalized(text)
    start = folded.find(words)
    while start >= 0:
        stop = start + len(words)
        if _is_edge(folded, start) and (wish.endswith("*") or _is_edge(folded, stop)):
            return True
        start = folded.find(words, start + 1)
    return False


def _is_pattern(wish: str) -> bool:
    return len(wish) > len("//") and wish.startswith("/") and wish.endswith("/")


def _is_edge(text: str, at: int) -> bool:
    """Whether a word begins or ends between two characters; in writing without spaces one always may."""
    before, after = text[at - 1 : at], text[at : at + 1]
    return not (before.isalnum() and after.isalnum()) or _is_dense(before) or _is_dense(after)


def _is_dense(char: str) -> bool:
    return "\u0e00" <= char <= "\u0eff" or "\u1000" <= char <= "\u109f" or "\u1780" <= char <= "\u17ff" or (
        "\u3040" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3"
    )  # fmt: skip


@functools.lru_cache(maxsize=512)
def _compiled(wish: str) -> re2._Regexp[str]:
    import re2  # noqa: PLC0415 - loads a compiled library

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    return re2.compile(wish[1:-1], options)


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
