"""Builders of entries, articles and stories, a memory that keeps keys as the store does, and pairs of headlines."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from monitor.model import Article, Entry, Feed, FeedState, KnownArticle, Member, ParsedFeed, Story
from monitor.stories import identity
from monitor.stories.identity import Fresh

NOW = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)
FEED = Feed(url="https://news.example.org/rss", name="Example News")
OTHER_FEED = Feed(url="https://agency.example.net/feed.xml", name="Agency")

TITLES = (
    "Exiled editor stabbed outside his home in London",
    "Vienna court convicts former officer over spying on dissidents",
    "Two charged in Stockholm with mapping Uyghur refugees for Beijing",
    "Canada expels diplomat accused of threatening a lawmaker's family",
    "Bounty placed on Hong Kong activists who live in Britain",
    "Iranian television channel moves its studio after threats",
    "Passport of a Belarusian journalist cancelled at the embassy in Warsaw",
    "Rwandan critic's phone in Brussels was infected with spyware, laboratory finds",
)


def entry(n: int = 0, **changes: object) -> Entry:
    """The n-th entry of a made-up feed: own id, link, title and date."""
    made = Entry(
        id=f"id-{n}",
        title=TITLES[n % len(TITLES)] + (f" ({n})" if n >= len(TITLES) else ""),
        url=f"https://news.example.org/2026/story-{n}",
        published_at=NOW - timedelta(hours=2, minutes=n),
        summary=f"What is known so far, told by our correspondent in part {n}.",
    )
    made = replace(made, **changes)  # type: ignore[arg-type]
    return replace(made, raw_hash=str(hash((made.title, made.summary, made.text, made.published_at))))


def parsed(*entries: Entry) -> ParsedFeed:
    return ParsedFeed(title="Example", format="rss", language="en", entries=entries)


@dataclass
class Memory:
    """Keys and articles as the store remembers them: the first article of a key keeps it."""

    keys: dict[bytes, str] = field(default_factory=dict)
    articles: dict[str, KnownArticle] = field(default_factory=dict)
    states: dict[str, FeedState] = field(default_factory=dict)
    new: int = 0

    def poll(self, *entries: Entry, feed: Feed = FEED, now: datetime = NOW) -> Fresh:
        feed_parsed = parsed(*entries)
        wanted = identity.entry_keys(feed_parsed, feed)
        known = {key: self.articles[self.keys[key]] for key in wanted if key in self.keys}
        state = self.states.get(feed.url, FeedState(url=feed.url))
        fresh = identity.fresh(feed_parsed, feed, known, state, now=now)
        for article in (*fresh.new, *fresh.edited):
            self._keep(article)
        for key, article_id in fresh.seen_keys:
            self.keys.setdefault(key, article_id)
        dates = [e.published_at for e in entries if e.published_at and e.published_at <= now]
        newest = max([*dates, *([state.newest_at] if state.newest_at else [])], default=None)
        self.states[feed.url] = replace(state, baselined_at=state.baselined_at or now, newest_at=newest)
        self.new += len(fresh.new)
        return fresh

    def _keep(self, article: Article) -> None:
        for key in article.keys:
            self.keys.setdefault(key, article.id)
        self.articles[article.id] = KnownArticle(
            article_id=article.id,
            feed=article.feed,
            title=article.title,
            url=article.url,
            entry_id=article.entry_id,
            raw_hash=article.raw_hash,
            version=article.version,
            published_at=article.published_at,
            first_seen_at=article.first_seen_at,
            recent=article.recent,
        )


def article(
    article_id: str, title: str, summary: str = "", *, language: str = "en", hours: float = 0.0, **more: object
) -> Article:
    """An article that came `hours` after the start of the test's time."""
    at = NOW + timedelta(hours=hours)
    made = Article(
        id=article_id, feed=FEED.url, title=title, summary=summary, language=language, published_at=at, first_seen_at=at
    )
    return replace(made, **more)  # type: ignore[arg-type]


def story(*articles: Article) -> Story:
    members = tuple(
        Member(article_id=a.id, title=a.title, summary=a.summary, language=a.language, at=a.at) for a in articles
    )
    return Story(
        id=articles[0].id,
        language=articles[0].language,
        members=members,
        first_at=min(a.at for a in articles),
        last_at=max(a.at for a in articles),
    )


# (language, one headline, its summary, another headline, its summary)
Pair = tuple[str, str, str, str, str]

