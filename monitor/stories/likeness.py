"""What of an article speaks for an event, and how alike two articles are.

Pure. Decides nothing about stories: `stories.grouping` does, with the numbers from here.

A text becomes stems with weights: a stem of the title counts three times one of the summary, names and
numbers count more than other words, words that only hold a sentence together not at all. Stems are the first
five letters: crude, but the same for every language that writes with an alphabet, and enough for "arrests"
and "arrested".
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher

from monitor.text import language_of, normalized, tokens

TITLE_WEIGHT = 3.0
NAME_WEIGHT = 1.6
NUMBER_WEIGHT = 1.5
BIGRAM_WEIGHT = 0.7
LEAD_CHARS = 400
AGREEING_BODIES = 0.3
SLOT_WORDS = 3
"""A stretch of more words than this is no slot of a form."""

_STEM_CHARS = 5


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_CAPITALISED = re.compile(r"(?<![\w'’-])[A-ZÀ-ÖØ-ÞĀ-ſЀ-ЯҐΑ-ΩԱ-Ֆ][\w'’-]*")
_ABBREVIATION = re.compile(r"\b[A-Z]{2}\b")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;…«»“”\"„(|–—]\s*)$")
_OUTLET = re.compile(r"\s+[-–—|｜]\s+[^-–—|｜]{2,40}$|[｜|_][^｜|_]{2,20}$")
_SEPARATORS = re.compile(r"\s[|•·/]\s|;\s")
# Words that hold sentences together, in the languages that are met most; short ones are left out anyway.
_FUNCTION_WORDS = _words(
    "about after again against also among amid been before being between could does during from further have "
    "having here into just more most only other over said says same should some such than that their them then "
    "there these they this those through under until very were what when where which while will with would your "
    "according told year years today week month news report reports "
    "aber alle auch beim dass dem den der des die diese dieser doch durch ein eine einem einen einer eines für "
    "gegen haben hat hatte ihr ihre ist kann mehr mit nach nicht noch oder sein seine seit sich sind über und "
    "unter vom von vor war waren wegen werden wie wird wurde wurden zum zur zwischen "
    "alors après aussi avec avant cette chez comme contre dans depuis des deux dont elle entre est être fait "
    "leur leurs les mais même ont par pas plus pour qui que sans ses son sont sous sur une vers "
    "como con contra cuando del desde donde durante ella ellos entre esta este esto fue han hasta las los más "
    "muy para pero por que según ser sido sin sobre son sus tras una uno "
    "alla anche che come con dal dalla degli dei del della delle dopo gli hanno nel nella non per più sono sul "
    "sulla tra una uma não mais pelo pela dos das nos nas também foi são "
    "была были было быть вас для его если еще ещё или из-за как которая которые который между может над они "
    "она оно после при про себя сказал стало так также там тем того только том что чтобы этого этом это "
    "або але був була були від його для коли між про після також так там той цього цей що щоб яка які який "
    "het een van voor met niet zijn naar door over als maar ook wordt werd tegen "
    "och att för som med den det inte från till har efter jako oraz przez jest nie się został była było które "
    "ještě jeho jejich které který podle před také bylo byla "
    "من في على إلى عن مع التي الذي هذا هذه بعد قبل كان كانت أن إن لم قال ما بين خلال "
    "از در به با که این آن را برای است شد شده می های بر یک تا نیز پس گفت کرد "
    "के की का में से को है और पर ने हैं इस एक यह भी लिए "
    "one two three first last new old man woman"
)
# Many events under one headline.
_ROUNDUP = re.compile(
    r"^live\s*[:|–—-]|[:|–—-]\s*live$|"
    r"\b(?:live(?:blog| blog| updates?)|as it happened|round-?up|week in review|the week in|newsletter|news in brief|"
    r"(?:weekly|daily|morning|evening|news) (?:briefing|digest|update|brief|wrap)|top stories|what we know|podcast|"
    r"press review|in pictures|дайджест|главное за|главные новости|итоги (?:дня|недели|месяца)|онлайн-трансляция|"
    r"хроника|обзор прессы|підсумки|liveblog|newsticker|live-ticker|wochenrückblick|presseschau|überblick am|"
    r"nachrichtenüberblick|en direct|revue de presse|l['’]essentiel|en bref|en vivo|en directo|boletín|"
    r"resumen (?:de|del)|diretta|rassegna stampa|resumo (?:do|da)|ao vivo|przegląd|na żywo)\b|"
    r"直播|滚动|一周|简报|簡報|早报|早報|晚报|晚報|新聞摘要|新闻摘要|懶人包|"
    r"بث مباشر|موجز|نشرة الأخبار|جولة الصحافة|خلاصه اخبار|مهم‌ترین اخبار",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An article as grouping reads it.

    `title` are the stems of the headline in order, `stems` the weights of all stems before rarity is known,
    `names` and `numbers` those of the whole text that could be told. `cased`: small and capital letters tell
    names from other words in the headline. `headline`: the headline's one spelling without the outlet's name.
    """

    language: str
    headline: str
    title: tuple[str, ...]
    body: frozenset[str]
    words: frozenset[str]
    stems: tuple[tuple[str, float], ...]
    names: frozenset[str]
    numbers: frozenset[str]
    title_numbers: frozenset[str]
    cased: bool
    is_roundup: bool


