"""Binary marker files: bytes where readers look for them, round trips, integer files, and what is refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError, StorageError
from humanav.export.c3d import read_c3d, write_c3d

NAMES = KEYPOINT_SETS["skel19"]


def some(rng: np.random.Generator, frames: int = 40) -> np.ndarray:
    points = rng.normal(0, 1, (frames, len(NAMES), 4))
    points[..., 3] = 0.5
    points[1, 4, 3] = 0
    return points


@pytest.mark.parametrize("up", ["y", "z"])
def test_round_trip(tmp_path, rng, up) -> None:
    points = some(rng)
    back = read_c3d(write_c3d(tmp_path / "a.c3d", points, NAMES, 59.94, up=up))
    assert back.names == NAMES
    assert back.fps == pytest.approx(59.94, rel=1e-6)
    assert (~back.known).sum() == 1
    assert np.abs(back.points[..., :3] - points[..., :3])[back.known].max() < 1e-6


def test_the_bytes_lie_where_the_format_wants_them(tmp_path) -> None:
    data = write_c3d(tmp_path / "a.c3d", np.array([[[0.1, 1.2, -0.3]]] * 3), ("hip",), 25).read_bytes()
    assert data[:2] == b"\x02\x50"
    assert struct.unpack_from("<5H", data, 2) == (1, 0, 1, 3, 0)
    assert struct.unpack_from("<f", data, 12)[0] < 0
    assert struct.unpack_from("<f", data, 20)[0] == 25
    assert data[512 + 1] == 0x50
    assert data[512 + 3] == 84
    start = (struct.unpack_from("<H", data, 16)[0] - 1) * 512
    assert start == 512 * (1 + data[512 + 2])
    assert struct.unpack_from("<4f", data, start) == pytest.approx((100, 300, 1200, 0))  # z up, metres to millimetres
    assert len(data) % 512 == 0


def test_a_long_capture_with_many_markers(tmp_path) -> None:
    points = np.zeros((40000, 3, 3))
    assert read_c3d(write_c3d(tmp_path / "a.c3d", points, "abc", 100)).points.shape == (40000, 3, 4)
    names = [f"person_{k // 25 + 1}_point_{k % 25}" for k in range(250)]
    assert read_c3d(write_c3d(tmp_path / "b.c3d", np.zeros((1, 250, 3)), names, 100)).names == tuple(names)
    names = [f"{k}_{'x' * 300}" for k in range(255)]
    found = read_c3d(write_c3d(tmp_path / "c.c3d", np.zeros((1, 255, 3)), names, 100)).names
    assert found == tuple(name[:127] for name in names)


def test_scaled_integers_are_read(tmp_path, rng) -> None:
    points = some(rng)
    data = bytearray(write_c3d(tmp_path / "a.c3d", points, NAMES, 30, up="y").read_bytes())
    start = (struct.unpack_from("<H", data, 16)[0] - 1) * 512
    struct.pack_into("<f", data, 12, 0.2)
    floats = np.frombuffer(bytes(data[start:]), "<f4", points.size).reshape(-1, 4)
    words = np.round(floats * [5, 5, 5, 1]).astype("<i2")
    (tmp_path / "b.c3d").write_bytes(bytes(data[:start]) + words.tobytes())
    back = read_c3d(tmp_path / "b.c3d")
    assert np.abs(back.points[..., :3] - points[..., :3])[back.known].max() < 0.00011
    assert (~back.known).sum() == 1


def test_what_cannot_be_written_or_read(tmp_path) -> None:
    with pytest.raises(InputError, match="255 markers"):
        write_c3d(tmp_path / "a.c3d", np.zeros((1, 256, 3)), [str(k) for k in range(256)], 30)
    with pytest.raises(InputError, match="up axis"):
        write_c3d(tmp_path / "a.c3d", np.zeros((1, 1, 3)), ("a",), 30, up="x")
    with pytest.raises(StorageError):
        write_c3d(tmp_path / "nowhere" / "a.c3d", np.zeros((1, 1, 3)), ("a",), 30)
    whole = write_c3d(tmp_path / "a.c3d", np.zeros((9, 30, 3)), [str(k) for k in range(30)], 30).read_bytes()
    other = bytearray(whole)
    other[512 + 3] = 86  # a MIPS processor
    for name, data in {"empty": b"", "text": b"hello" * 200, "cut": whole[:-1024], "mips": bytes(other)}.items():
        (tmp_path / f"{name}.c3d").write_bytes(data)
        with pytest.raises(InputError, match=name):
            read_c3d(tmp_path / f"{name}.c3d")
    with pytest.raises(InputError, match="missing"):
        read_c3d(tmp_path / "missing.c3d")
