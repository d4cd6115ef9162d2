"""The bot's own words in the reader's language. The catalogues in `locale/` are read at their first use.

A text without a translation stays English; nothing of what feeds wrote is ever translated. Which language somebody
reads is decided by `chosen`: their own choice, else what Telegram says, else English.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent / "locale"

LANGUAGES = {
    "en": "English",
    "ar": "العربية",
    "de": "Deutsch",
    "es": "Español",
    "fa": "فارسی",
    "fr": "Français",
    "ru": "Русский",
    "tr": "Türkçe",
    "zh-Hans": "简体中文",
    "zh-Hant": "繁體中文",
}
"""Those with a catalogue, by BCP 47 tag, each under its own name."""

_TRADITIONAL = ("hant", "tw", "hk", "mo")

Translate = Callable[..., str]


def chosen(own: str, telegram: str) -> str:
    """Which language to answer in: `own` choice before Telegram's tag; a tag of `LANGUAGES`."""
    return own if own in LANGUAGES else named(telegram) or "en"


def named(text: str) -> str:
    """Which language a person means by a tag or a name, "zh-TW" or "Deutsch"; "" for none of ours."""
    wanted = text.strip().replace("_", "-").casefold()
    by_name = {name.casefold(): tag for tag, name in LANGUAGES.items()}
    by_tag = {tag.casefold(): tag for tag in LANGUAGES}
    parts = wanted.split("-")
    if parts[0] == "zh":
        return "zh-Hant" if any(part in _TRADITIONAL for part in parts[1:]) else "zh-Hans"
    return by_name.get(wanted) or by_tag.get(wanted) or by_tag.get(parts[0], "")


def speaking(language: str) -> Translate:
    """Return what translates into `language`: the English text first, then values for its {places}."""
    catalogue = _catalogue(language)

    def translate(text: str, **values: object) -> str:
        said = catalogue.get(text) or text
        return said.format(**values) if values else said

    return translate


@functools.cache
def _catalogue(language: str) -> dict[str, str]:
    from babel.messages.pofile import read_po  # noqa: PLC0415 - only who speaks another language needs it

    path = FOLDER / f"{language.replace('-', '_')}.po"
    if language == "en" or not path.exists():
        return {}
    with path.open("rb") as file:
        messages = read_po(file)
    return {str(one.id): str(one.string) for one in messages if one.id and one.string and not one.fuzzy}
