"""Stories in five languages, and builders that fill in what a test doesn't care about."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from classifiers import Reason, Score
from monitor.alerts.policy import Rules, verdict
from monitor.model import Article, Decision, Feed, FeedState, Judged, Member, Message, SpanKind, Story, Verdict

NOW = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)  # a Wednesday of 2026-W47
MADRID = ZoneInfo("Europe/Madrid")
RULES = Rules(alert_at=0.80, digest_at=0.50)
FEED = Feed(url="https://harbour-wire.example/rss", name="Harbour Wire")
STATE = FeedState(url=FEED.url, title="Harbour Wire: all news", polled_at=NOW, baselined_at=NOW - timedelta(days=30))

HEADLINES = {
    "en": (
        "Father of wanted activist gets eight months in prison",
        "He tried to cash a policy bought for his daughter, who speaks abroad. The government denies any motive.",
        ("wanted activist", "abroad", "police list"),
    ),
    "zh": (
        "海外警察服務站案：紐約男子被裁定罪名成立",
        "陪審團裁定他未經登記擔任外國政府代理人，並刪除與警官的通訊。辯方稱該處只是社區中心。",
        ("海外警察", "服務站"),
    ),
    "ar": (
        "محكمة تدين رجلاً بملاحقة معارضين في المنفى لحساب جهاز أمني",
        "قالت النيابة إنه صوّر متظاهرين أمام السفارة وأرسل أسماءهم إلى بلده. ونفت السفارة أي علاقة لها بالأمر.",
        ("معارضين في المنفى", "جهاز أمني"),
    ),
    "fa": (
        "خبرنگار تبعیدی در لندن هدف حمله با چاقو قرار گرفت",
        "پلیس ضدتروریسم تحقیق می‌کند. همکارانش می‌گویند او بارها تهدید شده بود و خانواده‌اش بازجویی شده‌اند.",
        ("خبرنگار تبعیدی", "تهدید"),
    ),
    "ru": (
        "Россия объявила в розыск журналистку, уехавшую за границу",
        "Интерпол ранее удалил запрос как политически мотивированный. Родственников вызывали на допрос.",
        ("в розыск", "за границу"),
    ),
}


def article(number: int = 1, **changes: object) -> Article:
    values: dict[str, object] = {
        "id": f"{number:032x}",
        "feed": FEED.url,
        "title": HEADLINES["en"][0],
        "url": f"https://harbour-wire.example/2026/11/{number}",
        "summary": HEADLINES["en"][1],
        "language": "en",
        "published_at": NOW - timedelta(hours=2),
        "first_seen_at": NOW,
    }
    return Article(**{**values, **changes})  # type: ignore[arg-type]


def score(value: float = 0.93, **changes: object) -> Score:
    values: dict[str, object] = {
        "value": value,
        "reasons": tuple(Reason(term=term, weight=2.0) for term in HEADLINES["en"][2]),
        "model": "relevance-test",
    }
    return Score(**{**values, **changes})  # type: ignore[arg-type]


def ruled(number: int = 1, value: float = 0.93, **changes: object) -> tuple[Article, Score, Verdict]:
    one, said = article(number, **changes), score(value)
    return one, said, verdict(said, one, FEED, RULES)


def member(of: Article, value: float = 0.93, *, feed_name: str = "", decision: Decision = Decision.ALERT) -> Member:
    return Member(
        article_id=of.id,
        title=of.title,
        summary=of.summary,
        url=of.url,
        feed=of.feed,
        feed_name=feed_name,
        language=of.language,
        at=of.at,
        score=value,
        decision=decision,
    )


def story(*members: Member, **changes: object) -> Story:
    members = members or (member(article()),)
    values: dict[str, object] = {
        "id": members[0].article_id,
        "language": members[0].language,
        "members": members,
        "first_at": min(one.at for one in members),
        "last_at": max(one.at for one in members),
    }
    return Story(**{**values, **changes})  # type: ignore[arg-type]


def judged(of: Article, said: Score | None = None, *, story_id: str = "", edited: bool = False) -> Judged:
    said = said or score()
    return Judged(
        article=of,
        score=said,
        verdict=verdict(said, of, FEED, RULES),
        story_id=story_id or of.id,
        opens_story=not story_id,
        edited=edited,
    )


def story_in(language: str, number: int, value: float = 0.93, **changes: object) -> tuple[Story, Judged]:
    """A story of one article in `language`, and that article judged."""
    title, summary, terms = HEADLINES[language]
    one = article(number, title=title, summary=summary, language=language, **changes)
    said = score(value, reasons=tuple(Reason(term=term, weight=1.5) for term in terms))
    row = judged(one, said)
    return story(member(one, value, decision=row.verdict.decision)), row


# ── what a chat would make of a message ───────────────────────────────────────────────────────────

_TAPPED = re.compile(
    r"(?<!\w)@\w+|(?<![\w/])/[A-Za-z0-9_]+|(?<!\w)#\w+|(?<!\w)\$[A-Za-z]{1,8}\b|\w+://\S+|\b[\w-]+\.[^\W\d_]{2,}|@everyone"
    r"|<[!@#]"
)


def tapped(message: Message) -> list[str]:
    """What a chat would turn into something to tap, beside the links and code that Longarm marked."""
    marked = [
        range(span.start, span.start + span.length)
        for span in message.spans
        if span.kind in (SpanKind.LINK, SpanKind.CODE)
    ]
    return [
        match.group()
        for match in _TAPPED.finditer(message.text)
        if not any(match.start() in stretch for stretch in marked)
    ]


def is_closed(text: str) -> bool:
    """No direction override, and every isolate closed on the line where it was opened."""
    if any(char in text for char in "\u202d\u202e"):
        return False
    return all(
        sum(line.count(char) for char in "\u2066\u2067\u2068") == line.count("\u2069")
        and sum(line.count(char) for char in "\u202a\u202b") == line.count("\u202c")
        for line in text.splitlines()
    )


def units(text: str) -> int:
    return sum(2 if char > "\uffff" else 1 for char in text)


def is_sound(message: Message) -> bool:
    """Within every limit of a chat, spans inside the text, only http(s) links, nothing that turns or pings."""
    inside = all(span.start >= 0 and 0 < span.length <= len(message.text) - span.start for span in message.spans)
    links = all(span.url.startswith(("https://", "http://")) for span in message.spans if span.kind is SpanKind.LINK)
    visible = not any(unicodedata.category(char) in ("Cc", "Cs") and char != "\n" for char in message.text)
    return (
        0 < units(message.text) <= 4096
        and len(message.spans) <= 100
        and inside
        and links
        and visible
        and is_closed(message.text)
        and not tapped(message)
    )


def marked(message: Message, kind: SpanKind) -> list[str]:
    return [message.text[span.start : span.start + span.length] for span in message.spans if span.kind is kind]


def lines(message: Message | str) -> Sequence[str]:
    return (message if isinstance(message, str) else message.text).splitlines()
