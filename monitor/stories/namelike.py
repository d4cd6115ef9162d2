"""Words that stand in a text as a name would, though nothing says that they are one. Pure; decides nothing.

Facts name persons whose given name or title is known. An affair's people are as often called what no list holds; such
words are good enough to find somebody again in another story of the same route, and not good enough to be shown alone.
Only scripts with capitals; headlines in which every word has one say nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from monitor.stories.gazetteer import finding
from monitor.stories.gazetteer.tables import Kind, rows
from monitor.stories.gazetteer.texts import Prepared, prepared

MAX_MENTIONS = 8
_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ-][^\W\d_]+)*")
_GAP = re.compile(r"[ \xa0]|(?<=\b[^\W\d_])\. ")
_GENITIVE = re.compile(r"['’](?:s|[a-zğıöşüç]{1,4})$|['’]$")
_OUTLET = re.compile(r" [-–—|] [^-–—|]{2,40}$")
_PARTICLES = frozenset("al el bin ben ibn bint von van der de del di da dos la le ter zu".split())
_PLACED = frozenset(
    "in at near outside around into en bei nahe aus à w we v ve в во под у біля di em na no i vid".split()
)
_LONGEST, _SHORTEST_WORD = 4, 2
_TITLE_CASE = 0.75
# Words of institutions, outlets, dates and numbers that capitals hide; the gazetteer's own list goes before.
_THINGS = frozenset(
    "english zeitung allgemeine rundschau rundfunk welle border force line stories eve christmas easter new year "
    "games cup star sun mirror telegraph standard economist insight politico europe afrique african mundo info access "
    "now lab labs group international intelligence kitten typhoon bear panda storm hunt fox skynet nest squad tiger "
    "circle ring chamber chambers trade club society forum network council cell unit branch wing front brigade cartel "
    "gang labour labor liberal conservative democrats republicans whitehall metropolitan scotland yard met crown "
    "prosecution civil criminal appeals circuit district county borough town village island islands peninsula valley "
    "mount lake sea ocean coast region province republic kingdom emirates union arab asian european american western "
    "eastern nations summit day days week weeks month months years january february white lotus falun gong dalai lama "
    "holy quran bible olympic olympics world nobel sakharov pulitzer magnitsky act bill data privacy freedom liberty "
    "democracy human rights zwei drei vier fünf sechs sieben acht neun zehn elf zwölf jahre jahren haft monate männer "
    "frauen seine ihre sein ihr der die das ein eine kein keine auch nach wegen trotz erst jetzt noch nun wie was wer "
    "wo deux trois quatre cinq six sept huit neuf dix ans après selon pour une des les aux dans mais elle ils dos "
    "tres cuatro cinco seis siete ocho nueve diez años tras según para como pero ella ellos más dois três quatro anos "
    "após mas ela eles due tre quattro cinque anni dopo secondo come iki üç dört beş yıl sonra için dışişleri "
    "içişleri bakanı bakanlığı bakanlık mahkemesi mahkeme merkezi polisi savcılığı dwaj dwóch trzech lata lat jego "
    "jej dva tři roky let två år efter hans hennes два две три четыре пять лет после его ее её суд суда соратник "
    "радио свобода время настоящее голос америки эхо новая газета генпрокуратура прокуратура верховный министерство "
    "дело убийство смерть присяжные организация журналист дві років після його її поліція офіс генпрокурор công an bộ "
    "tòa án nhân dân việt nam người ông bà liên hiệp quốc hội đồng".split()
)


def mentions(title: str, summary: str, known: Sequence[str] = ()) -> tuple[str, ...]:
    """Two to four words that look like a name, in order of the text, without those of `known` persons."""
    headline = _OUTLET.sub("", title)
    text = prepared("" if _is_title_case(headline) else headline, summary)
    found = finding.found(text)
    taken = [text.place(one.start, one.end) for one in found.named if one.kind is not Kind.PERSON]
    taken += [text.place(one.start, one.end) for one in (*found.concepts, *found.stages, *found.acts)]
    named: dict[str, None] = {}
    for start, stop in _runs(text):
        words = text.original[start:stop]
        if any(start < end and begin < stop for begin, end in taken) or any(one in words for one in known):
            continue
        named.setdefault(words)
    return tuple(named)[:MAX_MENTIONS]


def _is_title_case(headline: str) -> bool:
    words = [word.group() for word in _WORD.finditer(headline) if len(word.group()) > 3]
    return len(words) > 3 and sum(word[0].isupper() for word in words) > _TITLE_CASE * len(words)


def _runs(text: Prepared) -> Iterator[tuple[int, int]]:
    """Stretches of capitalised words; particles may stand inside."""
    run: list[re.Match[str]] = []
    before = last = ""
    for word in _WORD.finditer(text.original):
        is_name = _is_name_word(word.group())
        is_next = run and _GAP.fullmatch(text.original, run[-1].end(), word.start())
        if is_next and (is_name or word.group() in _PARTICLES):
            run.append(word)
        else:
            yield from _closed(run, before)
            before, run = last, [word] if is_name else []
        last = word.group().casefold()
    yield from _closed(run, before)


def _closed(run: list[re.Match[str]], before: str) -> Iterator[tuple[int, int]]:
    """The name that a stretch may be; what stands behind "in" or "near" is a place."""
    while run and not _is_name_word(run[-1].group()):
        run = run[:-1]
    if 2 <= len(run) <= _LONGEST and before not in _PLACED:
        ending = _GENITIVE.search(run[-1].group())
        yield run[0].start(), run[-1].end() - (len(ending.group()) if ending else 0)


def _is_name_word(word: str) -> bool:
    plain = _GENITIVE.sub("", word).casefold()
    return word[0].isupper() and len(plain) >= _SHORTEST_WORD and not word.isupper() and plain not in _no_names()


@functools.cache
def _no_names() -> frozenset[str]:
    kinds = ("never", "title")
    return _THINGS | frozenset(word for kind, words in rows("given") if kind in kinds for word in words.split())
