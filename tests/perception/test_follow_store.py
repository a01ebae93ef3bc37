"""Chunks on the disk: what is written is read back, torn files are not, other videos begin anew."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from humanav.errors import StorageError
from humanav.export import write_mp4
from humanav.perception import open_video
from humanav.perception.follow_store import Sighting, Store, key_of
from humanav.perception.person import Person2D


def sightings(rng, frames, full=False):
    out = []
    for frame in frames:
        hands = rng.random((2, 21, 3)).astype(np.float32) if full and frame % 2 else (None, None)
        person = Person2D(rng.random((33, 3)).astype(np.float32), "blazepose33", rng.random(4).astype(np.float32), 0.7,
                          world=rng.random((33, 3)).astype(np.float32), left_hand=hands[0], right_hand=hands[1],
                          face=rng.random((20, 3)).astype(np.float32) if full else None)
        out.append(Sighting(frame, 1 + frame % 2, person, None if frame % 3 == 0 else bytes([frame] * frame), -0.5))
    return out


def same(a, b):
    assert (a.frame, a.track, a.mask, a.person.keypoint_set) == (b.frame, b.track, b.mask, b.person.keypoint_set)
    assert a.evidence == pytest.approx(b.evidence)
    for name in ("keypoints", "box", "world", "left_hand", "right_hand", "face"):
        one, other = getattr(a.person, name), getattr(b.person, name)
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("folder", [False, True])
def test_round_trip(tmp_path, rng, full, folder):
    store = Store(tmp_path / "work" if folder else None, "key")
    assert store.state is None
    kept = []
    for begin in (0, 4, 8):
        part = sightings(rng, range(begin, begin + 4), full) if begin != 4 else []  # nobody in the second chunk
        store.add(part, {"frames": begin + 4})
        kept += part
    for reader in (store, Store(tmp_path / "work", "key") if folder else store):
        found = list(reader.sightings())
        assert len(found) == len(kept) == 8
        for one, other in zip(kept, found):
            same(one, other)
    if folder:
        assert Store(tmp_path / "work", "key").state == {"frames": 12}


def test_torn_files_are_passed_over_and_replaced(tmp_path, rng):
    store = Store(tmp_path, "key")
    for begin in (0, 2, 4):
        store.add(sightings(rng, range(begin, begin + 2)), {"frames": begin + 2})
    second = tmp_path / "following" / "chunk_00001.npz"
    second.write_bytes(second.read_bytes()[:500])
    store = Store(tmp_path, "key")
    assert store.state == {"frames": 2}
    assert [s.frame for s in store.sightings()] == [0, 1]
    store.add(sightings(rng, [2, 3]), {"frames": 4})
    assert [s.frame for s in store.sightings()] == [0, 1, 2, 3]
    assert [s.frame for s in Store(tmp_path, "key").sightings()] == [0, 1, 2, 3]


def test_another_key_begins_anew(tmp_path, rng):
    Store(tmp_path, "key").add(sightings(rng, [0]), {})
    (tmp_path / "other.txt").write_text("of somebody else")
    store = Store(tmp_path, "another")
    assert store.state is None
    assert list(store.sightings()) == []
    assert (tmp_path / "other.txt").is_file()


def test_the_key_is_of_the_video_its_part_and_the_options(tmp_path):
    path = write_mp4([np.full((64, 64, 3), 20 * n, np.uint8) for n in range(10)], tmp_path / "a.mp4", fps=10)
    with open_video(path) as video:
        key = key_of(video, {"people": 1})
        assert key == key_of(open_video(path), {"people": 1})
        assert key != key_of(video, {"people": 2})
        assert key != key_of(replace(video, width=32), {"people": 1})
    assert key != key_of(open_video(path, start=0.3), {"people": 1})
    assert key != key_of(open_video(path, frames=[1, 2]), {"people": 1})
    copied = shutil.copy(path, tmp_path / "b.mp4")
    assert key == key_of(open_video(copied), {"people": 1})
    write_mp4([np.full((64, 64, 3), 19 * n, np.uint8) for n in range(10)], path, fps=10)
    assert key != key_of(open_video(path), {"people": 1})


def test_a_folder_that_cannot_be_written(tmp_path, rng):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        Store(tmp_path / "file", "key")
