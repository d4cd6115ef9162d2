"""May an address be asked by a program? What a site's robots.txt says.

Pure: `ingest.fulltext` asks for the file and remembers it. A file is a stranger's: a hundred thousand lines in it can
keep the reader busy for minutes, so the daemon has it read in the parser's child process. protego reads it, because the
standard library's reader knows no wildcards, and news sites use them.
"""

from __future__ import annotations

MAX_BYTES = 500 * 1024
"""What RFC 9309 asks a reader to take at least (https://www.rfc-editor.org/rfc/rfc9309#section-2.5)."""


def allows(body: bytes, *, url: str, user_agent: str) -> bool:
    """Say whether the robots.txt `body` allows `user_agent` to ask for `url`. Never raises."""
    from protego import Protego  # noqa: PLC0415 - only the child process needs it

    rules = Protego.parse(body[:MAX_BYTES].decode("utf-8", "replace").lstrip("\ufeff"))
    return bool(rules.can_fetch(url, user_agent or "*"))
