"""Chat services on loopback, under their real names: TLS with a test authority, reached through a CONNECT proxy."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from pytest_httpserver.httpserver import HTTPServerBase
from werkzeug import Request, Response

from monitor.compose import Composer, harmless
from monitor.model import Message, SpanKind

HOSTS = ("hooks.slack.com", "slack.com", "discord.com", "matrix.example", "chat.example", "signal.example")


@dataclass
class Services:
    """A server that is every service, and what it was asked. `answers` are given in order, then `usual`."""

    answers: list[Response] = field(default_factory=list)
    usual: tuple[str, int] = ("ok", 200)
    asked: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        self.asked.append(request)
        request.get_data()
        if request.path.startswith("/.well-known/"):
            return Response("{}", status=404)
        if self.answers:
            return self.answers.pop(0)
        return Response(self.usual[0], status=self.usual[1])

    @property
    def lines(self) -> list[str]:
        """Method, host and path of each request."""
        return [f"{one.method} {one.host}{one.path}" for one in self.asked]

    @property
    def bodies(self) -> list[Any]:
        found = (json.loads(one.get_data()) for one in self.asked if one.get_data())
        return [body for body in found if isinstance(body, dict)]


class _Everything(HTTPServerBase):
    def __init__(self, services: Services, context: ssl.SSLContext) -> None:
        super().__init__("127.0.0.1", 0, ssl_context=context)
        self.services = services

    def dispatch(self, request: Request) -> Response:
        return self.services.answer(request)


class _Proxy(BaseHTTPRequestHandler):
    port: int

    def do_CONNECT(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as there:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                _shuttle(self.connection, there)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Quietly."""


def _shuttle(one: socket.socket, other: socket.socket) -> None:
    while True:
        for ready in select.select([one, other], [], [], 20)[0]:
            got = ready.recv(65_536)
            if not got:
                return
            (other if ready is one else one).sendall(got)


@contextlib.contextmanager
def services(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Every one of `HOSTS` on loopback, for what asks with `requests` as it is."""
    authority = trustme.CA()
    bundle = folder / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(context)
    all_of_it = Services()
    server = _Everything(all_of_it, context)
    server.start()
    handler = type("Proxy", (_Proxy,), {"port": server.port})
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "https_proxy", "CURL_CA_BUNDLE"):
        patch.delenv(name, raising=False)
    patch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
    patch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    try:
        yield all_of_it
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join(5)
        server.stop()


# ── mail ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Mail:
    """A mail as it arrived."""

    to: Sequence[str]
    subject: str
    text: str
    kind: str
    files: int


@dataclass
class PostOffice:
    """A mail server that answers as it is told. `at_rcpt`, `at_data`: what it says instead of yes. Letters: what came."""

    at_rcpt: str = ""
    at_data: str = ""
    drops: bool = False
    letters: list[Mail] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.at_rcpt:
            return self.at_rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        parsed = message_from_bytes(envelope.content)
        words = next(part for part in parsed.walk() if part.get_content_maintype() == "text")
        body = words.get_payload(decode=True)
        assert isinstance(body, bytes)
        self.letters.append(
            Mail(
                to=envelope.rcpt_tos,
                subject=str(make_header(decode_header(parsed["Subject"]))),
                text=body.decode().replace("\r\n", "\n").rstrip("\n"),
                kind=words.get_content_type(),
                files=sum(1 for part in parsed.walk() if part.get_filename()),
            )
        )
        if self.drops:
            server.transport.abort()
        return self.at_data or "250 OK"


@contextlib.contextmanager
def post_office(**answers: Any) -> Iterator[PostOffice]:
    """A mail server on loopback."""
    office = PostOffice(**answers)
    with socket.create_server(("127.0.0.1", 0)) as free:
        office.port = free.getsockname()[1]
    controller = Controller(office, hostname="127.0.0.1", port=office.port)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()


# ── addresses and messages ─────────────────────────────────────────────────────────────────────────

HELLO = Message(text="hello")
SECRET = "very-secret-path-0123456789"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
DISCORD = "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
MATTERMOST = "mmosts://chat.example/3ccdd113474722377935511fc85d3dd4"
MATRIX = "matrixs://syt_token@matrix.example/!room:matrix.example?e2ee=no"
SIGNAL = "signals://signal.example/+34600000001/+34600000002"
ADDRESSES = {"slack": SLACK, "discord": DISCORD, "mattermost": MATTERMOST, "matrix": MATRIX, "signal": SIGNAL}
USUAL = {
    "slack": ("ok", 200),
    "discord": ("", 204),
    "mattermost": ("ok", 200),
    "matrix": ('{"event_id": "$1", "user_id": "@bot:matrix.example", "room_id": "!room:matrix.example"}', 200),
    "signal": ('{"timestamp": "1"}', 201),
}
NASTY = "*bold* _it_ `code` ~~gone~~ [text](https://evil.example) <!channel> <@U1> @everyone @here || # 1. > | \\ <b>"
URL = "https://news.example/a_b*c*?x=1&y=[2]"


def mail_to(port: int, more: str = "") -> str:
    return f"mailto://127.0.0.1:{port}?from=watch@a.test&to=desk@b.test&mode=insecure{more}"


def text_of(body: dict[str, object]) -> str:
    """The words in a service's own format."""
    if "attachments" in body:  # Slack
        return str(body["attachments"][0]["text"])  # type: ignore[index]
    return str(next((body[key] for key in ("content", "text", "body", "message") if key in body), ""))


def nasty_alert() -> Message:
    composer = Composer().add(harmless(NASTY, 300), SpanKind.BOLD).add("\n\n")
    composer.add("Source: Wire (").add("wire.example", SpanKind.CODE).add(")\n")
    return composer.link(URL).message()


def long_digest(items: int = 30) -> Message:
    composer = Composer().add("Overseas policing week", SpanKind.BOLD).add("\n\n")
    for number in range(items):
        composer.add(f"Headline_{number:02} of *something* that happened", SpanKind.BOLD).add("\nSource: Wire\n")
        composer.link(f"https://wire.example/{number:02}_x").add("\n\n")
    return composer.message()
