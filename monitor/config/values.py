"""One value of feeds.toml at a time: what it must look like, and what it becomes.

Every function takes what stood in the file, whatever its type, and returns the checked value, or raises ValueError
with a text that says what was found and what was expected. The texts go to people as they are; addresses in them show
no password and no query.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from datetime import time, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from classifiers.corpus_files import CODES
from monitor import log
from monitor.model import DIGEST_LANGUAGES, SUBSCRIBER

MIN_EVERY = timedelta(minutes=5)
MAX_EVERY = timedelta(hours=24)
MAX_URL_CHARS = 2_048
MAX_NAME_CHARS = 64
MAX_QUERY_CHARS = 500
MAX_NOTE_CHARS = 200
_MAX_SHOWN_CHARS = 60
_WIDEST = {4: 8, 6: 7}  # an entry of `allow` opens a network, never everything

# ISO 3166-1 alpha-2 as of 2024, and XK, which is in use for Kosovo.
_ISO_3166 = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
    BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI
    FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN
    IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME
    MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF
    PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
    SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK
    YE YT ZA ZM ZW
"""
STATES = frozenset(_ISO_3166.split())
_SAID_OTHERWISE = {"UK": "GB", "EL": "GR", "SU": "RU"}
# Anonymous administrators, channels that post into their group, and the service account that forwards them.
# https://core.telegram.org/bots/api#message
STAND_INS = frozenset({1_087_968_824, 136_817_688, 777_000})
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


# ── saying what is wrong ──────────────────────────────────────────────────────────────────────────


def shown(found: object) -> str:
    """How a value of the file is shown to people: short, on one line, without secrets."""
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, str):
        text = log.redacted_url(found) if "://" in found else log.redacted(found)
        text = text if len(text) <= _MAX_SHOWN_CHARS else text[:_MAX_SHOWN_CHARS] + "…"
        return log.escaped(json.dumps(text, ensure_ascii=False))
    if isinstance(found, list | dict):
        return "a table" if isinstance(found, dict) else "a list"
    return str(found)[:_MAX_SHOWN_CHARS]


