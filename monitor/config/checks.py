"""What keys mean together: nothing twice, thresholds in order, each channel with the keys of its kind.

Works on the file as TOML gave it, so that these problems are said together with those of single values; a value that is
wrong by itself is passed over here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from monitor import log
from monitor.config import schema, values
from monitor.config.positions import Path
from monitor.config.searches import search_url
from monitor.config.settings import DEFAULT_API_URL, ChannelType

# https://core.telegram.org/bots/api#setwebhook
WEBHOOK_PORTS = (443, 80, 88, 8443)

Raw = Mapping[str, Any]
Found = tuple[Path, str]

_ONLY = {
    "chat": ChannelType.TELEGRAM,
    "topic": ChannelType.TELEGRAM,
    "review": ChannelType.TELEGRAM,
    "api_url": ChannelType.TELEGRAM,
    "url_env": ChannelType.APPRISE,
}
_NEEDS = {
    ChannelType.TELEGRAM: ("chat", 'expected chat = "@name", or the number of the chat'),
    ChannelType.APPRISE: ("url_env", 'expected url_env = "LONGARM_…", the variable that holds the secret address'),
}


def problems(raw: Raw) -> Iterator[Found]:
    """Yield (path, text) of everything that is wrong between keys."""
    yield from _nothing_to_do(raw)
    yield from _repeated_addresses(raw)
    yield from _repeated_languages(raw)
    yield from _thresholds(raw)
    yield from _channels(raw)
    yield from _bot(raw)
    yield from _public(raw)


def tables(raw: Raw, name: str) -> list[tuple[int, Raw]]:
    """Return the tables under [[name]] with their indices; what is no table is passed over."""
    found = raw.get(name)
    return (
        [(index, item) for index, item in enumerate(found) if isinstance(item, dict)] if isinstance(found, list) else []
    )


def _nothing_to_do(raw: Raw) -> Iterator[Found]:
    sources = [raw.get(name) for name in ("feeds", "searches")]
    if not any(sources):
        yield (), 'no feeds; add [[feeds]] with url = "https://…", or [[searches]]'
    elif all(item.get("enabled") is False for name in ("feeds", "searches") for _, item in tables(raw, name)):
        yield (), "every feed is disabled; enable one, or take enabled = false out"
    channels = tables(raw, "channels")
    if channels and all(item.get("enabled") is False for _, item in channels):
        yield ("channels",), "every channel is disabled, so nobody would hear anything; enable one"


def _repeated_addresses(raw: Raw) -> Iterator[Found]:
    first: dict[str, Path] = {}
    for path, url in _addresses(raw):
        earlier = first.setdefault(same_feed(url), path)
        if earlier != path:
            yield path, f"found {values.shown(url)}; {spoken(earlier)} has the same address, take one of them out"


def _addresses(raw: Raw) -> Iterator[tuple[Path, str]]:
    for index, feed in tables(raw, "feeds"):
        url = feed.get("url")
        if isinstance(url, str):
            yield ("feeds", index, "url"), url
    for index, item in tables(raw, "searches"):
        search = schema.valid(schema.SearchTable, item)
        if search is None:
            continue
        for written, language in zip(item["query"], search.query, strict=False):
            url = search_url(search.provider, search.query[language], language)
            yield ("searches", index, "query", written), url


def _repeated_languages(raw: Raw) -> Iterator[Found]:
    for index, item in tables(raw, "searches"):
        query = item.get("query")
        seen: set[str] = set()
        for written in query if isinstance(query, dict) else ():
            if written.lower() in seen:
                yield ("searches", index, "query", written), "the same language stands here twice; take one out"
            seen.add(written.lower())


def same_feed(url: str) -> str:
    """Spell an address so that two that surely lead to the same feed are equal."""
    parts = re.fullmatch(r"([A-Za-z]+)://([^/?#]*)([^#]*)(?:#.*)?", url.strip(), re.DOTALL)
    if parts is None:
        return url
    scheme, host = parts[1].lower(), parts[2].lower()
    host = host.removesuffix({"http": ":80", "https": ":443"}.get(scheme, ""))
    return f"{scheme}://{host}{parts[3] if parts[3].startswith('/') else '/' + parts[3]}"


def _thresholds(raw: Raw) -> Iterator[Found]:
    relevance = raw.get("relevance")
    general = _pair(relevance if isinstance(relevance, dict) else {}, (0.80, 0.50))
    yield from _in_order(relevance, general, ("relevance",))
    for name in ("feeds", "searches"):
        for index, item in tables(raw, name):
            yield from _in_order(item, _pair(item, general), (name, index))


def _pair(table: Raw, otherwise: tuple[float, float]) -> tuple[float, float]:
    alert_at, digest_at = table.get("alert_at", otherwise[0]), table.get("digest_at", otherwise[1])
    try:
        return values.fraction(alert_at), values.fraction(digest_at)
    except ValueError:
        return 1.0, 0.0  # said elsewhere; in order, so that it is not said again here


def _in_order(table: object, pair: tuple[float, float], path: Path) -> Iterator[Found]:
    alert_at, digest_at = pair
    own = [key for key in ("digest_at", "alert_at") if isinstance(table, dict) and key in table]
    if digest_at <= alert_at or not own:
        return
    text = f"found {values.shown(digest_at)}; expected at most alert_at, which is {alert_at:g} here"
    if own[0] == "alert_at":
        text = f"found {values.shown(alert_at)}; expected at least digest_at, which is {digest_at:g} here"
    yield (*path, own[0]), text


def _channels(raw: Raw) -> Iterator[Found]:
    first: dict[str, Path] = {}
    allowed = _allowed(raw)
    for index, item in tables(raw, "channels"):
        path: Path = ("channels", index)
        name = item.get("name")
        if isinstance(name, str):
            earlier = first.setdefault(name.strip(), path)
            if earlier != path:
                yield (*path, "name"), f"found {values.shown(name)}; {spoken(earlier)} has it already, choose another"
        yield from _kind(item, path)
        yield from _api_url(item, path, allowed)


def _bot(raw: Raw) -> Iterator[Found]:
    bot = raw.get("bot")
    if isinstance(bot, dict):
        yield from _api_url(bot, ("bot",), _allowed(raw))
        yield from _webhook(bot, _allowed(raw))


def _webhook(bot: Raw, allowed: Sequence[str]) -> Iterator[Found]:
    """Telegram itself sends over TLS alone, and to few ports; a Bot API server of one's own may stand close by."""
    webhook = bot.get("webhook")
    if not isinstance(webhook, str) or not webhook.lower().startswith(("http://", "https://")):
        return
    is_telegram = bot.get("api_url", DEFAULT_API_URL) == DEFAULT_API_URL
    port = values.host_of(webhook)[1]
    is_plain = webhook.lower().startswith("http://")
    if is_plain and (is_telegram or not _may_be_plain(webhook, allowed)):
        yield ("bot", "webhook"), f"found {values.shown(webhook)}; expected https://: Telegram sends in no other way"
    elif is_telegram and port.isdecimal() and int(port) not in WEBHOOK_PORTS:
        ports = ", ".join(map(str, WEBHOOK_PORTS))
        yield ("bot", "webhook"), f"found port {port}; expected one that Telegram sends to: {ports}"


