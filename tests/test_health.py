"""What operators hear of one feed: each trouble once, with its cause and a mend, and its end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from monitor import habits as ways
from monitor import health
from monitor.cli import feeds
from monitor.digest.select import Week, select
from monitor.errors import FetchFailure, ParseError
from monitor.habits import Habits, Standing, Trouble
from monitor.ingest.parse import Parser
from monitor.model import (
    EPOCH,
    ChannelRules,
    Decision,
    Entry,
    Feed,
    FeedState,
    Judged,
    Notice,
    Outcome,
    ParsedFeed,
    Verdict,
    WeekData,
)
from monitor.pulse import Pulse
from tests.store_parts import NOW, a_score, an_article

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEK = Week(2026, 46)
FEED = Feed(url="https://harbour-wire.example/rss?key=s3cret", name="Harbour Wire")
FINE = FeedState(url=FEED.url, polled_at=NOW, succeeded_at=NOW, baselined_at=NOW - DAY, full_fetch_at=NOW)


@dataclass
class Watched:
    """A feed that is polled again and again."""

    state: FeedState = FINE
    pulse: Pulse = field(default_factory=Pulse)
    at: object = NOW
    heard: list[Notice] = field(default_factory=list)

    def fails(self, kind: str, after: timedelta, error: str = "it does not answer", **changes: object) -> list[Notice]:
        now = self.at + after  # type: ignore[operator]
        failed = replace(
            self.state, failures=self.state.failures + 1, failing_since=self.state.failing_since or now, polled_at=now,
            error=error, error_kind=kind, **changes,
        )  # type: ignore[arg-type] # fmt: skip
        return self._polled(failed, now)

    def shows(self, *entries: Entry, after: timedelta, new: tuple[Judged, ...] = ()) -> list[Notice]:
        now = self.at + after  # type: ignore[operator]
        return self._polled(self._fine(now), now, parsed=ParsedFeed(entries=entries), judged=new)

    def unchanged(self, after: timedelta, *, said: bool = True) -> list[Notice]:
        now = self.at + after  # type: ignore[operator]
        return self._polled(self._fine(now), now, unchanged=said)

    def _fine(self, now: object) -> FeedState:
        return replace(
            self.state, failures=0, failing_since=None, error="", error_kind="", polled_at=now, succeeded_at=now
        )  # type: ignore[arg-type]

    def _polled(self, after: FeedState, now: object, **seen: object) -> list[Notice]:
        parsed, judged = seen.get("parsed"), seen.get("judged", ())
        outcome = Outcome(state=after, judged=judged)  # type: ignore[arg-type]
        outcome = health.examined(
            FEED, self.state, outcome, parsed=parsed, unchanged=bool(seen.get("unchanged")), pulse=self.pulse, now=now,
        )  # type: ignore[arg-type] # fmt: skip
        self.state, self.at = outcome.state, now
        self.heard += outcome.notices
        return list(outcome.notices)

    @property
    def kept(self) -> Habits:
        return ways.decoded(self.state.health)

    def with_habits(self, **changes: object) -> Watched:
        self.state = replace(self.state, health=ways.encoded(replace(self.kept, **changes)))  # type: ignore[arg-type]
        return self


def entries(count: int = 6, **changes: object) -> tuple[Entry, ...]:
    made = [
        Entry(
            id=f"e{n}", title=f"The tram number {n} stops", url=f"https://harbour-wire.example/{n}",
            published_at=NOW - n * HOUR,
        )
        for n in range(count)
    ]  # fmt: skip
    return tuple(replace(entry, **changes) for entry in made)  # type: ignore[arg-type]


def news(name: str, decision: Decision = Decision.DROP, **changes: object) -> Judged:
    article = an_article(name, feed=FEED.url, **changes)
    verdict = Verdict(decision=decision, rule="test")
    return Judged(article=article, score=a_score(), verdict=verdict, story_id="", opens_story=False)


# ── a feed that fails ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["blocked-address", "scheme-not-allowed", "tls"])
def test_what_will_not_mend_itself_is_told_at_once(kind: str) -> None:
    watched = Watched()
    (notice,) = watched.fails(kind, HOUR)
    assert notice.key == f"feed-fails:{FEED.url}"
    assert "“Harbour Wire” fails since 17 Nov 09:00 UTC: it does not answer." in notice.text
    assert "Its memory is kept; it is asked again at least once a day." in notice.text
    assert "s3cret" not in notice.text
    assert watched.fails(kind, HOUR) == []


@pytest.mark.parametrize(
    "kind", ["not-a-feed", "empty-answer", "unauthorized", "forbidden", "unavailable-for-legal-reasons", "not-found"]
)
def test_what_may_be_a_mistake_of_the_moment_is_told_the_second_time(kind: str) -> None:
    watched = Watched()
    assert watched.fails(kind, HOUR) == []
    assert len(watched.fails(kind, HOUR)) == 1
    (over,) = watched.shows(*entries(), after=HOUR)
    assert (over.closes, over.text) == (True, "Feed “Harbour Wire” answers again.")


@pytest.mark.parametrize("kind", ["timeout", "name-not-found", "server-error", "rate-limited", "connection-failed"])
def test_what_passes_by_itself_is_told_after_a_day(kind: str) -> None:
    watched = Watched()
    for _ in range(24):
        assert watched.fails(kind, HOUR) == []
    assert len(watched.fails(kind, HOUR)) == 1
    assert watched.fails(kind, DAY) == []


def test_a_feed_that_is_gone_is_told_after_three_such_answers_and_a_day() -> None:
    watched = Watched()
    for seen in range(1, 5):
        assert watched.fails("gone", HOUR, gone_seen=seen) == []
    assert watched.fails("gone", DAY, gone_seen=1) == []
    assert len(watched.fails("gone", HOUR, gone_seen=3)) == 1


def test_every_way_to_fail_that_names_no_mend_itself_has_one() -> None:
    says_it_itself = {"forbidden", "unavailable-for-legal-reasons", "not-found", "gone", "rate-limited", "server-error"}
    hardly_to_be_mended = {"protocol", "encoding", "unexpected-status"}
    assert set(health._FAILURES) == {kind.value for kind in FetchFailure} - says_it_itself - hardly_to_be_mended


def test_a_trouble_that_comes_and_goes_is_told_twice_a_day_at_most() -> None:
    watched = Watched()
    begun = 0
    for _ in range(24):
        begun += sum(not one.closes for one in watched.fails("forbidden", HOUR / 3))
        begun += sum(not one.closes for one in watched.fails("forbidden", HOUR / 3))
        watched.shows(*entries(), after=HOUR / 3)
    assert begun == 2
    assert health.standing(watched.state) == ()


def test_a_move_is_told_once_when_it_is_sure_without_what_may_be_secret() -> None:
    watched = Watched(state=replace(FINE, moved_to="https://new.example/rss?key=s3cret", moved_seen=2))
    before = watched.state
    watched.state = replace(before, moved_seen=3)
    outcome = health.examined(
        FEED, before, Outcome(state=watched.state), parsed=None, unchanged=True, pulse=Pulse(), now=NOW
    )
    (notice,) = outcome.notices
    assert "has moved to https://new.example/rss?key=…" in notice.text
    assert watched.unchanged(HOUR) == []


# ── a feed that answers ───────────────────────────────────────────────────────────────────────────


def test_a_feed_that_is_emptied_is_told_an_hour_later_and_once() -> None:
    watched = Watched()
    watched.shows(*entries(), after=HOUR)
    assert watched.shows(after=HOUR) == []
    assert watched.unchanged(HOUR / 2, said=False) == []
    (notice,) = watched.unchanged(HOUR)
    assert notice.key == f"feed-empty:{FEED.url}"
    assert "shows no entries at all, where there were 6" in notice.text
    assert watched.shows(after=HOUR) == []
    assert [one.kind for one in health.standing(watched.state)] == [Trouble.EMPTY]
    (over,) = watched.shows(*entries(), after=HOUR)
    assert (over.closes, over.text) == (True, "Feed “Harbour Wire” shows entries again.")


def test_a_feed_that_was_always_empty_or_is_for_a_moment_is_not_told() -> None:
    watched = Watched()
    for _ in range(5):
        assert watched.shows(after=HOUR) == []
    watched.shows(*entries(), after=HOUR)
    watched.shows(after=HOUR / 4)
    assert watched.shows(*entries(), after=HOUR) == []


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ({"published_at": None}, "no date any more"),
        ({"url": ""}, "no link any more"),
        ({"title": ""}, "no title any more"),
        ({"title": "", "url": ""}, "no link and no title any more"),
    ],
)
def test_entries_that_lose_a_part_are_told_and_taken_for_usual_after_a_week(
    lost: dict[str, object], words: str
) -> None:
    watched = Watched()
    watched.shows(*entries(), after=HOUR)
    watched.shows(*entries(**lost), after=HOUR)
    (notice,) = watched.shows(*entries(**lost), after=2 * HOUR)
    assert f"has changed its form: its entries have {words}" in notice.text
    for _ in range(6):
        assert watched.shows(*entries(**lost), after=DAY) == []
    (over,) = watched.shows(*entries(**lost), after=DAY)
    assert (over.closes, "taken for usual from now on" in over.text) == (True, True)
    assert watched.shows(*entries(**lost), after=DAY) == []
    assert health.standing(watched.state) == ()


def test_too_few_entries_have_no_form() -> None:
    watched = Watched()
    watched.shows(*entries(), after=HOUR)
    for _ in range(3):
        assert watched.shows(*entries(2, url=""), after=2 * HOUR) == []


def test_a_feed_that_shows_old_articles_only_is_told_after_the_second_look() -> None:
    old = NOW - 400 * DAY
    watched = Watched(state=replace(FINE, baselined_at=None, newest_at=old))
    shown = tuple(replace(entry, published_at=old - n * DAY) for n, entry in enumerate(entries()))
    assert watched.shows(*shown, after=HOUR) == []
    (notice,) = watched.unchanged(HOUR)
    assert "answers, but shows only old articles: the newest is of 13 Oct 2025" in notice.text
    watched.state = replace(watched.state, newest_at=NOW + 3 * HOUR)
    fresh = replace(entries(1)[0], id="fresh", published_at=NOW + 3 * HOUR)
    (over,) = watched.shows(fresh, *shown, after=HOUR, new=(news("fresh"),))
    assert over.closes


def test_a_feed_with_one_article_a_year_is_not_old_before_a_year() -> None:
    shown = tuple(replace(entry, published_at=NOW - (1 + n) * 180 * DAY) for n, entry in enumerate(entries(3)))
    watched = Watched(state=replace(FINE, baselined_at=None, newest_at=NOW - 180 * DAY))
    watched.shows(*shown, after=HOUR)
    assert watched.unchanged(DAY) == []
    watched.at = NOW + 150 * DAY  # nobody looked meanwhile, which is no silence
    assert watched.unchanged(DAY) == []


def test_a_feed_that_is_taken_over_by_another_language_is_told() -> None:
    german = "Die Stadt öffnet heute wieder das alte Rathaus und zeigt den Bürgern die neue Ausstellung über den Hafen"
    english = "The city opens the old town hall again today and shows the citizens the new exhibition on the harbour"
    watched = Watched()
    for n in range(25):
        said = news(f"e{n}", title=english, summary="")
        assert watched.shows(*entries(), after=HOUR, new=(said,)) == []
    heard = []
    for n in range(8):
        heard += watched.shows(*entries(), after=HOUR, new=(news(f"g{n}", title=german, summary=""),))
    (notice,) = heard
    assert "its last 6 articles are in German, where it was in English" in notice.text
    (over,) = watched.shows(*entries(), after=HOUR, new=(news("back", title=english, summary=""),))
    assert over.text == "Feed “Harbour Wire” is in its old language again."


def test_a_feed_in_two_languages_is_never_told_to_have_changed() -> None:
    said = {
        True: "Der Rat der Stadt hat gestern beschlossen, die alte Brücke am Hafen im Frühling zu erneuern und zu streichen",
        False: "The council decided yesterday that the old bridge at the harbour will be repaired and painted in spring",
    }
    watched = Watched()
    heard = []
    for n in range(120):
        article = news(f"a{n}", title=said[n // 3 % 2 == 0], summary="")
        heard += watched.shows(*entries(), after=HOUR, new=(article,))
    assert heard == []


def test_a_feed_that_speaks_of_other_things_is_told_when_it_is_no_chance_any_more() -> None:
    watched = Watched().with_habits(hits=20.0, articles=100.0)
    for n in range(8):
        assert watched.shows(*entries(), after=HOUR, new=tuple(news(f"{n}-{i}") for i in range(6))) == []
    (notice,) = watched.shows(*entries(), after=HOUR, new=tuple(news(f"last-{i}") for i in range(7)))
    assert "none of its last 55 articles matters, where 11 would be usual" in notice.text
    (over,) = watched.shows(*entries(), after=HOUR, new=(news("hit", Decision.DIGEST),))
    assert over.text == "Feed “Harbour Wire” has articles that matter again."
    assert watched.kept.dry == 0


# ── "not modified" ────────────────────────────────────────────────────────────────────────────────


def a_liar(watched: Watched) -> list[Notice]:
    """Shows something, says "not modified" for a day, and shows what came meanwhile when it is asked for all."""
    watched.shows(*entries(), after=HOUR)
    watched.state = replace(watched.state, full_fetch_at=watched.at)
    published = watched.at + HOUR
    for _ in range(24):
        watched.unchanged(HOUR)
    shown = (*entries(), Entry(id="new", title="Hidden", url="https://harbour-wire.example/h", published_at=published))
    return watched.shows(*shown, after=HOUR, new=(news("hidden", published_at=published),))


def test_a_site_that_hides_news_behind_not_modified_is_told_and_asked_for_everything() -> None:
    watched = Watched()
    (notice,) = a_liar(watched)
    assert notice.key == f"feed-validators:{FEED.url}"
    assert "said “not modified” and hid articles; until 25 Nov it is asked for everything" in notice.text
    watched.state = replace(watched.state, full_fetch_at=watched.at)
    assert health.wants_full_fetch(watched.state, watched.at + 6 * DAY - HOUR)
    assert not health.wants_full_fetch(replace(watched.state, health=""), watched.at + HOUR)
    (over,) = watched.unchanged(7 * DAY, said=False)
    assert over.text == "Feed “Harbour Wire” is believed again when it says that nothing is new."
    assert not health.wants_full_fetch(replace(watched.state, full_fetch_at=watched.at), watched.at + HOUR)
    a_liar(watched)
    assert watched.kept.distrusted_until == watched.at + 14 * DAY, "longer each time"


def test_an_article_that_is_only_dated_back_does_not_make_a_liar() -> None:
    watched = Watched()
    watched.shows(*entries(), after=HOUR)
    for n in range(3):  # what a conditional request brings was hidden by nothing, whatever its date
        watched.state = replace(watched.state, full_fetch_at=watched.at)
        published = watched.at + timedelta(minutes=1)
        for _ in range(5):
            watched.unchanged(HOUR)
        watched.shows(*entries(), after=HOUR, new=(news(f"late{n}", published_at=published),))
    assert watched.kept.late == 3
    assert a_liar(watched) == []
    assert watched.kept.late == 2


def test_a_feed_that_was_emptied_for_a_day_said_not_modified_in_good_faith() -> None:
    watched = Watched()
    watched.shows(*entries(), after=HOUR)
    watched.shows(after=HOUR)
    watched.state = replace(watched.state, full_fetch_at=watched.at)
    published = watched.at + HOUR
    for _ in range(24):
        watched.unchanged(HOUR)
    watched.shows(*entries(), after=HOUR, new=(news("meanwhile", published_at=published),))
    assert [one for one in watched.heard if "validators" in one.key] == []


def test_a_site_without_dates_is_found_out_when_news_come_by_full_looks_alone() -> None:
    watched = Watched()
    watched.shows(*entries(published_at=None), after=HOUR)
    heard = []
    for n in range(4):
        watched.state = replace(watched.state, full_fetch_at=watched.at)
        for _ in range(24):
            heard += watched.unchanged(HOUR)
        heard += watched.shows(*entries(published_at=None), after=HOUR, new=(news(f"n{n}", published_at=None),))
    assert [notice.key for notice in heard] == [f"feed-validators:{FEED.url}"]


def test_a_quiet_site_that_says_not_modified_is_believed() -> None:
    watched = Watched()
    watched.shows(*entries(), after=HOUR)
    for _ in range(30):
        watched.state = replace(watched.state, full_fetch_at=watched.at)
        for _ in range(24):
            watched.unchanged(HOUR)
        watched.unchanged(HOUR, said=False)
    assert [one for one in watched.heard if "validators" in one.key] == []


# ── silence ───────────────────────────────────────────────────────────────────────────────────────


def test_time_in_which_nobody_could_look_is_no_silence() -> None:
    watched = Watched().with_habits(new_at=NOW - HOUR, rate=1.0)
    watched.unchanged(30 * DAY)
    assert watched.kept.new_at == NOW + 30 * DAY - HOUR
    assert watched.heard == []


def test_a_feed_that_is_asked_once_a_week_is_looked_at_all_the_same() -> None:
    weekly = replace(FEED, every=7 * DAY)
    before = replace(FINE, health=ways.encoded(Habits(new_at=NOW - DAY, rate=1.0)))
    after = replace(before, polled_at=NOW + 7 * DAY, succeeded_at=NOW + 7 * DAY)
    outcome = health.examined(
        weekly, before, Outcome(state=after), parsed=None, unchanged=True, pulse=Pulse(), now=NOW + 7 * DAY
    )
    assert ways.decoded(outcome.state.health).of(Trouble.SILENT)


def test_a_feed_that_gets_another_address_keeps_its_habits_and_not_its_incidents() -> None:
    quiet = a_silent_state().health
    kept = ways.decoded(health.carried_over(quiet))
    assert (kept.standing, kept.rate) == ((), 0.5)
    assert ways.decoded(health.carried_over("")) == Habits()


def test_a_silence_is_told_and_what_is_wrong_is_shown_in_words() -> None:
    watched = Watched().with_habits(new_at=NOW - HOUR, rate=0.5)
    for _ in range(24):
        watched.unchanged(HOUR)
    (notice,) = watched.heard
    assert "has fallen silent: nothing new since 17 Nov 07:00 UTC, where 12 articles would be usual" in notice.text
    (wrong,) = health.standing(watched.state)
    assert (wrong.kind, wrong.since) == (Trouble.SILENT, NOW - HOUR)
    (over,) = watched.shows(*entries(), after=HOUR, new=(news("n"),))
    assert over.text == "Feed “Harbour Wire” brings something new again."


def test_a_trouble_that_was_told_with_others_ends_with_the_last_of_them() -> None:
    watched = Watched()
    watched.pulse = Pulse()
    for n in range(10):
        assert watched.pulse.may_tell(f"https://{n}.example", Trouble.SILENT, NOW + HOUR)
    watched.fails("tls", HOUR)
    (flood,) = watched.heard
    assert flood.key == "feeds-blind"
    assert "from “Harbour Wire” on they are not told one by one" in flood.text
    again = Pulse()
    health.primed(again, [watched.state], ())
    watched.pulse = again
    (over,) = watched.shows(*entries(), after=HOUR)
    assert (over.key, over.closes) == ("feeds-blind", True)


def test_nothing_is_shown_of_what_operators_have_not_been_told() -> None:
    doubt = Standing(kind=Trouble.EMPTY, since=NOW, words="no entries")
    failing = Standing(kind=Trouble.FAILS, since=NOW, told=True)
    watched = Watched().with_habits(standing=(doubt, failing))
    assert health.standing(watched.state) == ()
    assert health.standing(FINE) == ()
    assert watched.kept.new_at == EPOCH


# ── where it is shown ─────────────────────────────────────────────────────────────────────────────


def a_silent_state() -> FeedState:
    watched = Watched().with_habits(new_at=NOW - HOUR, rate=0.5)
    for _ in range(24):
        watched.unchanged(HOUR)
    return watched.state


def test_the_list_of_feeds_shows_what_is_wrong_with_one_that_answers() -> None:
    row = feeds._health(FEED, a_silent_state(), None, NOW + DAY)
    assert row.state == "silent"
    assert row.blind == ("nothing new since 17 Nov 07:00 UTC, where 12 articles would be usual",)
    assert feeds._ORDERS["errors"](row) < feeds._ORDERS["errors"](replace(row, blind=()))
    assert feeds._health(FEED, FINE, None, NOW).state == "fine"


def test_the_digest_names_what_is_wrong_with_a_feed_that_answers_once() -> None:
    quiet = a_silent_state()
    digest = select(WeekData(feeds=(quiet, replace(FINE, url="https://fine.example"))), ChannelRules(name="all"), WEEK)
    assert [(one.kind, one.since) for one in digest.trouble] == [("silent", NOW - HOUR)]
    failing = replace(quiet, failures=2, failing_since=NOW, error_kind="tls")
    digest = select(WeekData(feeds=(failing,)), ChannelRules(name="all"), WEEK)
    assert [(one.kind, one.since) for one in digest.trouble] == [("tls", NOW)]


# ── a web page instead of a feed ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("title", "means"),
    [
        ("Just a moment...", "the site tests its visitors"),
        ("请稍候…", "the site tests its visitors"),
        ("harbour-wire.example is for sale", "its name seems to be for sale"),
        ("Sign in – Harbour Wire", "it wants a login or a consent"),
        ("Down for maintenance", "it is being worked on"),
    ],
)
def test_a_page_in_the_place_of_a_feed_is_told_with_title_address_and_what_it_may_mean(title: str, means: str) -> None:
    said = health.page_instead(
        ParseError("not a feed: an HTML page; try https://a.example/feed", page_title=title),
        "https://user:pass@harbour-wire.example/home?key=s3cret",
    )
    assert str(said).startswith(
        f"answers with a web page titled “{title}” at https://harbour-wire.example/home?key=…; "
    )
    assert means in str(said)
    assert str(said).endswith("; try https://a.example/feed")


def test_a_page_without_a_title_or_with_a_hostile_one_is_told_in_one_harmless_line() -> None:
    plain = ParseError("not a feed: neither XML nor JSON")
    assert health.page_instead(plain, FEED.url) is plain
    hostile = ParseError("not a feed: an HTML page", page_title="a\n\u202eb" + "x" * 400)
    said = str(health.page_instead(hostile, FEED.url))
    assert len(said) < 250
    assert "\n" not in said
    assert "\u202e" not in said or "\u202c" in said


@pytest.mark.parametrize(
    ("page", "title"),
    [
        (b"<!doctype html><title>Just a moment...</title>", "Just a moment..."),
        (b'<html><head><TITLE lang="en">\n A &amp; B &lt;i&gt;c&lt;/i&gt; </TITLE>', "A & B c"),
        (b"<html><title>" + b"x" * 5_000, "x" * 300),
        (b"<html><body>no title", ""),
    ],
)
async def test_what_a_page_calls_itself_comes_back_from_the_parsers_process(page: bytes, title: str) -> None:
    async with Parser() as parser:
        with pytest.raises(ParseError, match="an HTML page") as caught:
            await parser.parse(page, url="https://harbour-wire.example/rss")
    assert caught.value.page_title == title
