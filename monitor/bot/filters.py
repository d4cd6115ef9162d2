"""Filters as a person writes them behind /subscribe: "states=CN,IR languages=en,fa score=0.9". Pure.

Keys and values are those of `[[channels]]` in feeds.toml and mean the same; a list that is not named lets all pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from monitor.config import values
from monitor.errors import LongarmError
from monitor.model import ChannelRules, Stage

MOST = 20
"""More values in one filter nobody means."""

_OTHERWISE = {"language": "languages", "lang": "languages", "state": "states", "host": "hosts", "code": "codes",
              "stage": "stages", "tag": "tags", "threshold": "score", "alert_at": "score"}  # fmt: skip


_DIGEST = {"on": True, "yes": True, "off": False, "no": False}


class Unknown(LongarmError):  # noqa: N818 - a word, said as one
    """A word that is no filter; `str` is the word."""


def _stage(found: object) -> str:
    return values.one_of(found, *Stage)


_CHECKS: dict[str, Callable[[object], str]] = {
    "languages": values.language,
    "states": values.state,
    "hosts": values.state,
    "codes": values.code,
    "stages": _stage,
    "tags": values.line,
}


def parsed(text: str) -> ChannelRules:
    """Read filters; those of "all" and of nothing let everything pass.

    Raises:
        Unknown: there is a word in it that is none.
    """
    rules = ChannelRules(name="")
    for word in text.split():
        if word.casefold() == "all":
            continue
        key, equals, written = word.partition("=")
        key = _OTHERWISE.get(key.casefold(), key.casefold())
        if not equals or (key not in _CHECKS and key != "score"):
            raise Unknown(word)
        rules = replace(rules, **{"least": _score(written)} if key == "score" else {key: _list(key, written)})
    return rules


def digest_wish(text: str) -> tuple[str, bool | None]:
    """Take "digest=on" or "digest=off" out of `text`: what is left of it, and the wish, None where none is named.

    Raises:
        Unknown: it is neither on nor off.
    """
    rest, wish = [], None
    for word in text.split():
        key, equals, written = word.partition("=")
        if not equals or key.casefold() != "digest":
            rest.append(word)
        elif written.casefold() in _DIGEST:
            wish = _DIGEST[written.casefold()]
        else:
            raise Unknown(word)
    return " ".join(rest), wish


def _list(key: str, written: str) -> tuple[str, ...]:
    found = []
    for one in filter(None, re.split("[,;،]", written)):
        try:
            found.append(_CHECKS[key](one.lower() if key in ("codes", "stages") else one))
        except ValueError:
            raise Unknown(one) from None
    if not found or len(found) > MOST:
        raise Unknown(f"{key}={written}")
    return tuple(dict.fromkeys(found))


def _score(written: str) -> float:
    try:
        return values.fraction(float(written.replace(",", ".")))
    except ValueError:
        raise Unknown(f"score={written}") from None


def spoken(rules: ChannelRules) -> str:
    """Write filters as they are read; "" where everything passes."""
    lists = [f"{key}={','.join(getattr(rules, key))}" for key in _CHECKS if getattr(rules, key)]
    return " ".join([*lists, *([f"score={rules.least:g}"] if rules.least else [])])
