"""The benchmark of the tracker: its measures on what is known, its films against their truth, and a quick run."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from humanav import bench
from humanav.body import BodyModel
from humanav.motion import load_clip

bench.folder()


@pytest.fixture(scope="module")
def module():
    return SimpleNamespace(**bench._load("track").__globals__)


@pytest.fixture(scope="module")
def measures(module):
    import _track_measures

    return _track_measures


@pytest.fixture(scope="module")
def body():
    return BodyModel.load()


@pytest.fixture(scope="module")
def walk(module, body):
    """A walking person before a camera that looks along -z, as truth."""
    from _track_motions import foot_heights, true_contacts
    from _track_rivals import posed

    motion = load_clip("walk")[:40]
    joints = body.from_motion(motion, vertices=False).joints.numpy()
    contacts = true_contacts(joints, motion.fps, foot_heights(body, motion.betas))
    return posed(motion, joints, np.diag([1.0, -1.0, -1.0]), np.array([0.0, 1.0, 4.0]), contacts, 0, 40)


def about_vertical(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def scores(measures, found, true):
    return measures.summary([measures.compare(found, true)])


def test_the_truth_has_no_error_wherever_it_walks(measures, walk):
    moved = walk._replace(world=walk.world @ about_vertical(70).T + [3.0, 0, -2.0], camera=walk.camera + [0, 0, 1.0])
    row = scores(measures, moved, walk)
    for name in ("mpjpe_mm", "pa_mpjpe_mm", "mpjae_deg", "root_deg", "accel_mm", "world_mpjpe_mm", "world_accel_mm"):
        assert row[name] == pytest.approx(0, abs=1e-4), name
    assert row["amplitude_kept"] == pytest.approx(1)
    assert row["amplitude_gain"] == pytest.approx(1)
    assert row["contact_f1"] == 1
    assert row["missed_share"] == 0
    assert row["foot_slide_mm"] == pytest.approx(row["true_slide_mm"])
    assert row["true_slide_mm"] < 9


def test_a_larger_body_is_off_but_aligned_and_as_lively(measures, walk):
    row = scores(measures, walk._replace(camera=1.1 * walk.camera, world=1.1 * walk.world), walk)
    inside = 1000 * np.linalg.norm(walk.camera - walk.camera[:, :1], axis=-1)
    assert row["mpjpe_mm"] == pytest.approx(0.1 * inside.mean())
    assert row["pa_mpjpe_mm"] == pytest.approx(0, abs=1e-4)
    assert row["amplitude_kept"] == pytest.approx(1)
    assert row["world_mpjpe_mm"] > 80


def test_height_over_the_floor_is_not_aligned_away(measures, walk):
    row = scores(measures, walk._replace(world=walk.world + [0, 0.05, 0]), walk)
    assert row["world_mpjpe_mm"] == pytest.approx(50)


def test_shaking_is_seen_in_the_acceleration(measures, walk):
    """Joints that jump up and down by 1 cm have second differences of 4 cm."""
    shaken = walk.camera.copy()
    shaken[::2, 1:, 1] += 0.01
    shaken[1::2, 1:, 1] -= 0.01
    assert scores(measures, walk._replace(camera=shaken), walk)["accel_mm"] == pytest.approx(40 * 21 / 22)


def test_only_the_steps_of_standing_feet_slide(measures):
    world = np.zeros((5, 22, 3))
    world[:, [7, 10], 0] = np.arange(5)[:, None] * 0.004
    world[:, [8, 11], 2] = np.arange(5)[:, None] * 0.5
    contacts = np.array([[1, 0], [1, 0], [1, 1], [0, 0], [1, 0]], bool)
    assert measures.slides(world, contacts, np.ones(4, bool)) == pytest.approx([4, 4])
    assert measures.slides(world, contacts, np.array([1, 0, 1, 1], bool)) == pytest.approx([4])


def test_frozen_limbs_lose_amplitude_and_noise_gains_none_in_phase(measures, walk):
    rng = np.random.default_rng(0)
    still = walk._replace(camera=np.repeat(walk.camera[:1], 40, axis=0), rotations=np.repeat(walk.rotations[:1], 40, 0))
    assert scores(measures, still, walk)["amplitude_kept"] == pytest.approx(0, abs=1e-6)
    noisy = scores(measures, walk._replace(camera=walk.camera + rng.normal(0, 0.03, walk.camera.shape)), walk)
    assert noisy["amplitude_kept"] > 1.02
    assert noisy["amplitude_gain"] == pytest.approx(1, abs=0.06)


def test_frames_that_are_left_out_are_counted_only(measures, walk):
    seen = np.ones(40, bool)
    seen[10:20] = False
    broken = walk.camera.copy()
    broken[10:20] = 0
    row = scores(measures, walk._replace(camera=broken, seen=seen), walk)
    assert row["missed_share"] == 0.25
    assert row["accel_mm"] == pytest.approx(0, abs=1e-6)
    assert row["mpjpe_mm"] == pytest.approx(0, abs=1e-6)


def test_contacts_are_judged_by_hits_and_false_alarms(measures, walk):
    told = np.zeros_like(walk.contacts)
    assert scores(measures, walk._replace(contacts=told), walk)["contact_f1"] == 0
    share = walk.contacts.mean()
    always = scores(measures, walk._replace(contacts=~told), walk)["contact_f1"]
    assert always == pytest.approx(2 * share / (1 + share))


@pytest.fixture(scope="module")
def pair():
    """Two people (2,T,4,2) who walk past each other in the picture."""
    shape = np.array([[0.0, 0], [10, 0], [0, 100], [10, 100]])
    way = np.linspace(0, 200, 21)[:, None, None] * np.array([1.0, 0])
    return np.stack([shape + way, shape + [200, 0] - way])


def test_people_who_keep_their_names_do_not_switch(measures, pair):
    visible = np.ones((2, 21), bool)
    assert measures.identities({"a": pair[0], "b": pair[1]}, pair, visible) == (0, 0, 42)


def test_exchanged_and_lost_people_are_counted(measures, pair):
    visible = np.ones((2, 21), bool)
    a, b = pair.copy()
    a[12:], b[12:] = pair[1, 12:], pair[0, 12:]
    assert measures.identities({"a": a, "b": b}, pair, visible).switches == 2
    a, b = pair.copy()
    a[12:] = np.nan
    c = np.where(np.arange(21)[:, None, None] < 15, np.nan, pair[0])
    found = measures.identities({"a": a, "b": b, "c": c}, pair, visible)
    assert (found.switches, found.missed) == (1, 3)
    visible[0, 12:15] = False
    assert measures.identities({"a": a, "b": b, "c": c}, pair, visible).missed == 0


def test_one_euro_keeps_what_is_still_and_follows_what_moves_fast(module):
    from _track_rivals import one_euro

    still = np.full((20, 2, 3), 0.4)
    assert np.allclose(one_euro(still, 30, cutoff=1, beta=1), still)
    noisy = np.random.default_rng(1).normal(0, 0.01, (200, 1, 3))
    assert one_euro(noisy, 30, cutoff=1, beta=1)[50:].std() < 0.5 * noisy.std()
    fast = np.linspace(0, 60, 60)[:, None, None] * np.ones((1, 1, 3)) / 10  # 3 m/s along each axis
    lag = [np.abs(one_euro(fast, 30, cutoff=1, beta=beta) - fast)[-1].max() for beta in (0.0, 5.0)]
    assert lag[1] < 0.1 * lag[0]


def test_the_baseline_finds_a_person_whom_the_detector_sees_well(measures, walk, body):
    """Exact landmarks of the mean body before a level camera at 1 m: only what landmarks cannot tell is missing."""
    from _track_rivals import mediapipe_one_euro

    from humanav.body.landmarks import landmark_positions
    from humanav.camera import Camera
    from humanav.motion import ground

    motion = ground(load_clip("walk")[:40], body)
    out = body.from_motion(motion, vertices=False)
    marks = landmark_positions(out.joints.double().numpy(), out.rotations.double().numpy(), "blazepose33")
    camera = Camera.from_focal(640, 480, R=np.diag([1.0, -1.0, -1.0]), t=np.array([0.0, 1.0, 4.0]))
    seen = camera.to_camera(marks)
    pixels = seen[..., :2] / seen[..., 2:] * camera.focal + [320, 240]
    keypoints = np.concatenate([pixels, np.ones((40, 33, 1))], axis=-1)
    hips = seen[:, [23, 24]].mean(axis=1, keepdims=True)
    open_filter = {"cutoff": 1000.0, "beta": 0.0}
    found = mediapipe_one_euro((keypoints, seen - hips, np.ones(40, bool), (640, 480)), motion.fps, body,
                               landmarks=open_filter, path=open_filter)
    from _track_motions import foot_heights, true_contacts
    from _track_rivals import posed

    joints = out.joints.numpy()
    contacts = true_contacts(joints, motion.fps, foot_heights(body, motion.betas))
    true = posed(motion, joints, camera.R, camera.t, contacts, 0, 40)
    row = scores(measures, found, true)
    assert row["mpjpe_mm"] < 25
    assert row["world_mpjpe_mm"] < 40
    assert row["root_deg"] < 8
    assert "contact_f1" not in row
    lagging = mediapipe_one_euro((keypoints, seen - hips, np.ones(40, bool), (640, 480)), motion.fps, body,
                                 landmarks={"cutoff": 0.5, "beta": 0.0}, path=open_filter)
    assert scores(measures, lagging, true)["amplitude_kept"] < 0.9 * row["amplitude_kept"]


def test_takes_of_one_person_are_joined(module, walk):
    from _track_ours import _joined

    early, late = np.arange(40) < 15, np.arange(40) >= 25
    first = walk._replace(seen=early, world=np.where(early[:, None, None], walk.world, 0))
    then = walk._replace(seen=late, world=np.where(late[:, None, None], walk.world, 0))
    whole = _joined(first, then)
    assert np.array_equal(whole.seen, early | late)
    assert np.array_equal(whole.world[whole.seen], walk.world[whole.seen])


def test_standing_feet_are_low_and_slow(module, body):
    from _track_motions import foot_heights, true_contacts

    rest = body.rest(np.zeros(10))[1].numpy()
    ankle, ball = foot_heights(body, np.zeros(10))
    assert 0.02 < ball < ankle < 0.15
    joints = np.repeat(rest[None], 12, axis=0) - [0, float(rest[7, 1]) - ankle, 0]
    assert true_contacts(joints, 30.0, (ankle, ball)).all()
    joints[4:8, [7, 10], 1] += 0.2
    found = true_contacts(joints, 30.0, (ankle, ball))
    assert found[:, 1].all()
    assert not found[4:8, 0].any()
    assert found[[0, 1, 2, 10, 11], 0].all()
    joints[:, :, 0] += np.arange(12)[:, None] * 0.02  # 0.6 m/s
    assert not true_contacts(joints, 30.0, (ankle, ball)).any()


def test_the_reference_agrees_with_itself_and_knows_flips(module, shared):
    from _track_real import CAMERAS, against, treadmill

    clips, reference = treadmill()
    assert all(path.is_file() for path in clips.values())
    seen = np.ones(len(reference.points), bool)
    for camera in CAMERAS:
        row = against(2 * reference.points, reference.pixels[camera], seen, reference, camera)
        assert row["pa_mpjpe_mm"] == pytest.approx(0, abs=1e-6)
        assert row["flips_left"] == row["legs_flipped"] == row["missed_share"] == 0
    pixels = reference.pixels["cam02"].copy()
    pixels[:25] = pixels[:25, [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10]]
    assert against(reference.points, pixels, seen, reference, "cam02")["flips_left"] == 25


@pytest.fixture(scope="module")
def tiny(module, body, tmp_path_factory):
    """A film of five frames of the built-in walk."""
    import _track_clips as track_clips

    from humanav.motion import ground

    motion = ground(load_clip("walk")[10:15], body)
    return track_clips._kept("tiny", tmp_path_factory.mktemp("films"), lambda text: None, body,
                             lambda: track_clips._solo(motion, 40.0, 3, (160, 160), body))


def test_a_film_shows_its_truth(tiny, body):
    from humanav.perception import open_video

    who = tiny.people[0]
    with open_video(tiny.video) as video:
        frames = list(video)
    assert len(frames) == tiny.frames == 5
    assert frames[0].shape == (160, 160, 3)
    assert np.abs(body.from_motion(who.motion, vertices=False).joints.numpy() - who.joints).max() < 1e-5
    assert 1.4 < who.stature < 2.1
    assert abs(who.joints[:, [7, 8], 1].min() - 0.06) < 0.06
    for t in range(5):
        xy = tiny.camera.project(who.joints[t, :22])[0].astype(int)
        assert who.masks[t][xy[:, 1], xy[:, 0]].mean() > 0.9
        assert 0.02 < who.masks[t].mean() < 0.5
        on, off = frames[t][who.masks[t]].mean(axis=0), frames[t][~who.masks[t]].mean(axis=0)
        assert np.abs(on - off).max() > 3
    assert (who.masks[0] != who.masks[4]).mean() > 0.001


def test_a_film_is_kept(tiny, body):
    import _track_clips as track_clips

    again = track_clips._kept("tiny", tiny.video.parent, lambda text: None, body, lambda: pytest.fail("filmed again"))
    assert np.array_equal(again.people[0].motion.transl, tiny.people[0].motion.transl)
    assert np.array_equal(again.people[0].masks, tiny.people[0].masks)
    assert np.allclose(again.camera.R, tiny.camera.R)


@pytest.mark.slow
def test_the_clips_are_level_lively_and_all_different(module, shared, body):
    from _track_motions import liveliness, stretches

    picked = stretches("test", 6, 60, np.random.default_rng(4), body)
    assert len({motion.name for motion in picked}) == 6
    assert all(30 <= len(motion) <= 60 for motion in picked)
    assert {motion.person_id for motion in picked} <= {"03", "135"}
    for motion in picked:
        assert liveliness(motion, body) > 0.1


def test_targets_name_what_was_reached(module):
    row = dict.fromkeys(("mpjpe_mm", "pa_mpjpe_mm", "mpjae_deg", "accel_mm", "world_mpjpe_mm", "foot_slide_mm"), 4.0)
    worse = {name: 2 * value for name, value in row.items()}
    out = {"modes": {"accurate": row | {"amplitude_kept": 0.9}, "fast": worse, "baseline": worse},
           "crossings": {"fast": {"id_switches": 1.0}}, "speed": {"fast": {"frames_per_s": 9.0}},
           "treadmill": {"cam01 fast": {"flips_left": 50.0}, "cam02 fast": {"flips_left": 2.0},
                         "cam02 baseline": {"flips_left": 32.0}}}
    found = module.targets(out)
    assert found["accurate pa_mpjpe_mm"] == {"value": 4.0, "bar": "<= 42", "reached": True}
    assert found["mpjpe_mm accurate over fast"]["value"] == 0.5
    assert not found["accurate amplitude_kept"]["reached"]
    assert not found["fast id_switches"]["reached"]
    assert found["flips_left cam02 fast"]["reached"]
    assert not any(part in name for name in found for part in ("cam01", "memory", "cam02 baseline"))


@pytest.mark.slow
def test_a_quick_run_has_all_numbers(shared):
    numbers = json.loads(json.dumps(bench.run("track", quick=True)))
    assert set(numbers) == {"targets", "modes", "by_clip", "clips", "frames", "crossings", "treadmill", "speed"}
    assert set(numbers["modes"]) == {"fast", "accurate", "accurate_told", "uplift", "baseline"}
    for key in ("mpjpe_mm", "pa_mpjpe_mm", "mpjae_deg", "accel_mm", "world_mpjpe_mm", "foot_slide_mm", "amplitude_kept",
                "id_switches", "fps", "contact_f1"):
        assert key in numbers["modes"]["fast"]
        assert key in numbers["modes"]["accurate"]
    assert {"cam02 baseline", "cam02 fast", "cam02 accurate"} == set(numbers["treadmill"])
    assert {"value", "bar", "reached"} == set(numbers["targets"]["accurate pa_mpjpe_mm"])
