"""Decides which addresses may be dialled: the one gate in front of every fetch.

It refuses by its own table of networks, because the flags of the standard library differ between patch releases and
call some dangerous addresses global. A name is resolved once, every answer is checked, and what comes back is what is
to be dialled; nobody resolves it again. It makes no request itself and knows nothing of HTTP clients.

Its texts name neither host nor address (a redirect chooses those): who calls says where it happened.
"""

from __future__ import annotations

import asyncio
import re
import socket
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from monitor.errors import ConfigError, FetchError, FetchFailure

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

PORTS = frozenset({80, 443, 8080, 8443})
MAX_URL_LENGTH = 4096

# https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry, and clouds' metadata.
_PRIVATE: tuple[tuple[Network, str], ...] = (
    (IPv4Network("10.0.0.0/8"), "a private"),
    (IPv4Network("100.64.0.0/10"), "a carrier-grade NAT"),
    (IPv4Network("127.0.0.0/8"), "a loopback"),
    (IPv4Network("172.16.0.0/12"), "a private"),
    (IPv4Network("192.168.0.0/16"), "a private"),
    (IPv6Network("::1/128"), "a loopback"),
    (IPv6Network("fc00::/7"), "a private"),
)
# What a name that the operator allowed must not resolve to either: nothing serves news there, and metadata does.
_NEVER: tuple[tuple[Network, str], ...] = (
    (IPv4Network("168.63.129.16/32"), "a cloud metadata"),  # Azure; a public address
    (IPv4Network("100.100.100.200/32"), "a cloud metadata"),  # Alibaba
    (IPv4Network("192.0.0.192/32"), "a cloud metadata"),  # Oracle
    (IPv6Network("fd00:ec2::254/128"), "a cloud metadata"),  # Amazon
    (IPv6Network("fd20:ce::254/128"), "a cloud metadata"),  # Google
    (IPv4Network("169.254.0.0/16"), "a link-local"),
    (IPv4Network("0.0.0.0/8"), "an unspecified"),
    (IPv4Network("192.0.0.0/24"), "a reserved"),
    (IPv4Network("192.0.2.0/24"), "a documentation"),
    (IPv4Network("192.88.99.0/24"), "a relay"),
    (IPv4Network("198.18.0.0/15"), "a benchmarking"),
    (IPv4Network("198.51.100.0/24"), "a documentation"),
    (IPv4Network("203.0.113.0/24"), "a documentation"),
    (IPv4Network("224.0.0.0/4"), "a multicast"),
    (IPv4Network("240.0.0.0/4"), "a reserved"),
    (IPv6Network("::ffff:0:0/96"), "a wrapped IPv4"),
    (IPv6Network("64:ff9b::/96"), "a translated IPv4"),
    (IPv6Network("64:ff9b:1::/48"), "a translated IPv4"),
    (IPv6Network("2002::/16"), "a tunnelled IPv4"),
    (IPv6Network("2001::/32"), "a tunnelled IPv4"),
    (IPv6Network("2001::/23"), "a reserved"),
    (IPv6Network("2001:db8::/32"), "a documentation"),
    (IPv6Network("3fff::/20"), "a documentation"),
    (IPv6Network("fe80::/10"), "a link-local"),
    (IPv6Network("fec0::/10"), "a site-local"),
    (IPv6Network("ff00::/8"), "a multicast"),
)
_GLOBAL_V6 = IPv6Network("2000::/3")  # all else of IPv6 is not given out, or wraps IPv4
_REFUSED_NAMES = ("localhost", "internal", "local", "localdomain", "home.arpa")
_WIDEST = {4: 8, 6: 7}  # the shortest prefix that one allow entry may have: it opens a network, not the world

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_HOST_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::([0-9]{0,5}))?")
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")

_MEND = 'if it is yours, add it to "allow" under [network] as host:port'

# The default executor has six threads on two cores: one slow name server would hold up every other lookup.
_lookups = ThreadPoolExecutor(max_workers=32, thread_name_prefix="lookup")


