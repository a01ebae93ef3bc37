"""Refinement of two people as a few Gaussians: it recovers poses, never makes them worse, and order does not matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.errors import CameraError, Cancelled, InputError
from humanav.multiview.refine import Level, RefineSettings, refine
from humanav.progress import Progress
from tests.multiview import duo

SMALL = RefineSettings(levels=(Level(250, 56),) * 2, steps=4, avatar=2, collision=0.0, soft=0.0, avatar_gaussians=0)


@pytest.fixture(scope="module")
def capture():
    from humanav.body import BodyModel

    body, true, rig = BodyModel.load(), duo.motions(), duo.ring()
    film, sightings, matched = duo.filmed(duo.painted(body), true, rig)
    start = duo.disturbed(true, np.random.default_rng(1))
    return body, true, rig, film, sightings, matched, duo.fitted(start, rig)


@pytest.fixture(scope="module")
def refined(capture):
    _, _, rig, film, sightings, matched, start = capture
    return refine(start, matched, sightings, rig, film, settings=replace(SMALL, gate=False))


def motions_of(result):
    return [person.motion for person in result.fitted.people]


def test_poses_come_nearer_to_the_truth(capture, refined) -> None:
    body, true, *_, start = capture
    before = duo.joint_error(body, [p.motion for p in start.people], true)
    assert duo.joint_error(body, motions_of(refined), true) < 0.6 * before
    assert [p.person_id for p in refined.fitted.people] == ["1", "2"]
    iou = [refined.report[key]["mask_iou"] for key in ("before", "after")]
    assert sum(iou[1].values()) > sum(iou[0].values())


def test_the_order_of_people_and_cameras_does_not_matter(capture, refined) -> None:
    _, _, rig, film, sightings, matched, start = capture
    views = [2, 0, 1]
    turned = replace(
        sightings, keypoints=sightings.keypoints[:, views], names=tuple(sightings.names[v] for v in views),
        tracks=sightings.tracks[:, views], looks=sightings.looks[:, views],
        masks={(t, views.index(v), d): mask for (t, v, d), mask in sightings.masks.items()})
    people = [replace(p, chosen=p.chosen[:, views], swapped=p.swapped[:, views], used=p.used[:, views],
                      residual=p.residual[:, views]) for p in reversed(matched.people)]
    other = refine(replace(start, people=tuple(reversed(start.people)), names=turned.names),
                   replace(matched, people=tuple(people), names=turned.names), turned, rig.only(turned.names),
                   duo.Film(film.frames[views]), settings=replace(SMALL, gate=False))
    for one, two in zip(motions_of(refined), reversed(motions_of(other)), strict=True):
        np.testing.assert_allclose(one.full_pose, two.full_pose, atol=2e-3)
        np.testing.assert_allclose(one.transl, two.transl, atol=1e-3)


def test_a_camera_that_took_no_part_judges(capture) -> None:
    body, true, rig, film, sightings, matched, start = capture
    seen = []
    result = refine(start, matched, sightings, rig, film, settings=SMALL, watch=lambda *told: seen.append(told))
    assert [r.held_out for r in result.rounds] == ["cam1", "cam2"]
    assert all(r.accepted + r.rejected == 6 for r in result.rounds)
    assert [number for number, _, _ in seen] == [1, 2]
    assert seen[0][2].dtype == np.uint8
    before = duo.joint_error(body, [p.motion for p in start.people], true)
    assert duo.joint_error(body, motions_of(result), true) < 0.8 * before
    assert "took no part" in " ".join(result.notes)


def test_a_round_that_harms_is_refused(capture) -> None:
    """Pictures of other moments teach nonsense; the truth, which the judge knows, stays."""
    _, true, rig, film, sightings, matched, _ = capture
    wrong = film.frames[:, :, ::-1].copy()
    wrong[0] = film.frames[0]  # the judge of the first round sees what is
    upside = {key: mask if key[1] == 0 else duo.encode_mask(
        np.ascontiguousarray(sightings.mask(*key)[::-1])) for key, mask in sightings.masks.items()}
    start = duo.fitted(true, rig)
    result = refine(start, matched, replace(sightings, masks=upside), rig, duo.Film(wrong),
                    settings=replace(SMALL, levels=SMALL.levels[:1], keypoints=(0.0, 0.0), near=0.0))
    assert result.rounds[0].rejected >= 5
    assert result.rounds[0].change > 0


def test_two_cameras_teach_both_and_say_so(capture) -> None:
    _, _, rig, film, sightings, matched, start = capture
    names = rig.names[:2]
    fewer = replace(sightings, keypoints=sightings.keypoints[:, :2], names=names, tracks=sightings.tracks[:, :2],
                    looks=sightings.looks[:, :2], masks={k: m for k, m in sightings.masks.items() if k[1] < 2})
    people = tuple(replace(p, chosen=p.chosen[:, :2], swapped=p.swapped[:, :2], used=p.used[:, :2],
                           residual=p.residual[:, :2]) for p in matched.people)
    result = refine(replace(start, names=names), replace(matched, people=people, names=names), fewer, rig.only(names),
                    film, settings=replace(SMALL, levels=SMALL.levels[:1], steps=1))
    assert result.rounds[0].held_out == ""
    assert "two cameras" in " ".join(result.notes).lower()


def test_avatars_come_out_for_every_player(capture) -> None:
    _, _, rig, film, sightings, matched, start = capture
    result = refine(start, matched, sightings, rig, film, settings=replace(
        SMALL, levels=SMALL.levels[:1], steps=0, gate=False, avatar_gaussians=400, avatar_pixels=64, avatar_frames=2))
    avatar = result.scene.avatar(0)
    assert len(avatar) == 400
    motion = result.fitted.people[0].motion
    drawn = avatar.render(rig.cameras[0], motion.full_pose[0], motion.transl[0])
    whole = result.scene.render(rig.cameras[0], motions_of(result), 0)
    assert drawn.alpha.sum() > 0.9 * whole.instance[..., 0].sum()
    assert np.ptp(avatar.rgb, axis=0).min() > 0.2


def test_what_does_not_belong_together_is_refused(capture) -> None:
    _, _, rig, film, sightings, matched, start = capture
    with pytest.raises(InputError, match="nobody"):
        refine(replace(start, people=()), matched, sightings, rig, film)
    away = tuple(replace(person, seen=np.zeros_like(person.seen)) for person in start.people)
    with pytest.raises(InputError, match="nobody"):
        refine(replace(start, people=away), matched, sightings, rig, film)
    with pytest.raises(InputError, match="same matching"):
        refine(replace(start, people=start.people[::-1]), matched, sightings, rig, film)
    with pytest.raises(InputError, match="one capture"):
        refine(start, matched, sightings.part(slice(0, 2)), rig, film)
    with pytest.raises(CameraError, match="calibration"):
        refine(start, matched, sightings, replace(rig, names=("a", "b", "c")), film)
    with pytest.raises(CameraError, match="no camera"):
        refine(start, matched, sightings, rig, film, settings=RefineSettings(hold_out="cam9"))
    two = replace(sightings, keypoints=sightings.keypoints[:, :2], names=rig.names[:2])
    with pytest.raises(CameraError, match="three"):
        refine(start, matched, two, rig.only(two.names), film, settings=RefineSettings(hold_out="cam1"))
    with pytest.raises(InputError, match="negative"):
        RefineSettings(color=-1.0)
    with pytest.raises(InputError, match="avatars"):
        RefineSettings(avatar_gaussians=10)
    with pytest.raises(Cancelled):
        refine(start, matched, sightings, rig, film, settings=SMALL, progress=Progress(1, cancelled=lambda: True))
