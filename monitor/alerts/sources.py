"""Which source speaks for a story? Ranks addresses by what their hosts are known for. Pure: it looks nothing up.

    first          newsrooms that stand by their reports, in the order of the list
    (not listed)   everybody else: no judgement
    last           copies of others' work: portals, link counters, search engines
    mirrors        copies under another roof, archives, translators: the words may be right, the address is not theirs
    look-alikes    unusual letters, bare numbers, or a name made to pass for one of `first`
    no address     nothing that could be opened

The reader's own list goes before the shipped one, host by host. Rank decides only who tells a story and whose link is
shown, never whether it is told: a small newspaper's report is an alert like any other.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import ip_address

from monitor.compose import harmless, is_odd_host
from monitor.text import display_host, safe_url


class Tier(IntEnum):
    """How gladly a source is heard: lower goes first."""

    FIRST = 0
    PLAIN = 1
    LAST = 2
    MIRROR = 3
    LOOK_ALIKE = 4
    NOWHERE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """Hosts by tier, each standing for its subdomains too. `first` is in order: who stands further up goes first."""

    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()


SHIPPED = Tiers(
    first=(
        "reuters.com", "apnews.com", "afp.com", "bbc.com", "bbc.co.uk", "dpa.com", "efe.com", "theguardian.com",
        "nytimes.com", "washingtonpost.com", "wsj.com", "ft.com", "economist.com", "lemonde.fr", "elpais.com",
        "spiegel.de", "zeit.de", "sueddeutsche.de", "faz.net", "nzz.ch", "srf.ch", "svt.se", "nrk.no", "dr.dk",
        "yle.fi", "nos.nl", "rtve.es", "rainews.it", "repubblica.it", "publico.pt", "irishtimes.com", "rte.ie",
        "dw.com", "france24.com", "rfi.fr", "aljazeera.com", "npr.org", "cbc.ca", "theglobeandmail.com", "abc.net.au",
        "smh.com.au", "rnz.co.nz", "asahi.com", "nhk.or.jp", "yna.co.kr", "cna.com.tw", "pts.org.tw",
        "straitstimes.com", "rferl.org", "svoboda.org", "currenttime.tv", "rfa.org", "voanews.com", "meduza.io",
        "novayagazeta.eu", "theins.ru", "occrp.org", "icij.org", "bellingcat.com", "propublica.org", "iranintl.com",
        "hongkongfp.com", "thewirechina.com", "citizenlab.ca", "amnesty.org", "hrw.org", "freedomhouse.org",
        "safeguarddefenders.com", "cpj.org", "rsf.org", "fairtrials.org", "justice.gov", "gov.uk", "europa.eu",
        "ohchr.org",
    ),
    last=(
        "news.google.com", "bing.com", "msn.com", "news.yahoo.com", "yahoo.com", "flipboard.com", "smartnews.com",
        "newsbreak.com", "feedly.com", "inoreader.com", "t.co", "bit.ly", "lnkd.in", "facebook.com", "x.com",
        "twitter.com", "t.me", "vk.com", "weibo.com", "reddit.com", "medium.com", "substack.com", "wordpress.com",
        "blogspot.com", "prnewswire.com", "globenewswire.com", "einpresswire.com", "einnews.com",
    ),
    mirrors=(
        "web.archive.org", "archive.org", "archive.ph", "archive.is", "archive.today", "archive.li", "ghostarchive.org",
        "translate.goog", "translate.google.com", "webcache.googleusercontent.com", "cdn.ampproject.org", "12ft.io",
        "r.jina.ai", "removepaywall.com", "cloudfront.net", "azureedge.net", "github.io", "ipfs.io", "dweb.link",
    ),
)  # fmt: skip
"""Ours; whoever disagrees puts a host into `[sources]`. Listed for being known to correct what they got wrong."""

Rank = tuple[int, int, int]
"""Sorts sources: tier, then whose list (the reader's own before ours), then the place in it."""


def tier(url: str, tiers: Tiers = Tiers()) -> Tier:
    """Say which tier the source at `url` belongs to."""
    return Tier(rank(url, tiers)[0])


@functools.lru_cache(maxsize=4_096)
def rank(url: str, tiers: Tiers = Tiers()) -> Rank:
    """Rank the source at `url`: lower is better; equal for those that no list tells apart."""
    safe = safe_url(url)
    if not safe:
        return Tier.NOWHERE, 0, 0
    host = display_host(safe)
    if is_odd_host(safe) or _is_number(host):
        return Tier.LOOK_ALIKE, 0, 0
    for whose, listed in enumerate((tiers, SHIPPED)):
        for found, hosts in ((Tier.FIRST, listed.first), (Tier.LAST, listed.last), (Tier.MIRROR, listed.mirrors)):
            place = next((place for place, name in enumerate(hosts) if is_under(host, name)), None)
            if place is not None:
                return found, whose, place
    if any(passes_for(host, name) for name in (*tiers.first, *SHIPPED.first)):
        return Tier.LOOK_ALIKE, 0, 0
    return Tier.PLAIN, 0, 0


def is_under(host: str, name: str) -> bool:
    """Say whether `host` is `name` or one of its subdomains."""
    return host == name or host.endswith(f".{name}")


def passes_for(host: str, name: str) -> bool:
    """Say whether `host`, which is not under `name`, is made to be taken for it.

    By its shape (digits and pairs of letters that look like another, accents, dashes), or because it begins with the
    whole name and goes on.
    """
    if host.startswith((f"{name}.", f"{name}-")) or f".{name}." in host or f".{name}-" in host:
        return True
    shape, wanted = skeleton(host), skeleton(name)
    return shape == wanted or shape.endswith(f".{wanted}")


_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_DIGITS = str.maketrans("0134578", "oieastb")
_LIKE_I = str.maketrans("lj|", "iii")


@functools.lru_cache(maxsize=4_096)
def skeleton(host: str) -> str:
    """Reduce a host to what the eye sees of it. For comparing only."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", host.lower()) if not unicodedata.combining(char))
    plain = plain.replace("-", "").translate(_DIGITS).translate(_LIKE_I)
    for pair, letter in _PAIRS:
        plain = plain.replace(pair.translate(_LIKE_I), letter)
    return plain


def warning(url: str, tiers: Tiers = Tiers()) -> str:
    """Say what is odd about the host of `url`, for readers: " (careful: …)"; "" where nothing is."""
    if is_odd_host(url):
        return " (careful: unusual letters in this address)"
    if tier(url, tiers) is not Tier.LOOK_ALIKE:
        return ""
    host = display_host(url)
    if _is_number(host):
        return " (careful: a bare number instead of a name)"
    name = next(name for name in (*tiers.first, *SHIPPED.first) if passes_for(host, name))
    return f" (careful: this is not {harmless(name, 60)})"


def _is_number(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return bool(re.fullmatch(r"[0-9.]+", host))
    return True
