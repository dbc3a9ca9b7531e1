"""gunzipped against Python's own reader."""

import gzip
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.images.gunzip import gunzipped

LARGE = bytes(range(256)) * 20_000  # 5 MB: several pieces of what is written


@given(members=st.lists(st.binary(max_size=300), min_size=1, max_size=3), padding=st.integers(0, 20))
def test_any_members_and_padding_give_what_pythons_reader_gives(members: list[bytes], padding: int) -> None:
    packed = b"".join(gzip.compress(member) for member in members) + b"\0" * padding
    assert gunzipped(io.BytesIO(packed)).read() == gzip.decompress(packed) == b"".join(members)


def test_large_files_come_whole_whatever_is_asked_for_at_a_time() -> None:
    packed = gzip.compress(LARGE, 1) + gzip.compress(LARGE, 0)
    file, target = gunzipped(io.BytesIO(packed)), bytearray(2 * len(LARGE))
    assert file.read(4) == LARGE[:4]
    got = 4
    while count := file.readinto(memoryview(target)[got : got + 3_000_001]):
        got += count
    assert got == len(target)
    assert target[4:] == (LARGE + LARGE)[4:]


@pytest.mark.parametrize("cut", [1, 9, 100, 5000])
def test_what_is_cut_short_is_an_error(cut: int) -> None:
    packed = gzip.compress(LARGE)
    with pytest.raises(EOFError, match="before its end marker"):
        gunzipped(io.BytesIO(packed[:-cut])).read()


@pytest.mark.parametrize("place", [0, 3000, -6, -1])
def test_a_changed_byte_is_an_error(place: int) -> None:
    packed = bytearray(gzip.compress(LARGE))
    packed[place] ^= 0x55
    with pytest.raises(zlib.error):
        gunzipped(io.BytesIO(bytes(packed))).read()


def test_rubbish_after_a_member_is_an_error() -> None:
    with pytest.raises(zlib.error):
        gunzipped(io.BytesIO(gzip.compress(b"digits") + b"rubbish")).read()
