"""Which characters do a feed's bytes stand for?

Decides the encoding, out of a closed list: a byte order mark first, then what the HTTP header and the XML declaration
say, then UTF-8, then windows-1252. A name outside of the list (utf-7, punycode, rot13, unicode_escape and every other
codec Python happens to have) is never obeyed. It must not raise for any bytes, and must not look at what they mean.
"""

from __future__ import annotations

import codecs
import re

# Codec names as `codecs.lookup` spells them: what news sites of the world really use, nothing that runs or unpacks.
_NAMES = (
    "utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be ascii "
    "iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11 "
    "iso8859-13 iso8859-14 iso8859-15 iso8859-16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 "
    "cp437 cp850 cp852 cp855 cp866 cp874 koi8-r koi8-u koi8-t kz1048 mac-roman mac-cyrillic tis-620 ptcp154 "
    "gb2312 gbk gb18030 big5 big5hkscs cp950 shift_jis cp932 euc_jp iso2022_jp euc_kr cp949 johab cp037"
)
_ALLOWED = frozenset(_NAMES.split())

# A name stands for its superset, as in browsers: sites say the one and send the other.
_SUPERSET = {
    "ascii": "utf-8",
    "utf-8-sig": "utf-8",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its first two bytes are the same
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# "<" or "{" and the byte after it, where every second or fourth byte is in use; "<?xm" in EBCDIC.
_FIRST_CHARACTERS = (
    (re.compile(rb"[<{]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[<{]"), "utf-32-be"),
    (re.compile(rb"[<{]\0[^\0]"), "utf-16-le"),
    (re.compile(rb"\0[<{]\0[^\0]"), "utf-16-be"),
    (re.compile(rb"\x4c\x6f\xa7\x94"), "cp037"),
)
_XML_DECLARATION = re.compile(rb"\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([\w.:-]{1,40})[\"']", re.ASCII)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.ASCII | re.IGNORECASE)


def decoded(body: bytes, content_type: str = "") -> tuple[str, tuple[str, ...]]:
    """Decode a feed's bytes; never fails.

    Returns the text without byte order mark, and warnings for people where the encoding had to be guessed.
    """
    sure, mark = _by_first_bytes(body)
    if sure:
        return body[mark:].decode(sure, "replace"), ()
    names = _declared(body, content_type)
    warnings = [f"the encoding “{name}” is not one of feeds: ignored" for name in names if not _codec(name)]
    codec_names = [codec for codec in map(_codec, names) if codec and not codec.startswith(("utf-16", "utf-32"))]
    for codec in dict.fromkeys([*_utf8_first(body, codec_names), "utf-8"]):
        try:
            text = body.decode(codec)
        except UnicodeDecodeError:
            continue
        if codec_names and codec != codec_names[0]:
            warnings.append(f"says {codec_names[0]}, read as {codec}")
        return text, tuple(warnings)
    text, codec = _guessed(body)
    return text, (*warnings, f"bytes that are not {(codec_names or ['utf-8'])[0]}, read as {codec}")


def _by_first_bytes(body: bytes) -> tuple[str, int]:
    """The encoding that the first bytes give away and the length of the mark to skip; ("", 0) if they don't."""
    for mark, name in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return name, len(mark)
    return next(((name, 0) for pattern, name in _FIRST_CHARACTERS if pattern.match(body)), ("", 0))


def _declared(body: bytes, content_type: str) -> list[str]:
    """Encoding names as given: the HTTP header's before the document's."""
    from_header = _CHARSET.search(content_type)
    from_xml = _XML_DECLARATION.match(body)
    names = [from_header.group(1)] if from_header else []
    if from_xml:
        names.append(from_xml.group(1).decode("ascii"))
    return list(dict.fromkeys(name.lower() for name in names))


def _codec(name: str) -> str:
    """The codec to use for an encoding's name; empty when it is not on the list."""
    try:
        canonical = codecs.lookup(name).name
    except LookupError:
        return ""
    return _SUPERSET.get(canonical, canonical) if canonical in _ALLOWED else ""


def _utf8_first(body: bytes, codec_names: list[str]) -> list[str]:
    """Put UTF-8 before single-byte encodings: they decode anything, and text in them is hardly ever valid UTF-8."""
    single_byte = bool(codec_names) and codec_names[0].startswith(("cp12", "iso8859", "koi8", "mac", "cp874"))
    return ["utf-8", *codec_names] if single_byte and not body.isascii() else codec_names


def _guessed(body: bytes) -> tuple[str, str]:
    """UTF-8 with a few damaged characters, or windows-1252 when there is more damage than text in it."""
    text = body.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    if damaged * 2 <= beyond_ascii:
        return text, "utf-8 with gaps"
    return body.decode("cp1252", "replace"), "windows-1252"
