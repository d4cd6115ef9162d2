"""Every error that Longarm raises on purpose.

    LongarmError                    one line: what, where, how to mend it
    ├── ConfigError                 feeds.toml or the environment (exit code 2)
    ├── StateError                  the stored state can't be used as it is
    │   ├── AlreadyRunning          another process holds the state (exit code 3)
    │   └── NoStateYet              nothing was ever stored there
    ├── FetchError                  a feed could not be fetched; `kind` says why
    ├── ParseError                  bytes that are no feed, or that broke the parser's limits
    ├── ModelError                  a classifier's files are truncated, swapped, older or missing
    └── SendError                   a channel did not take a message; `permanent`, `retry_after`, `outcome_unknown`

An expected outcome (`NotModified`, an empty feed) is a value, not an error. Foreign exceptions are translated where the
library is called, and nowhere else.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class LongarmError(Exception):
    """Base of all. `str(error)` is one line that a person can act on and that holds no secret."""


class ConfigError(LongarmError):
    """Configuration that can't be used. `problems` are complete lines, all of them, in order of appearance."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class StateError(LongarmError):
    """The stored state is newer, foreign, corrupt, missing or can't be written. Nothing was changed."""


class AlreadyRunning(StateError):  # noqa: N818 - a state, said as one
    """Another process holds the lock of this state directory."""


class NoStateYet(StateError):  # noqa: N818 - a state, said as one
    """Nothing was stored yet, and nothing was lost: the first run makes it."""


class FetchFailure(StrEnum):
    """Why a feed could not be fetched. The value is what tables and logs show."""

    BLOCKED_ADDRESS = "blocked-address"
    SCHEME = "scheme-not-allowed"
    REDIRECTS = "too-many-redirects"
    TIMEOUT = "timeout"
    DNS = "name-not-found"
    CONNECT = "connection-failed"
    TLS = "tls"
    PROTOCOL = "protocol"
    TOO_LARGE = "too-large"
    ENCODING = "encoding"
    EMPTY = "empty-answer"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    LEGAL = "unavailable-for-legal-reasons"
    NOT_FOUND = "not-found"
    GONE = "gone"
    RATE_LIMITED = "rate-limited"
    SERVER = "server-error"
    STATUS = "unexpected-status"
    PROXY = "proxy-unreachable"


class FetchError(LongarmError):
    """A fetch that gave no feed. The text is ours alone: no byte of the answer is in it."""

    def __init__(
        self,
        kind: FetchFailure,
        message: str,
        *,
        status: int | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.retry_after = retry_after


class ParseError(LongarmError):
    """Bytes from which no feed could be read. `killed` says that the parser ran into its limits.

    `page_title` is what a web page in the place of a feed calls itself: a stranger's words, one line of 300 characters.
    """

    def __init__(self, message: str, *, killed: bool = False, page_title: str = "") -> None:
        super().__init__(message)
        self.killed = killed
        self.page_title = page_title


class ModelError(LongarmError):
    """A trained model that is missing, truncated, swapped or of another version."""


class SendError(LongarmError):
    """A message that a channel did not confirm.

    `permanent`: sending it again as it is can't succeed (chat gone, no right, token revoked).
    `retry_after`: the chat's own word on when to come back.
    `outcome_unknown`: it may have been accepted (timeout or cut after the request was written).
    `migrated_to`: the chat's new id, where the answer named one.
    `about`: what the failure holds for: this "message", this "chat", or the whole "account".
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after: timedelta | None = None,
        outcome_unknown: bool = False,
        migrated_to: str | None = None,
        about: str = "message",
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown
        self.migrated_to = migrated_to
        self.about = about
