"""The calibration doctor names what is wrong, and mends what can be mended."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.camera import Camera
from humanav.multiview import Rig, Sightings
from humanav.multiview.doctor import examine
from humanav.multiview.doctor_body import UNITS, body_signs, likely_unit
from humanav.multiview.doctor_turns import turned_over
from humanav.multiview.match import match_people
from humanav.multiview.sync_tracks import sides
from tests.multiview.moving_people import COCO, filmed, person, ring
from tests.multiview.treadmill import treadmill

Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


@pytest.fixture(scope="module")
def right():
    rig = ring(4, seed=5, width=1200, height=900)
    return rig, filmed(rig, frames=40, people=2, noise=5, dropout=0.1, swaps=0.03, seed=5)


@pytest.fixture(scope="module")
def alone():
    rig = ring(4, seed=5, width=1200, height=900)
    return rig, filmed(rig, frames=40, people=1, noise=5, dropout=0.1, swaps=0.03, seed=5)


def changed(rig, edit):
    return replace(rig, cameras=tuple(edit(v, camera) for v, camera in enumerate(rig.cameras)))


def same_places(a, b, within=0.02):
    return np.abs(np.array([x.center for x in a.cameras]) - [y.center for y in b.cameras]).max() < within


def kinds(found):
    return {f.kind for f in found.findings if f.severity != "good"}


def test_a_right_calibration_is_good(right):
    rig, seen = right
    for matched in (None, match_people(seen, rig)):
        found = examine(rig, seen, matched, [(1200, 900)] * 4)
        assert found.severity == "good", found.text()
        assert found.corrected is None
        assert found.unit == "metres"
        assert 1.5 < found.stature < 2
        assert np.nanmax(found.pair_px) < 8
        assert np.nanmax(found.pair_m) < 0.05
        assert found.up[1] > 0.95
        assert 0.4 < found.bones["arm"][0] < 0.7
        assert json.loads(json.dumps(found.to_dict()))["severity"] == "good"


@pytest.mark.parametrize(("unit", "per"), [("millimetres", 1000), ("feet", UNITS["feet"])])
def test_the_unit_is_told(right, unit, per):
    rig, seen = right
    found = examine(changed(rig, lambda v, c: replace(c, t=c.t * per)), seen)
    assert found.unit == unit
    assert f"in {unit}" in found.text()
    assert same_places(found.corrected, rig)
    assert found.severity == "good"  # once corrected
    assert np.nanmax(found.pair_m) < 0.05


def test_a_board_of_a_wrong_size_gets_a_scale(right):
    rig, seen = right
    found = examine(changed(rig, lambda v, c: replace(c, t=c.t * 8)), seen)
    assert found.unit == ""
    assert "no usual unit" in found.text()
    assert np.linalg.norm(found.corrected.cameras[0].center) == pytest.approx(
        np.linalg.norm(rig.cameras[0].center), rel=0.1)


@pytest.mark.parametrize(
    "turn", [Z_UP, np.diag([1.0, -1, -1]), Rotation.from_rotvec([0.9, 0, 0.3]).as_matrix()])
def test_up_is_told(right, turn):
    rig, seen = right
    found = examine(changed(rig, lambda v, c: replace(c, R=c.R @ turn)), seen)
    assert "up" in kinds(found)
    heights = [c.center[1] for c in found.corrected.cameras]
    assert np.abs(np.array(heights) - [c.center[1] for c in rig.cameras]).max() < 1.2  # a tilt is known to some degrees
    assert np.mean([-c.R[1, 1] for c in found.corrected.cameras]) > 0.9


def test_exchanged_cameras_are_named(right):
    rig, seen = right
    cameras = list(rig.cameras)
    cameras[1], cameras[3] = cameras[3], cameras[1]
    found = examine(replace(rig, cameras=tuple(cameras)), seen)
    assert "cam02 and cam04 seem to be exchanged" in found.text()
    assert same_places(found.corrected, rig)
    assert found.severity == "good"
    two = replace(seen, keypoints=seen.keypoints[:, :2], names=rig.names[:2], tracks=seen.tracks[:, :2])
    found = examine(Rig(two.names, rig.cameras[1::-1]), two)
    assert "cam01 and cam02 seem to be exchanged" in found.text()
    found = examine(replace(rig, cameras=tuple(np.roll(np.array(rig.cameras, dtype=object), 1))), seen)
    assert "mixed up" in found.text()
    assert same_places(found.corrected, rig)


@pytest.mark.parametrize("views", [(2,), (0, 1, 2, 3)])
def test_a_mirrored_picture_is_told(alone, views):
    rig, seen = alone
    points = seen.keypoints.copy()
    for v in views:
        points[:, v] = turned_over(points[:, v], (1200, 900), True, 0, COCO)
    wrong = replace(seen, keypoints=points)
    found = examine(rig, wrong)
    assert found.mirrored == tuple(rig.names[v] for v in views)
    back = found.mended(wrong).keypoints
    assert back == pytest.approx(seen.keypoints)


@pytest.mark.parametrize("turns", [1, 2])
def test_a_turned_picture_is_told(alone, turns):
    rig, seen = alone
    points, size = seen.keypoints.copy(), [(1200, 900)] * 4
    points[:, 1] = turned_over(points[:, 1], (900, 1200) if turns % 2 else (1200, 900), False, 4 - turns, COCO)
    size[1] = (900, 1200) if turns % 2 else (1200, 900)
    wrong = replace(seen, keypoints=points)
    found = examine(rig, wrong, sizes=size)
    assert found.turned == {"cam02": turns}
    assert found.mended(wrong).keypoints == pytest.approx(seen.keypoints)
    assert found.severity == "good"


def test_a_picture_turned_and_mirrored_is_put_right(alone):
    rig, seen = alone
    points = seen.keypoints.copy()
    points[:, 1] = turned_over(points[:, 1], (1200, 900), True, 0, COCO)
    points[:, 1] = turned_over(points[:, 1], (900, 1200), False, 3, COCO)
    wrong = replace(seen, keypoints=points)
    found = examine(rig, wrong, sizes=[(1200, 900), (900, 1200), (1200, 900), (1200, 900)])
    assert (found.mirrored, found.turned) == (("cam02",), {"cam02": 1})
    assert found.mended(wrong).keypoints == pytest.approx(seen.keypoints)


def test_pictures_of_other_sizes(right):
    rig, seen = right
    half = examine(rig, replace(seen, keypoints=seen.keypoints * [0.5, 0.5, 1]), sizes=[(600, 450)] * 4)
    assert half.severity == "good"
    assert half.corrected.cameras[0].focal == pytest.approx(rig.cameras[0].focal / 2)
    cut = seen.keypoints.copy()
    cut[:, 0, ..., 0] -= 100  # from both sides
    found = examine(rig, replace(seen, keypoints=cut), sizes=[(1000, 900), *[(1200, 900)] * 3])
    assert "cut off all round" in found.text()
    assert found.corrected.cameras[0].K[0, 2] == pytest.approx(500)
    assert found.severity == "good"


def test_a_late_camera_is_told_and_mended(right):
    rig, _ = right
    late = filmed(rig, frames=80, people=1, offsets=[0, 0, 9, 0], noise=5, dropout=0.1, seed=5)
    found = examine(rig, late)
    assert "sync" in kinds(found)
    assert found.offsets.frames == pytest.approx([0, 0, 9, 0], abs=0.5)
    assert examine(rig, found.mended(late)).severity == "good"


def test_a_camera_that_was_moved_is_named(alone):
    """Turned along the other cameras' lines of sight: the rays of pairs hardly tell, a third view does."""
    rig, seen = alone
    turn = Rotation.from_rotvec([0, 0.15, 0]).as_matrix()
    found = examine(changed(rig, lambda v, c: replace(c, R=turn @ c.R, t=turn @ c.t) if v == 3 else c), seen)
    assert found.severity == "stops"
    worst = next(f for f in found.findings if f.kind == "residual")
    assert worst.views == ("cam04",)
    assert found.unit == "metres"


