"""How a name sounds, whatever it is written with: consonants only, so that spellings of one name meet.

Pure but for one table of Chinese syllables, read when the first Chinese character is met. "Rostami", "Ростами",
"رستمی" and "罗斯塔米" all give RSTM. Vowels are left out because Arabic script does; voiced and voiceless
consonants are one, sibilants are one, R and L are one, because newspapers differ in them. Where a letter is read in
several ways (German and French j, Egyptian and Lebanese ج) a word has several keys. It decides nothing: short keys
meet by chance, and `stories.crosslingual` weighs that.
"""

from __future__ import annotations

import difflib
import functools
import unicodedata
from importlib import resources

from classifiers.normalize import normalize

MAX_KEYS = 8
_VOWEL = ("",)

Sound = tuple[str, ...]
"""The consonants one letter may stand for; "" for none."""


def _table(*rows: str) -> dict[str, Sound]:
    """Rows "K: k q ck": each spelling of that sound. Several sounds, one of which may be silent: "K|-: kh"."""
    found: dict[str, Sound] = {}
    for row in rows:
        sounds, spellings = row.split(": ")
        found.update(dict.fromkeys(spellings.split(), tuple(sounds.replace("-", "").split("|"))))
    return found


_LATIN = _table(
    "P: b p bh", "T: d t th dh đ ð þ", "K: k ck qu", "K|S: q", "K|-: gh", "F: f v ph", "R: l r", "M: m", "N: n",
    "N|NK: ng",
    "S: s z sh zh sch tsch dsch dzh tch sz cz rz ts tz zs dj ß ş š ś ż ź ž ć č ç ț ș", "N: ñ ń ň", "R|-: ł",
    "S|-: j", "F|-: w", "KS|S: x", "S|K|-: ch", "-|K: kh ğ",
)  # fmt: skip
_CYRILLIC = _table(
    "P: б п", "T: д т", "K: к ґ қ", "K|-: г ғ", "F: в ф", "-|F: ў", "R: л р љ", "M: м", "N: н ң њ", "N|NK: нг",
    "S: ж з с ц ч ш щ дж дз ћ ђ џ ҷ җ", "-|K: х ҳ", "KS: кс",
)  # fmt: skip
_ARABIC = _table(
    "P: ب پ", "T: ت ط د ڈ ٹ", "S: ز س ش ص ژ چ", "S|K: ج", "S|T: ث ظ", "T|S: ذ ض", "R: ر ل ڑ", "M: م", "N: ن ں",
    "K: ک ك ق گ", "K|-: غ", "-|K: خ", "F: ف ڤ", "-|F: و",
)  # fmt: skip
_HEBREW = _table(
    "P|F: ב פ ף", "T: ד ט ת", "K: ג ק", "K|-: כ ך", "-|K: ח", "-|F: ו", "S: ז ס צ ץ ש", "R: ל ר", "M: מ ם", "N: נ ן",
)  # fmt: skip
_GREEK = _table(
    "P: π μπ", "T: δ τ θ ντ", "K: κ γκ", "K|-: γ", "F: β φ", "S: ζ σ ς τζ", "R: λ ρ", "M: μ", "N: ν", "-|K: χ",
    "KS: ξ", "PS: ψ",
)  # fmt: skip
# Initials and finals of Korean syllables in the order of Unicode; vowels say nothing.
_INITIALS = "K K N T T R M P P S S - S S S K T P -".split()
_FINALS = "- K K K N N N T R R R R R R R R M P P S S N S S K T P -".split()
_LETTERS = _LATIN | _CYRILLIC | _ARABIC | _HEBREW | _GREEK
_LONGEST = max(map(len, _LETTERS))
# Letters whose mark changes the sound; elsewhere marks are dropped.
_MARKED = frozenset("ñńňşšśżźžćčçțșğўґ")
_ARTICLES = ("وال", "بال", "فال", "كال", "لل", "ال")
_SOFT = frozenset("eiyéèêëíìî")
# Languages in which c is a sibilant before any vowel.
_SIBILANT_C = frozenset(("tr", "az", "pl", "cs", "sk", "hr", "sl", "sq", "lt", "lv", "hu", "id", "ms"))
_ROMAN_INITIALS = ("g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h")
_ROMAN_VOWELS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()
_ROMAN_FINALS = ("", *"k k k n n n t l l l l l l l l m p p t t ng t t k t p t".split())
_NAME_DOTS = "-·・•‧"
# What Korean grows on to a name.
_KOREAN_PARTICLES = frozenset("은는이가을를의에와과도로씨")
_KANA = {
    "カキクケコガギグゲゴ": "K", "サシスセソザジズゼゾ": "S", "タテトダデド": "T", "チツヂヅ": "S", "ナニヌネノン": "N",
    "バビブベボ": "P|F", "パピプペポ": "P", "マミムメモ": "M", "ラリルレロ": "R", "フヴ": "F", "ワヲ": "-|F",
    "アイウエオハヒヘホヤユヨ": "-",
}  # fmt: skip
_KANA_SOUNDS = {char: tuple(sound.replace("-", "").split("|")) for row, sound in _KANA.items() for char in row}
_KANA_ROWS = (
    "アイウエオ a i u e o", "カキクケコ ka ki ku ke ko", "ガギグゲゴ ga gi gu ge go", "サシスセソ sa shi su se so",
    "ザジズゼゾ za ji zu ze zo", "タチツテト ta chi tsu te to", "ダヂヅデド da ji zu de do",
    "ナニヌネノ na ni nu ne no",
    "ハヒフヘホ ha hi fu he ho", "バビブベボ ba bi bu be bo", "パピプペポ pa pi pu pe po", "マミムメモ ma mi mu me mo",
    "ヤユヨ ya yu yo", "ラリルレロ ra ri ru re ro", "ワヲンヴ wa o n v", "ァィゥェォ a i u e o", "ャュョ ya yu yo",
)  # fmt: skip
_ROMAJI = {char: roman for row in _KANA_ROWS for char, roman in zip(row.split()[0], row.split()[1:], strict=True)}
_ROMAJI |= dict.fromkeys("ッー", "")
_SMALL_KANA = frozenset("ァィゥェォャュョッー")
_SYLLABLES = "syllables.tsv"