def nearest(found: str, known: Iterable[str]) -> str:
    """Return '; did you mean "x"?' with the nearest of the `known` words, or nothing."""
    near = difflib.get_close_matches(found, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""


def _unlike(found: object, expected: str, more: str = "") -> ValueError:
    return ValueError(f"found {shown(found)}; expected {expected}{more}")


# ── plain values ──────────────────────────────────────────────────────────────────────────────────


def flag(found: object) -> bool:
    """Return true or false."""
    if not isinstance(found, bool):
        raise _unlike(found, "true or false, without quotes")
    return found


def fraction(found: object) -> float:
    """Return a number between 0 and 1."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 1:
        raise _unlike(found, "a number between 0 and 1")
    return float(found)


def _whole(found: object, low: int, high: int, what: str) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or not low <= found <= high:
        raise _unlike(found, f"{what}, a whole number from {low} to {high:,}")
    return found


def hours(found: object) -> timedelta:
    """Return a span of up to thirty days, given in hours."""
    return timedelta(hours=_whole(found, 0, 720, "hours"))


def days(found: object) -> timedelta:
    """Return a span of up to ten years, given in days."""
    return timedelta(days=_whole(found, 1, 3650, "days"))


def burst(found: object) -> int:
    """Return how many stories at once go one by one."""
    return _whole(found, 1, 1_000, "stories that go alone")


def requests(found: object) -> int:
    """Return how many requests an hour all feeds may take together; 0: no limit."""
    return _whole(found, 0, 1_000_000, "requests an hour")


def cap(found: object) -> int:
    """Return how many messages an hour are let through."""
    return _whole(found, 1, 100_000, "messages an hour")


def person(found: object) -> int:
    """Return the number of a person's Telegram account; those of Telegram's own stand-ins are nobody's."""
    number = _whole(found, 1, 2**52, "the number of a person's account (@userinfobot tells it)")
    if number in STAND_INS:
        raise _unlike(found, "a person's own number; this is Telegram's stand-in for anonymous senders")
    return number


def subscribers(found: object) -> int:
    """Return how many people may subscribe."""
    return _whole(found, 0, 10_000, "people who may subscribe")


def near_misses(found: object) -> int:
    """Return how many near misses a day are shown to reviewers."""
    return _whole(found, 0, 200, "near misses a day")


def topic(found: object) -> int:
    """Return the number of a forum topic."""
    return _whole(found, 1, 2**31 - 1, "the number of a topic")


def every(found: object) -> timedelta:
    """Return a polling interval, from "15m", "2h" or "1d"."""
    parts = re.fullmatch(r"([0-9]{1,6})\s*([smhd])", found) if isinstance(found, str) else None
    if parts is None:
        raise _unlike(found, 'a span such as "15m", "2h" or "1d"')
    span = timedelta(**{_UNITS[parts[2]]: int(parts[1])})
    if not MIN_EVERY <= span <= MAX_EVERY:
        raise _unlike(found, 'a span between "5m" and "24h"')
    return span


def line(found: object) -> str:
    """Return a name: one line of text."""
    if not isinstance(found, str) or not found.strip() or len(found) > MAX_NAME_CHARS or log.escaped(found) != found:
        raise _unlike(found, f"a name of one to {MAX_NAME_CHARS} characters, on one line")
    return found.strip()


def channel(found: object) -> str:
    """Return a channel's name; those of subscribers begin in a way of their own."""
    name = line(found)
    if name.startswith(SUBSCRIBER):
        raise _unlike(found, f"a name that does not begin with “{SUBSCRIBER}”: so subscribers' channels are called")
    return name


def note(found: object) -> str:
    """Return a remark for people: one line of text, which may be empty."""
    if not isinstance(found, str) or len(found) > MAX_NOTE_CHARS or log.escaped(found) != found:
        raise _unlike(found, f"a remark of at most {MAX_NOTE_CHARS} characters, on one line")
    return found.strip()


def query(found: object) -> str:
    """Return what a search engine is asked for."""
    if not isinstance(found, str) or not found.strip() or len(found) > MAX_QUERY_CHARS or log.escaped(found) != found:
        raise _unlike(found, f"the text of a search, up to {MAX_QUERY_CHARS} characters on one line")
    return found.strip()


def user_agent(found: object) -> str:
    """Return a header value: printable ASCII."""
    if not isinstance(found, str) or not re.fullmatch(r"[!-~](?:[ -~]{0,198}[!-~])?", found):
        raise _unlike(found, "printable ASCII text of at most 200 characters, as browsers send it")
    return found


def variable(found: object) -> str:
    """Return the name of an environment variable. A value that is no name is not shown: it may be the secret itself."""
    if not isinstance(found, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", found):
        raise ValueError(
            "not the name of an environment variable; expected one such as LONGARM_MATRIX_URL, "
            "and the secret address in that variable"
        )
    return found


def folder(found: object) -> Path:
    """Return the path of a folder."""
    if not isinstance(found, str) or not found.strip() or log.escaped(found) != found:
        raise _unlike(found, 'the path of a folder, such as "state"')
    return Path(found)


# ── words from closed sets ────────────────────────────────────────────────────────────────────────


def timezone(found: object) -> ZoneInfo:
    """Return a time zone of the IANA database."""
    expected = 'a time zone such as "Europe/Madrid"'
    if not isinstance(found, str):
        raise _unlike(found, expected)
    try:
        return ZoneInfo(found)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Europe" is a folder
        raise _unlike(found, expected, nearest(found, available_timezones())) from None


def language(found: object) -> str:
    """Return a BCP 47 tag in its usual spelling: zh-Hant, pt-BR."""
    expected = 'a language tag such as "en", "zh-Hant" or "pt-BR"'
    if not isinstance(found, str):
        raise _unlike(found, expected)
    parts = found.replace("_", "-").split("-")
    script, region = r"(?:-[A-Za-z]{4})?", r"(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
    variants = r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
    shape = re.fullmatch(rf"[A-Za-z]{{2,3}}{script}{region}{variants}", "-".join(parts))
    tag = "-".join(_tag_part(index, part) for index, part in enumerate(parts))
    if not shape or "_" in found:
        raise _unlike(found, expected, f'; did you mean "{tag}"?' if shape else "")
    return tag


def digest_language(found: object) -> str:
    """Return one of the languages that a digest speaks, or "" for English."""
    by_folded = {tag.casefold(): tag for tag in DIGEST_LANGUAGES}
    if isinstance(found, str) and (found == "" or found.casefold() in by_folded):
        return by_folded.get(found.casefold(), "")
    raise _unlike(found, f"one of {', '.join(DIGEST_LANGUAGES)}")


def _tag_part(index: int, part: str) -> str:
    if index == 0:
        return part.lower()
    return {2: part.upper(), 4: part.title()}.get(len(part), part.lower())


def state(found: object) -> str:
    """Return a state's ISO 3166 code: CN, RU."""
    code = found.upper() if isinstance(found, str) else ""
    if code not in STATES:
        other = _SAID_OTHERWISE.get(code, "")
        more = f'; did you mean "{other}"?' if other else ""
        raise _unlike(found, 'a state\'s two letters by ISO 3166, such as "CN"', more)
    return code


def code(found: object) -> str:
    """Return a code of the codebook."""
    if found not in CODES:
        more = nearest(found, CODES) if isinstance(found, str) else ""
        raise _unlike(found, f"one of {', '.join(CODES)}", more)
    return str(found)


def one_of(found: object, *known: str) -> str:
    """Return `found`, which must be one of the `known` words."""
    if found not in known:
        words = " or ".join(f'"{word}"' for word in known)
        raise _unlike(found, words, nearest(found, known) if isinstance(found, str) else "")
    return str(found)


# ── moments ───────────────────────────────────────────────────────────────────────────────────────


def digest(found: object) -> str:
    """Return a weekly moment, "mon 08:00"; empty for false."""
    if found is False:
        return ""
    parts = re.fullmatch(r"([A-Za-z]{3,9})\s+(\S+)", found.strip()) if isinstance(found, str) else None
    day = parts[1][:3].lower() if parts else ""
    moment = _clock(parts[2]) if parts else None
    if moment is None or day not in _DAYS:
        raise _unlike(found, 'a weekday and a time such as "mon 08:00", or false for none')
    return f"{day} {moment:%H:%M}"


def quiet(found: object) -> tuple[time, time]:
    """Return the window in which a channel is left alone, from "22:00-07:00"; it may reach over midnight."""
    start, _, end = found.replace(" ", "").partition("-") if isinstance(found, str) else ("", "", "")
    window = (_clock(start), _clock(end))
    if window[0] is None or window[1] is None or window[0] == window[1]:
        raise _unlike(found, 'two different times such as "22:00-07:00"')
    return window[0], window[1]


def _clock(text: str) -> time | None:
    parts = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", text)
    return time(int(parts[1]), int(parts[2])) if parts and int(parts[1]) < 24 and int(parts[2]) < 60 else None


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@\s%*]+)(?::([0-9]{1,5}))?")


