from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.multiview.avatarpose_files import PELVIS, read_avatarpose, write_avatarpose
from humanav.multiview.simulate import body_points
from humanav.multiview.value import Fitted, FittedPerson, Matched
from tests.multiview.fit_capture import capture, ring, walkers


@pytest.fixture(scope="module")
def written(tmp_path_factory, body):
    """A folder, and what was written into it; the second person is away in two frames."""
    motions, rig = walkers(5), ring(3)
    _, matched = capture(motions, rig, noise_px=1.0, dropout=0.05)
    gone = matched.people[1].keypoints.copy()
    gone[:2] = [np.nan, np.nan, np.nan, 0]
    people = (matched.people[0], replace(matched.people[1], keypoints=gone))
    matched = replace(matched, people=people)
    fitted = Fitted(tuple(FittedPerson(p.person_id, m, p.seen, np.full((5, 3), np.nan))
                          for p, m in zip(people, motions)), rig.names)
    folder = tmp_path_factory.mktemp("pair")
    files = write_avatarpose(folder, matched, fitted, rig, first=9)
    return folder, matched, fitted, rig, files


def test_what_is_written_is_read_back(written, body) -> None:
    folder, matched, fitted, rig, _ = written
    found = read_avatarpose(folder)
    assert found.first == 9
    assert found.notes == ()
    assert found.fitted is not None
    assert found.matched is not None
    assert found.fitted.fps == 25.0
    assert found.rig is not None
    assert found.rig.names == rig.names
    assert np.allclose(found.rig.cameras[1].R, rig.cameras[1].R, atol=1e-6)
    for a, b in zip(found.fitted.people, fitted.people):
        assert a.person_id == b.person_id
        assert a.seen.tolist() == b.seen.tolist()
        rows = b.seen
        assert np.allclose(a.motion.transl[rows], b.motion.transl[rows], atol=1e-5)
        assert np.allclose(a.motion.full_pose[rows], b.motion.full_pose[rows], atol=1e-5)
        assert np.allclose(a.motion.betas[:10], b.motion.betas)
    assert np.allclose(found.fitted.people[1].motion.transl[0], found.fitted.people[1].motion.transl[2])
    bodies = body_points([p.motion for p in fitted.people], "skel19", body)[0]
    assert np.allclose(found.regressed["1"][..., :3], bodies[:, 0], atol=1e-4)
    for k, (mine, theirs) in enumerate(zip(matched.people, found.matched.people)):
        assert theirs.keypoint_set == "skel19"
        assert theirs.chosen.shape == (5, 3)
        assert np.isnan(theirs.keypoints[~mine.seen, :, :3]).all()
        nose = mine.keypoints[:, 0]
        known = nose[:, 3] > 0
        assert np.allclose(theirs.keypoints[known, 4, :3], nose[known, :3], atol=1e-4)
        toe = theirs.keypoints[mine.seen, 17, :3]  # not among COCO's points: the body's
        assert np.allclose(toe, bodies[mine.seen, k, 17], atol=1e-4)


def test_the_files_are_as_avatarpose_reads_them(written, body) -> None:
    folder, _, fitted, _, files = written
    assert {path.name for path in files} >= {"intri.yml", "extri.yml", "smpl.npz", "000009.json", "humanav.json"}
    frame = json.loads((folder / "skel19_4DA" / "000009.json").read_text())
    assert [person["id"] for person in frame] == [1]  # the second one is away
    assert np.shape(frame[0]["keypoints3d"]) == (19, 3)
    assert np.isfinite(frame[0]["keypoints3d"]).all()
    assert 0.5 < frame[0]["keypoints3d"][0][2] < 1.5  # z is up
    # as its loader does; the file is our own
    smpl = np.load(folder / "smpl_init" / "smpl.npz", allow_pickle=True)["human_2"].item()
    shapes = {key: np.shape(value) for key, value in smpl.items()}
    assert shapes == {"betas": (3, 1, 10), "body_pose": (3, 1, 69), "global_orient": (3, 1, 3), "transl": (3, 1, 3),
                      "frames": (3,)}
    assert smpl["frames"] == [11, 12, 13]
    assert not smpl["betas"].any()
    joints = body_points([fitted.people[1].motion], "skel19", body)[1][2:, 0, 0]
    assert np.allclose(smpl["transl"][:, 0] + PELVIS, joints @ [[1, 0, 0], [0, 0, 1], [0, -1, 0]], atol=1e-5)


