"""Which addresses may be dialled?"""

from __future__ import annotations

import ast
import inspect
import socket
from collections.abc import Sequence
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ConfigError, FetchError, FetchFailure
from monitor.ingest import guard as guard_module
from monitor.ingest.guard import Guard, allow_problem, refused_kind, resolved, unwrapped
from tests.fetch_parts import names

REFUSED = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.1.1",
    "100.127.255.255",
    "100.100.100.200",
    "0.0.0.0",
    "0.1.2.3",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:808:808::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "fe80::1",
    "fe80::1%lo",
    "fc00::1",
    "fd12:3456::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "100::1",
    "4000::1",
]
PASSED = [
    "8.8.8.8",
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "192.1.0.1",
    "198.20.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "2001:200::1",
]


def kind(error: pytest.ExceptionInfo[FetchError]) -> FetchFailure:
    return error.value.kind


@pytest.mark.parametrize("ip", REFUSED)
def test_an_address_inside_or_of_no_public_network_is_refused(ip: str) -> None:
    with pytest.raises(FetchError) as error:
        Guard().check_address(ip, "news.test", 443)
    assert kind(error) is FetchFailure.BLOCKED_ADDRESS
    assert ip not in str(error.value)


@pytest.mark.parametrize("ip", PASSED)
def test_a_public_address_passes(ip: str) -> None:
    Guard().check_address(ip, "news.test", 443)
    assert refused_kind(ip_address(ip)) == ""


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("::10.0.0.1", "10.0.0.1"),
        ("2002:7f00:1::", "127.0.0.1"),
        ("64:ff9b::a00:1", "10.0.0.1"),
        ("64:ff9b:1::a00:1", "10.0.0.1"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"),
        ("::1", None),
        ("::", None),
        ("2606:4700::1111", None),
        ("8.8.8.8", None),
    ],
)
def test_ipv4_is_taken_out_of_every_wrapping(outer: str, inner: str | None) -> None:
    assert unwrapped(ip_address(outer)) == (ip_address(inner) if inner else None)


def test_an_allowed_translation_prefix_still_has_its_inner_address_checked() -> None:
    here = Guard(["64:ff9b::/96"])
    here.check_address("64:ff9b::808:808", "news.test", 443)
    with pytest.raises(FetchError):
        here.check_address("64:ff9b::7f00:1", "news.test", 443)
    Guard(["64:ff9b::/96", "127.0.0.0/8"]).check_address("64:ff9b::7f00:1", "news.test", 443)


@given(st.ip_addresses())
def test_no_address_passes_that_the_standard_library_calls_private(address: object) -> None:
    address = ip_address(str(address))
    if not refused_kind(address):
        assert not address.is_private
        assert not address.is_multicast
        assert not address.is_loopback
        assert not address.is_link_local


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://0/",
        "http://127。0。0。1/",
        "http://127．0．0．1/",
        "http://１２７.0.0.1/",
        "http://①②⑦.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[0:0:0:0:0:ffff:7f00:1]/",
        "http://127.0.0.1./",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost/",
        "http://LOCALHOST:8080/",
        "http://localhost./",
        "http://a.localhost/",
        "http://metadata.google.internal/",
        "http://printer.local/",
        "http://news.test./",
        "http://1.1.1.256/",
        "http://example.0x1/",
        "http://news%2etest/",
        "http://news.test:22/",
        "http://news.test:25/",
        "http://news.test:6379/",
        "http://8.8.8.8:5432/",
    ],
)
def test_a_url_to_somewhere_internal_is_refused_in_every_spelling(url: str) -> None:
    for by_proxy in (False, True):
        with pytest.raises(FetchError) as error:
            Guard().check_url(url, by_proxy=by_proxy)
        assert kind(error) is FetchFailure.BLOCKED_ADDRESS


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://news.test/",
        "gopher://news.test/",
        "data:text/xml,<rss/>",
        "javascript:alert(1)",
        "unix:/run/docker.sock",
        "news.test/rss",
        "//news.test/rss",
        "",
        "http:/news.test/",
        "http:news.test",
        "http:///rss",
        "http://",
        "http://?x",
        "http://user:pass@news.test/",
        "http://good.test@127.0.0.1/",
        "http://user@news.test/",
        "http://internal:8888\\@news.test/",
        "http://news.test\\.evil.test/",
        "http://news.test/a\r\nHost: x",
        "http://news.test/\x00",
        "http://news.test/a\tb",
        "http://news test/",
        "http://news.test:0/",
        "http://news.test:99999/",
        "http://news.test:80a/",
        "http://[::1/",
        "http://[fe80::1%25lo]/",
        "http://[news.test]/",
        "http://news.test/" + "a" * 4096,
    ],
)
def test_what_is_no_plain_http_address_is_refused(url: str) -> None:
    with pytest.raises(FetchError) as error:
        Guard().check_url(url)
    assert kind(error) is FetchFailure.SCHEME


@pytest.mark.parametrize(
    "url",
    [
        "http://news.test/rss",
        "HTTPS://NEWS.test/rss?a=b#c",
        "http://news.test:8080/",
        "https://news.test:8443/a b",
        "https://news.test?x=@",
        "https://新聞.test/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:443/",
        "https://news.test/path:with/colons@and-at",
        "http://news.test:/no-port-after-the-colon",
    ],
)
def test_a_plain_address_passes_where_one_with_a_backslash_does_not(url: str) -> None:
    for by_proxy in (False, True):
        Guard().check_url(url, by_proxy=by_proxy)
        with pytest.raises(FetchError):
            Guard().check_url(url + "\\", by_proxy=by_proxy)


