"""Search over everything stored: what is found in any writing, what never is, and an index that follows the articles."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Decision, Effects, Facts, Outcome, Redaction
from monitor.store import People, Review, Store, indexing, reading, review, wording
from monitor.store.searching import Wish
from tests.store_parts import (
    DAY,
    FEED,
    MINUTE,
    NOW,
    OTHER,
    a_score,
    a_story,
    an_outcome,
    article_id,
    judged,
    opened,
    record,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = opened(tmp_path / "state")
    yield made
    made.close()


def ids(store: Store, *words: str, **wish: object) -> list[str]:
    return [line["id"] for line in store.search(words, among=Wish(**wish))]  # type: ignore[arg-type]


def titled(store: Store, **titles: str) -> None:
    ones = tuple(judged(name, title=title, summary="") for name, title in titles.items())
    store.record(an_outcome(*ones, announce=ones), (), now=NOW)


# ── what is found ─────────────────────────────────────────────────────────────────────────────────

FOUND = (
    ("en", "Dissident ABDUCTED in Nairobi", ("abduct", "nairobi", "Dissidents"[:9])),
    ("es", "Periodista exiliado en España", ("espana", "EXILIADO", "exili")),
    ("fr", "Opposant enlevé à Genève", ("geneve", "enleve", "GENÈVE")),
    ("de", "Auslandspolizeistation in München geschlossen", ("polizeistation", "munchen", "Auslandspoli", "MÜNCHEN")),
    ("it", "Perché l'oppositore è fuggito", ("perche", "oppositore", "l'oppositore")),
    ("pt", "Ativista sob coação em São Paulo", ("coacao", "sao", "PAULO")),
    ("nl", "Geïntimideerd in Den Haag", ("geintimideerd", "haag")),
    ("pl", "Łódź: śledzono działacza", ("lodz", "ŁÓDŹ", "dzialacz", "śledzono")),
    ("cs", "Únos novináře v Brně", ("unos", "brne", "NOVINÁŘE")),
    ("sv", "Flyktingspionage på Åland", ("flyktingspion", "aland", "spionage")),
    ("tr", "SÜRGÜNDEKİ gazeteci İstanbul'da kayıp", ("surgundeki", "istanbul", "kayip", "kayıp")),
    ("vi", "Nhà hoạt động bị bắt cóc ở Đức", ("bắt cóc", "bat coc", "duc")),
    ("id", "Aktivis diculik di Kuala Lumpur", ("diculik", "kuala lumpur")),
    ("ru", "Журналиста похитили в Вильнюсе", ("ЖУРНАЛИСТ", "вильнюс")),
    ("uk", "Активістку переслідують у Варшаві", ("активістку", "ПЕРЕСЛІД")),
    ("ar", "الشُّرطة تلاحق المعارضين", ("شرطة", "الشرطه", "معارضين", "تلاحق")),
    ("fa", "مأموران، روزنامه‌نگار تبعيدي را ربودند", ("تبعیدی", "ماموران", "ربودند")),
    ("he", "המשטרה עצרה את הגולה", ("משטרה", "גולה")),
    ("hi", "लंदन में निर्वासित पत्रकार पर हमला", ("पत्रकार", "लंदन")),
    ("zh-Hant", "跨國鎮壓：海外警察站曝光", ("跨国", "警察", "海外警察站", "曝光", "國", "光")),
    ("zh-Hans", "警方调查跨国镇压", ("跨國鎮壓", "鎮壓", "调查")),
    ("ja", "亡命した記者が脅迫された", ("記者", "脅迫", "亡命", "された")),
    ("ko", "해외경찰서가 반체제 인사를 감시", ("경찰", "경찰서", "반체제", "감시")),
    ("th", "นักเคลื่อนไหวถูกลักพาตัวในกรุงเทพ", ("ลักพาตัว", "กรุงเทพ")),
)  # fmt: skip


@pytest.mark.parametrize(("language", "title", "queries"), FOUND, ids=[one[0] for one in FOUND])
def test_every_language_is_found_whatever_case_accents_and_letter_forms(
    store: Store, language: str, title: str, queries: tuple[str, ...]
) -> None:
    titled(store, it=title, other="Rovers win the cup 球賽 матч مباراة")
    for query in queries:
        assert ids(store, query) == [article_id("it")], query


def test_all_words_are_wanted_in_title_or_summary(store: Store) -> None:
    record(store, 1, title="Harbour fire", summary="Nobody was hurt")
    record(store, 2, title="Harbour closed", summary="")
    assert ids(store, "harbour", "nobody") == [article_id(1)]
    assert set(ids(store, "harbour")) == {article_id(1), article_id(2)}
    assert ids(store, "harbour", "zeppelin") == []


def test_what_is_one_word_for_the_asker_stands_together(store: Store) -> None:
    titled(store, a="COVID-19 in the G20峰會", b="19 cases of covid", c="police station", d="the station's police")
    assert ids(store, "covid-19") == [article_id("a")]
    assert ids(store, "g20峰会") == [article_id("a")]
    assert ids(store, "Police Station") == [article_id("c")]
    assert ids(store, "police", "station") == ids(store, "station", "police")
    assert len(ids(store, "police", "station")) == 2


def test_characters_must_be_neighbours(store: Store) -> None:
    titled(store, a="海外警察", b="警方在海上", c="外海警察")
    assert ids(store, "海外警察") == [article_id("a")]
    assert ids(store, "海外") == [article_id("a")]
    assert set(ids(store, "海")) == {article_id("a"), article_id("b"), article_id("c")}
    titled(store, d="在G20", e="峰會在 G20")
    assert set(ids(store, "在g20")) == {article_id("d"), article_id("e")}


def test_a_short_word_is_found_whole(store: Store) -> None:
    titled(store, a="EU acts", b="Europe acts", c="U.S. acts", d="The us and them")
    assert ids(store, "eu") == [article_id("a")]
    assert ids(store, "u.s.") == [article_id("c")]


def test_the_newest_come_first_and_pages_meet(store: Store) -> None:
    for n in range(7):
        record(store, n, title="Harbour", first_seen_at=NOW + n * MINUTE)
    newest = [article_id(n) for n in reversed(range(7))]
    assert ids(store, "harbour") == newest
    review = Review(store)
    wish = Wish(words=("harbour",))
    paged = [row.article.id for start in (0, 3, 6) for row in review.found(wish, limit=3, offset=start)]
    assert paged == newest
    assert [row.article.id for row in review.pages(wish, page=2)] == newest


def test_filters_narrow_what_is_found(store: Store) -> None:
    facts = Facts(origin_states=("RU",), host_states=("GB", "DE"))
    one = judged(1, title="Harbour", language="zh-Hant", score=a_score(0.9, codes=("violence", "forced-return")))
    store.record(Outcome(state=an_outcome().state, judged=(one,), announce=(a_story(one, facts=facts),)), (), now=NOW)
    other = judged(2, Decision.DROP, title="Harbour", language="zh_Hans", feed=OTHER, first_seen_at=NOW + DAY,
                   score=a_score(0.1, codes=()))  # fmt: skip
    store.record(an_outcome(other, url=OTHER), (), now=NOW + DAY)
    first, second = [article_id(1)], [article_id(2)]
    for wish, found in (
        ({"language": "zh"}, second + first), ({"language": "zh-Hant"}, first), ({"language": "zh-hans"}, second),
        ({"language": "en"}, []), ({"code": "violence"}, first), ({"code": "forced-return"}, first), ({"code": "x"}, []),
        ({"feed": FEED}, first), ({"feed": OTHER}, second), ({"feed": "https://no.example/"}, []),
        ({"decisions": ("alert",)}, first), ({"decisions": ("drop", "alert")}, second + first),
        ({"origin": "RU"}, first), ({"origin": "GB"}, []), ({"host": "DE"}, first), ({"host": "RU"}, []),
        ({"origin": "RU", "host": "GB"}, first), ({"since": NOW + timedelta(seconds=1)}, second), ({"since": NOW}, second + first),
        ({"until": NOW}, []), ({"until": NOW + MINUTE}, first), ({"since": NOW, "until": NOW + MINUTE}, first),
    ):  # fmt: skip
        assert ids(store, "harbour", **wish) == found, wish
        assert ids(store, **wish) == found, wish
        assert ids(store, "zeppelin", **wish) == [], wish
    assert ids(store) == second + first


# ── what a query can't do ─────────────────────────────────────────────────────────────────────────

HOSTILE = (
    '"', '""', "'", "a\"b", "*", "har*", "^harbour", "-harbour", "+harbour", "NEAR", "NEAR(harbour fire, 2)", "harbour AND", "OR",
    "NOT harbour", "(", ")", "((((", "{words}: harbour", "words:harbour", "more : x", "title:harbour", "harbour:*", "l:en", "d:alert",
    "\0", "har\0bour", "\ud800", "'; DROP TABLE articles; --", "%", "_", "\\", "<->", "!harbour", "harbour & fire | x", ":*", "'a' <-> 'b'",
    "x" * 10_000, "界" * 10_000, "a b " * 5_000, "é" * 9_999, "\u202eharbour", "😀", "..." * 100, "ا" * 10_000, "\n\t", "$1", ":asked",
)  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE, ids=[ascii(one[:20]) for one in HOSTILE])
def test_nothing_in_a_query_is_a_command(store: Store, query: str) -> None:
    titled(store, it="Harbour fire")
    begun = time.perf_counter()
    alone, beside = ids(store, query), ids(store, "harbour", query)
    assert time.perf_counter() - begun < 2.0
    assert set(alone) | set(beside) <= {article_id("it")}
    assert ids(store, "harbour") == [article_id("it")]


def test_signs_alone_find_nothing_and_beside_words_they_ask_for_nothing(store: Store) -> None:
    titled(store, it="Harbour fire")
    assert ids(store, "***", '"') == []
    assert ids(store, "harbour", "***") == [article_id("it")]
    assert ids(store, "", " ") == [article_id("it")]


@given(st.lists(st.text(max_size=30), max_size=5))
def test_a_question_is_made_of_letters_and_digits_alone(words: list[str]) -> None:
    for term in wording.terms(words) or ():
        assert term.words
        for word in term.words:
            assert not set(word) & set(" \"'*:^(){}+-\\\0")


def test_thousands_of_words_are_as_quick_as_a_few() -> None:
    begun = time.perf_counter()
    terms = wording.terms([f"word{n}" for n in range(100_000)])
    assert terms is not None
    assert len(terms) == wording.MAX_WORDS
    assert time.perf_counter() - begun < 1.0


# ── an index that follows ─────────────────────────────────────────────────────────────────────────


def test_an_edit_is_found_by_its_new_words_alone(store: Store) -> None:
    record(store, 1, title="Harbour fire", summary="")
    edited = judged(
        1, Decision.DROP, title="Airport closed", summary="", story=article_id(1), version=2, edited=True, raw_hash="2"
    )
    store.record(an_outcome(edited), (), now=NOW + MINUTE)
    assert ids(store, "harbour") == []
    assert ids(store, "airport", decisions=("drop",)) == [article_id(1)]
    assert ids(store, "airport", decisions=("alert",)) == []
    store.record(an_outcome(edited), (), now=NOW + MINUTE)
    assert ids(store, "airport") == [article_id(1)]


def test_a_feed_that_moved_takes_its_articles_along(store: Store) -> None:
    record(store, 1, 2, title="Harbour")
    moved = "https://moved.example/rss"
    store.record(an_outcome(url=moved, moved_from=FEED), (), now=NOW)
    assert len(ids(store, "harbour", feed=moved)) == 2
    assert ids(store, "harbour", feed=FEED) == []


def test_what_is_purged_is_found_by_its_words_no_more(store: Store) -> None:
    record(store, 1, title="Harbour fire", summary="Nobody was hurt")
    store.record(an_outcome(judged(2, Decision.DROP, title="Harbour sold", summary="")), (), now=NOW)
    store.purge(NOW + 100 * DAY)
    assert ids(store, "nobody") == []
    assert ids(store, "sold") == []
    assert ids(store, "harbour") == [article_id(1)], "the title of what was told stays"
    assert set(ids(store)) == {article_id(1), article_id(2)}
    store.purge(NOW + 800 * DAY)


def test_a_withdrawn_story_is_found_no_more_nor_what_joins_it_later(store: Store) -> None:
    record(store, 1, 2, title="Harbour")
    redaction = Redaction(story_id=article_id(1), by=7, why="wrong")
    assert People(store).take(1, Effects(redaction=redaction), now=NOW)
    record(store, 3, title="Harbour again", story=article_id(1))
    assert ids(store, "harbour") == [article_id(2)]
    assert [row.article.id for row in People(store).search(["harbour"], since=NOW - DAY, limit=9)] == [article_id(2)]
    assert [line["id"] for line in store.export("articles")] == [article_id(2)]
    assert [line["id"] for line in store.export("stories")] == [article_id(2)]
    assert [one.id for one in Review(store).glances(NOW - DAY, 10)] == [article_id(2)]
    with store._reading() as connection:
        rows = connection.exec_driver_sql("SELECT id FROM articles WHERE search_row IS NOT NULL").scalars().all()
    assert rows == [article_id(2)]


def test_what_was_dropped_is_not_found_by_those_who_ask_the_bot(store: Store) -> None:
    record(store, 1, title="Harbour")
    store.record(an_outcome(judged(2, Decision.DROP, title="Harbour")), (), now=NOW)
    found = People(store).search(["harbour"], since=NOW - DAY, limit=9)
    assert [row.article.id for row in found] == [article_id(1)]
    assert People(store).search(["harbour"], since=NOW + DAY, limit=9) == ()


def test_a_second_may_be_full(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_ROW_BITS", 2)
    record(store, *range(6), title="Harbour")
    record(store, 6, title="Harbour")
    record(store, 7, title="Harbour", first_seen_at=NOW + timedelta(seconds=1))
    assert len(ids(store, "harbour")) == len(set(ids(store, "harbour"))) == 8


def test_a_change_that_fails_leaves_the_index_as_it_was(store: Store) -> None:
    record(store, 1, title="Harbour")

    def fail() -> None:
        with store._writing() as connection, indexing.changing(connection, [article_id(1)]):
            connection.exec_driver_sql("UPDATE articles SET title = 'Airport'")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert ids(store, "harbour") == [article_id(1)]


# ── older states ──────────────────────────────────────────────────────────────────────────────────


def without_index(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO article_search (article_search) VALUES ('delete-all')")
        connection.execute("UPDATE articles SET search_row = NULL")
        connection.commit()


def test_a_state_without_an_index_gets_one_in_batches_and_goes_on_when_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "BATCH", 3)
    with opened(tmp_path / "state") as store:
        record(store, *range(8), title="Harbour")
    without_index(tmp_path / "state" / "longarm.db")
    real, batches = indexing._take_in, []

    def cut_off(*given: object) -> None:
        batches.append(1)
        if len(batches) == 3:
            raise KeyboardInterrupt
        real(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(indexing, "_take_in", cut_off)
        with pytest.raises(KeyboardInterrupt):
            opened(tmp_path / "state")
    with opened(tmp_path / "state", read_only=True) as store:
        assert len(ids(store, "harbour")) == 6
    with opened(tmp_path / "state") as store:
        assert len(ids(store, "harbour")) == 8
        assert indexing.catch_up(store._engine) == 0


def test_an_index_that_was_emptied_is_filled_again(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        record(store, 1, title="Harbour")
        with store._writing() as connection:
            indexing.forget_all(connection)
        assert ids(store, "harbour") == []
        assert indexing.catch_up(store._engine) == 1
        assert ids(store, "harbour") == [article_id(1)]


def test_the_file_holds_no_word_of_what_was_withdrawn_in_its_index(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        record(store, 1, title="Zanzibarian")
        People(store).take(1, Effects(redaction=Redaction(story_id=article_id(1), by=7, why="x")), now=NOW)
        with store._writing() as connection:
            connection.exec_driver_sql("INSERT INTO article_search (article_search) VALUES ('optimize')")
        with store._reading() as connection:
            blocks = connection.exec_driver_sql("SELECT block FROM article_search_data").scalars().all()
    assert not [block for block in blocks if b"zanzibar" in bytes(block)]


def test_what_the_index_keeps_stays_as_it_is() -> None:
    """Every stored state holds these: where this fails, a migration must call `indexing.forget_all`."""
    kept = [
        wording.entry(title, language=language, decision="alert", codes=("violence",), feed=FEED, story="s")
        for language, title, _ in FOUND
    ]
    assert kept[0].words == ("dissident", "abducted", "in", "nairobi")
    assert kept[0].more == (
        "issident", "ssident", "sident", "ident", "l:en", "d:alert", "c:violence", f"f:{hashlib.sha256(FEED.encode()).hexdigest()[:16]}",
        "s:yes",
    )  # fmt: skip
    digest = hashlib.sha256(repr([(one.words, one.more) for one in kept]).encode()).hexdigest()
    assert digest == "0f7ac1b42972c4f03171d78bf72497d8c3b9d5c9c8c893d2fc41772815f47d77"


# ── at a size ─────────────────────────────────────────────────────────────────────────────────────


def test_the_newest_are_glanced_at_where_there_are_too_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "_GLANCES", 3)
    for n in range(8):
        record(store, n, first_seen_at=NOW + n // 2 * MINUTE)
    order = [one.id for one in Review(store).glances(NOW - DAY, 100)]
    assert order == [line["id"] for line in store.export("articles")]
    assert [one.id for one in Review(store).glances(NOW - DAY, 5)] == order[-5:]
    assert [one.id for one in Review(store).glances(NOW + 3 * MINUTE, 5)] == order[6:]


def test_a_later_page_of_a_long_list_is_entered_where_the_last_one_ended(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_PAGE", 2)
    for n in range(7):
        record(store, n, first_seen_at=NOW + n // 3 * MINUTE)
    whole = [line["id"] for line in store.export("articles", since=NOW)]
    assert len(set(whole)) == 7
    assert whole[3:] == [line["id"] for line in store.export("articles", since=NOW + MINUTE)]
    seen: list[str] = []
    real = store._fetch
    monkeypatch.setattr(store, "_fetch", lambda statement: seen.append(str(statement)) or real(statement))  # type: ignore[func-returns-value]
    list(store.export("articles", since=NOW))
    assert [one.count("articles.first_seen_at >= ") for one in seen] == [1] * 4
