"""Which turn of an affair does a headline tell: the deed, an arrest, a denial, a reaction?

Pure. Two headlines on one man and one place can tell two events: he was attacked, somebody was arrested for it. Where
nothing but headlines is known, those are told apart by the words for such turns. A turn that no list knows is not seen;
so this only ever splits, and never says that two headlines are one event.
"""

from __future__ import annotations

import functools
import re
from enum import StrEnum


class Turn(StrEnum):
    """What a headline says besides the deed itself."""

    DENIAL = "denial"
    REACTION = "reaction"
    REVELATION = "revelation"
    PLAN = "plan"
    NEGATION = "negation"
    SEARCH = "search"
    ARREST = "arrest"
    CHARGE = "charge"
    VERDICT = "verdict"
    PLEA = "plea"
    RELEASE = "release"
    APPEAL = "appeal"
    LAWSUIT = "lawsuit"
    GRIEF = "grief"
    REVERSAL = "reversal"


_ENGLISH = {
    Turn.DENIAL: r"den(?:y|ies|ied|ial)\b|refut|debunk|\bfalse\b|\bfake\b|untrue|hoax|rules? out|turn(?:s|ed)? down|"
    r"knew nothing|not true|reject",
    Turn.REACTION: r"react|respon(?:d|se)|repl(?:y|ies)|appl?aud|apolog|sorry|regret|should(?:n't| not)? have|defend|"
    r"condemn|criticis|criticiz|slam|\bblast|concerned|disappoint|\bupset\b|welcome|praise|demand|insist|"
    r"\bhits? back|"
    r"comment|absurd|seeks? stay|protest|\bfans\b|outrage|anger|angry",
    Turn.REVELATION: r"\bvideo|footage|\bpics?\b|photos?\b|pictures|detail|reveal|\bnamed\b|\bcause of|\bids?\b|"
    r"identif|"
    r"explain|\bwhy\b|\bhow\b|\bwhat\b|leak|rumou?r|speculat|report(?:s|ed(?:ly)?)? (?:says|of)|\btold\b|"
    r"teardown|preview",
    Turn.PLAN: r"\bwill\b|\bwould\b|\bmay\b(?! \d)|\bmight\b|\bcould\b|\bplans? to\b|\bto be\b|\bset to\b|"
    r"propos|consider|"
    r"expected|urge|\bcalls? (?:for|on)\b|\bvows?\b|threatens? to\b|\bwants? to\b|\bneeds? to\b|\bshould\b|prepar|"
    r"next (?:week|month)|"
    r"upcoming|ahead of|\bto (?:rule|close|decide|keep|leave|return|reopen|appeal|sue|question|recall|quit)\b|"
    r"on track",
    Turn.NEGATION: r"\bno\b|\bnot\b|n[’']t\b|\bnever\b|\bwithout\b",
    Turn.SEARCH: r"\bsearch|\bhunt|\bmanhunt|look(?:s|ing)? for|\bwarrant|\bwanted\b|missing\b",
    Turn.ARREST: r"arrest(?! warrant)|detain|in custody|\bheld\b|\bcaught\b",
    Turn.CHARGE: r"\bcharge[ds]?\b|indict|accus|alleg|on trial|prosecut|claim",
    Turn.VERDICT: r"convict|guilty|sentenc|jailed|imprison|\bfined\b|acquit|cleared of|banned|handed",
    Turn.PLEA: r"plead|\bplea\b|self-defen[cs]e|denies charge",
    Turn.RELEASE: r"releas(?:ed|es) from|\bfreed\b|on bail|rescue[ds]?\b|\breach(?:es|ed)?\b",
    Turn.APPEAL: r"appeal|overturn|challeng",
    Turn.LAWSUIT: r"\bsu(?:e|es|ed|ing)\b|lawsuit|files? claim|\bstay on\b",
    Turn.GRIEF: r"tribute|mourn|funeral|farewell|vigil|obituar",
    Turn.REVERSAL: r"reopen|lift(?:s|ed)?\b|resum|restor|withdraw|u-turn|\bback down|changes tune|scrap|unban|"
    r"extend|rises? to|"
    r"climbs? to|delay",
}
_CYRILLIC = {
    Turn.DENIAL: r"опроверг|опроверж|не подтверд|отрица|фейк|спростув|запереч|отверг",
    Turn.REACTION: r"прокоммент|отреагир|ответил|оценил|извинил|возмути|призвал|пожалова|высказа|заявил|потреб|"
    r"осудил[аи]? (?!на)|"
    r"реагир|відреаг|прокомен|закликал|раскритик|поблагодар",
    Turn.REVELATION: r"раскры|подробност|стал[аои]? известн|назва[нл]|появил[аои]?сь (?:видео|подробн|данные)|"
    r"попал[аои]? на видео|"
    r"показал|видео|объяснил|рассказал|описа[нл]|картина|причин|личность|версия|оказал|подробиці|відомо|напомнил",
    Turn.PLAN: r"намер|план(?:иру|ы)|может |могут |собира|хочет|захотел|предлож|анонсир|предупред|готов|пообещ|"
    r"обеща|грядущ|"
    r"предсто|збира|планує|просит|запрос",
    Turn.NEGATION: r"\bне\b|\bнет\b|\bбез\b|\bни\b",
    Turn.SEARCH: r"розыск|разыск|ищут|поиск|розшук",
    Turn.ARREST: r"задерж|арест|затрим|заарешт",
    Turn.CHARGE: r"обвинен|обвиня|уголовн\w+ дел|возбуди|подозрев|под следств|следовател|проверк|проверит",
    Turn.VERDICT: r"приговор|осуди|осужд|в колонию|засуд|признал[аи]? винов|оправдал",
    Turn.RELEASE: r"освобод|отпустил|на свободу|звільн",
    Turn.APPEAL: r"обжалов|апелляц|оскарж",
    Turn.LAWSUIT: r"\bиск\b|подал[аи]? в суд|в суд на",
    Turn.GRIEF: r"прости(?:ться|лись)|похорон|скорб|последних днях|соболезн|покойн",
    Turn.REVERSAL: r"вернул|возобнов|откры(?:л|т)|снял[аи]? |выросл|возросл|увеличил|подешев|отмен|восстанов",
}
_OTHERS = {
    Turn.DENIAL: r"dementi|bestreit|weist .{0,40}zurück|zurückgewiesen|démen|nie\b|niega|desmiente|smentisc|"
    r"nega\b|nega a|"
    r"否认|否認|辟谣|闢謠|تكذب|ينفي|تنفي|نفى|تکذیب",
    Turn.REACTION: r"reagier|kritisier|verurteilt (?:angriff|die)|réagi|dénonc|condamne (?:l|la|le)\b|reacciona|"
    r"critica|condena (?:el|la)|"
    r"回应|回應|谴责|譴責|يدين|تدين|واکنش|tepki",
    Turn.PLAN: r"\bwill\b|\bwollen\b|\bsoll(?:en)?\b|\bkönnte|plant\b|\bva\b|\bpourrait|veut\b|\bquiere|"
    r"\bpodría|\bpiden\b|\bpide\b|"
    r"考虑|考慮|计划|計劃|拟|擬",
    Turn.ARREST: r"festgenommen|festnahme|gefasst|verhaftet|arrêt|interpell|deten|arrestat|aangehouden|aresztow|"
    r"zatrzyman|gözaltı|"
    r"tutuklan|被捕|逮捕|拘留|拘捕|اعتقال|توقيف|بازداشت|دستگیر",
    Turn.CHARGE: r"angeklagt|klagt .{0,60}\ban\b|anklage|inculp|mis en examen|acusad|imputad|iddianame|起诉|起訴|اتهام",
    Turn.VERDICT: r"verurteilt|condamné|condenad|condanna|mahkum|hapis ceza|判刑|判处|判處|判囚|محکوم|حكم",
    Turn.RELEASE: r"freigelassen|libér|liberad|rilasciat|获释|獲釋|آزاد شد",
    Turn.APPEAL: r"berufung|fait appel|recurre|apela|上诉|上訴",
}
_FUTURE_AND_PAST = re.compile(
    r"\b\w{3,}(?:(?P<past>(?:л|ла|ло|ли)(?:сь|ся)?)|(?P<coming>(?:[еёиую]т|[ая]т|[её]м)(?:ся)?))\b"
)