async def test_an_allowed_host_and_port_opens_just_that() -> None:
    here = Guard(["rss-bridge:3000", "[fd00::5]:81", "localhost:99"], resolver=names(**{"rss-bridge": "172.18.0.4"}))
    here.check_url("http://rss-bridge:3000/?action=display")
    here.check_url("http://[fd00::5]:81/")
    here.check_url("http://localhost:99/")
    assert await here.addresses("rss-bridge", 3000) == ("172.18.0.4",)
    assert await here.addresses("fd00::5", 81) == ("fd00::5",)
    for host, port in [("rss-bridge", 80), ("rss-bridge", 3001), ("fd00::5", 80), ("fd00::6", 81)]:
        with pytest.raises(FetchError):
            await here.addresses(host, port)
    with pytest.raises(FetchError):
        here.check_url("http://localhost/")


@pytest.mark.parametrize("ip", ["169.254.169.254", "168.63.129.16", "fd00:ec2::254", "0.0.0.0", "ff02::1"])
def test_an_allowed_name_must_not_come_to_mean_a_metadata_service(ip: str) -> None:
    with pytest.raises(FetchError):
        Guard(["rss-bridge:3000"]).check_address(ip, "rss-bridge", 3000)


async def test_an_allowed_network_opens_every_port_in_it() -> None:
    here = Guard(["10.1.0.0/16"], resolver=names(bridge="10.1.2.3", other="10.2.0.1", public="8.8.8.8"))
    assert await here.addresses("bridge", 3000) == ("10.1.2.3",)
    here.check_url("http://10.1.9.9:6379/")
    for host, port in [("other", 80), ("public", 3000), ("10.2.0.1", 80)]:
        with pytest.raises(FetchError) as error:
            await here.addresses(host, port)
        assert kind(error) is FetchFailure.BLOCKED_ADDRESS
    with pytest.raises(FetchError):
        here.check_url("http://bridge:3000/", by_proxy=True)  # nobody here will see what the name means


async def test_one_bad_answer_refuses_the_whole_name() -> None:
    here = Guard(resolver=names(news_test=["8.8.8.8", "192.168.0.1"], good_test=["8.8.8.8", "2606:4700::1111"]))
    with pytest.raises(FetchError):
        await here.addresses("news.test", 443)
    assert await here.addresses("good.test", 443) == ("8.8.8.8", "2606:4700::1111")


async def test_a_name_is_resolved_once() -> None:
    asked = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["8.8.8.8"] if len(asked) == 1 else ["127.0.0.1"]

    assert await Guard(resolver=rebinding).addresses("news.test", 80) == ("8.8.8.8",)
    assert asked == ["news.test"]


@pytest.mark.parametrize(
    "trouble",
    [
        socket.gaierror(socket.EAI_NONAME, "x"),
        socket.gaierror(socket.EAI_AGAIN, "x"),
        OSError(5, "x"),
        UnicodeError("label too long"),
        None,
    ],
)
async def test_a_name_without_an_address_is_not_found(trouble: Exception | None) -> None:
    async def resolver(host: str, port: int) -> Sequence[str]:
        if trouble:
            raise trouble
        return []

    with pytest.raises(FetchError) as error:
        await Guard(resolver=resolver).addresses("news.test", 80)
    assert kind(error) is FetchFailure.DNS


async def test_the_systems_resolver_knows_this_machine_and_the_guard_refuses_it() -> None:
    assert "127.0.0.1" in await resolved("127.0.0.1", 80)
    with pytest.raises(FetchError):
        Guard().check_address("127.0.0.1", "sneaky.test", 80)
    with pytest.raises(FetchError) as error:
        await Guard().addresses("a" * 70 + ".test", 80)  # no lookup can be made of it
    assert kind(error) is FetchFailure.DNS


def test_an_address_with_a_zone_is_refused_even_in_an_allowed_network() -> None:
    with pytest.raises(FetchError):
        Guard(["fe80::/10"]).check_address("fe80::1%eth0", "news.test", 80)
    with pytest.raises(FetchError):
        Guard().check_target("fe80::1%25lo", 80)


@pytest.mark.parametrize(
    "entry", ["127.0.0.1/32", "10.0.0.0/8", "fc00::/7", "rss-bridge:3000", "[::1]:8080", "192.168.1.5:81", "a.b.test:1"]
)
def test_a_proper_allow_entry_has_no_problem(entry: str) -> None:
    assert allow_problem(entry) is None


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("", "empty"),
        (" a:80", "spaces"),
        ("127.0.0.1", "neither"),
        ("rss-bridge", "neither"),
        ("::1", "neither"),
        ("http://a:80", "not a network"),
        ("a:0", "port"),
        ("a:70000", "port"),
        ("0.0.0.0/0", "too much"),
        ("::/0", "too much"),
        ("10.0.0.0/7", "too much"),
        ("10.0.0.1/24", '"10.0.0.0/24"'),
        ("fd00::1/64", '"fd00::/64"'),
        ("10.0.0.0/99", "not a network"),
        ("127.1:80", "address"),
        ("[abc]:80", "address"),
        ("*.test:80", "wildcards"),
        ("münchen.test:80", "xn--"),
    ],
)
def test_a_wrong_allow_entry_is_told_in_words(entry: str, word: str) -> None:
    problem = allow_problem(entry)
    assert problem is not None
    assert word in problem
    with pytest.raises(ConfigError) as error:
        Guard([entry, "127.0.0.1/32", entry])
    assert len(error.value.problems) == 2


def test_the_guard_knows_no_http_client() -> None:
    tree = ast.parse(inspect.getsource(guard_module))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & {"httpx", "httpcore", "urllib.parse", "urllib.request"}
