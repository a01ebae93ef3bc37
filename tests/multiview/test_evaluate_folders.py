"""Results on disk against truth on disk, in every layout that is understood on either side."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.motion import Motion, save_npz
from humanav.multiview.calibration import write_calibration
from humanav.multiview.evaluate_folders import evaluate_folders, read_results
from humanav.multiview.evaluate_people import as_people
from humanav.multiview.evaluate_world import between_rigs, in_world_of
from humanav.multiview.value import Rig

NAMES = KEYPOINT_SETS["skel19"]


@pytest.fixture(scope="module")
def motions() -> dict[str, Motion]:
    """Two people who touch, one walking away from the other in the last frames."""
    pose = np.random.default_rng(5).normal(0, 0.1, (4, 22, 3)).astype(np.float32)
    one = Motion.from_full_pose(pose, transl=np.tile([0, 1.2, 0], (4, 1)))
    step = np.array([[0.1, 0, 0.2], [0.1, 0, 0.2], [0.1, 0, 0.8], [0.1, 0, 0.9]], np.float32)
    return {"1": one, "2": replace(one, transl=one.transl + step)}


@pytest.fixture(scope="module")
def points(motions, body) -> dict[str, np.ndarray]:
    """Their skel19 (4,19,4)."""
    return as_people(motions, body=body).taken(NAMES)


def our_folder(place: Path, motions: dict[str, Motion], points: dict[str, np.ndarray]) -> Path:
    place.mkdir()
    for who, motion in motions.items():
        save_npz(motion, place / f"motion_{who}.npz", "blender")
        save_npz(motion, place / f"motion_{who}_amass.npz", "amass")
    np.savez_compressed(place / "points3d.npz", keypoints=np.stack(list(points.values())).astype(np.float32),
                        keypoint_set=np.array("skel19"), people=np.array(list(points)), fps=np.array(30.0))
    return place


def z_up(points: np.ndarray) -> list[list[float]]:
    return np.c_[points[:, 0], -points[:, 2], points[:, 1]].tolist()


def json_folder(place: Path, points: dict[str, np.ndarray], first: int = 9) -> Path:
    place.mkdir(parents=True)
    for t in range(len(next(iter(points.values())))):
        frame = [{"id": int(who), "keypoints3d": z_up(rows[t])} for who, rows in points.items()]
        (place / f"{first + t:06d}.json").write_text(json.dumps(frame))
    return place


def test_our_result_against_avatarposes_truth(tmp_path, motions, points, body) -> None:
    found = our_folder(tmp_path / "result", motions, {k: v + [0, 0.02, 0, 0] for k, v in points.items()})
    truth = json_folder(tmp_path / "pair00_hug" / "skel19_gt", points).parent
    np.savez(truth / "meta.npz", contact_ids=np.array([9, 10]))
    report = evaluate_folders(found, truth, body=body)
    assert list(report["rows"]) == ["bodies", "bodies in contact", "keypoints", "keypoints in contact"]
    assert report["rows"]["bodies"]["mpjpe_mm"] < 0.2
    assert report["rows"]["keypoints"]["mpjpe_mm"] == pytest.approx(20, abs=0.1)
    assert report["detail"]["keypoints in contact"]["frames"] == 2
    assert report["rows"]["bodies"]["penetration_mm"] > 0
    assert report["avatarpose"]["keypoints"]["ap_25"] == 1
    assert (report["kind"], report["frames"], report["points"]) == ("avatarpose", 4, list(NAMES))
    json.dumps(report, allow_nan=False)
    only = evaluate_folders(found, truth, points="keypoints", frames=[11], body=body)
    assert list(only["rows"]) == ["keypoints"]


def test_two_of_our_results(tmp_path, motions, points, body) -> None:
    found = our_folder(tmp_path / "a", motions, points)
    apart = motions | {"2": replace(motions["2"], transl=motions["2"].transl + np.float32([0, 0, 0.02]))}
    truth = our_folder(tmp_path / "b", apart, points)
    row = evaluate_folders(found, truth, points="bodies", body=body)["rows"]["bodies"]
    assert row["mpjpe_mm"] == pytest.approx(10, abs=0.5)
    assert row["penetration_mm"] > row["truth_penetration_mm"]
    assert 0 < row["contact_f1"] < 1


def test_avatarposes_results(tmp_path, points) -> None:
    root = tmp_path / "pair00_hug"
    json_folder(root / "skel19_gt", points)
    json_folder(root / "skel19_4DA", {"5": points["1"]})
    json_folder(root / "kpts_final", points)
    report = evaluate_folders(root, root)
    assert list(report["rows"]) == ["kpts_final", "skel19_4DA"]
    assert report["rows"]["kpts_final"]["mpjpe_mm"] == pytest.approx(0, abs=1e-6)
    assert report["rows"]["skel19_4DA"]["recall"] == 0.5
    assert list(evaluate_folders(root / "kpts_final", root)["rows"]) == ["kpts_final"]
    late = json_folder(tmp_path / "late", points, first=500)
    with pytest.raises(InputError, match="no frame in common"):
        evaluate_folders(late, root)
    assert evaluate_folders(late, root, start=9)["rows"]["late"]["f1"] == 1


def test_people_who_are_away_are_not_scored_as_bodies(tmp_path, motions, points, body) -> None:
    gone = {k: v.copy() for k, v in points.items()}
    gone["2"][2:] = [np.nan, np.nan, np.nan, 0]
    found = our_folder(tmp_path / "result", motions, gone)
    truth = json_folder(tmp_path / "truth" / "skel19_gt", {"1": points["1"]}).parent
    assert evaluate_folders(found, truth, body=body, contact=False)["rows"]["bodies"]["ghosts"] == 2


def test_worlds_meet_through_the_cameras(tmp_path, points, body) -> None:
    truth = Rig(("a", "b"), (Camera.orbit([0, 1, 0], 4, 0, 10, 800, 600), Camera.orbit([0, 1, 0], 4, 80, 10, 800, 600)))
    turn, shift = np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]]), np.array([1, 0.2, -2])
    found = Rig(("b", "c", "a"), tuple(replace(c, R=c.R @ turn, t=c.t + c.R @ shift) for c in (
        truth["b"], Camera.orbit([0, 1, 0], 4, 180, 10, 800, 600), truth["a"])))
    way = between_rigs(found, truth)
    assert way is not None
    assert np.allclose(way[0], turn)
    assert np.allclose(way[1], shift)
    theirs = {who: np.concatenate([(rows[..., :3] - shift) @ turn, rows[..., 3:]], axis=-1)
              for who, rows in points.items()}
    result = our_folder(tmp_path / "result", {}, theirs)
    write_calibration(found, result / "cameras.json", kind="json")
    folder = json_folder(tmp_path / "truth" / "skel19_gt", points).parent
    write_calibration(truth, folder)
    report = evaluate_folders(result, folder, body=body)
    assert report["rows"]["keypoints"]["mpjpe_mm"] < 0.1
    assert "turned by 90 degrees" in report["notes"][-1]
    people = read_results(result)["keypoints"]
    assert in_world_of(people, truth, truth) is people
    assert in_world_of(people, truth.only(["a"]), found.only(["c"])) is people
    other = replace(found.cameras[0], t=found.cameras[0].t + [0, 0, 3])
    assert between_rigs(replace(found, cameras=(other, *found.cameras[1:])), truth) is None


def test_folders_without_a_result_or_a_truth(tmp_path, motions, points) -> None:
    (tmp_path / "empty").mkdir()
    found = our_folder(tmp_path / "result", motions, points)
    for one, two, words in (("empty", "result", "holds no result"), ("result", "empty", "neither the truth"),
                            ("missing", "result", "no folder missing"), ("result", "missing", "no folder missing")):
        with pytest.raises(InputError, match=words):
            evaluate_folders(tmp_path / one, tmp_path / two)
    with pytest.raises(InputError, match="bodies or keypoints"):
        read_results(found, points="meshes")
    with pytest.raises(InputError, match="holds no result"):
        evaluate_folders(found, tmp_path / "empty", kind="result")
    np.savez(found / "points3d.npz", keypoints=np.zeros((2, 3)), keypoint_set="skel19", people=["1"], fps=30)
    with pytest.raises(InputError, match="not humanav's"):
        read_results(found, points="keypoints")
    good = {"keypoints": np.zeros((1, 4, 19, 4)), "keypoint_set": "skel19", "people": ["1"], "fps": 30.0}
    for wrong, words in (({"people": "1"}, "not humanav's"), ({"keypoints": "x"}, "not humanav's"),
                         ({"fps": [1, 2]}, "not humanav's"), ({"fps": 0.0}, "positive"),
                         ({"people": np.array([{}], object)}, "no people")):
        np.savez_compressed(found / "points3d.npz", **{**good, **wrong})
        with pytest.raises(InputError, match=words):
            read_results(found, points="keypoints")
    np.savez_compressed(found / "points3d.npz", **good)
    whole = (found / "points3d.npz").read_bytes()
    (found / "points3d.npz").write_bytes(whole[:60] + bytes(40) + whole[100:])
    with pytest.raises(InputError, match="damaged"):
        read_results(found, points="keypoints")
