"""Names of states and cities in the languages of CLDR. Reads what the babel package ships; decides nothing."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from monitor.stories.gazetteer.tables import MAX_GROWN, Form, Kind, folded_form, form

LOCALES = (
    "en zh_Hans zh_Hant es fr de ru ar fa tr it pt nl ja ko vi id pl cs sv uk da nb fi hu ro el he hi ur th bg sr hr "
    "sk sl lt lv et kk uz az ka hy ms bn ta my km be ps tg ky mn ca sw am"
).split()
# Their names change at the end: the last vowel is no part of the stem.
_INFLECTED = frozenset("ru uk be bg sr pl cs sk hr sl lt lv kk ky mn tg el".split())
_VOWELS = "aeiouyąęáéíýěůаеёиіїйоуыьэюяαεηιουωάέήίόύώ"
_SHORTEST_STEM = 4
# Territories nobody reports from, or named by common words, and zones named after something else than a city.
_LEFT_OUT = frozenset(
    "AQ BV HM TF UM GS CX CC IO PN AX BL MF SX CP DG EA IC TA AC NF SJ WF TK NU NR IM JE GG MQ RE YT".split()
)
_ZONES_LEFT_OUT = ("Antarctica", "Etc", "America/Indiana", "America/North_Dakota", "America/Kentucky", "Indian/")
_COMMON_WORDS = frozenset(
    "center reunion nome easter casey davis troll palmer regina nelson creston dawson thule vostok rothera wake midway "
    "azores madeira canary faeroe faroe johnston chatham norfolk phoenix knox boise belem man niue guam mahe truk "
    "ponape wallis galapagos lord central eastern mountain pacific atlantic bougainville kerguelen "
    "stanley salta oral bang".split()
)


def cldr_forms() -> Iterator[Form]:
    """Forms of states and of the cities that stand for a time zone, in every locale."""
    from babel import Locale  # noqa: PLC0415 - reads locale files
    from babel.core import get_global  # noqa: PLC0415

    zones = get_global("zone_territories")
    seen: set[tuple[str, str]] = set()
    for name in LOCALES:
        locale = Locale.parse(name)
        for state, written in locale.territories.items():
            if len(state) == 2 and state.isalpha() and state not in _LEFT_OUT and (state, written) not in seen:
                seen.add((state, written))
                yield from _forms(written, Kind.NAME, state, locale.language)
        for zone, data in locale.time_zones.items():
            city, state = data.get("city", ""), zones.get(zone, "")
            if city and state and not zone.startswith(_ZONES_LEFT_OUT) and (zone, city) not in seen:
                seen.add((zone, city))
                yield from _forms(city, Kind.CITY, state, locale.language)
    for zone, state in zones.items():
        if "/" in zone and not zone.startswith(_ZONES_LEFT_OUT) and state not in _LEFT_OUT:
            yield from _forms(zone.rpartition("/")[2].replace("_", " "), Kind.CITY, state, "en")


def _forms(written: str, kind: Kind, state: str, language: str) -> Iterator[Form]:
    bare = written.partition("(")[0].partition(",")[0].strip()
    if len(bare) < 2 or bare.casefold() in _COMMON_WORDS:
        return
    stem = bare
    if language in _INFLECTED and " " not in bare and len(bare) > _SHORTEST_STEM:
        stem = bare.rstrip(_VOWELS) if len(bare.rstrip(_VOWELS)) >= _SHORTEST_STEM else bare
    if stem.casefold() in _COMMON_WORDS:
        return
    # A short stem is the beginning of other words, too: "Amanda" is not in Amman, nor "Chinook" in China.
    grown = max(0, min(MAX_GROWN, len(stem) - _SHORTEST_STEM + 1))
    yield from form(stem, kind, state, (state,), grown=grown)


@functools.cache
def written_names() -> frozenset[str]:
    """Folded names of states as they stand in a dictionary, in every locale."""
    from babel import Locale  # noqa: PLC0415 - reads locale files

    territories = (Locale.parse(name).territories for name in LOCALES)
    return frozenset(
        folded_form(written.partition("(")[0])
        for table in territories
        for state, written in table.items()
        if len(state) == 2
    )
