"""Limbs that keypoints do not tell are looked for in the pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.errors import Cancelled
from humanav.multiview.colors import fit_avatars
from humanav.multiview.losses import PixelWeights
from humanav.multiview.refine import Level, RefineSettings, refine
from humanav.multiview.refine_doubt import LIMBS, Doubt
from humanav.multiview.refine_people import Crew
from humanav.multiview.refine_search import search_limbs
from humanav.multiview.refine_targets import pixel_targets, small_pictures
from humanav.multiview.scene import GaussianScene, Splats
from humanav.progress import Progress
from tests.multiview import duo

FRAMES = 4
VIEWS = np.ones(3, bool)


@pytest.fixture(scope="module")
def filmed():
    """Person 1's left arm hangs in the last three frames, as its start says; in truth it reaches forward.

    Its points were refused there."""
    from humanav.body import BodyModel

    body, true, rig = BodyModel.load(), duo.motions(FRAMES), duo.ring()
    film, sightings, matched = duo.filmed(duo.painted(body), true, rig)
    pose = true[0].full_pose.copy()
    pose[1:, 16] = [0, 0, -1.3]
    wrong = type(true[0]).from_full_pose(pose, 10.0, true[0].transl, true[0].betas, person_id="1")
    names = sightings.landmark_names
    rows = [names.index("left_elbow"), names.index("left_wrist")]
    person = matched.people[0]
    used = person.used.copy()
    used[np.ix_([1, 2, 3], range(3), rows)] = False
    matched = replace(matched, people=(replace(person, used=used), matched.people[1]))
    return body, true, rig, film, sightings, matched, duo.fitted([wrong, true[1]], rig)


@pytest.fixture(scope="module")
def capture(filmed):
    body, true, rig, film, sightings, matched, start = filmed
    crew = Crew(start, matched, sightings, rig, body)
    states = crew.states()
    joints = np.stack([clip.joints for clip in crew.clips(states)], axis=1)
    small = small_pictures(rig, film, joints[:, :, 0].mean((0, 1)), 56)
    targets = pixel_targets(rig, sightings, matched, small, joints, crew.present, np.arange(FRAMES), VIEWS, 56)
    blank = GaussianScene(tuple(Splats.on_body(body, p.betas, 250, p.person_id) for p in crew.people))
    doubt = Doubt.of(crew.people, VIEWS)
    scene = fit_avatars(blank, crew.clips(states), doubt.clear(targets), PixelWeights(), shapes=1)
    truth = Crew(duo.fitted(true, rig), matched, sightings, rig, body).states()
    return crew, states, truth, scene, targets, doubt


def left_hand(crew, states):
    return crew.clips(states)[0].joints[1:, 20]


def searched(capture, **told):
    crew, states, _, scene, targets, doubt = capture
    return search_limbs(crew.people, states, scene, doubt.weighed(targets), crew.eyes, doubt.limbs, VIEWS, crew.fps,
                        **told)


def test_limbs_whose_points_were_refused_are_doubtful(capture) -> None:
    *_, doubt = capture
    assert doubt.any
    np.testing.assert_array_equal(doubt.limbs[0][1:, 0], True)
    assert not doubt.limbs[0][:, 1:].any()
    assert not doubt.limbs[1].any()
    crew = capture[0]
    assert not Doubt.of(crew.people, VIEWS, asked=False).any
    short = crew.people[0].targets.part(np.arange(3))
    assert not Doubt.of([replace(crew.people[0], targets=short, seen=np.ones(3, bool))], VIEWS).any
    left = doubt.forgotten(crew.people)[0].targets
    rows = [left.names.index(name) for name in LIMBS[0][1][:2]]
    assert not left.used[2][:, rows].any()


def test_an_arm_in_the_wrong_place_is_found(capture) -> None:
    crew, states, truth, *_ = capture
    found = searched(capture)
    before, after = (np.linalg.norm(left_hand(crew, x) - left_hand(crew, truth), axis=-1) for x in (states, found))
    assert (before > 0.4).all()
    assert (after < 0.4 * before).all()
    np.testing.assert_array_equal(found[1].rotations, states[1].rotations)  # nobody else moves
    others = np.setdiff1d(np.arange(55), LIMBS[0][0])
    np.testing.assert_array_equal(found[0].rotations[:, others], states[0].rotations[:, others])


def test_an_arm_in_the_right_place_stays_about_there(capture) -> None:
    crew, _, truth, scene, targets, doubt = capture
    found = search_limbs(crew.people, truth, scene, doubt.weighed(targets), crew.eyes, doubt.limbs, VIEWS, crew.fps)
    assert np.linalg.norm(left_hand(crew, found) - left_hand(crew, truth), axis=-1).max() < 0.15


def test_frames_without_pixels_follow_their_neighbours(capture) -> None:
    crew, states, truth, scene, targets, doubt = capture
    every = [0, 1, 3]
    some = replace(doubt.weighed(targets), frames=targets.frames[every], table=targets.table[every],
                   scale=targets.scale[every])
    found = search_limbs(crew.people, states, scene, some, crew.eyes, doubt.limbs, VIEWS, crew.fps)
    before, after = (np.linalg.norm(left_hand(crew, x) - left_hand(crew, truth), axis=-1) for x in (states, found))
    assert (after < 0.4 * before).all()


def test_a_refinement_searches_where_it_may(filmed) -> None:
    """The judge agrees, and what nobody doubts is refined as without a search."""
    body, true, rig, film, sightings, matched, start = filmed
    settings = RefineSettings(levels=(Level(250, 56),), steps=2, avatar=1, collision=0.0, avatar_gaussians=0, search=1)
    result = refine(start, matched, sightings, rig, film, settings=settings)
    left = [body.from_motion(p[0].motion if hasattr(p[0], "motion") else p[0], vertices=False).joints[1:, 20].numpy()
            for p in (start.people, result.fitted.people, true)]
    before, after = (np.linalg.norm(hand - left[2], axis=-1) for hand in left[:2])
    assert (after < 0.5 * before).all()
    calm = replace(matched, people=tuple(replace(p, used=np.ones_like(p.used)) for p in matched.people))
    quick = replace(settings, steps=1, avatar=0)
    one, two = (refine(start, calm, sightings, rig, film, settings=replace(quick, search=n)) for n in (0, 1))
    for a, b in zip(one.fitted.people, two.fitted.people, strict=True):
        np.testing.assert_allclose(a.motion.full_pose, b.motion.full_pose, atol=1e-5)


def test_nothing_is_searched_where_nothing_is_doubtful(capture) -> None:
    crew, states, _, scene, targets, doubt = capture
    calm = Doubt(tuple(np.zeros_like(limbs) for limbs in doubt.limbs))
    assert not calm.any
    found = search_limbs(crew.people, states, scene, targets, crew.eyes, calm.limbs, VIEWS, crew.fps)
    assert all(a is b for a, b in zip(found, states, strict=True))
    np.testing.assert_array_equal(calm.weighed(targets).trust, targets.trust)
    np.testing.assert_array_equal(calm.clear(targets).scale, targets.scale)
    everything = Doubt(tuple(np.ones_like(limbs) for limbs in doubt.limbs))
    np.testing.assert_array_equal(everything.clear(targets).scale, targets.scale)  # no better frames to learn from


def test_it_stops_when_told(capture) -> None:
    with pytest.raises(Cancelled):
        searched(capture, progress=Progress(1, cancelled=lambda: True))
