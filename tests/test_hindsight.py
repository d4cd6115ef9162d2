"""A file of headlines is grouped by affair, once the headlines that came after are known."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pytest

from monitor.model import Article
from monitor.stories.hindsight import MANY, Hindsight
from tests import everyday_words, stories_measure
from tests.stories_parts import NOW, article
from tests.whole_parts import door

FERRY = (
    "Ferry Calder sinks off Port Ambry, dozens missing",
    "Passengers of the ferry Calder jumped into the sea",
    "Sinking of the ferry Calder shakes Port Ambry",
    "Divers reach the wreck of the ferry Calder",
    "Why was the ferry Calder allowed to sail in a storm?",
    "Families wait in Port Ambry for news of the Calder",
    "Captain of the ferry Calder is questioned by police",
    "Owner of the ferry Calder had been warned about the doors",
    "Ambry mourns the dead of the Calder",
    "Ferry operator will raise the Calder in spring",
    "Calder survivors sue the ferry operator",
)
CHEESE = (
    "Village makes the longest cheese in the world",
    "Weather stays mild for the weekend, forecasters say",
    "Library opens at night for students",
    "Two hurt when tram and bus collide",
    "Council votes to plant a thousand trees",
    "Bakery wins prize for rye bread",
    "Museum finds a lost letter in its cellar",
    "Swimmers cross the lake in record time",
)


def stories(articles: Sequence[Article], held: int = 500, **window: timedelta) -> dict[str, str]:
    hindsight = Hindsight(held=held, **window)
    found = {id_: story for one in articles for id_, story in hindsight.add(one)}
    return {**found, **dict(hindsight.rest())}


@functools.cache
def _everyday() -> tuple[Article, ...]:
    """Two hundred headlines on other things within four days: what an affair stands out from."""
    mixed, gold = stories_measure.headline_stories(others=200)
    other = [one for one in mixed if one.id not in gold]
    return tuple(replace(one, published_at=one.at + (NOW - stories_measure.START)) for one in other)


def among(*articles: Article) -> list[Article]:
    return sorted([*articles, *_everyday()], key=lambda one: one.at)


def headlines(titles: Sequence[str], name: str = "f", every_hours: float = 2.0, start: float = 0.0) -> list[Article]:
    return [article(f"{name}{n:02}", title, hours=start + n * every_hours) for n, title in enumerate(titles)]


def test_headlines_of_an_affair_have_the_story_of_its_first() -> None:
    found = stories(among(*headlines(FERRY)))
    assert list(found.values()).count("f00") >= len(FERRY) - 2


def test_headlines_of_other_things_stay_alone() -> None:
    found = stories(among(*headlines(FERRY), *headlines(CHEESE, "c", start=1)))
    assert [found[one.id] for one in headlines(CHEESE, "c")] == [one.id for one in headlines(CHEESE, "c")]


def test_few_headlines_are_no_affair() -> None:
    few = headlines(FERRY[: MANY - 1])
    found = stories(among(*few))
    assert len({found[one.id] for one in few}) >= len(few) - 1


def test_a_name_that_comes_up_once_a_day_is_a_topic_and_no_affair() -> None:
    daily, often = headlines(FERRY, every_hours=24.0), headlines(FERRY, every_hours=8.0)
    assert list(stories(among(*often)).values()).count("f00") >= MANY
    assert list(stories(among(*daily)).values()).count("f00") < MANY


def test_answers_come_in_the_order_of_the_articles_and_after_as_many_as_are_held() -> None:
    hindsight = Hindsight(held=3)
    given = headlines(CHEESE)
    answered = [[id_ for id_, _ in hindsight.add(one)] for one in given]
    assert answered[:4] == [[], [], [], ["f00"]]
    assert [*chain(*answered), *(id_ for id_, _ in hindsight.rest())] == [one.id for one in given]
    assert list(hindsight.rest()) == []


def test_what_had_to_be_answered_early_keeps_the_story_it_was_given() -> None:
    hindsight = Hindsight(held=500)
    early = {}
    for one in among(*headlines(FERRY)):
        list(hindsight.add(one))
        if one.id in ("f00", "f01"):
            early |= dict(hindsight.rest())
    assert (early["f00"], early["f01"]) == ("f00", "f01")
    late = dict(hindsight.rest())
    assert len({late[f"f{n:02}"] for n in range(2, len(FERRY))}) <= 3


def test_forms_filled_in_make_no_affair() -> None:
    sites = [f"Roskomnadzor blocks the site number {n} of the exiles" for n in range(10, 30)]
    assert len(set(stories(headlines(sites)).values())) == len(sites)


def test_an_article_with_a_summary_is_judged_by_its_event_alone() -> None:
    summed = [
        article(f"s{n}", title, f"Our reporter number {n} writes from the harbour about what he saw himself.", hours=n)
        for n, title in enumerate(FERRY)
    ]
    assert len(set(stories(summed).values())) >= len(FERRY) - 4


def test_a_copy_joins_its_original_whatever_the_affair() -> None:
    text = (
        "The ministry said in the morning that nine ships with grain had left the three ports of the south for Ambry."
    )
    one = article("one", "Ships leave", text, url="https://a.example/1")
    other = article("other", "Grain on its way", text, hours=3, url="https://b.example/2")
    assert stories([one, other]) == {"one": "one", "other": "one"}


def test_an_affair_ends_when_nobody_tells_it_for_the_window() -> None:
    late = headlines(FERRY, "g", start=400)
    found = stories(among(*headlines(FERRY), *late))
    assert len({found[one.id] for one in headlines(FERRY)}) <= 3
    assert not {found[one.id] for one in late} & {found[one.id] for one in headlines(FERRY)}


def test_affairs_of_two_languages_do_not_mix() -> None:
    german = [article(f"d{n}", title, language="de", hours=n * 2 + 1) for n, title in enumerate(FERRY)]
    found = stories(among(*headlines(FERRY), *german))
    assert not {found[one.id] for one in german} & {found[one.id] for one in headlines(FERRY)}


def test_two_beginnings_of_one_affair_become_one() -> None:
    # Half of the newsrooms say "Calder", the other half "Ambry", until some say both.
    one = [f"{say} of the Calder" for say in ("Sinking", "Last hours", "Survivors", "Wreck", "Silent owner", "Captain")]
    other = [f"{say} in Ambry harbour" for say in ("Tears", "Vigil", "Divers", "Anger", "Minister", "Flowers")]
    both = [f"Calder and Ambry harbour: {say}" for say in ("the night", "the search", "the questions", "the funeral")]
    found = stories(among(*headlines([*one, *other, *both])))
    assert len({found[f"f{n:02}"] for n in range(12, 16)}) == 1


def test_memory_holds_the_window_only() -> None:
    hindsight = Hindsight(held=10)
    for n in range(1_200):
        list(hindsight.add(article(f"a{n}", f"Zorblat{n} quvex{n} meets brindle{n % 7} at the harbour", hours=n)))
    assert len(hindsight._order) < 120
    assert len(hindsight._affairs) < 500
    assert len(hindsight._of_story) < 500


def test_the_same_file_gives_the_same_stories() -> None:
    mixed = among(*headlines(FERRY), *headlines(CHEESE, "c", start=1))
    assert stories(mixed) == stories(mixed)


def test_the_table_of_everyday_words_is_written_as_the_corpus_has_them() -> None:
    # Not compared word by word: the corpus grows, and a headline more changes no story.
    written, counted = everyday_words.TABLE.read_text(encoding="utf-8"), everyday_words.table()
    for table in (written, counted):
        common = {
            stem for line in table.splitlines() if line.startswith("en\t") for stem in line.split("\t")[2].split()
        }
        assert {"court", "polic", "exile"} <= common
        assert "calde" not in common


# ── the command ───────────────────────────────────────────────────────────────────────────────────


COMMAND = [str(Path(sys.executable).with_name("longarm")), "group"]
AMONG = [one.title for one in among(*headlines(FERRY))]


def lines(titles: Sequence[str]) -> str:
    return "".join(json.dumps({"id": n, "title": title, "language": "en"}) + "\n" for n, title in enumerate(titles))


def test_the_command_groups_a_file_by_affair_and_on_demand_as_alerts_are(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text(lines(AMONG), encoding="utf-8")
    whole, strict = door("group", file), door("group", file, "--as-alerts")
    assert [line["id"] for line in whole.lines] == [line["id"] for line in strict.lines] == list(range(len(AMONG)))
    assert len({line["story"] for line in whole.lines}) < len({line["story"] for line in strict.lines})


def test_a_bad_line_takes_no_answer_from_those_before_it(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text(lines(CHEESE) + "{\n", encoding="utf-8")
    ran = door("group", file)
    assert ran.code == 1
    assert [line["id"] for line in ran.lines] == list(range(len(CHEESE)))


@pytest.fixture
def grouping_process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ}) as process:
        yield process
        process.kill()


def test_whoever_waits_for_an_answer_gets_one(grouping_process: subprocess.Popen[bytes]) -> None:
    assert grouping_process.stdin
    assert grouping_process.stdout
    for line in lines(CHEESE[:3]).splitlines(keepends=True):
        grouping_process.stdin.write(line.encode())
        grouping_process.stdin.flush()
        number = json.loads(line)["id"]
        assert json.loads(grouping_process.stdout.readline()) == {"id": number, "story": str(number)}
    grouping_process.stdin.write(lines(CHEESE[3:4]).rstrip("\n").encode())
    grouping_process.stdin.close()
    assert json.loads(grouping_process.stdout.readline())["story"] == "0"


def test_a_pipe_that_makes_no_pause_is_answered_like_a_file(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text(lines(AMONG) + "\n", encoding="utf-8")
    piped = subprocess.run(COMMAND, input=file.read_bytes(), capture_output=True, check=True)
    with file.open("rb") as opened:
        redirected = subprocess.run(COMMAND, stdin=opened, capture_output=True, check=True)
    asked = [json.loads(line) for line in piped.stdout.splitlines()]
    assert asked == [json.loads(line) for line in redirected.stdout.splitlines()] == door("group", file).lines