@functools.lru_cache(maxsize=16_384)
def read(title: str, summary: str, text: str, language: str) -> Document:
    """Read an article. Remembers the last 16,384, so that the members of recent stories are read once."""
    bare = _OUTLET.sub("", title)
    is_roundup = _ROUNDUP.search(title) is not None or len(_SEPARATORS.findall(title)) >= 2
    title = bare if len(bare) >= 12 else title
    body = (summary if len(summary) >= 80 else f"{summary} {text[:LEAD_CHARS]}")[: LEAD_CHARS * 2]
    cased = _is_sentence_case(title)
    short = frozenset(word.lower() for word in _ABBREVIATION.findall(f"{title} {body}"))
    names = frozenset(_names(title, short) if cased else ()) | frozenset(_names(body, short))
    title_stems = tuple(stem for token in tokens(title) if (stem := _stem(token, short)))
    body_stems = [stem for token in tokens(body) if (stem := _stem(token, short))]
    counts = dict.fromkeys(title_stems, TITLE_WEIGHT)
    for stem in body_stems:
        counts[stem] = min(counts.get(stem, 0.0) + 1.0, TITLE_WEIGHT + 2.0)
    return Document(
        language=language_of(f"{title} {body}", language),
        headline=normalized(title),
        title=title_stems,
        body=frozenset(body_stems),
        words=frozenset(counts),
        stems=tuple((stem, math.sqrt(count) * _weight(stem, names)) for stem, count in sorted(counts.items())),
        names=names,
        numbers=frozenset(stem for stem in counts if stem[0].isdigit()),
        title_numbers=frozenset(stem for stem in title_stems if stem[0].isdigit()),
        cased=cased,
        is_roundup=is_roundup,
    )


def cosine(one: dict[str, float], other: dict[str, float]) -> float:
    """Multiply two unit vectors: 0..1."""
    if len(other) < len(one):
        one, other = other, one
    return sum(weight * other.get(stem, 0.0) for stem, weight in one.items())


def vector(document: Document, rarity: Callable[[str], float]) -> dict[str, float]:
    """Weigh the stems by `rarity` (inverse document frequency) and scale them to length one."""
    weighed = {stem: weight * rarity(stem) for stem, weight in document.stems}
    length = math.sqrt(sum(weight * weight for weight in weighed.values()))
    return {stem: weight / length for stem, weight in weighed.items()} if length else {}


def is_copy(one: Document, other: Document) -> bool:
    """Say whether both are one text: one headline, or nearly the same words under another."""
    overlap = _overlap(one, other)
    if one.headline == other.headline:
        # A headline of few words, or of a series, needs its text to agree.
        if len(one.title) < 5 or one.is_roundup:
            return overlap >= 0.6
        return overlap >= 0.15 or not (one.body and other.body)
    if min(len(one.body), len(other.body)) < 12 or overlap < 0.8 or one.numbers != other.numbers:
        return False
    return headlines_agree(one, other) and not differ_in_a_slot(one, other)


def headlines_agree(one: Document, other: Document) -> bool:
    """Say whether a quarter of each headline is found in the other text.

    Summaries can be the outlet's own advertisement, the same under every article; headlines can't.
    """
    return all(
        4 * len(words & against.words) >= len(words)
        for words, against in ((frozenset(one.title), other), (frozenset(other.title), one))
    )


def share_enough(one: Document, other: Document) -> bool:
    """Say whether three stems are common: one place name of two words is no event."""
    return len(one.words & other.words) >= 3