def _public(raw: Raw) -> Iterator[Found]:
    public = raw.get("public")
    wanted = public.get("channels") if isinstance(public, dict) else None
    known = {item["name"].strip() for _, item in tables(raw, "channels") if isinstance(item.get("name"), str)}
    for index, name in enumerate(wanted if isinstance(wanted, list) else ()):
        if isinstance(name, str) and name.strip() not in known:
            text = f"found {values.shown(name)}; no channel has this name{values.nearest(name, known)}"
            yield ("public", "channels", index), text


def _api_url(item: Raw, path: Path, allowed: Sequence[str]) -> Iterator[Found]:
    api_url = item.get("api_url")
    if isinstance(api_url, str) and not _may_be_plain(api_url, allowed):
        near = "http:// is taken on this machine, and for what network.allow names"
        text = f"found {values.shown(api_url)}; expected https://: the token would be sent in the clear ({near})"
        yield (*path, "api_url"), text


def _kind(item: Raw, path: Path) -> Iterator[Found]:
    kind = item.get("type")
    if kind not in tuple(ChannelType):
        return
    key, expected = _NEEDS.get(ChannelType(kind), ("", ""))
    if key and key not in item:
        yield (*path, key), f"is missing; {expected}"
    for other, only in _ONLY.items():
        if other in item and kind != only:
            yield (*path, other), f'has no meaning for type = "{kind}", only for "{only}"; take it out'


def _allowed(raw: Raw) -> Sequence[str]:
    network = raw.get("network")
    allow = network.get("allow") if isinstance(network, dict) else None
    return [entry for entry in allow if isinstance(entry, str)] if isinstance(allow, list) else []


def _may_be_plain(url: str, allowed: Sequence[str]) -> bool:
    """Whether a Bot API server may be spoken to at `url`: anywhere over TLS, without it only close by."""
    if not url.lower().startswith("http://"):
        return True
    host, port = values.host_of(url)
    if host == "localhost" or f"{host}:{port or '80'}" in [entry.lower() for entry in allowed]:
        return True
    try:
        address = ip_address(host.strip("[]"))
        return address.is_loopback or any(address in ip_network(entry) for entry in allowed if "/" in entry)
    except ValueError:
        return False


def spoken(path: Path) -> str:
    """Spell a path as people write it: feeds[3].every is the third feed's; odd keys are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            key = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else values.shown(part)
            text += f".{key}" if text else key
    return log.redacted(text)
