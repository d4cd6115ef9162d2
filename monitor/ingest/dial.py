"""Dials: the transport that lets the guard choose the address, and the edge where the libraries' errors become ours.

A connection serves one request and is closed after it: none outlives a DNS change, and a pool of many is slower. It
decides nothing about redirects, cookies or bodies (that is `fetch`). No byte of an answer gets into an error's text.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import anyio
import httpcore
import httpx
import socksio

from monitor.errors import ConfigError, FetchError, FetchFailure
from monitor.ingest.guard import Guard

_NEXT_ADDRESS_SECONDS = 3.0
_MAX_ADDRESSES = 6


class _Backend(httpcore.AnyIOBackend):
    """Dials for one request: the addresses that the guard has checked, or the proxy (then `guard` is None).

    It remembers what it opened: httpcore leaves a connection open when a proxy refuses.
    """

    def __init__(self, guard: Guard | None) -> None:
        self._guard = guard
        self._opened: list[httpcore.AsyncNetworkStream] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await self._guard.addresses(host, port) if self._guard else (host,)
        *others, last = found[:_MAX_ADDRESSES]
        for address in others:
            try:
                stream = await super().connect_tcp(address, port, _NEXT_ADDRESS_SECONDS, local_address, socket_options)
                break
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the next address; the last one's error is told
        else:
            stream = await super().connect_tcp(last, port, timeout, local_address, socket_options)
        self._opened.append(stream)
        return stream

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 - httpcore's signature, here and below
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        raise FetchError(FetchFailure.BLOCKED_ADDRESS, "a local socket is refused")

    async def aclose(self) -> None:
        """Close what is still open."""
        for stream in self._opened:
            await stream.aclose()


class _Stream(httpx.AsyncByteStream):
    """A body that closes its connection with itself."""

    def __init__(self, response: httpcore.Response, pool: httpcore.AsyncConnectionPool) -> None:
        self._response = response
        self._pool = pool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        try:
            await self._response.aclose()
        finally:
            await self._pool.aclose()


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport that dials only what `guard` lets pass: a new connection for each request.

    With a proxy, the proxy's own address is not checked (the operator wrote it) and names are left to it.
    """

    def __init__(self, guard: Guard, *, ssl_context: ssl.SSLContext, proxy: httpx.Proxy | None = None) -> None:
        self._guard = None if proxy else guard
        self._ssl_context = ssl_context
        self._proxy = _core_proxy(proxy) if proxy else None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` over a connection of its own, which closes with the response."""
        backend = _Backend(self._guard)
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._ssl_context,
            proxy=self._proxy,
            max_connections=1,
            max_keepalive_connections=0,
            network_backend=backend,
        )
        url = request.url
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.content,
            extensions=request.extensions,
        )
        try:
            answer = await pool.handle_async_request(asked)
        except BaseException:
            await pool.aclose()
            await backend.aclose()
            raise
        return httpx.Response(answer.status, headers=answer.headers, stream=_Stream(answer, pool))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way out. `by_proxy`: names are resolved by a proxy; `own`: by one that a feed names for itself."""

    transport: httpx.AsyncBaseTransport
    by_proxy: bool = False
    own: bool = False


class Routes:
    """The usual way out, and one for each proxy that feeds name for themselves.

    `proxy` is that of the usual way; empty: none. `transport` replaces every guarded one (tests). A mistaken `proxy`
    raises ConfigError.
    """

    def __init__(
        self, guard: Guard, *, ssl_context: ssl.SSLContext, proxy: str, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self._guard = guard
        self._ssl_context = ssl_context
        self._transport = transport
        self._usual = Route(transport=self._through(proxy), by_proxy=bool(proxy))
        self._own: dict[str, Route] = {}

    def of(self, proxy: str) -> Route:
        """Return the way through `proxy`; empty: the usual one. Raises FetchError(PROXY) where it is no address."""
        if not proxy:
            return self._usual
        if proxy not in self._own:
            try:
                self._own[proxy] = Route(transport=self._through(proxy), by_proxy=True, own=True)
            except ConfigError:
                raise FetchError(FetchFailure.PROXY, "the feed's own proxy is no address; mend its proxy") from None
        return self._own[proxy]

    async def aclose(self) -> None:
        """Close what is open."""
        for route in (self._usual, *self._own.values()):
            await route.transport.aclose()

    def _through(self, proxy: str) -> httpx.AsyncBaseTransport:
        found = proxy_of(proxy)
        return self._transport or GuardedTransport(self._guard, ssl_context=self._ssl_context, proxy=found)


def _core_proxy(proxy: httpx.Proxy) -> httpcore.Proxy:
    url = proxy.url
    core = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    return httpcore.Proxy(core, auth=proxy.raw_auth, ssl_context=proxy.ssl_context)


# ── errors: the one edge ──────────────────────────────────────────────────────────────────────────

FOREIGN = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    httpx.StreamError,
    socksio.SOCKSError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    ssl.SSLError,
    OSError,
    UnicodeError,
)
# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
_CERTIFICATE = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "its certificate is signed by an authority that is not trusted here",
    20: "its certificate is signed by an authority that is not trusted here",
    21: "its certificate is signed by an authority that is not trusted here",
    23: "its certificate was revoked",
    62: "its certificate is for another name",
    64: "its certificate is for another address",
}
_TIMEOUTS = (httpcore.TimeoutException, httpx.TimeoutException, TimeoutError)
_NETWORK = (httpcore.NetworkError, httpx.NetworkError, OSError, anyio.BrokenResourceError)
_CONNECT = (httpcore.ConnectError, httpx.ConnectError, ConnectionRefusedError)
_SCHEME = (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol, httpx.InvalidURL)
_BY_PROXY = (httpcore.ProxyError, httpx.ProxyError, socksio.SOCKSError)


def translated(error: BaseException, where: str, *, by_proxy: bool = False, own_proxy: bool = False) -> FetchError:
    """Say in our own words what httpx, httpcore, ssl or the system raised. `where` is told first.

    `own_proxy`: the proxy is one that the feed names for itself.
    """
    proxy, key = ("the feed's own proxy", "its proxy") if own_proxy else ("the proxy", "proxy under [network]")
    tls = _tls_error(error)
    if tls is not None:
        return FetchError(FetchFailure.TLS, f"{where}: no trusted connection: {_tls_reason(tls)}")
    if isinstance(error, _BY_PROXY):
        return _proxy_error(error, where, proxy, key)
    if by_proxy and isinstance(error, (*_CONNECT, httpcore.ConnectTimeout, httpx.ConnectTimeout)):
        return FetchError(FetchFailure.PROXY, f"{proxy} does not answer; start it or mend {key}")
    if isinstance(error, _TIMEOUTS):
        return FetchError(FetchFailure.TIMEOUT, f"{where}: no answer in time")
    if isinstance(error, _SCHEME):
        return FetchError(FetchFailure.SCHEME, f"{where}: the address is not a valid http or https address")
    if isinstance(error, _CONNECT):
        return FetchError(FetchFailure.CONNECT, f"{where}: the connection was refused or has no route")
    if isinstance(error, _NETWORK):
        return FetchError(FetchFailure.CONNECT, f"{where}: the connection broke off")
    return FetchError(FetchFailure.PROTOCOL, f"{where}: the answer is cut short or not proper HTTP")


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        code = getattr(error, "verify_code", 0)  # an error made in Python has neither this nor a reason
        return _CERTIFICATE.get(code, f"its certificate is not valid (OpenSSL {code})")
    reason = getattr(error, "reason", "") or ""
    if "PROTOCOL" in reason or "VERSION" in reason:
        return "it speaks no TLS, or none as new as 1.2"
    return f"TLS failed ({reason.lower().replace('_', ' ')})" if reason else "TLS failed"


def _proxy_error(error: BaseException, where: str, proxy: str, key: str) -> FetchError:
    """A proxy that could not reach the site is the site's trouble, not the proxy's."""
    said = str(error)
    if said.startswith(("Proxy Server could not connect", "502", "503", "504")):
        return FetchError(FetchFailure.CONNECT, f"{where}: {proxy} could not reach it")
    return FetchError(FetchFailure.PROXY, f"{proxy} refuses to serve us; check {key}")


# ── what it is built from ─────────────────────────────────────────────────────────────────────────


def default_ssl_context() -> ssl.SSLContext:
    """Build what TLS is checked by: certifi's authorities (or SSL_CERT_FILE's), TLS 1.2 at least."""
    context = httpx.create_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def proxy_of(text: str) -> httpx.Proxy | None:
    """Read the operator's proxy address; None if it is empty.

    Raises ConfigError, which does not repeat the address: it may hold a password.
    """
    problem = 'proxy under [network] is not an address like "socks5h://127.0.0.1:9050" or "http://…"'
    if not text:
        return None
    try:
        proxy = httpx.Proxy(text)
    except (ValueError, httpx.InvalidURL):
        raise ConfigError(problem) from None
    if not proxy.url.host:
        raise ConfigError(problem)
    return proxy