def differ_in_a_slot(one: Document, other: Document) -> bool:
    """Say whether the headlines are one form filled in twice: "site 12 blocked" and "site 13 blocked".

    They are where one becomes the other by replacing short stretches, half of it staying, and a name or a number is
    replaced by another. Where nothing tells names (Chinese, Arabic, Title Case without a summary) any stretch counts,
    unless the summaries agree.
    """
    a, b = one.title, other.title
    if a == b or not a or not b:
        return False
    if _numbers_differ(one, other):
        return True
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    replaced = [(a[i1:i2], b[j1:j2]) for kind, i1, i2, j1, j2 in blocks if kind == "replace"]
    kept = sum(i2 - i1 for kind, i1, i2, _, _ in blocks if kind == "equal")
    limit = _slot_limit(a)
    if len(replaced) + sum(1 for block in blocks if block[0] == "equal") < len(blocks) or not replaced:
        return False
    if kept * 2 < max(len(a), len(b)) or any(max(len(left), len(right)) > limit for left, right in replaced):
        return False
    if not (_tells_names(one) or _tells_names(other)):
        return _overlap(one, other) < AGREEING_BODIES
    return any(_has_mark(left, one, other) and _has_mark(right, other, one) for left, right in replaced)


def _has_mark(stretch: tuple[str, ...], document: Document, against: Document) -> bool:
    """Say whether a stretch of a headline holds a name or a number that the other text doesn't speak of."""
    own = [stem for stem in stretch if stem not in against.words]
    # A Title Case headline without names in its text gives no evidence: any word of it may be a name.
    return any(stem[0].isdigit() or stem in document.names for stem in own) or bool(own and not _tells_names(document))


def _tells_names(document: Document) -> bool:
    return document.cased or bool(document.names)


def _numbers_differ(one: Document, other: Document) -> bool:
    """Say whether two headlines that share most words count differently."""
    if one.title_numbers == other.title_numbers or (one.title_numbers & other.title_numbers):
        return False
    words, others = set(one.title) - one.title_numbers, set(other.title) - other.title_numbers
    both_count = bool(one.title_numbers and other.title_numbers)
    return both_count and 5 * len(words & others) >= 3 * min(len(words), len(others))


def _overlap(one: Document, other: Document) -> float:
    """The share of all words of both summaries that both have; 0.0 where there are none."""
    return len(one.body & other.body) / max(1, len(one.body | other.body))


def numbers_clash(one: Document, other: Document) -> bool:
    """Say whether both headlines count, and share no number."""
    return bool(one.title_numbers and other.title_numbers and not one.title_numbers & other.title_numbers)


def names_clash(one: Document, other: Document) -> bool:
    """Say whether both name somebody or some place, and nobody in common."""
    return bool(one.names and other.names and not one.names & other.names)


def _slot_limit(title: tuple[str, ...]) -> int:
    # Three characters of Chinese are four bigrams that touch them.
    return SLOT_WORDS + 2 if title and _is_bigram(title[0]) else SLOT_WORDS


def _is_bigram(stem: str) -> bool:
    return len(stem) <= 2 and unicodedata.category(stem[0]) == "Lo" and not "\u0590" <= stem[0] <= "\u0dff"


def _weight(stem: str, names: frozenset[str]) -> float:
    if stem in names:
        return NAME_WEIGHT
    if stem[0].isdigit():
        return NUMBER_WEIGHT
    return BIGRAM_WEIGHT if _is_bigram(stem) else 1.0


def _stem(token: str, short: frozenset[str]) -> str:
    """The part of a token that is compared, "" for one that says nothing. `short`: abbreviations of two letters."""
    if token[0].isdigit():
        return token
    if _is_bigram(token):
        return token if len(token) == 2 else ""
    if (len(token) < 3 and token not in short) or token in _FUNCTION_WORDS:
        return ""
    if token.startswith("ال") and len(token) > 4:
        token = token[2:]
    return token[:_STEM_CHARS]


def _is_sentence_case(title: str) -> bool:
    """Say whether capitals mean something in `title`: not in Title Case, CAPITALS or scripts without case."""
    words = [word for word in _WORD.findall(title)[1:] if len(word) > 3]
    lower = sum(1 for word in words if word[0].islower())
    return bool(words) and lower * 5 >= len(words) * 2


def _names(text: str, short: frozenset[str]) -> list[str]:
    """The stems of words that begin with a capital inside a sentence, and of abbreviations."""
    found: list[str] = []
    for match in _CAPITALISED.finditer(text):
        word = match.group()
        is_abbreviation = len(word) > 1 and word.isupper()
        if not is_abbreviation and _SENTENCE_START.search(text, max(0, match.start() - 4), match.start()):
            continue
        parts = (word.lower(),) if word.isascii() and word.isalpha() else tokens(word)
        found.extend(stem for part in parts if (stem := _stem(part, short)))
    return found
