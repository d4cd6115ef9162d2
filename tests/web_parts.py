"""Parts for tests of the review pages: a state worth looking at, the pages on loopback, a client that reads forms."""

from __future__ import annotations

import contextlib
import html
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from classifiers import Reason, Score
from monitor import config
from monitor.model import Article, Decision, Evidence, Facts, Judged, Label, LabelValue, Notice, Verdict
from monitor.store import Review, Store
from monitor.web import serving
from tests.store_parts import FEED, NOW, OTHER, a_delivery, a_story, an_outcome, article_id, opened

PASSWORD = "correct horse battery"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

NEWS = (
    ("editor", "Exiled Varenian editor stabbed outside his home in London", 0.97, Decision.ALERT, ("violence",), "en"),
    ("passports", "Consulate in Toronto cancels passports of Tashmir activists abroad", 0.91, Decision.ALERT, ("mobility-control",), "en"),
    ("arabic", "اختطاف صحفي معارض في إسطنبول على يد عملاء أجانب", 0.93, Decision.ALERT, ("forced-return",), "ar"),
    ("chinese", "流亡記者在倫敦遭跟蹤 警方調查跨國鎮壓", 0.88, Decision.ALERT, ("surveillance",), "zh-Hant"),
    ("near", "Court hears of pressure on students at a campus abroad", 0.74, Decision.DIGEST, ("intimidation",), "en"),
    ("nearer", "Embassy denies that it watches the diaspora", 0.79, Decision.DIGEST, ("response",), "en"),
    ("low", "Committee debates aid for exiles", 0.55, Decision.DIGEST, (), "en"),
)  # fmt: skip
RULES = {
    Decision.ALERT: ">= alert_at 0.80",
    Decision.DIGEST: ">= digest_at 0.50",
    Decision.DROP: "< digest_at 0.50",
}
REASONS = (
    Reason(term="exiled", weight=2.1),
    Reason(term="stabbed", weight=1.4),
    Reason(term="abroad", weight=1.2),
    Reason(term="跨國鎮壓", weight=3.0),
    Reason(term="معارض", weight=1.9),
    Reason(term="court", weight=-0.4),
)


def an_article(slug: str, title: str, **changes: Any) -> Article:
    made = Article(
        id=article_id(slug),
        feed=FEED,
        title=title,
        url=f"https://harbour-wire.example/{slug}",
        entry_id=slug,
        summary=f"{title}. More of it was said abroad, and a court will hear of it.",
        text="",
        language="en",
        published_at=NOW - 3 * HOUR,
        first_seen_at=NOW - 2 * HOUR,
        keys=(slug.encode().ljust(32, b"."),),
        raw_hash=f"hash-{slug}",
    )
    return replace(made, **changes)


def a_judged(slug: str, title: str, score: float, decision: Decision, *, story: str = "", **changes: Any) -> Judged:
    codes = changes.pop("codes", ())
    article = an_article(slug, title, **changes)
    place = story or ("" if decision is Decision.DROP else article.id)
    return Judged(
        article=article,
        score=Score(value=score, codes=codes, reasons=REASONS, model="relevance-test"),
        verdict=Verdict(decision=decision, rule=f"{score:.2f} {RULES[decision]}"),
        story_id=place,
        opens_story=place == article.id,
        evidence="" if place == article.id else "0.71 to another",
    )