def url(found: object) -> str:
    """Return the address of a feed: http or https, to be dialled as it is written.

    Whether its host may be dialled is decided when it is: a name can point anywhere.
    """
    text = found.strip() if isinstance(found, str) else ""
    if not text.lower().startswith(("https://", "http://")):
        raise _unlike(found, "an address that begins with https:// or http://")
    _check_address(text)
    return text


def host(found: object) -> str:
    """Return a host's name, which stands for its subdomains too."""
    text = found.strip().lower().removeprefix("www.") if isinstance(found, str) else ""
    label = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
    if not re.fullmatch(rf"{label}(?:\.{label})+", text):
        more = f'; did you mean "{host_of(text)[0]}"?' if "://" in text and host_of(text)[0] else ""
        raise _unlike(found, 'a host\'s name such as "reuters.com"', more)
    return text


def api_url(found: object, example: str = "https://api.telegram.org") -> str:
    """Return the address of a Bot API server, or of another service, without a slash at the end."""
    text = url(found).rstrip("/")
    if "?" in text or "#" in text:
        raise _unlike(found, f'an address without "?" and "#", such as "{example}"')
    return text


def proxy(found: object) -> str:
    """Return the address of the proxy for all; empty for none. One that needs a password stands in LONGARM_PROXY."""
    return _proxy(found, "put the whole address into the variable LONGARM_PROXY instead")


def own_proxy(found: object) -> str:
    """Return the address of one feed's proxy; empty for the usual way. There is no place for its password."""
    return _proxy(found, "a feed's own proxy has none; one for all feeds may, in the variable LONGARM_PROXY")


def _proxy(found: object, mend: str) -> str:
    if found == "":
        return ""
    text = found.strip() if isinstance(found, str) else ""
    schemes = "socks5h://, http:// or https://"
    if text.lower().startswith(("socks5://", "socks4://", "socks4a://")):
        raise _unlike(found, f"{schemes}; socks5h:// has the proxy look names up, so that they are not seen here")
    if not text.lower().startswith(("socks5h://", "http://", "https://")):
        raise _unlike(found, f"an address that begins with {schemes}")
    if "@" in text:
        raise ValueError(f"holds a user name or password; {mend}")
    _check_address(text)
    return text


def callback(found: object) -> str:
    """Return the public address for hubs, without a slash at its end; empty for none."""
    return "" if found == "" else api_url(found, "https://example.org/hook")


def listen(found: object) -> str:
    """Return where to listen, as host:port."""
    where = _HOST_PORT.fullmatch(found.strip()) if isinstance(found, str) else None
    if where is None or not where[2] or not 0 < int(where[2]) < 65536:
        raise _unlike(found, 'a host and port such as "127.0.0.1:8081"')
    return where[0]


