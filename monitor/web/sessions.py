"""Who sits at the other end: signed cookies, and how often a password may be tried. The clock is a parameter.

A cookie holds nothing secret, it is only signed. It ends after twelve hours, when its owner logs out, and when the
password changes: that is a part of the key.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer

from monitor.model import EPOCH

LASTS = timedelta(hours=12)
_MAX_NAME_CHARS = 40

FREE_TRIES = 5
"""Wrong passwords from one address before it must wait."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=5)
FORGET_AFTER = timedelta(minutes=30)
ALL_TRIES, ALL_WITHIN = 60, timedelta(minutes=1)
"""From all addresses together: a password costs time and memory to check."""
_ADDRESSES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser. `csrf` must come back with every form. `admitted`: somebody has logged in."""

    id: str
    name: str
    csrf: str
    begun_at: datetime
    admitted: bool = False


def fresh(now: datetime, name: str = "", *, admitted: bool = False) -> Session:
    """Begin a session under a new id, as also a login does: an id that somebody knew before is worth nothing."""
    return Session(
        id=secrets.token_urlsafe(16),
        name=shown_name(name),
        csrf=secrets.token_urlsafe(24),
        begun_at=now,
        admitted=admitted,
    )


def renamed(session: Session, name: str) -> Session:
    """The session of a person who says their name."""
    return replace(session, name=shown_name(name) or session.name)


def shown_name(name: str) -> str:
    """A name as it is kept beside labels: printable, on one line, at most 40 characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in name).split())[:_MAX_NAME_CHARS]


@dataclass(slots=True)
class Keeper:
    """Signs sessions and reads them back. `ended` are those that logged out, until they would have ended anyway."""

    key: bytes
    _ended: dict[str, datetime] = field(default_factory=dict)

    def cookie(self, session: Session) -> str:
        """The session as a cookie's value."""
        begun = (session.begun_at - EPOCH) // timedelta(seconds=1)
        return self._signer().dumps([session.id, session.name, session.csrf, begun, session.admitted])

    def session(self, cookie: str, now: datetime) -> Session | None:
        """The session of a cookie; None where it is forged, over or from another time."""
        try:
            name_of, name, csrf, begun, admitted = self._signer().loads(cookie)
            session = Session(
                id=str(name_of),
                name=shown_name(str(name)),
                csrf=str(csrf),
                begun_at=EPOCH + timedelta(seconds=int(begun)),
                admitted=admitted is True,
            )
        except (BadData, ValueError, TypeError, OverflowError):
            return None
        is_over = not timedelta(0) <= now - session.begun_at + timedelta(minutes=1) < LASTS
        return None if is_over or session.id in self._ended else session

    def end(self, session: Session, now: datetime) -> None:
        """Take a session back."""
        self._ended = {one: at for one, at in self._ended.items() if now - at < LASTS}
        self._ended[session.id] = now

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.key, salt="session", signer_kwargs={"digest_method": hashlib.sha256})


# ── passwords ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Attempts:
    """How often wrong passwords came lately. An address waits after five, twice as long each time."""

    _failures: OrderedDict[str, tuple[int, datetime]] = field(default_factory=OrderedDict)
    _all: list[datetime] = field(default_factory=list)

    def wait(self, address: str, now: datetime) -> timedelta:
        """How long `address` must wait before it may try; zero is now."""
        count, last = self._failures.get(address, (0, EPOCH))
        self._all = [at for at in self._all if now - at < ALL_WITHIN]
        waits = [timedelta(0)]
        if len(self._all) >= ALL_TRIES:
            waits.append(ALL_WITHIN - (now - self._all[0]))
        if count >= FREE_TRIES and now - last < FORGET_AFTER:
            span = min(FIRST_WAIT * 2 ** min(count - FREE_TRIES, 20), LONGEST_WAIT)
            waits.append(span - (now - last))
        return max(waits)

    def failed(self, address: str, now: datetime) -> None:
        """A password was wrong."""
        count, last = self._failures.pop(address, (0, now))
        self._failures[address] = (1 if now - last >= FORGET_AFTER else count + 1, now)
        self._all.append(now)
        while len(self._failures) > _ADDRESSES:
            self._failures.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """A password was right."""
        self._failures.pop(address, None)


def checker(password: str) -> Callable[[str], bool]:
    """What compares a typed password with `password`, as slowly for a wrong one as for the right one."""
    from argon2 import PasswordHasher  # noqa: PLC0415 - only where there is a password
    from argon2.exceptions import VerificationError  # noqa: PLC0415

    hasher = PasswordHasher()
    kept = hasher.hash(password)

    def is_right(typed: str) -> bool:
        try:
            return hasher.verify(kept, typed)
        except VerificationError:
            return False

    return is_right
