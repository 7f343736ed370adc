"""Every codec unpacks what clients pack, up to its limit and not one byte further."""

import gzip
import random
from collections.abc import Callable

import cramjam
import pytest
from aiokafka import codec

from bus.client.unpacking import (
    UnpackingError,
    unpack_gzip,
    unpack_lz4,
    unpack_snappy,
    unpack_zstd,
)

Unpack = Callable[[bytes, int], bytes]
PACKED: dict[str, tuple[Callable[[bytes], bytes], Unpack]] = {
    "gzip": (codec.gzip_encode, unpack_gzip),
    "gzip of two members": (
        lambda value: gzip.compress(value[:9]) + gzip.compress(value[9:]),
        unpack_gzip,
    ),
    "snappy of Java": (codec.snappy_encode, unpack_snappy),
    "snappy bare": (lambda value: bytes(cramjam.snappy.compress_raw(value)), unpack_snappy),
    "lz4": (codec.lz4_encode, unpack_lz4),
    "zstd": (codec.zstd_encode, unpack_zstd),
    "zstd of two frames": (
        lambda value: codec.zstd_encode(value[:9]) + codec.zstd_encode(value[9:]),
        unpack_zstd,
    ),
}
EACH = pytest.mark.parametrize(("pack", "unpack"), PACKED.values(), ids=PACKED.keys())
ZEROS = bytes(3_000_000)
NOISE = random.Random(1).randbytes(400_000)  # data, no secret


@EACH
@pytest.mark.parametrize("value", [b"x" * 20, ZEROS, NOISE], ids=["short", "zeros", "noise"])
def test_what_fits_comes_out_whole(
    pack: Callable[[bytes], bytes], unpack: Unpack, value: bytes
) -> None:
    assert unpack(pack(value), len(value)) == value
    assert unpack(pack(value), 100_000_000) == value


@EACH
@pytest.mark.parametrize("value", [b"x" * 20, ZEROS, NOISE], ids=["short", "zeros", "noise"])
def test_one_byte_more_than_the_limit_is_refused(
    pack: Callable[[bytes], bytes], unpack: Unpack, value: bytes
) -> None:
    with pytest.raises(UnpackingError):
        unpack(pack(value), len(value) - 1)


@EACH
def test_what_is_damaged_is_refused_like_what_is_too_long(
    pack: Callable[[bytes], bytes], unpack: Unpack
) -> None:
    for damaged in (pack(NOISE)[:-20], b"\x82SNAPPY\x00garbage garbage", b"\xff" * 40):
        with pytest.raises(UnpackingError):
            unpack(damaged, 100_000_000)