_ROMAN = {
    **dict(zip(map(ord, "абвгдезийклмнопрстуфхыэіїєґқңҳўαβγδεζηικλμνοπρσςτυφχω"),
               "abvgdezijklmnoprstufhyeiiegknhuabgdeziiklmnoprsstyfho", strict=True)),
    **dict(zip(map(ord, "жцчшщюяёηθξψ"), "zh ts ch sh sch iu ia e i th ks ps".split(), strict=True)),
    **dict(zip(map(ord, "یىکگةؤأإآپژچ"), "ييككهوااابجج", strict=True)),
}  # fmt: skip


@functools.lru_cache(maxsize=32_768)
def keys(word: str, language: str = "") -> tuple[str, ...]:
    """Give the consonants of a word of a script with spaces: one key or, where letters are ambiguous, up to 8.

    The first key is the likeliest. Arabic words also come without their article.
    """
    lowered = unicodedata.normalize("NFC", word.casefold()).replace("i̇", "i")
    found = _keys(lowered, language)
    for article in _ARTICLES:
        if lowered.startswith(article) and len(lowered) > len(article) + 1:
            return tuple(dict.fromkeys((*_keys(lowered[len(article) :], language), *found)))[:MAX_KEYS]
    return found


def _keys(word: str, language: str) -> tuple[str, ...]:
    if word and "가" <= word[0] <= "힣":
        bare = word[:-1] if len(word) > 3 and word[-1] in _KOREAN_PARTICLES else word
        return _spelled([sound for char in bare for sound in _hangul(char)])
    base = language.partition("-")[0]
    letters = "".join(char if char in _MARKED else _bare(char) for char in word)
    sounds: list[Sound] = []
    at, last = 0, ""
    while at < len(letters):
        size = next((n for n in range(_LONGEST, 0, -1) if letters[at : at + n] in _LETTERS), 0)
        piece, after = letters[at : at + max(1, size)], letters[at + max(1, size) : at + 1 + max(1, size)]
        sound = _one_sound(piece, after, base)
        if sound != _VOWEL and piece != last:  # "ss" is one sound, "sas" two
            sounds.append(sound)
        last = piece
        at += max(1, size)
    return _spelled(sounds)


def _one_sound(piece: str, after: str, language: str) -> Sound:
    if piece == "c":
        return ("S",) if language in _SIBILANT_C or after in _SOFT else ("K",)
    if piece == "g":
        return ("K", "S") if after in _SOFT else ("K",)
    return _LETTERS.get(piece, _VOWEL)


def _bare(char: str) -> str:
    return unicodedata.normalize("NFD", char)[0]


