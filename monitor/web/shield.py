"""Every request comes through here first, and every answer goes out through here. It decides who may ask for what.

    host        the name asked for is one of ours, or 400: another name may lead here by a rebound address
    session     a signed cookie, or a new one
    form        at most 64 kB, urlencoded, with the session's token and from our own pages, or 403
    admission   by password, by a reverse proxy's header, or none on this machine alone; a page is closed unless named

What goes out has a policy that runs only scripts that bear this answer's nonce, and loads nothing from elsewhere.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor import log
from monitor.web.sessions import Keeper, Session, fresh, shown_name

_log = log.get(__name__)

MAX_FORM_BYTES = 64_000
MAX_FIELDS = 500
OPEN = ("/login", "/health")
OPEN_BELOW = ("/static/", "/public/")
_SAFE = ("GET", "HEAD")
_HERE = ("localhost", "127.0.0.1", "[::1]")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Who may come in. `hosts`: names beside this machine's own; `proxies`: networks whose `user_header` is believed.

    `needs_login`: False only where nobody but this machine can ask, and no password is set.
    """

    needs_login: bool
    hosts: tuple[str, ...] = ()
    user_header: str = ""
    proxies: tuple[str, ...] = ()

    def believes(self, address: str) -> bool:
        """Whether `address` is that of a reverse proxy."""
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(peer in ipaddress.ip_network(network) for network in self.proxies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """What is known of a request before a page sees it. `form` are the fields in order; `peer` asks, or its proxy says.

    `nonce` marks this answer's own scripts. `is_secure`: it came over TLS. `is_in`: it may see closed pages.
    """

    session: Session
    nonce: str
    peer: str
    is_secure: bool
    is_in: bool
    form: tuple[tuple[str, str], ...] = ()

    def field(self, name: str, limit: int = 2_000) -> str:
        """The last field of that name, cut to `limit`; "" without."""
        return next((value[:limit] for key, value in reversed(self.form) if key == name), "")

    def fields(self, name: str) -> tuple[str, ...]:
        """All fields of that name."""
        return tuple(value for key, value in self.form if key == name)


def visitor(request: Request) -> Visitor:
    """Who asks."""
    found = request.scope["longarm"]
    assert isinstance(found, Visitor)
    return found


class _Refused(Exception):  # noqa: N818 - a verdict, not a fault
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


@dataclass(slots=True)
class Shield:
    """Stands around `app`."""

    app: ASGIApp
    admission: Admission
    keeper: Keeper
    clock: Callable[[], datetime]
    refused: Callable[[Request, int, str], Response] = field(
        default=lambda _, status, why: PlainTextResponse(why, status)
    )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        who, is_new = self._who(scope)
        scope["longarm"] = who
        answer = self._sealed(scope, who, send, is_new=is_new)
        request = Request(scope, receive)
        try:
            self._check_host(request.headers)
            if scope["method"] not in _SAFE:
                scope["longarm"] = who = await self._with_form(request, who)
            way = _login(request) if not who.is_in and _is_closed(scope["path"]) else None
            if way is not None and scope["method"] not in _SAFE:
                raise _Refused(401, "Log in first.")
        except _Refused as refusal:
            await self.refused(request, refusal.status, refusal.why)(scope, receive, answer)
            return
        await self._answered(way or self.app, scope, receive, answer)

    async def _answered(self, way: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await way(scope, receive, sending)
        except Exception as error:
            _log.error("a page failed", path=scope["path"], error=str(error), exc_info=error)
            if begun:
                raise
            why = "Something failed here. The log says what."
            await self.refused(Request(scope, receive), 500, why)(scope, receive, send)

    # ── who ───────────────────────────────────────────────────────────────────────────────────────

    def _who(self, scope: Scope) -> tuple[Visitor, bool]:
        headers = Headers(scope=scope)
        address = scope["client"][0] if scope.get("client") else ""
        by_proxy = self.admission.believes(address)
        is_secure = scope["scheme"] == "https" or (by_proxy and headers.get("x-forwarded-proto", "") == "https")
        now = self.clock()
        known = self.keeper.session(_cookie(headers, cookie_name(is_secure)), now)
        header = self.admission.user_header
        named = shown_name(headers.get(header, "")) if header and by_proxy else ""
        session = known or fresh(now)
        if named:
            session = Session(
                id=session.id, name=named, csrf=session.csrf, begun_at=session.begun_at, admitted=session.admitted
            )
        elif not session.name and not self.admission.needs_login:
            session = Session(id=session.id, name="reviewer", csrf=session.csrf, begun_at=session.begun_at)
        forwarded = headers.get("x-forwarded-for", "").rpartition(",")[2].strip() if by_proxy else ""
        is_in = bool(named) or session.admitted or not self.admission.needs_login
        who = Visitor(
            session=session,
            nonce=secrets.token_urlsafe(18),
            peer=(forwarded or address)[:64],
            is_secure=is_secure,
            is_in=is_in,
        )
        return who, known is None

    def _check_host(self, headers: Headers) -> None:
        asked = headers.get("host", "").lower()
        name = asked.rpartition(":")[0] if asked.rpartition(":")[2].isdigit() and ":" in asked else asked
        if name not in (*_HERE, *self.admission.hosts):
            raise _Refused(400, "These pages don't go by this name; [web] hosts in the configuration says by which.")

    # ── forms ─────────────────────────────────────────────────────────────────────────────────────

    async def _with_form(self, request: Request, who: Visitor) -> Visitor:
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if kind != "application/x-www-form-urlencoded":
            raise _Refused(415, "Only forms of these pages are taken.")
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                raise _Refused(413, "That is too long.")
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            raise _Refused(400, "That is no form.") from None
        filled = Visitor(
            session=who.session,
            nonce=who.nonce,
            peer=who.peer,
            is_secure=who.is_secure,
            is_in=who.is_in,
            form=tuple(pairs),
        )
        if not _is_from_here(request) or not secrets.compare_digest(
            filled.field("csrf").encode(), who.session.csrf.encode()
        ):
            raise _Refused(403, "This form is too old, or not from these pages. Go back, reload the page, try again.")
        return filled

    # ── answers ───────────────────────────────────────────────────────────────────────────────────

    def _sealed(self, scope: Scope, who: Visitor, send: Send, *, is_new: bool) -> Send:
        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers["Content-Security-Policy"] = policy(who.nonce)
                headers.setdefault("Cache-Control", "no-store")
                if is_new and "set-cookie" not in headers and not scope["path"].startswith(OPEN_BELOW):
                    set_cookie(headers, self.keeper.cookie(who.session), is_secure=who.is_secure)
            await send(message)

        return sealed


def policy(nonce: str) -> str:
    """What a page may do; https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Content-Security-Policy."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def cookie_name(is_secure: bool) -> str:
    """The cookie's name; over TLS one that a browser takes from this very host alone."""
    return "__Host-longarm" if is_secure else "longarm"


def set_cookie(headers: MutableHeaders, value: str, *, is_secure: bool) -> None:
    """Put a session into an answer."""
    flags = "; Secure" if is_secure else ""
    headers.append("Set-Cookie", f"{cookie_name(is_secure)}={value}; Path=/; HttpOnly; SameSite=Strict{flags}")


def own_path(target: str) -> str:
    """`target` if it is a path of these pages, else "/"; what browsers take for another site is none."""
    plain = target.isascii() and target.isprintable() and " " not in target and "\\" not in target
    return target if plain and target.startswith("/") and not target.startswith("//") else "/"


def _is_closed(path: str) -> bool:
    return path not in OPEN and not path.startswith(OPEN_BELOW)


def _is_from_here(request: Request) -> bool:
    # "null" is what browsers say under our own Referrer-Policy; the token and Sec-Fetch-Site stand beside it.
    origin = request.headers.get("origin", "null")
    site = request.headers.get("sec-fetch-site", "same-origin")
    ours = origin == "null" or origin.partition("://")[2].lower() == request.headers.get("host", "").lower()
    return ours and site == "same-origin"


def _login(request: Request) -> RedirectResponse:
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/login?next={quote(own_path(request.url.path + query), safe='')}", status_code=303)


def _cookie(headers: Headers, name: str) -> str:
    pairs = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
    return next((value for key, _, value in pairs if key == name), "")
