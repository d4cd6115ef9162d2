"""What a channel chooses stories by, and how long digests are held: one value of feeds.toml at a time, as in `values`.

Every function returns the checked value, or raises ValueError with a text that says what was found and expected.
"""

from __future__ import annotations

import re

from classifiers.corpus_files import CODES
from monitor import log, patterns
from monitor.config import values
from monitor.model import Stage


def stage(found: object) -> str:
    """Return a stage of a matter."""
    return _listed(found, "", *Stage)


def code_or_stage(found: object) -> str:
    """Return a code of the codebook, or a stage."""
    return _listed(found, "a code or a stage: ", *CODES, *Stage)


def wish(found: object) -> str:
    """Return words, or a pattern between slashes, that a text is searched for."""
    expected = 'words such as "exil*", or a pattern such as "/visa (ban|refus)/", on one line'
    if isinstance(found, str) and log.escaped(found) == found:
        try:
            return patterns.checked(found)
        except ValueError as error:
            expected = str(error)
    raise ValueError(f"found {values.shown(found)}; expected {expected}")


def digest_review(found: object) -> str:
    """Return the weekly moment until which digests are held, "tue 12:00", from "hold until Tue 12:00"; "" for none."""
    if found is False or found == "":
        return ""
    parts = re.fullmatch(r"hold\s+until\s+(.+)", found.strip(), re.IGNORECASE) if isinstance(found, str) else None
    try:
        return values.digest(parts[1] if parts else None)
    except ValueError:
        expected = '"hold until" with a weekday and a time, such as "hold until Tue 12:00", or "" to send at once'
        raise ValueError(f"found {values.shown(found)}; expected {expected}") from None


def _listed(found: object, what: str, *known: str) -> str:
    if not isinstance(found, str) or found not in known:
        more = values.nearest(found, known) if isinstance(found, str) else ""
        raise ValueError(f"found {values.shown(found)}; expected {what}one of {', '.join(known)}{more}")
    return str(found)