def _hangul(char: str) -> list[Sound]:
    if not "가" <= char <= "힣":
        return []
    initial, rest = divmod(ord(char) - 0xAC00, 588)
    sounds = [_INITIALS[initial], _FINALS[rest % 28]]
    # Korean writes v with ㅂ and f with ㅍ.
    return [("P", "F") if sound == "P" else (sound,) for sound in sounds if sound != "-"]


def _spelled(sounds: list[Sound]) -> tuple[str, ...]:
    """All words that the sounds can make, the first alternatives first, at most 8."""
    found = [""]
    for sound in sounds:
        longer = [start + consonant for consonant in sound for start in found]
        found = list(dict.fromkeys(longer))[:MAX_KEYS]
    return tuple(dict.fromkeys(found))


def alike(one: str, other: str) -> float:
    """Say how much alike two names are spelled, vowels and all, in either order of words: 0..1.

    For letters of Latin, Cyrillic, Greek, Korean, Japanese and Chinese. Arabic and Hebrew don't write the vowels, so
    a word of theirs can be held against one in the same letters only.
    """
    a, b = _romanized(one), _romanized(other)
    orders = {b, " ".join(reversed(b.split()))}
    return max(difflib.SequenceMatcher(None, a, order, autojunk=False).ratio() for order in orders)


@functools.lru_cache(maxsize=16_384)
def _romanized(name: str) -> str:
    plain = "".join(_roman(char) for char in unicodedata.normalize("NFC", simplified(name).casefold()))
    lowered = unicodedata.normalize("NFD", plain)
    return "".join(char for char in lowered if char.isalpha() or char == " ").replace("l", "r")


def _roman(char: str) -> str:
    if "가" <= char <= "힣":
        initial, rest = divmod(ord(char) - 0xAC00, 588)
        return _ROMAN_INITIALS[initial] + _ROMAN_VOWELS[rest // 28] + _ROMAN_FINALS[rest % 28]
    if char in _NAME_DOTS:
        return " "
    return (syllables(char) or (_ROMAN.get(ord(char), char),))[0]


def character(char: str) -> tuple[str, ...]:
    """Give the consonants of one Chinese character (by its Mandarin readings) or one kana; () for any other.

    The pieces of a foreign name written in them are read one after another.
    """
    if char in _KANA_SOUNDS:
        return _KANA_SOUNDS[char]
    if char in _SMALL_KANA:
        return _VOWEL
    return _readings().get(char, ())


def syllables(char: str) -> tuple[str, ...]:
    """Give the Mandarin readings of one Chinese character, as passports spell them; a kana's one; () for any other."""
    if char in _ROMAJI:
        return (_ROMAJI[char],)
    return _spellings().get(char, ())


@functools.cache
def _readings() -> dict[str, tuple[str, ...]]:
    return {
        char: tuple(dict.fromkeys(sound for syllable in spelled for sound in _syllable(syllable)))
        for char, spelled in _spellings().items()
    }


@functools.cache
def _spellings() -> dict[str, tuple[str, ...]]:
    table = (resources.files("monitor.stories") / _SYLLABLES).read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            syllable, characters = line.split("\t")
            for char in characters:
                found.setdefault(char, []).append(syllable.replace("ü", "u"))
    return {char: tuple(spelled) for char, spelled in found.items()}


_PINYIN = _table(
    "P: b p", "T: d t", "K: g k", "S: zh ch sh z c s q x", "S|K: j", "R: l r", "M: m", "N: n", "F: f", "-|F: w",
)  # fmt: skip


def _syllable(syllable: str) -> tuple[str, ...]:
    """The consonants of one syllable of Mandarin: initial, and n, ng or r at its end."""
    size = 2 if syllable[:2] in _PINYIN else 1
    end = "N" if syllable.endswith(("n", "ng")) else "R" if syllable == "er" else ""
    return tuple(start + end for start in _PINYIN.get(syllable[:size], _VOWEL))


def simplified(text: str) -> str:
    """Fold Chinese characters to those the readings know, and hiragana to katakana; one character stays one."""
    return "".join(_simplified(char) for char in text)


@functools.lru_cache(maxsize=16_384)
def _simplified(char: str) -> str:
    if "ぁ" <= char <= "ゖ":
        return chr(ord(char) + 0x60)
    folded = normalize(char) if char > "\u2e7f" else char
    return folded if len(folded) == 1 else char