def _one_pattern(*tables: dict[Turn, str]) -> tuple[tuple[Turn, re.Pattern[str]], ...]:
    return tuple(
        (turn, re.compile("|".join(table[turn] for table in tables if turn in table), re.IGNORECASE))
        for turn in Turn
        if any(turn in table for table in tables)
    )


_LATIN_PATTERNS = {"en": _one_pattern(_ENGLISH), "": _one_pattern(_OTHERS)}
_CYRILLIC_PATTERNS = _one_pattern(_CYRILLIC)


@functools.lru_cache(maxsize=16_384)
def turns(title: str, language: str) -> frozenset[Turn]:
    """Give the turns that a headline tells; none for the deed itself, or where no list knows the language."""
    cyrillic = language in ("ru", "uk", "be", "bg", "kk")
    patterns = _CYRILLIC_PATTERNS if cyrillic else _LATIN_PATTERNS["en" if language == "en" else ""]
    told = {turn for turn, pattern in patterns if pattern.search(title)}
    if cyrillic and not told:
        # The Russian perfective says "stopped" and "will stop" by its ending alone.
        endings = [match.lastgroup for match in _FUTURE_AND_PAST.finditer(title.lower())]
        if "coming" in endings and "past" not in endings:
            told.add(Turn.PLAN)
    return frozenset(told)


def differ(one: str, other: str, language: str) -> bool:
    """Say whether two headlines of one language tell different turns of an affair."""
    return turns(one, language) != turns(other, language)