def fill(store: Store, *, dropped: int = 80, trouble: str = "Feed “x” fails: <b>timeout</b>") -> None:
    """Alerts in four languages, near misses, dropped articles of two weeks, a story of two articles, what was sent."""
    ones = [
        a_judged(slug, title, score, decision, codes=codes, language=language)
        for slug, title, score, decision, codes, language in NEWS
    ]
    ones.append(a_judged("copy", "Editor in exile attacked with a knife", 0.9, Decision.ALERT, story=article_id("editor"),
                         feed=OTHER, first_seen_at=NOW - HOUR, published_at=NOW - HOUR))  # fmt: skip
    facts = Facts(
        origin_states=("RU",), host_states=("GB",), codes=("violence",), stage="investigation", physical=True,
        people=("Ada Example",), evidence=(Evidence(fact="host_states", value="GB", words="London"),),
    )  # fmt: skip
    told = [one for one in ones if one.verdict.decision is Decision.ALERT and one.opens_story]
    outcome = an_outcome(*(one for one in ones if one.article.feed == FEED), announce=tuple(told))
    read = {article_id("editor"): facts}
    outcome = replace(outcome, announce=tuple(a_story(one, facts=read.get(one.story_id, Facts())) for one in told))
    mail = [a_delivery(f"story:{one.story_id}", story_id=one.story_id) for one in told]
    store.record(outcome, mail, now=NOW - 2 * HOUR)
    later = [one for one in ones if one.article.feed == OTHER]
    store.record(an_outcome(*later, url=OTHER), (), now=NOW - HOUR)
    first = store.pending(NOW)[0]
    store.mark_sending(first.id, NOW - HOUR)
    store.settle_sent(first.id, "41", NOW - HOUR, chat="@main")
    drops = [
        a_judged(f"drop-{n}", f"Rovers win match number {n}", 0.01 + n / 1000, Decision.DROP,
                 first_seen_at=NOW - timedelta(hours=3 + n * 2))
        for n in range(dropped)
    ]  # fmt: skip
    for start in range(0, len(drops), 40):
        store.record(an_outcome(*drops[start : start + 40]), (), now=NOW - HOUR)
    store.tell(Notice(key="feed:x", text=trouble), (), now=NOW - DAY)
    store.add_label(Label(article_id=article_id("near"), rater="ana", value=LabelValue.RELEVANT, at=NOW - HOUR))
    store.add_label(Label(article_id=article_id("near"), rater="ben", value=LabelValue.NOT_RELEVANT, at=NOW - HOUR))


TOML = """
[monitor]
state = "{state}"
{head}
[[feeds]]
url = "{feed}"
name = "Harbour Wire"
[[feeds]]
url = "{other}"
name = "El Faro"
[[channels]]
name = "main"
type = "console"
digest = "mon 08:00"
"""


def settings_of(state: Path, *, head: str = "", password: str = "", **environ: str) -> config.Settings:
    path = state.parent / f"{state.name}.toml"
    path.write_text(TOML.format(state=state, head=head, feed=FEED, other=OTHER), encoding="utf-8")
    secrets = {"LONGARM_WEB_PASSWORD": password} if password else {}
    return config.load(path, {**secrets, **environ})


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Pages:
    """Pages on loopback. `now` may be moved."""

    url: str
    state: Path
    clock: Clock
    settings: config.Settings
    store: Store
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def client(self, **options: Any) -> Visit:
        made = httpx.Client(base_url=self.url, trust_env=False, **{"timeout": 30.0, **options})
        self.clients.append(made)
        return Visit(made)

    def settle(self) -> int:
        """Do what was asked for, as the daemon would."""
        return serving.settle(self.settings, self.clock())


@dataclass
class Visit:
    """One browser without scripts."""

    http: httpx.Client

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.http.get(path, **options)

    def token(self, path: str = "/review/alerts") -> str:
        return csrf(self.get(path).text)

    def post(
        self, path: str, fields: Mapping[str, Any] | None = None, *, token: str | None = None, **options: Any
    ) -> httpx.Response:
        if token is None:
            token = self.token("/login" if path == "/login" else "/review/alerts")
        return self.http.post(path, data={"csrf": token, **(fields or {})}, **options)

    def log_in(self, name: str = "ana", password: str = PASSWORD, **fields: str) -> httpx.Response:
        return self.post("/login", {"name": name, "password": password, **fields})


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None, page[:500]
    return html.unescape(found[1])


@contextlib.contextmanager
def served(state: Path, *, host: str = "127.0.0.1", url: str | None = None, **options: Any) -> Iterator[Pages]:
    """The pages over what is stored in `state`, or in the database of `url`."""
    options |= {"LONGARM_DATABASE_URL": url} if url else {}
    settings, clock = settings_of(state, **options), Clock()
    with Store.open(state, url=url, now=NOW, read_only=True) as store:
        app = serving.built(settings, store, host=host, clock=clock)
        server, where = serving.server(app), serving.listening("127.0.0.1", 0)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [where]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        port = where.getsockname()[1]
        pages = Pages(url=f"http://127.0.0.1:{port}", state=state, clock=clock, settings=settings, store=store)
        try:
            yield pages
        finally:
            for client in pages.clients:
                client.close()
            server.should_exit = True
            thread.join(10)
            where.close()


@contextlib.contextmanager
def a_watch(folder: Path, **options: Any) -> Iterator[Pages]:
    """The pages over a state worth looking at."""
    state = folder / "state"
    if not state.exists():
        with opened(state) as store:
            fill(store)
    with served(state, **options) as pages:
        yield pages


__all__ = ["HOUR", "NOW", "PASSWORD", "Pages", "Review", "Visit", "a_story", "a_watch", "article_id", "csrf", "served"]