def test_another_place_s_calibration_stops(alone):
    _, seen = alone
    rng = np.random.default_rng(0)
    cameras = tuple(Camera.look_at(rng.uniform(-4, 4, 3) * [1, 0.2, 1] + [0, 1.6, 0], [0, 1, 0], 1200, 900, 1000)
                    for _ in range(4))
    found = examine(Rig(seen.names, cameras), seen)
    assert found.severity == "stops"
    assert "belongs to other cameras" in found.text()


def test_several_causes_at_once():
    rig = ring(4, seed=5)
    late = [0, 6, -9, 0]
    seen = filmed(rig, frames=120, people=1, offsets=late, noise=5, dropout=0.1, swaps=0.05, seed=5)
    wrong = changed(rig, lambda v, c: replace(c, R=c.R @ Z_UP, t=c.t * 1000))
    wrong = Rig(rig.names, tuple(wrong.cameras[v] for v in (0, 3, 2, 1)))
    found = examine(wrong, seen)
    assert {"names", "sync", "unit", "up"} <= kinds(found)
    assert same_places(found.corrected, rig)
    assert found.offsets.frames == pytest.approx(late, abs=0.5)
    assert found.severity == "good"


def test_odd_data_never_stop_the_doctor(rng):
    rig = ring(3)
    junk = rng.uniform(0, 1000, (6, 3, 2, 17, 3))
    junk[..., 2] = rng.random((6, 3, 2, 17))
    lonely = np.where(np.arange(3)[None, :, None, None, None] == 1, junk, 0)
    rigs = (Rig(rig.names, (rig.cameras[0],) * 3), changed(rig, lambda v, c: replace(c, t=c.t * 1e9)),
            changed(rig, lambda v, c: replace(c, t=np.zeros(3))))
    still = np.ones((9, 3, 1, 17, 3)) * [500, 500, 1]
    cases = [(rig, points) for points in (0 * still, 0 * still[:, :, :0], junk, junk[:1], lonely, still)]
    for one, points in cases + [(one, junk[:, :, :1]) for one in rigs]:
        seen = Sightings(points, "coco17", rig.names, 25.0)
        found = examine(one, seen, sizes=[(500, 500), (0, 0), (999, 7)])
        assert found.text()
        json.dumps(found.to_dict(), allow_nan=False)
        found.mended(seen)


