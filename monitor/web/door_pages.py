"""The door: logging in and out, one's name, and what may be had without a login: files, public feeds, "ok"."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from monitor import log
from monitor.errors import StateError
from monitor.web.sessions import Attempts, Keeper, Session, fresh, renamed, shown_name
from monitor.web.shield import own_path, set_cookie, visitor
from monitor.web.site import HERE, Site, page, refusal

_log = log.get(__name__)

FILES = {
    "style.css": "text/css; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "keys.js": "text/javascript; charset=utf-8",
    "slider.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
PUBLIC = {
    "alerts.atom": "application/atom+xml; charset=utf-8",
    "alerts.json": "application/feed+json; charset=utf-8",
    "digest.atom": "application/atom+xml; charset=utf-8",
    "digest.json": "application/feed+json; charset=utf-8",
}


@dataclass(slots=True)
class Door:
    """Who may come in. `is_right` checks a password; None: there is none to check."""

    keeper: Keeper
    is_right: Callable[[str], bool] | None
    attempts: Attempts = field(default_factory=Attempts)

    def login_page(self, site: Site, request: Request) -> Response:
        """Ask for name and password."""
        target = own_path(request.query_params.get("next", "/"))
        if visitor(request).is_in:
            return RedirectResponse(target, status_code=303)
        return page(site, request, "login", target=target, wrong="", can_log_in=self.is_right is not None)

    def log_in(self, site: Site, request: Request) -> Response:
        """Check the password, a few times; begin a new session where it is right."""
        who, now = visitor(request), site.clock()
        if self.is_right is None:
            return refusal(site, request, 404, "There is no password to log in with; the reverse proxy lets people in.")
        wait = self.attempts.wait(who.peer, now).total_seconds()
        if wait > 0:
            answer = refusal(site, request, 429, f"Wrong passwords came too often. Wait {math.ceil(wait)} seconds.")
            answer.headers["Retry-After"] = str(math.ceil(wait))
            return answer
        target, name = own_path(who.field("next")), shown_name(who.field("name"))
        is_right = self.is_right(who.field("password", 1_000))
        if not (is_right and name):
            if not is_right:
                self.attempts.failed(who.peer, now)
                _log.warning("wrong password for the review pages", address=who.peer)
            wrong = "The password is wrong." if not is_right else "A name is needed: it stands beside what you say."
            return page(site, request, "login", 403, target=target, wrong=wrong, can_log_in=True)
        self.attempts.succeeded(who.peer)
        _log.info("logged in to the review pages", address=who.peer)
        self.keeper.end(who.session, now)
        return self._with(fresh(now, name, admitted=True), request, target)

    def log_out(self, site: Site, request: Request) -> Response:
        """End the session."""
        self.keeper.end(visitor(request).session, site.clock())
        return self._with(fresh(site.clock()), request, "/login")

    def rename(self, site: Site, request: Request) -> Response:
        """Take the name under which this browser labels, where no login has said it."""
        who = visitor(request)
        if not site.open_to_all:
            return refusal(site, request, 403, "Your name is that of your login; log out to change it.")
        return self._with(renamed(who.session, who.field("name")), request, own_path(who.field("next")))

    def _with(self, session: Session, request: Request, target: str) -> Response:
        answer = RedirectResponse(target, status_code=303)
        set_cookie(answer.headers, self.keeper.cookie(session), is_secure=visitor(request).is_secure)
        return answer


def static(site: Site, request: Request) -> Response:
    """Give one of our own files."""
    name = request.path_params["name"]
    if name not in FILES:
        return refusal(site, request, 404, "There is no such file.")
    content = (HERE / "static" / name).read_bytes()
    return Response(content, media_type=FILES[name], headers={"Cache-Control": "public, max-age=3600"})


def public(site: Site, request: Request) -> Response:
    """Give one of the public feeds, if there are any."""
    name = request.path_params["name"]
    path = site.settings.state_dir / "public" / name
    if not site.settings.public.enabled or name not in PUBLIC or not path.is_file():
        return refusal(site, request, 404, "There is no such feed.")
    headers = {"Cache-Control": "public, max-age=60"}
    return Response(path.read_bytes(), media_type=PUBLIC[name], headers=headers)


def health(site: Site, request: Request) -> Response:  # noqa: ARG001 - as every page is asked
    """Say whether the pages work, and nothing else."""
    try:
        site.review.newest_label()
    except StateError:
        return PlainTextResponse("bad\n", status_code=503)
    return PlainTextResponse("ok\n")
