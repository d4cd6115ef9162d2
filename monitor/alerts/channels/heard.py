"""What services answer to apprise, which itself only says whether it worked; and what such an answer means.

apprise asks with `requests` and `smtplib` and keeps the answers to itself. So both are listened to: `listening` notes
what comes back to this thread, nothing else is changed. But for one thing: a service that asks for silence (429) is not
asked again, as some of apprise's plugins do at once and others after sleeping; the outbox waits.

No byte of an answer gets out of here but numbers, and a service's own word for an error.
"""

from __future__ import annotations

import functools
import re
import smtplib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from monitor.errors import SendError

SILENCE = timedelta(seconds=60)
"""How long a service is left alone that asks for it without saying how long."""
_ERROR_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{1,60}")
_REFUSES_US = frozenset({401, 402, 403, 404, 405, 407, 410})
_COMES_BACK = frozenset({408, 425})
_BODY_IS_NEXT, _GOODBYE = 354, 221


@dataclass(slots=True)
class Heard:
    """What came back last to one attempt; of a mail server, the last thing that was not well.

    `status` is the number of an answer that was not well, 0 where it was. `answered`: something was answered at all.
    `error` is what happened instead of an answer. `accepting`: the mail server had asked for the text of a mail before.
    """

    status: int = 0
    answered: bool = False
    retry_after: timedelta | None = None
    word: str = ""
    error: BaseException | None = None
    by_mail: bool = False
    accepting: bool = False

    def went_wrong(self, *, status: int = 0, error: BaseException | None = None) -> None:
        """Note a refusal or an error in the place of the one before."""
        self.status, self.error, self.word, self.retry_after = status, error, "", None


class _Ear(threading.local):
    heard: Heard | None = None


class _AskedForSilence(requests.RequestException):
    """In the place of a 429, so that the plugin gives up. Plugins take it for a connection that failed."""


_ear = _Ear()


@contextmanager
def listening() -> Iterator[Heard]:
    """Note what is answered to this thread until the end of the block."""
    _ear.heard = Heard()
    try:
        yield _ear.heard
    finally:
        _ear.heard = None


# ── HTTP ──────────────────────────────────────────────────────────────────────────────────────────