SAME_EVENT: tuple[Pair, ...] = (
    ("en", "Exiled Iranian editor stabbed outside his home in London", "", "Iranian editor in exile attacked outside London home", ""),
    ("en", "Exiled Iranian editor stabbed outside his home in London", "Police say the presenter of Iran International was attacked in Wimbledon.",
     "Man charged over stabbing of Iranian editor in London", "A 24-year-old appeared in court over the attack on the Iran International presenter in Wimbledon."),
    ("en", "Hong Kong issues arrest warrants for six activists abroad", "", "Hong Kong police issue warrants for six overseas activists", ""),
    ("en", "Dutch police close unofficial Chinese police station in Rotterdam", "", "Unofficial Chinese police station in Rotterdam closed by Dutch police", ""),
    ("en", "Turkey abducts teacher from Nairobi, lawyers say", "Lawyers for the Gülen-linked teacher say he was bundled into a van.",
     "Kenya: Teacher abducted in Nairobi resurfaces in Turkey", "The Gülen-linked teacher appeared in Ankara days after he was bundled into a van in Nairobi."),
    ("en", "Saudi Dissident Jailed After Return From America - The Herald", "", "Saudi dissident jailed after return from America", ""),
    ("de", "Exil-Journalist in Berlin vor seiner Wohnung angegriffen", "", "Angriff auf Exil-Journalisten vor seiner Wohnung in Berlin", ""),
    ("de", "Bundesanwaltschaft klagt mutmaßlichen Agenten wegen Ausspähung von Uiguren an", "Der Mann soll in München Uiguren für einen chinesischen Geheimdienst beobachtet haben.",
     "Uiguren in München ausgespäht: Bundesanwaltschaft klagt mutmaßlichen Agenten an", "Der Beschuldigte soll Uiguren für einen Geheimdienst Chinas beobachtet haben."),
    ("fr", "Un opposant tchétchène abattu dans une rue de Lille", "La victime, réfugiée en France depuis 2018, critiquait le pouvoir de Grozny.",
     "Lille : un opposant tchétchène tué par balle dans la rue", "Réfugiée en France, la victime critiquait le pouvoir tchétchène de Grozny."),
    ("es", "España extradita a Marruecos a un activista saharaui", "", "Activista saharaui extraditado a Marruecos por España", ""),
    ("ru", "В Вильнюсе напали на соратника Навального Леонида Волкова", "", "Соратник Навального Леонид Волков ранен при нападении в Вильнюсе", ""),
    ("ru", "Беларусь лишила гражданства журналистку, живущую в Варшаве", "", "Живущую в Варшаве журналистку лишили гражданства Беларуси", ""),
    ("uk", "У Празі затримали агента, який стежив за українською журналісткою", "", "Агента, що стежив за українською журналісткою, затримали у Празі", ""),
    ("zh-Hant", "港警國安處通緝八名海外港人 懸紅一百萬", "香港警方國安處宣布通緝羅冠聰、許智峯等八名海外港人，每人懸紅一百萬元。",
     "港警國安處懸紅一百萬通緝八名海外港人", "國安處通緝羅冠聰、許智峯等八名海外港人，每人懸紅一百萬港元。"),
    ("fa", "حمله با چاقو به خبرنگار ایران اینترنشنال در لندن", "", "خبرنگار ایران اینترنشنال در لندن با چاقو زخمی شد", ""),
    ("ar", "اعتقال معارض سعودي في مطار بيروت وتسليمه إلى الرياض", "أوقف الأمن اللبناني المعارض السعودي في مطار بيروت بطلب من الرياض.",
     "لبنان: اعتقال معارض سعودي في مطار بيروت تمهيدا لتسليمه إلى الرياض", "قال محاميه إن الأمن اللبناني أوقف المعارض السعودي في المطار."),
)  # fmt: skip

OTHER_EVENT: tuple[Pair, ...] = (
    ("en", "Roskomnadzor blocks site number 12", "", "Roskomnadzor blocks site number 13", ""),
    ("en", "Chinese police station found in Dublin", "", "Chinese police station found in Rotterdam", ""),
    ("en", "Turkey abducts teacher from Nairobi", "", "Turkey abducts teacher from Chisinau", ""),
    ("en", "Court in Minsk tries blogger Ivan Petrov in absentia", "The court heard the case of a blogger who lives abroad.",
     "Court in Minsk tries blogger Oleg Sidorov in absentia", "The court heard the case of a blogger who lives abroad."),
    ("en", "Hong Kong Puts Bounty On Nathan Law", "", "Hong Kong Puts Bounty On Anna Kwok", ""),
    ("en", "Iran threatens journalists in London", "", "Russia threatens journalists in Riga", ""),
    ("en", "Exiled editor stabbed outside his home in London", "", "Exiled singer poisoned in a hotel in Istanbul", ""),
    ("en", "Six activists get warrants from Hong Kong", "", "Hong Kong tourism recovers as visitors return", ""),
    ("en", "Russia Issues Arrest Warrants for Exiled Navalny Aides", "", "Russia Issues Arrest Warrant for Exiled Newspaper Editor", ""),
    ("en", "CC vs BLB Dream11 Prediction, Fantasy Cricket Tips", "", "CK vs OEI Dream11 Prediction, Fantasy Cricket Tips", ""),
    ("en", "Winger signs for Bulldogs", "Watch every game live on our channel with no ad breaks. New to us? Start your free trial now.",
     "Referee rule shelved", "Watch every game live on our channel with no ad breaks. New to us? Start your free trial now."),
    ("de", "Mutmaßlicher Agent in Berlin festgenommen", "", "Mutmaßlicher Agent in Dresden festgenommen", ""),
    ("fr", "Un opposant tchétchène abattu à Lille", "", "Un opposant rwandais enlevé à Bruxelles", ""),
    ("es", "Detenido en Madrid un espía ruso", "", "Detenido en Lisboa un espía ruso", ""),
    ("ru", "Минюст признал иноагентом журналиста Петрова", "", "Минюст признал иноагентом журналиста Сидорова", ""),
    ("ru", "Суд заочно приговорил блогера к 8 годам", "", "Суд заочно приговорил блогера к 12 годам", ""),
    ("zh-Hans", "香港警方通缉许智峯", "", "香港警方通缉罗冠聪", ""),
    ("fa", "تهدید خبرنگار ایرانی در برلین", "", "تهدید خبرنگار ایرانی در پاریس", ""),
)  # fmt: skip
