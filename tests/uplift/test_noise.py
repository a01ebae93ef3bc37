"""The simulated detector errs as its table says, and as the real one does."""

import pytest
import torch

from humanav.body import BodyModel
from humanav.body.landmarks import KEYPOINT_SETS
from humanav.body.names import JOINT_INDEX
from humanav.errors import InputError
from humanav.uplift import NoiseModel, UpliftBody
from humanav.uplift.cameras import project
from humanav.uplift.noise import stature_px
from humanav.uplift.occlusion import hidden

SIZE = torch.tensor([1000.0, 1000.0])


def stand(turn: float, keypoint_set: str = "blazepose33", clips: int = 200, frames: int = 40, shift: float = 0.0):
    """Standing people with hanging arms, turned by degrees, 4 m away: clean, points, joints, K, size."""
    import roma

    body = UpliftBody(BodyModel.load())
    rotations = torch.eye(3).repeat(clips, frames, 22, 1, 1)
    for joint, angle in (("left_shoulder", -1.2), ("right_shoulder", 1.2)):
        rotations[:, :, JOINT_INDEX[joint]] = roma.rotvec_to_rotmat(torch.tensor([0.0, 0.0, angle]))
    face = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    rotations[:, :, 0] = face @ roma.rotvec_to_rotmat(torch.tensor([0.0, turn, 0.0]).deg2rad())
    joints, world = body(rotations, torch.zeros(clips, 1, 10))
    points = body.landmarks(joints, world, torch.zeros(clips, 1, 10), keypoint_set)
    place = torch.tensor([shift, 0.0, 4.0])
    K = torch.tensor([[1000.0, 0, 500], [0, 1000, 500], [0, 0, 1]]).repeat(clips, 1, 1)
    return project(points + place, K), points + place, joints + place, K, SIZE.repeat(clips, 1)


def run(model: NoiseModel, scene, seed: int = 0, **options):
    """Detections, and errors in percent of stature."""
    found = model(*scene, torch.Generator().manual_seed(seed), **options)
    unit = stature_px(scene[2], scene[3])[..., None, None] / 100
    return found, (found[..., :2] - scene[0]) / unit


@pytest.fixture(scope="module")
def front():
    return stand(0.0)


@pytest.fixture(scope="module")
def model():
    return NoiseModel.load("blazepose33")


def index(name: str) -> int:
    return KEYPOINT_SETS["blazepose33"].index(name)


def test_stature_in_pixels(front):
    assert float(stature_px(front[2], front[3])[0, 0]) == pytest.approx(1705 / 4, rel=0.05)


@pytest.mark.parametrize("keypoint_set", ["blazepose33", "coco17"])
def test_errors_have_the_tables_size_and_persist(keypoint_set):
    model, scene = NoiseModel.load(keypoint_set), stand(0.0, keypoint_set)
    found, error = run(model, scene)
    k = KEYPOINT_SETS[keypoint_set].index("left_shoulder")
    there = found[..., k, 2] > 0
    spread = 1.4826 * error[:, :, k][there].abs().median()
    assert float(spread) == pytest.approx(float(model.spread[k, 0]), rel=0.35)
    one, two = error[:, :-1, k][there[:, 1:] & there[:, :-1]], error[:, 1:, k][there[:, 1:] & there[:, :-1]]
    assert torch.corrcoef(torch.stack([one.flatten().clamp(-8, 8), two.flatten().clamp(-8, 8)]))[0, 1] > 0.7


def test_neighbours_err_together_and_limbs_apart(model, front):
    found, error = run(model, front)
    middle = torch.where((found[..., 2] > 0)[..., None], error, torch.nan).nanmedian(1).values[..., 0].clamp(-6, 6)
    corr = torch.corrcoef(middle[middle.isfinite().all(-1)].T)
    assert corr[index("nose"), index("left_eye")] > 0.75
    assert corr[index("left_wrist"), index("left_index")] > 0.75
    assert corr[index("left_ankle"), index("left_heel")] > 0.5
    assert corr[index("left_wrist"), index("right_wrist")].abs() < 0.35


