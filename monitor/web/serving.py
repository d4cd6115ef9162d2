"""Puts the pages together and serves them. It decides where they may listen, and leads every address to its page."""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from monitor import errands, log
from monitor.config import Settings
from monitor.errors import AlreadyRunning, ConfigError, StateError
from monitor.store import Store, keys
from monitor.web import (
    digest_pages,
    door_pages,
    model_pages,
    review_pages,
    search_pages,
    story_pages,
    watch_pages,
)
from monitor.web.door_pages import Door
from monitor.web.sessions import Keeper, checker
from monitor.web.shield import Admission, Shield
from monitor.web.site import Site, View, refusal

if TYPE_CHECKING:
    import uvicorn

_log = log.get(__name__)

PORT = 8080
HOST = "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Whether only this machine can ask at `host`."""
    with suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host.lower() == "localhost"


def admission(settings: Settings, host: str) -> Admission:
    """Say who may come in where the pages listen on `host`.

    Raises:
        ConfigError: others than this machine could ask, and nothing would keep them out.
    """
    has_login = settings.web_password is not None or bool(settings.web.user_header)
    if not has_login and not is_loopback(host):
        raise ConfigError(
            f"--host {log.escaped(host)}: others could read these pages; set LONGARM_WEB_PASSWORD (or _FILE), or "
            "user_header under [web] for a reverse proxy, or listen on 127.0.0.1"
        )
    named = () if host in ("0.0.0.0", "::", "") else (host.lower(), f"[{host.lower().strip('[]')}]")  # noqa: S104
    return Admission(
        needs_login=has_login,
        hosts=(*settings.web.hosts, *named),
        user_header=settings.web.user_header,
        proxies=settings.web.proxies,
    )


def built(settings: Settings, store: Store, *, host: str, clock: Callable[[], datetime]) -> Shield:
    """Build the pages over an open store.

    Raises:
        ConfigError: as `admission`.
        StateError: the key of the sessions can't be kept.
    """
    who = admission(settings, host)
    password = settings.web_password.reveal() if settings.web_password else ""
    site = Site(
        settings=settings,
        store=store,
        clock=clock,
        key=keys.kept_key(settings.state_dir, keys.SAMPLE),
        open_to_all=not who.needs_login,
    )
    site.memory.warm()
    keeper = Keeper(keys.kept_key(settings.state_dir, f"session:{password}"))
    door = Door(keeper=keeper, is_right=checker(password) if password else None)
    pages = Starlette(routes=list(_routes(site, door)), exception_handlers={404: _lost(site), 405: _lost(site)})
    return Shield(
        app=pages,
        admission=who,
        keeper=keeper,
        clock=clock,
        refused=lambda request, status, why: refusal(site, request, status, why),
    )


def _lost(site: Site) -> Callable[[Request, Exception], Response]:
    def lost(request: Request, error: Exception) -> Response:
        status = int(getattr(error, "status_code", 404))
        why = "Nothing is kept under this address." if status == 404 else "This address takes no such request."
        return refusal(site, request, status, why)

    return lost


def _first(_: Site, __: Request) -> Response:
    return RedirectResponse("/review/alerts", status_code=303)


def _routes(site: Site, door: Door) -> list[Route]:
    get: dict[str, View] = {
        "/": watch_pages.status_page,
        "/review": _first,
        "/review/codes": review_pages.codes_page,
        "/review/{queue}": review_pages.queue_page,
        "/articles/{article}": review_pages.article_page,
        "/stories": story_pages.stories_page,
        "/stories/{story}": story_pages.story_page,
        "/cases/{case}": story_pages.case_page,
        "/search": search_pages.search_page,
        "/export/{kind}.{form}": search_pages.export,
        "/digest": digest_pages.digest_page,
        "/feeds": watch_pages.feeds_page,
        "/feeds/{feed}": watch_pages.feed_page,
        "/channels": watch_pages.channels_page,
        "/incidents": watch_pages.incidents_page,
        "/model": model_pages.model_page,
        "/login": door.login_page,
        "/static/{name}": door_pages.static,
        "/public/{name}": door_pages.public,
        "/health": door_pages.health,
    }
    post: dict[str, View] = {
        "/review/{queue}": review_pages.say,
        "/review/{queue}/undo": review_pages.undo,
        "/digest": digest_pages.edit_digest,
        "/feeds/{feed}": watch_pages.act_on_feed,
        "/channels/{channel}": watch_pages.act_on_channel,
        "/login": door.log_in,
        "/logout": door.log_out,
        "/name": door.rename,
    }
    return [
        Route(path, _asked(site, view), methods=[method])
        for method, views in (("GET", get), ("POST", post))
        for path, view in views.items()
    ]


def _asked(site: Site, view: View) -> Callable[[Request], Response]:
    def asked(request: Request) -> Response:  # not async: it reads the database, in a thread
        return view(site, request)

    return asked


# ── serving ───────────────────────────────────────────────────────────────────────────────────────


def settle(settings: Settings, now: datetime) -> int:
    """Do what was asked for, where no daemon does it; how many errands. With a daemon running, nothing."""
    if not errands.Errands(settings.state_dir).waiting():
        return 0
    url = settings.database_url.reveal() if settings.database_url else None
    try:
        with Store.open(settings.state_dir, url=url, now=now) as store:
            return errands.settle(settings.state_dir, store)
    except AlreadyRunning:
        return 0
    except StateError as error:
        _log.warning("what was asked for waits", error=str(error))
        return 0


def serve(settings: Settings, store: Store, *, host: str, port: int, clock: Callable[[], datetime]) -> None:
    """Serve the pages until the process is told to stop.

    Raises:
        ConfigError, StateError: as `built`.
        OSError: the address can't be listened on.
    """
    app = built(settings, store, host=host, clock=clock)
    with listening(host, port) as where:
        _log.info("the review pages are open", address=f"http://{host}:{where.getsockname()[1]}/")
        for number in (signal.SIGTERM, signal.SIGINT):  # the library raises them again when it has ended
            signal.signal(number, lambda *_: None)
        server(app).run(sockets=[where])


def listening(host: str, port: int) -> socket.socket:
    """Listen. Our own socket: where an address is taken, the library would end the process with a line of its own.

    Raises:
        OSError: it can't be listened on.
    """
    bare = host.strip("[]")
    made = socket.create_server((bare, port), family=socket.AF_INET6 if ":" in bare else socket.AF_INET, backlog=128)
    # Connections inherit it. asyncio sets it only where a socket was made with its protocol's number; without it every
    # answer waits 40 ms for the other side's acknowledgement.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def server(app: Shield) -> uvicorn.Server:
    """What speaks HTTP, without a word about itself. Whom a proxy speaks for is the shield's to believe."""
    import uvicorn  # noqa: PLC0415 - only where it serves

    return uvicorn.Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, proxy_headers=False, lifespan="off", ws="none",
            limit_concurrency=200, timeout_keep_alive=10, timeout_graceful_shutdown=3,
        )
    )  # fmt: skip
