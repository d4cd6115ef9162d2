"""Every error that the libraries under the fetcher can raise becomes one of ours, at one edge."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import anyio
import httpcore
import httpx
import pytest
import socksio

from monitor.errors import FetchError, FetchFailure
from monitor.ingest.dial import FOREIGN, _Backend, translated
from tests.fetch_parts import feed, fetcher, guard, state


def exceptions_of(module: object) -> list[type[Exception]]:
    return [
        kind
        for name in vars(module)
        if isinstance(kind := getattr(module, name), type)
        and issubclass(kind, Exception)
        and not issubclass(kind, Warning)
    ]


def made(kind: type[BaseException]) -> BaseException:
    """An exception of that class, whatever its constructor wants, with a marker in its text."""
    error = kind.__new__(kind, "MARKER")
    BaseException.__init__(error, "MARKER")
    return error


KINDS = [
    *exceptions_of(httpx),
    *exceptions_of(httpcore),
    *exceptions_of(socksio),
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    ssl.SSLError,
    ssl.SSLZeroReturnError,
    ssl.SSLCertVerificationError,
    OSError,
    ConnectionRefusedError,
    ConnectionResetError,
    BrokenPipeError,
    TimeoutError,
    UnicodeEncodeError,
]


class Raising(httpx.AsyncBaseTransport):
    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise self.error


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
@pytest.mark.parametrize("proxy", ["", "socks5h://127.0.0.1:9"])
async def test_it_becomes_a_fetch_error_without_its_text(kind: type[BaseException], proxy: str) -> None:
    async with fetcher(transport=Raising(made(kind)), proxy=proxy) as web:
        with pytest.raises(FetchError) as error:
            await web.fetch(feed("https://news.test/?key=MARKER"), state("https://news.test/"))
    text = str(error.value)
    assert "MARKER" not in text
    assert "\n" not in text
    assert error.value.kind is FetchFailure.PROXY or text.startswith("news.test: ")
    assert error.value.__cause__ is None


def test_the_trees_are_the_ones_that_were_read() -> None:
    """Fails when a new release brings a class that nobody thought about."""
    assert len(exceptions_of(httpx)) == 28, sorted(kind.__name__ for kind in exceptions_of(httpx))
    assert len(exceptions_of(httpcore)) == 15, sorted(kind.__name__ for kind in exceptions_of(httpcore))


def _classes() -> Iterator[tuple[BaseException, FetchFailure, FetchFailure]]:
    here, dead = FetchFailure, FetchFailure.PROXY
    yield httpcore.ConnectTimeout(), here.TIMEOUT, dead
    yield httpx.ReadTimeout("x"), here.TIMEOUT, here.TIMEOUT
    yield httpcore.ConnectError(), here.CONNECT, dead
    yield httpcore.ReadError(), here.CONNECT, here.CONNECT
    yield httpcore.RemoteProtocolError(), here.PROTOCOL, here.PROTOCOL
    yield httpx.DecodingError("x"), here.PROTOCOL, here.PROTOCOL
    yield httpx.InvalidURL("x"), here.SCHEME, here.SCHEME
    yield httpcore.UnsupportedProtocol(), here.SCHEME, here.SCHEME
    yield httpcore.ProxyError("Proxy Server could not connect: Host unreachable."), here.CONNECT, here.CONNECT
    yield httpcore.ProxyError("502 Bad Gateway"), here.CONNECT, here.CONNECT
    yield httpcore.ProxyError("407 Proxy Authentication Required"), dead, dead
    yield socksio.ProtocolError("Malformed reply"), dead, dead


@pytest.mark.parametrize(("error", "direct", "proxied"), list(_classes()), ids=lambda value: repr(value)[:40])
def test_each_kind_of_trouble_has_its_name(error: BaseException, direct: FetchFailure, proxied: FetchFailure) -> None:
    assert translated(error, "news.test").kind is direct
    assert translated(error, "news.test", by_proxy=True).kind is proxied
    assert isinstance(error, FOREIGN)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("WRONG_VERSION_NUMBER", "no TLS, or none as new as 1.2"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "no TLS, or none as new as 1.2"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "TLS failed (sslv3 alert handshake failure)"),
        (None, "TLS failed"),
    ],
)
def test_a_tls_reason_is_told_in_words(reason: str | None, words: str) -> None:
    inner = ssl.SSLError(1, "MARKER")
    inner.reason = reason or ""
    try:
        raise httpcore.ConnectError("MARKER") from inner
    except httpcore.ConnectError as outer:
        error = translated(outer, "news.test")
    assert error.kind is FetchFailure.TLS
    assert str(error).endswith(words)


def test_a_certificate_reason_nobody_named_is_told_by_its_number() -> None:
    inner = ssl.SSLCertVerificationError(1, "MARKER")
    inner.verify_code = 77
    assert "OpenSSL 77" in str(translated(inner, "news.test"))


async def test_a_local_socket_is_never_dialled() -> None:
    backend = _Backend(guard())
    with pytest.raises(FetchError) as error:
        await backend.connect_unix_socket("/run/docker.sock")
    assert error.value.kind is FetchFailure.BLOCKED_ADDRESS