async def resolved(host: str, port: int) -> Sequence[str]:
    """Resolve `host` by the system's resolver, in its order of preference. Raises OSError or UnicodeError."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_lookups, _getaddrinfo, host, port)
    return tuple(dict.fromkeys(found))


def _getaddrinfo(host: str, port: int) -> list[str]:
    return [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Guard:
    """Which addresses may be dialled. `allow`: exact "host:port" or a network ("127.0.0.1/32": any port there).

    Raises ConfigError on an entry that `allow_problem` finds fault with.
    """

    def __init__(self, allow: Sequence[str] = (), *, resolver: Resolver = resolved) -> None:
        problems = [f"allow entry {entry!r}: {problem}" for entry in allow if (problem := allow_problem(entry))]
        if problems:
            raise ConfigError(*problems)
        self._networks = tuple(ip_network(entry) for entry in allow if "/" in entry)
        self._exact = frozenset(_split_entry(entry) for entry in allow if "/" not in entry)
        self._resolver = resolver

    def check_url(self, url: str, *, by_proxy: bool = False) -> None:
        """Refuse a URL that is not plain http(s) to a host and port that may be asked.

        `by_proxy`: the name will be resolved elsewhere. Raises FetchError (SCHEME, BLOCKED_ADDRESS). A name that
        passes here is still checked when it is resolved.
        """
        if len(url) > MAX_URL_LENGTH:
            raise _bad_url(f"the address is longer than {MAX_URL_LENGTH:,} characters")
        if _UNPRINTABLE.search(url) or "\\" in url:
            raise _bad_url("the address holds a control character or a backslash")
        scheme = _SCHEME.match(url)
        if scheme is None or scheme[1].lower() not in ("http", "https"):
            raise _bad_url("the address is of a scheme that is not allowed; only http and https are")
        authority = _AUTHORITY.match(url)
        if authority is None:
            raise _bad_url("the address names no host")
        if "@" in authority[1]:
            raise _bad_url("the address holds a user name or password; they are not sent, take them out")
        parts = _HOST_PORT.fullmatch(authority[1])
        if parts is None:
            raise _bad_url("the address has no valid host and port")
        port = int(parts[3] or (443 if scheme[1].lower() == "https" else 80))
        self.check_target(parts[1] or parts[2], port, by_proxy=by_proxy)

    def check_target(self, host: str, port: int, *, by_proxy: bool = False) -> None:
        """Refuse a host and port by what can be known before the name is resolved. Raises as `check_url`."""
        host = _folded(host)
        if not host or any(char.isspace() for char in host) or not 0 < port < 65536:
            raise _bad_url("the address has no valid host and port")
        address = _literal(host)
        if address is not None:
            self.check_address(str(address), host, port)
            return
        if "%" in host or _NUMERIC.fullmatch(host.rsplit(".", 1)[-1]):
            raise _blocked("the host is an unusual spelling of an address, which is refused; write it plainly")
        if (host, port) in self._exact:
            return
        if host.endswith(".") or any(host == name or host.endswith(f".{name}") for name in _REFUSED_NAMES):
            raise _blocked(f"the host has a name for internal use, which is refused; {_MEND}")
        if port not in PORTS and (by_proxy or not self._networks):
            raise _odd_port(port)  # with a network allowed, the resolved address decides

    def check_address(self, ip: str, host: str, port: int) -> None:
        """Refuse `ip`, an answer for `host`, unless it may be dialled at `port`. Raises FetchError(BLOCKED_ADDRESS)."""
        host = _folded(host)
        address = _literal(ip)
        if address is None:
            raise _blocked("the host has an address with a zone or of an unknown form, which is refused")
        if (host, port) in self._exact:
            kind = "" if _literal(host) is not None else _kind(address, _NEVER)
        elif self._allowed(address):
            inner = unwrapped(address)
            kind = "" if inner is None or self._allowed(inner) else refused_kind(inner)
        else:
            kind = refused_kind(address)
            if not kind and port not in PORTS:
                raise _odd_port(port)
        if kind:
            raise _blocked(f"the host has {kind} address, which is refused; {_MEND}")

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Resolve `host` once; return its addresses, all checked, in the resolver's order.

        One bad answer refuses the whole name. Raises FetchError (DNS, SCHEME, BLOCKED_ADDRESS).
        """
        self.check_target(host, port)
        literal = _literal(_folded(host))
        if literal is not None:
            return (str(literal),)
        try:
            found = tuple(await self._resolver(host, port))
        except socket.gaierror as error:
            soon = error.errno == socket.EAI_AGAIN
            why = "the name server does not answer" if soon else "there is no such name; check its spelling"
            raise FetchError(FetchFailure.DNS, why) from None
        except (OSError, UnicodeError):
            raise FetchError(FetchFailure.DNS, "the name could not be looked up; check its spelling") from None
        if not found:
            raise FetchError(FetchFailure.DNS, "the name has no address; check its spelling")
        for ip in found:
            self.check_address(ip, host, port)
        return found

    def _allowed(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def allow_problem(entry: str) -> str | None:
    """Say what is wrong with an entry of `allow`, or None. Never a switch for everything: a network is at most a /8."""
    if entry != entry.strip() or not entry:
        return "is empty or has spaces around it"
    if "/" in entry:
        return _network_problem(entry)
    split = _HOST_PORT.fullmatch(entry)
    if split is None or not split[3]:
        return 'is neither "host:port" nor a network like "127.0.0.1/32"'
    if not 0 < int(split[3]) < 65536:
        return "has a port that does not exist; ports are 1 to 65535"
    host = _folded(split[1] or split[2])
    numeric = _NUMERIC.fullmatch(host.rsplit(".", 1)[-1])
    if (split[1] or numeric) and _literal(host) is None:
        return "has an address that can't be read; write it plainly, like 192.168.1.5:8000 or [fd00::5]:8000"
    if not host.isascii() or any(char.isspace() or char in "*@%\\" for char in host):
        return "has a host that can't be; write it exactly (xn--… for other scripts), wildcards are not taken"
    return None


def _network_problem(entry: str) -> str | None:
    try:
        network = ip_network(entry)
    except ValueError:
        try:
            mended = ip_network(entry, strict=False)
        except ValueError:
            return 'is not a network; write it like "10.1.0.0/16" or "127.0.0.1/32"'
        return f'is an address inside a network; write "{mended}" or one host as "/{mended.max_prefixlen}"'
    if network.prefixlen < _WIDEST[network.version]:
        return f"opens too much; the widest network taken is a /{_WIDEST[network.version]}"
    return None


def _split_entry(entry: str) -> tuple[str, int]:
    parts = _HOST_PORT.fullmatch(entry)
    assert parts is not None
    return _folded(parts[1] or parts[2]), int(parts[3])


def refused_kind(address: Address) -> str:
    """Say which kind of address it is if it must not be dialled ("a loopback"), empty if it may."""
    kind = _kind(address, _NEVER) or _kind(address, _PRIVATE)
    if not kind and isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return "a reserved"
    return kind


def unwrapped(address: Address) -> IPv4Address | None:
    """Take the IPv4 address out of an IPv6 one: mapped, compatible, 6to4, NAT64 or Teredo; None if there is none."""
    if isinstance(address, IPv4Address):
        return None
    number = int(address)
    low = number & 0xFFFFFFFF
    if number >> 32 in (0, 0xFFFF) and low > 1:  # ::1 and :: are their own
        return IPv4Address(low)
    if number >> 112 == 0x2002:
        return IPv4Address(number >> 80 & 0xFFFFFFFF)
    if number >> 32 == 0x64FF9B << 64 or number >> 80 == 0x64FF9B0001:
        return IPv4Address(low)
    if number >> 96 == 0x20010000:
        return IPv4Address(low ^ 0xFFFFFFFF)
    return None


def _kind(address: Address, table: Sequence[tuple[Network, str]]) -> str:
    return next((kind for network, kind in table if address in network), "")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host) if "%" not in host else None
    except ValueError:
        return None


def _folded(host: str) -> str:
    """Lower case, ASCII digits and dots: "１２７。０.0.1" is 127.0.0.1, and must be seen as that."""
    host = unicodedata.normalize("NFKC", host).replace("。", ".").lower()
    literal = _literal(host)
    return str(literal) if literal is not None else host


def _bad_url(why: str) -> FetchError:
    return FetchError(FetchFailure.SCHEME, why)


def _blocked(why: str) -> FetchError:
    return FetchError(FetchFailure.BLOCKED_ADDRESS, why)


def _odd_port(port: int) -> FetchError:
    return _blocked(f"port {port} is not one of 80, 443, 8080, 8443; {_MEND}")
