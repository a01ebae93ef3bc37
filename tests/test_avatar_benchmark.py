"""The benchmark of avatars: its cloth, its measures on what is known, its targets, and a quick run."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from humanav import bench
from humanav.synth import make_pose, sample_person
from humanav.synth.clothes import Garment


@pytest.fixture(scope="module")
def module():
    return SimpleNamespace(**bench._load("avatar").__globals__)


@pytest.fixture(scope="module")
def cloth(module):
    import _avatar_cloth

    return _avatar_cloth


@pytest.fixture(scope="module")
def person(cloth):
    """In a wide long-sleeved top and shorts, arms up."""
    one = sample_person(700, pose="standing", clothes="casual")
    joints = one._skeleton[0]
    return cloth.posed_as(cloth.clothed(one), make_pose("arms_up", joints, np.random.default_rng(3)), "arms_up")


@pytest.fixture(scope="module")
def moved(cloth, person):
    again = cloth.posed_as(person, person.pose)
    return cloth.relax(again, super(cloth.ClothedPerson, again).posed)


def test_only_loose_clothes_move(person, moved):
    top = next(k for k, garment in enumerate(person.outfit.garments, 1) if garment.kind == "top")
    shoes = next(k for k, garment in enumerate(person.outfit.garments, 1) if garment.kind == "shoes")
    assert 0.01 < np.linalg.norm(moved[top], axis=1).max() < 0.12
    for k in (0, shoes, *range(1 + len(person.outfit.garments), len(moved))):
        assert not moved[k].any()


def test_sleeves_hang_and_keep_their_length_off_the_arm(cloth, person, moved):
    """Gravity pulls down; edges are less stretched than skinning left them; nothing sinks into the body."""
    top = next(k for k, garment in enumerate(person.outfit.garments, 1) if garment.kind == "top")
    surface, relaxed = person.surfaces[top], person.posed[top]
    skinned = relaxed - moved[top]
    sleeve = np.abs(surface.rest[:, 0]) > 0.3
    assert moved[top][sleeve, 1].mean() < -0.004
    edges = np.concatenate([surface.faces[:, [0, 1]], surface.faces[:, [1, 2]]])
    length = np.linalg.norm(np.diff(surface.points[edges], axis=1)[:, 0], axis=1)

    def stretch(points):
        ratio = np.linalg.norm(np.diff(points[edges], axis=1)[:, 0], axis=1) / np.maximum(length, 1e-6)
        return np.percentile(ratio, 99)

    assert stretch(relaxed) < stretch(skinned)
    from humanav.synth.surface import normals
    from humanav.synth.template import template

    body = person.vertices
    below = cloth._Below([body], [body], [normals(body, template().faces)], [normals(body, template().faces)])
    assert np.percentile(below.clearance(relaxed[sleeve]), 2) > -0.002


def test_clothes_turn_with_the_person(cloth, person):
    """Relaxed once, and relaxed anew for the turned person: the same."""
    other = cloth.turned(person, 70.0)
    person.posed  # noqa: B018
    known = person.surfaces[0].__dict__.pop("_relaxed")
    afresh = other.posed
    person.surfaces[0].__dict__["_relaxed"] = known
    c, s = np.cos(np.radians(70)), np.sin(np.radians(70))
    about = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
    worst = max(np.abs(a - b @ about.T).max() for a, b in zip(afresh, person.posed))
    assert worst < 2e-3
    assert np.abs(other.joints - person.joints @ about.T).max() < 1e-4


def test_looseness_knows_garments(cloth):
    rest = np.array([[0.6, -0.02, 0], [0.05, -0.3, 0.1], [0.0, 0.1, 0.1], [0.1, -1.1, 0]], np.float32)
    top = Garment("top", -0.37, 0.66, loose=0.5)
    free = cloth.looseness(rest, top, ())
    assert free[0] == pytest.approx(1)
    assert free[1] > 0.9
    assert free[2] == 0
    assert not cloth.looseness(rest, Garment("shoes", 0.0, top=-1.2), ()).any()
    assert not cloth.looseness(rest, Garment("bottom", -1.2, loose=0.0), ()).any()
    assert cloth.looseness(rest, Garment("bottom", -1.25, top=-0.2, loose=0.4), ())[3] > 0.9
    covered = cloth.looseness(rest, top, (Garment("jacket", -0.44, 0.7),))
    assert covered[1] < 0.1


@pytest.fixture(scope="module")
def picture(person):
    import _avatar_cases

    return _avatar_cases._picture("pose", "arms up", person, _avatar_cases._framing(person, 20.0, 5.0, (90, 120)))


def test_a_picture_shows_the_person_on_grey(picture):
    assert picture.rgb.shape == (120, 90, 3)
    assert (picture.rgb[picture.alpha == 0] == 128).all()
    assert 0.05 < picture.alpha.mean() < 0.5
    assert np.isfinite(picture.depth).mean() == pytest.approx((picture.alpha > 0.5).mean())
    rows = np.nonzero(picture.alpha.max(axis=1) > 0.5)[0]
    assert 0.75 < np.ptp(rows) / 120 < 0.97


def test_a_photo_for_comparison_is_grey_where_nobody_is(person, picture):
    import _avatar_cases

    photo = _avatar_cases._picture("input", "photo", person, picture.camera, as_photo=True)
    assert np.abs(photo.rgb[picture.alpha == 0].astype(int) - 128).mean() < 2
    assert np.abs(photo.rgb[:8, :8].astype(int) - 128).max() <= 1


def test_the_truth_scores_perfectly_and_a_blank_badly(picture):
    from _avatar_measures import score

    nearer = picture.depth - 0.3  # how far away somebody stands is not judged
    best, = score(lambda p: (p.rgb, p.alpha, nearer), [picture])
    assert (best.psnr, best.iou) == (100.0, 1.0)
    assert best.ssim == pytest.approx(1)
    assert best.depth_mm < 1e-3
    assert best.perceptual == pytest.approx(0, abs=1e-6)
    nothing = np.full_like(picture.rgb, 128), np.zeros_like(picture.alpha), np.full_like(picture.depth, np.inf)
    worst, = score(lambda p: nothing, [picture])
    assert worst.psnr < 20
    assert (worst.iou, worst.depth_mm) == (0, 100.0)


def test_a_row_is_the_mean_and_finds_the_worst_picture():
    from _avatar_measures import Result, Score, row

    def result(*psnr, seconds=0.0):
        kinds = ("input", "view", "view", "pose")
        return Result(tuple(Score(k, p, 0.9, 0.1, 0.8, 20.0) for k, p in zip(kinds, psnr)), seconds, 2 * seconds)

    found = row([result(30, 20, 22, 18, seconds=50.0), result(32, 24, 26, 20, seconds=60.0)],
                [result(25, 21, 20, 17), result(25, 20, 20, 18)])
    assert found["psnr_input"] == 31
    assert found["psnr_novel_view"] == 23
    assert found["novel_view_vs_mesh_db"] == pytest.approx((-1 + 2 + 4 + 6) / 4)
    assert found["novel_pose_vs_mesh_db"] == pytest.approx(1.5)
    assert found["worst_vs_mesh_db"] == -1
    assert (found["seconds"], found["cpu_seconds"]) == (60, 120)
    assert "seconds" not in row([result(1, 1, 1, 1)], [result(1, 1, 1, 1)])


def test_targets_name_what_was_reached(module):
    row = {"psnr_input": 30.0, "psnr_novel_pose": 24.0, "pose_depth_mm": 15.0, "input_vs_mesh_db": 4.0,
           "novel_view_vs_mesh_db": 1.6, "novel_pose_vs_mesh_db": 1.2, "worst_vs_mesh_db": -0.1, "seconds": 130.0}
    worse = row | {"psnr_input": 29.0, "psnr_novel_pose": 23.5, "pose_depth_mm": 14.0}
    tables = {name: {"full": row} | {way: worse for way in module.ABLATIONS if way != "full"}
              for name in ("drift", "moving", "one_photo_ablations", "clip_ablations")}
    out = {name: {"gaussian avatar": row} for name in ("one_photo", "clip")} | {"speed": {"one_photo": row}, **tables}
    found = module.targets(out)
    assert found["clip novel_view_vs_mesh_db"] == {"value": 1.6, "bar": ">= 1.5", "reached": True}
    assert not found["clip novel_pose_vs_mesh_db"]["reached"]
    assert found["one_photo input_vs_mesh_db"]["reached"]
    assert found["one_photo worst_vs_mesh_db"]["reached"]
    assert not found["one_photo seconds"]["reached"]
    assert found["drift psnr_input lost without balanced sampling"]["value"] == 1
    assert not found["drift pose_depth_mm gained without geometry weighting"]["reached"]


def test_people_of_another_seed_are_others_and_cases_are_kept(module, person, picture, tmp_path):
    import _avatar_cases

    view = SimpleNamespace(image=picture.rgb, alpha=picture.alpha, camera=picture.camera, motion=person.motion)
    path = tmp_path / "case.npz"
    _avatar_cases._save(path, "700 casual", person, view, [picture], picture.camera, [replace(picture, name="turned")],
                        [replace(picture, name="move 0")])
    case = _avatar_cases._load(path, tmp_path / "case.mp4")
    assert (case.name, case.clip_held[0].name, case.photo_held[0].kind) == ("700 casual", "turned", "pose")
    assert case.moving[0].name == "move 0"
    assert np.array_equal(case.photo_held[0].rgb, picture.rgb)
    assert np.allclose(case.photo.camera.R, picture.camera.R)
    assert np.allclose(case.photo.motion.transl, person.motion.transl)
    assert 1.4 < case.stature < 2.1


@pytest.mark.slow
def test_a_quick_run_has_all_numbers():
    numbers = json.loads(json.dumps(bench.run("avatar", quick=True)))
    assert set(numbers) == {"targets", "one_photo", "one_photo_ablations", "drift", "moving", "clip", "clip_ablations",
                            "by_person", "speed", "people"}
    for setting in ("one_photo", "clip"):
        assert set(numbers[setting]) == {"mesh avatar", "gaussian avatar"}
        assert set(numbers[f"{setting}_ablations"]) == {
            "full", "without balanced sampling", "without geometry weighting", "without pose-driven deformation"}
        row = numbers[setting]["gaussian avatar"]
        assert {"psnr_input", "psnr_novel_view", "psnr_novel_pose", "ssim", "worst_vs_mesh_db", "seconds",
                "cpu_seconds"} < set(row)
        assert {"lpips", "gmsd"} & set(row)
        assert all(np.isfinite(list(row.values())))
        assert numbers[setting]["mesh avatar"]["psnr_novel_view"] > 14
    assert {"value", "bar", "reached"} == set(numbers["targets"]["clip seconds"])
