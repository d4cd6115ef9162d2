"""A search on a news engine as feeds: one address for each language. Asks no engine anything.

Google News answers by edition, a language and a country; a language without one (Uyghur, Tibetan, Khmer, Burmese) is
searched for in the American edition, because the words of the query choose the language by themselves, and an edition
that does not exist is replaced by one of Google's choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import quote


class Provider(StrEnum):
    """A news search engine that answers in RSS."""

    GOOGLE_NEWS = "google-news"
    BING_NEWS = "bing-news"

    @property
    def shown_name(self) -> str:
        """Its name, for people."""
        return "Google News" if self is Provider.GOOGLE_NEWS else "Bing News"


_ADDRESSES = ("https://news.google.com/rss/search?", "https://www.bing.com/news/search?")

# The country whose edition of Google News is asked where the tag names none; languages not here have no edition.
_COUNTRIES: Mapping[str, str] = {
    "ar": "EG", "bg": "BG", "bn": "BD", "cs": "CZ", "de": "DE", "el": "GR", "en": "US", "es": "ES", "fa": "IR",
    "fr": "FR", "he": "IL", "hi": "IN", "hu": "HU", "id": "ID", "it": "IT", "ja": "JP", "ko": "KR", "lt": "LT",
    "lv": "LV", "ml": "IN", "mr": "IN", "ms": "MY", "nl": "NL", "no": "NO", "pl": "PL", "pt": "PT", "ro": "RO",
    "ru": "RU", "sk": "SK", "sl": "SI", "sr": "RS", "sv": "SE", "ta": "IN", "te": "IN", "th": "TH", "tr": "TR",
    "uk": "UA", "ur": "PK", "vi": "VN", "zh": "CN", "zh-Hans": "CN", "zh-Hant": "TW",
}  # fmt: skip
_SAID_OTHERWISE = {"nb": "no", "nn": "no"}


def search_url(provider: Provider, query: str, language: str) -> str:
    """Return the address of the feed that answers `query` in `language` (a BCP 47 tag)."""
    words = quote(query, safe="")
    if provider is Provider.BING_NEWS:
        return f"https://www.bing.com/news/search?q={words}&format=rss&setlang={language}"
    interface, country, edition = _edition(language)
    return f"https://news.google.com/rss/search?q={words}&hl={interface}&gl={country}&ceid={country}:{edition}"


def is_search(url: str) -> bool:
    """Say whether `url` is the address of a search: with another query it is another feed."""
    return url.startswith(_ADDRESSES)


def _edition(language: str) -> tuple[str, str, str]:
    """Interface language, country, and the language's name inside of `ceid`, as the engine itself spells them."""
    parts = language.split("-")
    base = _SAID_OTHERWISE.get(parts[0], parts[0])
    script = next((part for part in parts[1:] if len(part) == 4), "")
    region = next((part for part in parts[1:] if len(part) == 2), "")
    if base not in _COUNTRIES:
        base, region = "en", ""
    country = region or _COUNTRIES.get(f"{base}-{script}") or _COUNTRIES[base]
    if base == "zh":
        return f"zh-{country}", country, f"zh-{script or ('Hant' if country in ('TW', 'HK', 'MO') else 'Hans')}"
    if base == "en":
        return f"en-{country}", country, "en"
    if base == "pt":
        return f"pt-{country}", country, "pt-419" if country == "BR" else "pt-150"
    if base == "es" and (country != "ES" or "419" in parts):
        country = region or "MX"
        return "es-419", country, "es-419"
    return base, country, base