def test_names_that_do_not_meet(right):
    rig, seen = right
    assert examine(replace(rig, names=("a", "b", "c", "d")), seen).severity == "stops"
    found = examine(rig.only(["cam01", "cam03", "cam04"]), seen)
    assert "knows no cam02" in found.text()
    assert found.names == ("cam01", "cam03", "cam04")
    assert found.mended(seen).names == seen.names


def test_bodies_say_size_and_up():
    points = person(np.arange(60) / 25, 3)
    full = np.concatenate([points, np.ones((60, 17, 1))], axis=-1)
    signs = body_signs([full], COCO)
    assert signs.stature == pytest.approx(1.77, abs=0.05)
    assert signs.up[1] > 0.97
    assert signs.floor == pytest.approx(0, abs=0.15)
    assert likely_unit(1740)[0] == "millimetres"
    assert likely_unit(5.7)[0] == "feet"
    assert likely_unit(13) is None
    assert likely_unit(float("nan")) is None
    assert np.isnan(body_signs([], COCO).stature)


def test_turning_and_turning_back(rng):
    points = np.concatenate([rng.uniform(10, 400, (5, 17, 2)), np.ones((5, 17, 1))], axis=-1)
    once = turned_over(points, (480, 640), False, 1, COCO)
    assert turned_over(once, (640, 480), False, 3, COCO) == pytest.approx(points)
    twice = turned_over(turned_over(points, (640, 480), True, 0, COCO), (640, 480), True, 0, COCO)
    assert twice == pytest.approx(points)
    assert sides(COCO)[COCO.index("nose")] == COCO.index("nose")


@pytest.mark.parametrize("people", [1, 2])
def test_the_treadmill_calibrations_are_good(shared, people):
    rig, seen = treadmill(shared, people)
    sizes = [(1080, 1920), (1080, 1920), (1088, 1920), (1088, 1920)] if people == 1 else None
    found = examine(rig, seen, sizes=sizes)
    assert found.severity == "good", found.text()
    assert ("1080 x 1920" in found.text()) == (people == 1)
    if people == 1:
        swapped = Rig(rig.names, tuple(rig.cameras[v] for v in (0, 2, 1, 3)))
        assert "cam02 and cam03 seem to be exchanged" in examine(swapped, seen).text()
