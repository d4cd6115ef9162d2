"""Only a trusted certificate for the asked name is taken, whatever address is dialled."""

from __future__ import annotations

import asyncio
import datetime
import ssl

import pytest
import trustme

from monitor.errors import FetchError, FetchFailure
from monitor.ingest.dial import default_ssl_context
from tests.fetch_parts import RSS, Asked, Site, answer, fetcher, guard, redirect

CA = trustme.CA()


def server(authority: trustme.CA = CA, **options: object) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("news.test", **options).configure_cert(context)
    return context


def trusting() -> ssl.SSLContext:
    context = default_ssl_context()
    CA.configure_trust(context)
    return context


async def got(tls: ssl.SSLContext, host: str = "news.test") -> tuple[bytes, Site]:
    use = guard("127.0.0.1/32", news_test="127.0.0.1", other_test="127.0.0.1")
    async with Site({"/": answer()}, tls=tls) as site, fetcher(use, ssl_context=trusting()) as web:
        return (await web.get(site.url("/", host))).body, site


async def refusal(tls: ssl.SSLContext, host: str = "news.test") -> str:
    # The server side of a refused handshake tells its event loop; that is not what is tested.
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    with pytest.raises(FetchError) as error:
        await got(tls, host)
    assert error.value.kind is FetchFailure.TLS
    return str(error.value)


async def test_a_trusted_certificate_for_the_name_is_taken_though_an_address_is_dialled() -> None:
    seen = []
    context = server()
    context.sni_callback = lambda connection, name, _: seen.append(name)
    body, site = await got(context)
    assert body == RSS
    assert seen == ["news.test"]
    assert site.asked[0].headers["host"] == f"news.test:{site.port}"


async def test_a_certificate_for_another_name_is_refused() -> None:
    assert "for another name" in await refusal(server(), "other.test")


async def test_an_unknown_authority_is_refused() -> None:
    assert "not trusted here" in await refusal(server(trustme.CA()))


async def test_an_expired_certificate_is_refused_and_named_so() -> None:
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    assert await refusal(server(not_after=past)) == "news.test: no trusted connection: its certificate has expired"


async def test_a_certificate_of_tomorrow_is_refused() -> None:
    future = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    assert "not valid yet" in await refusal(server(not_before=future))


async def test_old_tls_is_refused() -> None:
    async def only_old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(bytes.fromhex("15 0302 0002 02 46"))  # alert, fatal, protocol_version
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(only_old, "127.0.0.1", 0)
    async with listener, fetcher() as web:
        with pytest.raises(FetchError) as error:
            await web.get(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/")
    assert error.value.kind is FetchFailure.TLS
    assert "none as new as 1.2" in str(error.value)


async def test_a_server_without_tls_is_told_so() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener, fetcher() as web:
        with pytest.raises(FetchError) as error:
            await web.get(f"https://127.0.0.1:{port}/")
    assert error.value.kind is FetchFailure.TLS


async def test_a_body_cut_under_tls_is_an_error() -> None:
    async def cut(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.transport.abort()

    use = guard("127.0.0.1/32", news_test="127.0.0.1")
    async with Site({"/": cut}, tls=server()) as site, fetcher(use, ssl_context=trusting()) as web:
        with pytest.raises(FetchError) as error:
            await web.get(site.url("/", "news.test"))
    assert error.value.kind in (FetchFailure.CONNECT, FetchFailure.PROTOCOL)


async def test_a_permanent_move_to_plain_http_is_followed_and_never_learned() -> None:
    use = guard("127.0.0.1/32", news_test="127.0.0.1")
    async with (
        Site({"/": answer()}) as plain,
        Site(tls=server()) as site,
        fetcher(use, ssl_context=trusting()) as web,
    ):
        site.pages["/"] = redirect(site.url("/b", "news.test"), 301)
        site.pages["/b"] = redirect(plain.url("/", "news.test"), 301)
        found = await web.get(site.url("/", "news.test"))
        assert (found.url, found.permanent_url) == (plain.url("/", "news.test"), site.url("/b", "news.test"))


def test_by_default_authorities_are_known_and_names_are_checked() -> None:
    context = default_ssl_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.cert_store_stats()["x509_ca"] > 50
