"""What one job made is taken by the next: motions of any result, avatars of a capture, a single pose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from humanav.body import BodyModel
from humanav.errors import InputError
from humanav.jobs import animate_avatar, denoise_motion, resolve_motion
from humanav.jobs.animate import motion_inputs
from humanav.jobs.held import STILL_SECONDS, held_avatars, held_motions, hold, motion_of
from humanav.motion import Motion, load_clip, save_npz
from humanav.results import Result, ResultWriter
from tests.export.test_gaussian_avatar import small_avatar


def write(folder: Path, kind: str, motions: dict[str, Motion], people: tuple[str, ...] = ()) -> Result:
    with ResultWriter(folder, kind, "0123456789abcdef", {"source": "clip.mp4"}) as writer:
        for name, motion in motions.items():
            save_npz(motion, writer.add(name, "a motion"), "blender")
        writer.report["people"] = list(people)
    return writer.result


@pytest.fixture(scope="module")
def clip() -> Motion:
    return load_clip("wave")[:12]


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory, clip: Motion, body: BodyModel) -> Result:
    """Two people, each with a motion and an avatar of few Gaussians."""
    with ResultWriter(tmp_path_factory.mktemp("capture") / "hug", "capture", "0" * 16, {}) as writer:
        for person, part in (("1", clip[:6]), ("2", clip[6:])):
            save_npz(part, writer.add(f"motion_{person}.npz", "a motion"), "blender")
            small_avatar(body, deforms=False).save(writer.add(f"avatar_{person}.npz", "an avatar"))
        writer.report["people"] = ["1", "2"]
    return writer.result


@pytest.mark.parametrize(("kind", "file"), [("denoise", "denoised.npz"), ("animation", "motion.npz"),
                                            ("path", "path.npz"), ("pose", "motion.npz")])
def test_the_motion_of_a_result_is_found(tmp_path: Path, clip: Motion, kind: str, file: str) -> None:
    made = write(tmp_path / "made", kind, {file: clip})
    assert [held.file for held in held_motions(made)] == [file]
    for place in (made, made.folder, str(made.folder)):
        np.testing.assert_allclose(resolve_motion(place).body_pose, clip.body_pose, atol=1e-5)
    assert motion_inputs(made) == {"result": made.id}


def test_a_lifted_motion_is_set_on_the_floor(tmp_path: Path, clip: Motion, body: BodyModel) -> None:
    lifted = write(tmp_path / "made", "uplift", {"motion.npz": Motion(
        clip.fps, clip.global_orient, clip.body_pose, transl=clip.transl + np.float32([3, 7, -2]))})
    joints = body.from_motion(motion_of(lifted), vertices=True).vertices
    assert joints is not None
    assert float(joints[..., 1].min()) == pytest.approx(0, abs=0.02)


def test_people_are_told_apart(capture: Result, clip: Motion) -> None:
    assert [(held.person, held.words) for held in held_motions(capture)] == [("1", "Person 1"), ("2", "Person 2")]
    np.testing.assert_allclose(motion_of(capture, 2).body_pose, clip.body_pose[6:], atol=1e-5)
    np.testing.assert_allclose(motion_of(capture).body_pose, clip.body_pose[:6], atol=1e-5)
    with pytest.raises(InputError, match="no person '3' in hug: choose one of 1, 2"):
        motion_of(capture, 3)


def test_results_without_a_motion_say_so(tmp_path: Path) -> None:
    made = write(tmp_path / "made", "poses", {})
    assert held_motions(made) == held_avatars(made) == ()
    with pytest.raises(InputError, match="holds no motion"):
        resolve_motion(made)
    with pytest.raises(InputError, match="not a result folder"):
        resolve_motion(tmp_path)


def test_a_pose_is_held(clip: Motion) -> None:
    still = hold(clip[3])
    assert still.duration == pytest.approx(STILL_SECONDS, abs=0.1)
    np.testing.assert_array_equal(still.body_pose, np.repeat(clip.body_pose[3:4], len(still), axis=0))
    assert hold(clip) is clip


def test_a_persons_motion_is_cleaned(capture: Result, tmp_path: Path) -> None:
    first, second = (denoise_motion(capture, person=person, out=tmp_path / person) for person in ("1", "2"))
    assert first.id != second.id
    assert len(motion_of(first)) == 6
    with pytest.raises(InputError, match="no person"):
        denoise_motion(capture, person="5", out=tmp_path / "5")


def test_the_avatar_of_a_capture_moves(capture: Result, clip: Motion, tmp_path: Path) -> None:
    assert [held.person for held in held_avatars(capture)] == ["1", "2"]
    made = animate_avatar(capture, clip, wearer=2, out=tmp_path / "moved")
    assert {"avatar.splats", "splats.html", "avatar.glb", "animation.mp4", "motion.bvh"} <= {f.name for f in made.files}
    assert made.report["person"] == "2"
    again = animate_avatar(made, clip, out=tmp_path / "again")
    assert [held.file for held in held_avatars(again)] == ["avatar_gaussian.npz"]
    with pytest.raises(InputError, match="moves before a plain ground"):
        animate_avatar(capture, clip, background="plain", out=tmp_path / "no")