def test_a_refinement_lies_beside_the_first_fit(written, tmp_path: Path) -> None:
    _, matched, fitted, rig, _ = written
    write_avatarpose(tmp_path, matched, fitted, rig)
    moved = replace(fitted, people=tuple(replace(p, motion=replace(p.motion, transl=p.motion.transl + 1))
                                         for p in fitted.people))
    write_avatarpose(tmp_path, matched, moved, rig, log="ours")
    first, after = read_avatarpose(tmp_path), read_avatarpose(tmp_path, log="ours")
    assert first.fitted is not None
    assert after.fitted is not None
    off = after.fitted.people[0].motion.transl - first.fitted.people[0].motion.transl
    assert np.allclose(off, 1, atol=1e-5)
    assert np.allclose(after.regressed["1"][..., :3] - first.regressed["1"][..., :3], 1, atol=1e-4)


def test_a_folder_of_avatarpose_itself(tmp_path: Path) -> None:
    """No humanav.json: the shape and the frame rate are not known, and it says so."""
    (tmp_path / "smpl_init").mkdir()
    person = {"betas": np.ones((2, 1, 10), np.float32), "body_pose": np.zeros((2, 1, 69)), "frames": [3, 5],
              "global_orient": np.zeros((2, 1, 3)), "transl": np.array([[[0, 0, 1.2]], [[1, 0, 1.2]]])}
    np.savez(tmp_path / "smpl_init" / "smpl.npz", human_0=person)
    found = read_avatarpose(tmp_path)
    assert found.fitted is not None
    assert found.matched is None
    assert len(found.notes) == 2
    assert found.first == 3
    assert found.fitted.frames == 3
    assert found.fitted.people[0].seen.tolist() == [True, False, True]
    assert found.fitted.people[0].person_id == "0"
    assert found.rig is None
    assert read_avatarpose(tmp_path, fps=12.5).fitted.fps == 12.5


class Evil:
    def __reduce__(self):
        return (print, ("this must not run",))


def test_what_is_damaged_or_dangerous_is_refused(tmp_path: Path, written, capsys) -> None:
    with pytest.raises(InputError, match="holds no skel19"):
        read_avatarpose(tmp_path)
    place = tmp_path / "smpl_init" / "smpl.npz"
    place.parent.mkdir()
    np.savez(place, human_0={"betas": Evil()})
    with pytest.raises(InputError, match="cannot be read"):
        read_avatarpose(tmp_path)
    assert capsys.readouterr().out == ""
    for wrong in ({"frames": [1]}, {"frames": [1], "body_pose": np.zeros(68), "global_orient": np.zeros(3),
                                    "transl": np.zeros(3)}):
        np.savez(place, human_0=wrong)
        with pytest.raises(InputError, match="no dictionary"):
            read_avatarpose(tmp_path)
    np.savez(place, human_0={"frames": [1], "body_pose": np.full(69, np.nan), "global_orient": np.zeros(3),
                             "transl": np.zeros(3)})
    with pytest.raises(InputError, match="NaN"):
        read_avatarpose(tmp_path)
    place.write_bytes(b"PK nothing")
    with pytest.raises(InputError):
        read_avatarpose(tmp_path)
    place.unlink()
    (tmp_path / "skel19_4DA").mkdir()
    (tmp_path / "skel19_4DA" / "000000.json").write_text('[{"id": 1, "keypoints3d": [[1, 2]]}]')
    with pytest.raises(InputError):
        read_avatarpose(tmp_path)
    (tmp_path / "humanav.json").write_text("[]")
    with pytest.raises(InputError, match=r"humanav\.json"):
        read_avatarpose(tmp_path)
    _, matched, fitted, rig, _ = written
    with pytest.raises(InputError, match="not the same"):
        write_avatarpose(tmp_path, Matched((), rig.names, 25.0), fitted, rig)
    with pytest.raises(InputError, match="no name"):
        write_avatarpose(tmp_path, matched, fitted, rig, log="../up")
