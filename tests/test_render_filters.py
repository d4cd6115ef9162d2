"""Filters by words, silence, and what quiet hours don't hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.alerts.bursts import Words, lists
from monitor.alerts.folding import Folding
from monitor.alerts.render import deliveries
from monitor.model import ChannelRules, Delivery, DeliveryKind, Facts, Notice, Outcome, Story, Update
from monitor.wishes import is_urgent, wants
from tests.config_parts import FEED as FEED_TABLE
from tests.config_parts import loaded, problems
from tests.deliver_parts import Said, Scene, scene
from tests.render_parts import MADRID, NOW, STATE, article, judged, member, score, story

QUIET = (time(9), time(11))


def passes(of: Story, **wishes: object) -> bool:
    return wants(ChannelRules(name="c", **wishes), of, codes=(), feeds={})  # type: ignore[arg-type]


def saying(*titles: str) -> Story:
    return story(*(member(article(n, title=title, summary="")) for n, title in enumerate(titles, start=1)))


def test_one_article_that_says_a_wanted_word_is_enough() -> None:
    assert passes(saying("Exile stabbed", "Attack in town"), must=("stab*", "poison"))
    assert not passes(saying("Attack in town"), must=("stab*", "/poison(ed)?/"))
    assert passes(story(member(article(summary="He was poisoned"))), must=("/poison(ed)?/",))


def test_an_unwanted_word_leaves_a_story_out_only_where_every_article_says_one() -> None:
    assert not passes(saying("Football exile", "A club's exile"), never=("football", "club's"))
    assert passes(saying("Football exile", "Exile stabbed"), never=("football",))
    assert not passes(saying("Exile plays football"), must=("exile",), never=("football",))


# ── sent ──────────────────────────────────────────────────────────────────────────────────────────


def mail(of: Story, rules: ChannelRules, *codes: str, **more: object) -> list[Delivery]:
    rows = (judged(article(), score(codes=codes)),)
    outcome = Outcome(state=STATE, judged=rows, **({"announce": (of,)} | more))  # type: ignore[arg-type]
    return list(deliveries(outcome, channels=(rules,), feeds={}, tz=MADRID, now=NOW))


@pytest.mark.parametrize(
    ("facts", "codes", "goes"),
    [
        (Facts(), (), False), (Facts(stage="charge"), (), False), (Facts(stage="sentence"), (), True),
        (Facts(codes=("forced-return",)), (), True), (Facts(), ("forced-return",), True),
    ],
)  # fmt: skip
def test_what_is_urgent_goes_in_quiet_hours(facts: Facts, codes: tuple[str, ...], goes: bool) -> None:
    rules = ChannelRules(name="main", quiet=QUIET, urgent=("forced-return", "sentence"))
    (sent,) = mail(story(facts=facts), rules, *codes)
    assert (sent.not_before is None) is goes
    assert is_urgent(rules, story(facts=facts), codes=codes) is goes


def test_an_answer_is_urgent_by_the_stage_that_it_tells() -> None:
    rules = ChannelRules(name="main", quiet=QUIET, urgent=("verdict",))
    of = story(alerted=True)
    for stage, goes in (("verdict", True), ("charge", False)):
        update = Update(story_id=of.id, article_id=of.id, stage=stage)
        sent = mail(of, rules, announce=(), grown=(of,), updates=(update,))
        (answer,) = [one for one in sent if one.kind is DeliveryKind.REPLY]
        assert (answer.not_before is None) is goes


def test_without_urgent_codes_nothing_is() -> None:
    assert not is_urgent(ChannelRules(name="c"), story(), codes=("",))


def test_a_silent_channel_hears_alerts_and_notices_without_a_sound() -> None:
    notices = (Notice(key="k", text="Fails."),)
    for silent in (True, False):
        sent = mail(story(), ChannelRules(name="main", silent=silent, operators=True), notices=notices)
        assert [one.message.silent for one in sent] == [silent, silent]


def test_a_list_is_silent_where_all_of_its_stories_are() -> None:
    for silent in (True, False):
        rows = mail(story(), ChannelRules(name="main", silent=silent)) * 2
        (burst,) = lists(rows, {}, Words(feeds={}, tz=MADRID), why="2 more new stories", now=NOW)
        assert burst.delivery.message.silent is silent


# ── out of quiet hours, and in them ───────────────────────────────────────────────────────────────


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path, channels={"main": Said("main")}) as set_up:
        set_up.folding = Folding(words=Words(feeds={}, tz=ZoneInfo("UTC")), burst=5)
        yield set_up


def record(stage: Scene, rules: ChannelRules, *stories: Story) -> None:
    now = stage.clock()
    stage.rules = [rules]
    rows = tuple(judged(article(int(of.id, 16), title=of.members[0].title)) for of in stories)
    facts = tuple((of.id, of.facts) for of in stories)
    outcome = Outcome(state=STATE, judged=rows, announce=stories, facts=facts)
    sent = deliveries(outcome, channels=(rules,), feeds={}, tz=ZoneInfo("UTC"), now=now)
    stage.store.record(outcome, sent, now=now)


def texts(stage: Scene) -> list[str]:
    channel = stage.channels["main"]
    assert isinstance(channel, Said)
    return [text for text, _ in channel.sent]


async def test_only_what_is_urgent_is_sent_in_quiet_hours_and_the_rest_after_them(stage: Scene) -> None:
    rules = ChannelRules(name="main", quiet=(time(8), time(18)), urgent=("sentence",))
    plain, urgent = article(1, title="Plain"), article(2, title="Urgent")
    record(stage, rules, story(member(plain)), story(member(urgent), facts=Facts(stage="sentence")))
    await stage.deliver_all()
    assert [text.splitlines()[:2] for text in texts(stage)] == [["SENTENCE", "Urgent"]]
    stage.clock.forward(hours=9)
    await stage.deliver_all()
    assert texts(stage)[1].startswith("Plain\n")


async def test_more_than_a_few_that_quiet_hours_held_end_in_one_list(stage: Scene) -> None:
    rules = ChannelRules(name="main", quiet=(time(8), time(18)))
    record(stage, rules, *(story(member(article(n, title=f"Story {n}"))) for n in range(1, 13)))
    await stage.deliver_all()
    assert texts(stage) == []
    stage.clock.forward(hours=9)
    await stage.deliver_all()
    assert [text.partition("\n")[0] for text in texts(stage)] == [
        *(f"Story {n}" for n in range(1, 6)),
        "7 more new stories",
    ]
    assert all(f"• Story {n} (" in texts(stage)[-1] for n in range(6, 13))


# ── in the file ───────────────────────────────────────────────────────────────────────────────────

CHANNEL = '[[channels]]\nname = "main"\ntype = "console"\n'


def test_the_file_says_what_a_channel_wants() -> None:
    lines_ = (
        'hosts = ["de"]\nstages = ["charge"]\nmin_score = 0.9\nmust = ["exil*", "/a|b/"]\nnever = ["football"]\n'
        'urgent = ["sentence", "forced-return"]\nsilent = true\n'
    )
    rules = loaded(FEED_TABLE + CHANNEL + lines_).channels[0].rules
    assert (rules.hosts, rules.stages, rules.least) == (("DE",), ("charge",), 0.9)
    assert (rules.must, rules.never) == (("exil*", "/a|b/"), ("football",))
    assert (rules.urgent, rules.silent) == (("sentence", "forced-return"), True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('stages = ["verdct"]', 'did you mean "verdict"?'),
        ('urgent = ["forced-retrun"]', 'did you mean "forced-return"?'),
        ("urgent = [1]", "a code or a stage"),
        ('must = ["/(a/"]', "a pattern that RE2 reads: missing )"),
        ('never = ["/a*/"]', "not found in every text"),
        ('never = [""]', "a word, such as"),
        ("must = [1]", 'words such as "exil*"'),
        ("min_score = 2", "a number between 0 and 1"),
        ('silent = "yes"', "true or false"),
    ],
)
def test_a_mistake_is_named_with_what_was_expected(line: str, said: str) -> None:
    (found,) = problems(FEED_TABLE + CHANNEL + line)
    assert said in found
