"""Decodes a body's content encoding, bounded at every step: a few bytes may claim to be a gigabyte.

Pure: bytes in, bytes out. No step makes more than two megabytes at once, and the first byte over the cap ends it. It
does not judge what was decoded.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator

import brotli
import zstandard

ACCEPTED = "gzip, br, zstd"

_PLAIN = frozenset({"", "identity", "none", "utf-8"})  # the last two are mistakes in the wild that mean nothing
_STEP = 65_536
# A zstd block of four bytes may stand for 128 kB and the library has no output limit, so input goes in by crumbs.
_ZSTD_STEP = 64
_ZSTD_WINDOW = 8 * 2**20  # https://www.rfc-editor.org/rfc/rfc9659: no sender may need more


class TooLarge(Exception):  # noqa: N818 - private to ingest, where it becomes a FetchError
    """The decoded body is over the cap."""


class BadEncoding(Exception):  # noqa: N818 - as above
    """The body is not what its Content-Encoding says, or the encoding is none we take. `str` is our own text."""


class CutShort(Exception):  # noqa: N818 - as above
    """The encoded body ends before its end."""


def encoding(header: str) -> str:
    """Reduce a Content-Encoding header to "", "gzip", "deflate", "br" or "zstd". Raises BadEncoding."""
    named = [name for part in header.split(",") if (name := part.strip().lower()) not in _PLAIN]
    if not named:
        return ""
    if len(named) > 1:
        raise BadEncoding("the body is encoded more than once, which is refused")
    name = named[0].removeprefix("x-")
    if name not in _DECODERS:
        raise BadEncoding(f"the body's encoding is not one of {ACCEPTED}, deflate")
    return name


def decoded(body: bytes | bytearray, name: str, *, max_bytes: int) -> bytes:
    """Decode `body` by the encoding `name` ("" for none). Raises TooLarge, BadEncoding, CutShort."""
    if not name or not body:
        if len(body) > max_bytes:
            raise TooLarge
        return bytes(body)
    out = bytearray()
    try:
        for piece in _DECODERS[name](memoryview(body)):
            out += piece
            if len(out) > max_bytes:
                raise TooLarge
    except (zlib.error, brotli.error, zstandard.ZstdError):
        raise BadEncoding("the body is not encoded as its header says") from None
    return bytes(out)


def _gzip(body: memoryview) -> Iterator[bytes]:
    """Members may follow each other; anything else after the last one is ignored, as browsers do."""
    rest = body
    while True:
        used = yield from _inflated(rest, 16 + zlib.MAX_WBITS)
        rest = rest[used:]
        if bytes(rest[:2]) != b"\x1f\x8b":
            return


def _deflate(body: memoryview) -> Iterator[bytes]:
    """Some servers send the zlib wrapper that the RFC asks for, some leave it out."""
    head = int.from_bytes(bytes(body[:2]), "big")
    wrapped = head >> 8 & 0x0F == 8 and head % 31 == 0
    yield from _inflated(body, zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)


def _inflated(body: memoryview, wbits: int) -> Generator[bytes, None, int]:
    """Yield the pieces of one member; return how many bytes of `body` it took."""
    engine = zlib.decompressobj(wbits)
    for start in range(0, len(body), _STEP):
        data: bytes | memoryview = body[start : start + _STEP]
        while not engine.eof:
            piece = engine.decompress(data, _STEP)
            yield piece
            data = engine.unconsumed_tail
            if not data and len(piece) < _STEP:  # a full piece may leave output behind, even without input
                break
        if engine.eof:
            return min(start + _STEP, len(body)) - len(engine.unused_data)
    raise CutShort


def _brotli(body: memoryview) -> Iterator[bytes]:
    engine = brotli.Decompressor()
    for start in range(0, len(body), _STEP):
        piece = engine.process(bytes(body[start : start + _STEP]), output_buffer_limit=_STEP)
        while piece:  # `can_accept_more_data` speaks of input only: output is drained until none comes
            yield piece
            piece = engine.process(b"", output_buffer_limit=_STEP)
        if engine.is_finished():
            return
    raise CutShort


def _zstd(body: memoryview) -> Iterator[bytes]:
    """Frames may follow each other."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    engine = decompressor.decompressobj()
    for start in range(0, len(body), _ZSTD_STEP):
        data = bytes(body[start : start + _ZSTD_STEP])
        while data:
            if engine.eof:
                engine = decompressor.decompressobj()
            yield engine.decompress(data)
            data = engine.unused_data if engine.eof else b""
    if not engine.eof:
        raise CutShort


_DECODERS: dict[str, Callable[[memoryview], Iterator[bytes]]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
