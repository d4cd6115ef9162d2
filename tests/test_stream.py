"""Articles that come one by one find their story in any language, and everyday news pays nothing for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from classifiers.concepts import mentioned, mentions
from classifiers.letters import spaced_text
from classifiers.normalize import normalize
from monitor.model import Article
from monitor.stories import crosslingual, facts, stream
from monitor.stories.stream import Stream, may_meet
from tests.crosslingual_parts import PAIRS, Counted
from tests.whole_parts import door

NOW = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)
ENGLISH = ("Belarusian poet Alena Mikhalevich stabbed outside her home in Vilnius", "Police are looking at Minsk.")
POLISH = ("Wilno: białoruska poetka Alena Michalewicz napadnięta", "Na dysydentkę napadli zamaskowani mężczyźni.")
RECIPE = ("Five recipes for lemon cake", "Butter, sugar, lemons and a little patience are all it takes.")


def article(id_: str, said: tuple[str, str], language: str, *, hours: float = 0) -> Article:
    at = NOW + timedelta(hours=hours)
    return Article(
        id=id_, feed="", title=said[0], url="", summary=said[1], language=language, published_at=at, first_seen_at=at
    )


def test_the_command_joins_across_languages_hardly_ever_wrongly() -> None:
    pairs = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    told = {json.dumps(pair[side], sort_keys=True): pair[side] for pair in pairs for side in ("one", "other")}
    order = sorted(told, key=lambda key: (told[key]["published"], told[key]["language"], told[key]["title"]))
    given = "".join(json.dumps({**told[key], "id": key}) + "\n" for key in order)
    ran = door("group", given=given)
    assert (ran.code, ran.err) == (0, "")
    home = {line["id"]: line["story"] for line in ran.lines}

    def together(pair: dict[str, Any]) -> bool:
        one, other = (home[json.dumps(pair[side], sort_keys=True)] for side in ("one", "other"))
        return one == other

    found = Counted(
        right=sum(pair["same"] and together(pair) for pair in pairs),
        wrong=sum(together(pair) and not pair["same"] for pair in pairs),
        same=sum(pair["same"] for pair in pairs),
    )
    assert found.precision >= 0.97
    assert found.recall >= 0.72


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Titles that facts were read of."""
    titles: list[str] = []
    plain = facts.read

    def noted(title: str, *rest: str, **more: str) -> object:
        titles.append(title)
        return plain(title, *rest, **more)

    monkeypatch.setattr(stream.facts, "read", noted)
    return titles


def test_nothing_is_read_for_another_language_while_one_is_heard(read: list[str]) -> None:
    told = Stream()
    assert [told.add(article(str(n), ENGLISH, "en", hours=n * 0.1)) for n in range(3)] == ["0", "0", "0"]
    assert read == []
    assert told.add(article("pl", POLISH, "pl", hours=1)) == "0"
    assert len(read) == 4
    assert told.add(article("pl2", POLISH, "pl", hours=2)) == "0", "what follows by words goes along"


def test_everyday_news_is_not_read_even_where_many_languages_are_heard(read: list[str]) -> None:
    told = Stream()
    told.add(article("cake", RECIPE, "en"))
    told.add(article("Kuchen", ("Fünf Rezepte für Zitronenkuchen", "Butter, Zucker und etwas Geduld."), "de"))
    told.add(article("cake-2", RECIPE, "en", hours=1))
    assert read == []
    assert may_meet(*ENGLISH)
    assert not may_meet(*RECIPE)


def test_what_was_told_days_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_FORGET_EVERY", 1)
    told = Stream()
    told.add(article("old", ENGLISH, "en"))
    told.add(article("other", RECIPE, "de", hours=1))
    assert told.add(article("late", POLISH, "pl", hours=100)) == "late"
    assert told.add(article("late-en", ENGLISH, "en", hours=101)) == "late"


def test_a_joiner_forgets_stories_that_nothing_can_join() -> None:
    joiner = crosslingual.Joiner()
    old = crosslingual.Told(title=ENGLISH[0], language="en", at=NOW, facts=facts.read(*ENGLISH, language="en"))
    joiner.remember(old, "old")
    new = crosslingual.Told(title=POLISH[0], language="pl", at=NOW, facts=facts.read(*POLISH, language="pl"))
    joiner.forget(NOW + timedelta(hours=1))
    assert joiner.home(new) is not None
    joiner.forget(NOW + timedelta(days=3))
    assert joiner.home(new) is None


def test_a_place_says_what_joined_the_languages() -> None:
    told = Stream(may_meet=lambda _title, _summary: True)
    assert told.place_one(article("en", ENGLISH, "en")).opens
    placed = told.place_one(article("pl", POLISH, "pl", hours=1))
    assert (placed.story_id, placed.opens) == ("en", False)
    assert placed.evidence.startswith("both: Belarus → Lithuania, “Alena Michalewicz” = “Alena Mikhalevich”")
    copy = told.place_one(article("pl2", POLISH, "pl", hours=2))
    assert (copy.story_id, copy.opens) == ("en", False)
    assert copy.evidence.startswith("copy of")


@pytest.mark.parametrize("told", [ENGLISH, POLISH, RECIPE])
def test_the_concepts_that_are_mentioned_are_those_of_every_mention(told: tuple[str, str]) -> None:
    spaced = f" {spaced_text(normalize(' '.join(told)))} "
    assert mentioned(spaced) == set(mentions(spaced).concept.tolist())


def test_plain_letters_are_spaced_as_all_others_are() -> None:
    plain = "".join(map(chr, range(128)))
    assert f"{spaced_text(plain)} ж" == spaced_text(f"{plain} ж")
