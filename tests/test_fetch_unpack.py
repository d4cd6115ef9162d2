"""Content encodings: what was packed comes out, whatever was done to it stays bounded."""

from __future__ import annotations

import contextlib
import gzip
import os
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from monitor.ingest.unpack import BadEncoding, CutShort, TooLarge, decoded, encoding

CAP = 2**20


def raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


PACKERS: dict[str, list[Callable[[bytes], bytes]]] = {
    "gzip": [gzip.compress, lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:])],
    "deflate": [zlib.compress, raw_deflate],
    "br": [brotli.compress],
    "zstd": [zstandard.compress, lambda data: zstandard.compress(data[:100]) + zstandard.compress(data[100:])],
}
EVERY = [(name, pack) for name, packers in PACKERS.items() for pack in packers]


@pytest.mark.parametrize(("name", "pack"), EVERY)
@given(data=st.binary(max_size=500), times=st.sampled_from([1, 50, 1000]))
def test_what_was_packed_comes_out(name: str, pack: Callable[[bytes], bytes], data: bytes, times: int) -> None:
    assert decoded(pack(data * times), name, max_bytes=CAP) == data * times


@pytest.mark.parametrize(("name", "pack"), EVERY)
def test_large_bodies_come_out_and_cut_ones_do_not(name: str, pack: Callable[[bytes], bytes]) -> None:
    for data in (os.urandom(300_000), b"\0" * CAP, b"news " * 100_000):
        packed = pack(data)
        assert decoded(packed, name, max_bytes=CAP) == data
        with pytest.raises(CutShort):
            decoded(packed[:-1], name, max_bytes=CAP)
        with pytest.raises((CutShort, BadEncoding)):
            decoded(packed[: len(packed) // 2], name, max_bytes=CAP)
        with pytest.raises(TooLarge):
            decoded(packed, name, max_bytes=len(data) - 1)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
@given(data=st.binary(max_size=300))
def test_noise_is_refused_or_small(name: str, data: bytes) -> None:
    with contextlib.suppress(BadEncoding, CutShort, TooLarge):
        assert len(decoded(data, name, max_bytes=CAP)) <= CAP


def test_what_stands_after_the_end_of_gzip_is_ignored() -> None:
    assert decoded(gzip.compress(b"news") + b"\0\0padding", "gzip", max_bytes=CAP) == b"news"
    assert decoded(brotli.compress(b"news"), "br", max_bytes=CAP) == b"news"


def test_a_zstd_window_over_eight_megabytes_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(os.urandom(1000)) + packer.flush()
    with pytest.raises(BadEncoding):
        decoded(packed, "zstd", max_bytes=CAP)


@pytest.mark.parametrize("name", ["", "gzip"])
def test_an_empty_body_is_empty_in_every_encoding(name: str) -> None:
    assert decoded(b"", name, max_bytes=CAP) == b""


def test_a_plain_body_is_capped_too() -> None:
    with pytest.raises(TooLarge):
        decoded(b"abcd", "", max_bytes=3)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("", ""),
        ("identity", ""),
        ("none", ""),
        ("UTF-8", ""),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        (" br ", "br"),
        ("identity, zstd", "zstd"),
        ("deflate,", "deflate"),
    ],
)
def test_an_encoding_is_read_from_its_header(header: str, name: str) -> None:
    assert encoding(header) == name


@pytest.mark.parametrize("header", ["gzip, gzip", "gzip,br", "compress", "aes128gcm", "gzip;q=1"])
def test_what_is_not_one_known_encoding_is_refused(header: str) -> None:
    with pytest.raises(BadEncoding):
        encoding(header)