def test_level_scales_the_errors_and_zero_removes_them(model, front):
    _, once = run(model, front)
    _, twice = run(model, front, level=2.0)
    clean, none = run(model, front, level=0.0)
    assert float(twice.abs().median()) == pytest.approx(2 * float(once.abs().median()), rel=0.15)
    assert none.abs().max() == 0
    assert (clean[..., 2] == 1).all()


def test_the_same_seed_gives_the_same_detections(model, front):
    assert torch.equal(run(model, front, 3)[0], run(model, front, 3)[0])
    assert not torch.equal(run(model, front, 3)[0], run(model, front, 4)[0])


def test_a_body_hides_its_far_side_and_its_face_from_behind(model):
    side, back, front = (stand(turn, clips=1, frames=1) for turn in (90.0, 180.0, 0.0))
    side, back, front = (hidden(s[1], s[2], model.flesh)[0, 0] for s in (side, back, front))
    assert back[index("nose")]
    assert back[index("left_eye")]
    assert not front[index("nose")]
    assert side[index("left_wrist")] != side[index("right_wrist")]
    assert side[index("left_elbow")] != side[index("right_elbow")]
    assert not front[[index("left_knee"), index("right_knee"), index("left_ankle"), index("left_wrist")]].any()


def test_hidden_points_are_worse_and_less_sure(model):
    scene = stand(90.0)
    found, error = run(model, scene)
    hides = hidden(scene[1], scene[2], model.flesh)
    k = [index("left_wrist"), index("right_wrist")]
    near, far = (k if not hides[0, 0, k[0]] else k[::-1])
    assert error[:, :, far].abs().median() > 1.5 * error[:, :, near].abs().median()
    assert found[:, :, far, 2].mean() < found[:, :, near, 2].mean() - 0.2


def test_points_outside_the_picture_are_doubtful_or_missing(model):
    scene = stand(0.0, shift=1.95)
    found, _ = run(model, scene)
    outside = (scene[0] > 1000).any(-1)
    assert outside.any()
    assert (~outside).any()
    inside_score = found[~outside][..., 2].mean()
    assert found[outside][..., 2].mean() < inside_score - 0.2


def test_sides_are_swapped_more_often_from_behind(model):
    def rate(turn: float) -> float:
        scene = stand(turn, clips=400, frames=20)
        found, _ = run(model, scene)
        wrists = found[..., index("left_wrist"), 0] - found[..., index("right_wrist"), 0]
        truth = scene[0][..., index("left_wrist"), 0] - scene[0][..., index("right_wrist"), 0]
        there = found[..., [index("left_wrist"), index("right_wrist")], 2].amin(-1) > 0
        return float(((wrists * truth < 0) & there).any(1).float().mean())

    assert 0.0 < rate(0.0) < 0.12
    assert rate(180.0) > rate(0.0) + 0.03


def test_missing_points_are_zeros_and_some_limbs_and_frames_go_missing(model, front):
    found, _ = run(model, front)
    missing = found[..., 2] == 0
    assert (found[missing] == 0).all()
    assert 0.002 < missing.float().mean() < 0.08
    assert missing.all(-1).any()
    assert (missing & ~missing.all(-1, keepdim=True)).any()


def test_a_photo_is_one_draw(model, front):
    still = torch.zeros(200, dtype=torch.bool)
    still[:100] = True
    found, _ = run(model, front, still=still)
    assert (found[:100] == found[:100, :1]).all()
    assert (found[100:] != found[100:, :1]).any()


def test_one_frame_is_enough(model):
    found, _ = run(model, stand(30.0, clips=5, frames=1))
    assert found.shape == (5, 1, 33, 3)
    assert found.isfinite().all()


def test_unknown_layouts_are_named():
    with pytest.raises(InputError, match="noise model"):
        NoiseModel.load("openpose25")


def test_the_simulation_is_not_kinder_than_the_detector(model):
    for group, measured in model.table["measured"].items():
        for key in ("visible p50", "visible p75", "hidden p50", "hidden p75", "constant", "moving"):
            assert 0.97 < model.table["simulated"][group][key] / measured[key] < 1.5, (group, key)