def contact(found: object) -> str:
    """Return the mail address that sites are told, from "mailto:…"; empty for none."""
    if found == "":
        return ""
    text = found.strip() if isinstance(found, str) else ""
    mail = re.fullmatch(r"(mailto:)?([A-Za-z0-9.+_-]{1,64}@[A-Za-z0-9.-]{1,180}\.[A-Za-z0-9-]{2,63})", text)
    if mail is None or not mail[1]:
        more = f'; did you mean "mailto:{mail[2]}"?' if mail else ""
        raise _unlike(found, 'a mail address such as "mailto:desk@example.org"', more)
    return mail[2]


def host_of(address: str) -> tuple[str, str]:
    """Return host and port of a checked address, both as written; the port may be empty."""
    parts = _ADDRESS.fullmatch(address)
    where = _HOST_PORT.fullmatch(parts[2]) if parts else None
    return (where[1].lower(), where[2] or "") if where else ("", "")


def _check_address(text: str) -> None:
    if log.escaped(text) != text or any(char.isspace() for char in text):
        raise _unlike(text, "an address without spaces and control characters; write %20 for a space")
    if "\\" in text:
        raise _unlike(text, "an address without backslashes")
    if len(text) > MAX_URL_CHARS:
        raise _unlike(text, f"an address of at most {MAX_URL_CHARS:,} characters")
    parts = _ADDRESS.fullmatch(text)
    authority = parts[2] if parts else ""
    if "@" in authority:
        raise ValueError(f"{shown(text)} holds a user name or password; they would not be sent, take them out")
    where = _HOST_PORT.fullmatch(authority)
    if where is None or (where[2] and not 0 < int(where[2]) < 65536):
        raise _unlike(text, "an address with a host and, at most, a port from 1 to 65535")
    if where[1].startswith("["):
        _check_ip(where[1][1:-1], text)


def _check_ip(address: str, text: str) -> None:
    try:
        ip_address(address)
    except ValueError:
        raise _unlike(text, "an address with a valid IPv6 host in its brackets") from None


def chat(found: object) -> str:
    """Return a Telegram chat: "@name", or its number as text."""
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    text = found.strip() if isinstance(found, str) else ""
    if re.fullmatch(r"@[A-Za-z][A-Za-z0-9_]{3,31}|-?[0-9]{1,20}", text):
        return text
    name = re.fullmatch(r"(?:https?://)?(?:t(?:elegram)?\.me/)?([A-Za-z][A-Za-z0-9_]{3,31})/?", text)
    more = f'; did you mean "@{name[1]}"?' if name else ""
    raise _unlike(found, 'the name of a chat such as "@my_channel", or its number', more)


def allow(found: object) -> str:
    """Return an entry of network.allow: an exact host:port, or a network; never everything."""
    text = found.strip() if isinstance(found, str) else ""
    if "/" in text:
        return _network(text)
    where = _HOST_PORT.fullmatch(text)
    if where is None or not where[2] or not 0 < int(where[2]) < 65536 or not text.isascii():
        more = f'; did you mean "{text}/{128 if ":" in text else 32}"?' if _is_ip(text) else ""
        raise _unlike(found, 'an exact "host:port", or a network such as "127.0.0.1/32"', more)
    if where[1].startswith("[") and not _is_ip(where[1][1:-1]):
        raise _unlike(found, 'an address and port such as "[fd00::5]:8000"')
    if re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]*", where[1].rsplit(".", 1)[-1]) and not _is_ip(where[1]):
        raise _unlike(found, 'an address written plainly, such as "192.168.1.5:8000"')
    return text


def network(found: object) -> str:
    """Return a network, such as "10.1.0.0/16" or "127.0.0.1/32"; never everything."""
    return _network(found.strip() if isinstance(found, str) else str(found))


def site(found: object) -> str:
    """Return a name by which a browser asks for the pages, without a port."""
    text = found.strip().lower() if isinstance(found, str) else ""
    label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    if not re.fullmatch(rf"{label}(?:\.{label})*", text):
        raise _unlike(found, 'a host\'s name without a port, such as "review.example.org"')
    return text


def header(found: object) -> str:
    """Return the name of a header, such as "Remote-User"; it may be empty."""
    text = found.strip() if isinstance(found, str) else "?"
    if not re.fullmatch(r"[A-Za-z0-9-]{0,64}", text):
        raise _unlike(found, 'the name of a header, such as "Remote-User"')
    return text


def _network(text: str) -> str:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise _unlike(text, 'a network such as "10.1.0.0/16" or "127.0.0.1/32"') from None
    try:
        ip_network(text)
    except ValueError:
        one = f"{text.split('/', maxsplit=1)[0]}/{network.max_prefixlen}"
        raise _unlike(text, f'a network such as "{network}", or one address such as "{one}"') from None
    if network.prefixlen < _WIDEST[network.version]:
        raise _unlike(text, f"a network no wider than /{_WIDEST[network.version]}; everything is never allowed at once")
    return str(network)


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