def _hearing_http(send: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
    @functools.wraps(send)
    def heard_send(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        heard = _ear.heard
        try:
            response = send(self, request, **options)
        except requests.RequestException as error:
            if heard is not None:
                heard.went_wrong(error=error)
            raise
        if heard is not None:
            _hear(heard, response, body=not options.get("stream"))
        return response

    return heard_send


def _hear(heard: Heard, response: requests.Response, *, body: bool) -> None:
    heard.answered = True
    said = _json(response) if body else {}
    is_well = (
        200 <= response.status_code < 300 and said.get("ok") is not False
    )  # Slack refuses with 200 and "ok": false
    heard.went_wrong(status=0 if is_well else response.status_code)
    heard.word = "" if is_well else _word(said)
    if response.status_code == 429:
        heard.retry_after = _silence(response.headers.get("Retry-After", ""), said)
        raise _AskedForSilence(response=response)


def _json(response: requests.Response) -> Mapping[str, Any]:
    try:
        found = response.json() if len(response.content) < 100_000 else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _word(said: Mapping[str, Any]) -> str:
    """The service's own word for what is wrong: Slack's "error", Matrix's "errcode", Mattermost's "id"."""
    words = (said.get(key) for key in ("errcode", "error", "id"))
    return next((word for word in words if isinstance(word, str) and _ERROR_WORD.fullmatch(word)), "")


def _silence(header: str, said: Mapping[str, Any]) -> timedelta:
    """How long to be silent: by the header, in seconds or as a date, or by Discord's or Matrix's key."""
    seconds = [header, said.get("retry_after"), _thousandth(said.get("retry_after_ms"))]
    for value in seconds:
        try:
            return timedelta(seconds=max(float(value), 0))  # type: ignore[arg-type]  # what is no number raises
        except (TypeError, ValueError, OverflowError):
            continue
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return SILENCE
    return max(until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC), timedelta(0))


def _thousandth(value: object) -> float | None:
    return value / 1000 if isinstance(value, int | float) else None


# ── mail ──────────────────────────────────────────────────────────────────────────────────────────


def _hearing_mail(getreply: Callable[[smtplib.SMTP], tuple[int, bytes]]) -> Callable[[smtplib.SMTP], tuple[int, bytes]]:
    @functools.wraps(getreply)
    def heard_getreply(self: smtplib.SMTP) -> tuple[int, bytes]:
        heard = _ear.heard
        if heard is None:
            return getreply(self)
        heard.by_mail = True
        try:
            code, text = getreply(self)
        except (OSError, smtplib.SMTPException) as error:
            if not (heard.status or heard.error):  # what comes after a refusal is its consequence
                heard.went_wrong(error=error)
            raise
        if code >= 400:
            heard.answered = True
            heard.went_wrong(status=code)
        elif code == _BODY_IS_NEXT:
            heard.accepting = True
        return code, text

    return heard_getreply


def _hearing_connect(connect: Callable[..., tuple[int, bytes]]) -> Callable[..., tuple[int, bytes]]:
    @functools.wraps(connect)
    def heard_connect(self: smtplib.SMTP, *where: Any, **options: Any) -> tuple[int, bytes]:
        heard = _ear.heard
        try:
            return connect(self, *where, **options)
        except OSError as error:
            if heard is not None and not (heard.status or heard.error):
                heard.by_mail = True
                heard.went_wrong(error=error)
            raise

    return heard_connect


requests.Session.send = _hearing_http(requests.Session.send)  # type: ignore[method-assign]
smtplib.SMTP.connect = _hearing_connect(smtplib.SMTP.connect)  # type: ignore[method-assign]
smtplib.SMTP.getreply = _hearing_mail(smtplib.SMTP.getreply)  # type: ignore[method-assign, assignment]


# ── what it means ─────────────────────────────────────────────────────────────────────────────────


def failure(name: str, heard: Heard) -> SendError:
    """Say what a failed attempt on the channel `name` means for the outbox.

    `permanent` about the "message": this text is refused. About the "account": so would any other be, until somebody
    mends the address or the rights; the outbox asks again every few minutes.
    """
    if heard.by_mail:
        return _mail_failure(f"channel “{name}”: the mail server", heard)
    service = f"channel “{name}”: the service"
    if heard.error is not None:
        return _no_answer(service, heard.error)
    said = f"{heard.status}{f' ({heard.word})' if heard.word else ''}"
    if heard.status == 429:
        return SendError(f"{service} asks for silence", retry_after=heard.retry_after or SILENCE)
    if heard.status in _REFUSES_US:
        text = f"{service} refuses it: {said}; look whether the address in its variable is right, and may write there"
        return SendError(text, permanent=True, about="account")
    if 300 <= heard.status < 400:
        text = f"{service} answers with another address ({said}), which is not followed; put that into its variable"
        return SendError(text, permanent=True, about="account")
    if 400 <= heard.status < 500 and heard.status not in _COMES_BACK:
        return SendError(f"{service} does not take this message: {said}", permanent=True)
    if heard.status:
        return SendError(f"{service} answers {said}")
    if heard.answered:
        return SendError(f"{service} answers, and apprise says that it failed; see its warnings in the log")
    # Not by HTTP, not by mail: nothing is known of it.
    return SendError(
        f"channel “{name}”: apprise says only that it failed; see its warnings in the log", outcome_unknown=True
    )


def _no_answer(service: str, error: BaseException) -> SendError:
    kind = type(error).__name__
    was_never_sent = isinstance(
        error, requests.ConnectTimeout | requests.exceptions.ProxyError | requests.exceptions.SSLError
    )
    if was_never_sent or "NewConnectionError" in _chain(error) or "NameResolutionError" in _chain(error):
        return SendError(f"{service} can't be reached ({kind})")
    is_about_the_request = isinstance(error, ValueError)  # no address that could be asked
    return SendError(f"{service} did not answer ({kind})", outcome_unknown=not is_about_the_request)


def _chain(error: BaseException) -> set[str]:
    """Names of what an error was caused by; urllib3 carries its own as an argument or a reason."""
    names: set[str] = set()
    seen: list[object] = [error]
    while seen:
        one = seen.pop()
        if isinstance(one, BaseException) and type(one).__name__ not in names:
            names.add(type(one).__name__)
            seen += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return names


def _mail_failure(service: str, heard: Heard) -> SendError:
    if heard.error is not None or not heard.status:
        kind = type(heard.error).__name__ if heard.error else "cut"
        return SendError(f"{service} did not answer ({kind})", outcome_unknown=heard.accepting)
    if heard.status < 500:
        return SendError(f"{service} answers {heard.status}")
    if heard.accepting:
        return SendError(f"{service} does not take this message: {heard.status}", permanent=True)
    text = f"{service} refuses it: {heard.status}; look whether user, password and addresses in its variable are right"
    return SendError(text, permanent=True, about="account")
