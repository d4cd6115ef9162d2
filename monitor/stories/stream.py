"""Articles one after another, each to its story: by words first, then across languages. Pure.

What `grouping.place` does with a poll, for a stream that may be long, dense and about anything. So what costs is put
off or left out:

- While one language is heard, nothing is read for another.
- Only what may tell of reaching abroad is read for names and facts (`may_meet`): of everyday news one in twenty.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.model import Article, Placed
from monitor.stories import crosslingual, facts, grouping
from monitor.stories.crosslingual import Joined, Joiner, Told
from monitor.stories.likeness import Document

_TELLING = frozenset(
    "kill detain abduct activist journalist deport minority exile charge attack passport secretservice consulate "
    "extradite opposition dissident refugee sentence trial follow verdict prisonhome spy threaten cleric fled "
    "station investigate plot abroad spyware interpol transnational agent exofficial wanted terrorism poison "
    "interference exitban rednotice defector outpost bounty persuade protection policeabroad absentia warrant "
    "expeldiplomat homicide diaspora protesthome silence".split()
)
_LEAST_TOLD = 3
_FORGET_EVERY = 256


def may_meet(title: str, summary: str) -> bool:
    """Say cheaply whether a text may tell of reaching abroad: something that is done there, and where or to whom."""
    from classifiers.concepts import mentioned  # noqa: PLC0415 - loads NumPy
    from classifiers.letters import spaced_text  # noqa: PLC0415
    from classifiers.normalize import normalize  # noqa: PLC0415

    telling, states = _numbers()
    said = mentioned(f" {spaced_text(normalize(f'{title} . {summary}'))} ")
    deeds = len(said & telling)
    return deeds > 0 and deeds + len(said & states) >= _LEAST_TOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What an article says by itself. `may_meet`: what `may_meet` says of it, None where nobody has asked."""

    document: Document
    may_meet: bool | None = None


def read(article: Article) -> Read:
    """Read an article ahead, whatever comes before it."""
    return Read(document=grouping.read_once(article), may_meet=may_meet(article.title, article.summary))


class Stream:
    """Gives articles their stories, in order of time; remembers those of the window.

    `may_meet`: says of a headline and a summary whether it may be told in another language. `follows_affairs`: whether
    headlines alone join the affair that they follow.
    """

    def __init__(
        self,
        window: timedelta = grouping.WINDOW,
        *,
        may_meet: Callable[[str, str], bool] = may_meet,
        follows_affairs: bool = True,
    ) -> None:
        self._grouper = grouping.Grouper(window, follows_affairs=follows_affairs)
        self._window = min(window, crosslingual.WINDOW)
        self._may_meet = may_meet
        self._joiner = Joiner(self._window)
        self._moved: dict[str, str] = {}
        self._heard: dict[str, datetime] = {}
        self._unread: deque[tuple[Article, str, str, bool | None]] = deque()
        self._remembered = 0

    def add(self, article: Article, read: Read | None = None) -> str:
        """Place `article`, which comes in order of time, and give its story's id: that of the story's first article.

        `read`: what was read of it, where somebody has.
        """
        read = read or Read(document=grouping.read_once(article))
        part = self._grouper.add(article, read.document)
        self._meet(article, read, part)
        return self._moved.get(part, part)

    def place_one(self, article: Article) -> Placed:
        """Place `article`, which comes in order of time, and say why."""
        document = grouping.read_once(article)
        self._grouper.count(document)
        placed = self._grouper.settle(article, document)
        home = self._meet(article, Read(document=document), placed.story_id)
        if home is not None:
            return replace(placed, story_id=home.story_id, opens=False, evidence=home.evidence)
        return replace(placed, story_id=self._moved.get(placed.story_id, placed.story_id))

    def _meet(self, article: Article, read: Read, part: str) -> Joined | None:
        """Move what opened the story `part` into the one that is told in another language, if there is one."""
        language = read.document.language
        self._heard[language] = article.at
        if not self._is_mixed(article.at):
            self._put_off(article, read, part)
            return None
        if not self._meets(article, read.may_meet):
            return None
        self._catch_up()
        told = _told(article, language)
        home = self._joiner.home(told) if part == article.id else None
        if home is not None:
            self._moved[part] = home.story_id
        self._remember(told, part)
        return home

    def _is_mixed(self, at: datetime) -> bool:
        if len(self._heard) > 1:
            self._heard = {language: last for language, last in self._heard.items() if at - last <= self._window}
        return len(self._heard) > 1

    def _meets(self, article: Article, known: bool | None) -> bool:
        return self._may_meet(article.title, article.summary) if known is None else known

    def _put_off(self, article: Article, read: Read, part: str) -> None:
        """Keep an article for the day another language is heard."""
        self._unread.append((article, read.document.language, part, read.may_meet))
        while article.at - self._unread[0][0].at > self._window:
            self._unread.popleft()

    def _catch_up(self) -> None:
        while self._unread:
            article, language, part, known = self._unread.popleft()
            if self._meets(article, known):
                self._remember(_told(article, language), part)

    def _remember(self, told: Told, part: str) -> None:
        self._joiner.remember(told, self._moved.get(part, part))
        self._remembered += 1
        if self._remembered % _FORGET_EVERY == 0:
            self._joiner.forget(told.at)


def _told(article: Article, language: str) -> Told:
    return Told(
        title=article.title,
        summary=article.summary,
        language=language,
        at=article.at,
        facts=facts.read(article.title, article.summary, article.text, language=language),
    )


@functools.cache
def _numbers() -> tuple[frozenset[int], frozenset[int]]:
    """Numbers of the concepts that tell, and of the states."""
    from classifiers.concepts import names  # noqa: PLC0415 - loads NumPy

    return (
        frozenset(number for number, name in enumerate(names()) if name in _TELLING),
        frozenset(number for number, name in enumerate(names()) if name.isupper()),
    )
