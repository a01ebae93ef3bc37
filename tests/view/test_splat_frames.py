"""Gaussians in the films: on the stage, all round, and over a clip's background."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.avatar.gaussian import GaussianAvatar
from humanav.avatar.gaussian.weights import diffuse
from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.motion import Motion, ground
from humanav.view import animation_frames, composite, turntable
from humanav.view.composite import composite_frames
from humanav.view.splat_frames import GaussianFigure
from tests.avatar.gaussian.striped import hanging_arms, striped_gaussians, striped_mesh

SIZE = (90, 120)


@pytest.fixture(scope="module")
def avatar(body: BodyModel) -> GaussianAvatar:
    return striped_gaussians(striped_mesh(body, 128), body, diffuse(body, cell=0.06, steps=20), 1200)


@pytest.fixture(scope="module")
def motion(body: BodyModel) -> Motion:
    return ground(hanging_arms(), body)


def test_the_areas_are_the_bodys_surface(avatar: GaussianAvatar) -> None:
    figure = GaussianFigure(avatar)
    assert 1.4 < figure.areas.sum() < 3.5  # square metres
    assert 1.5 < figure.height < 1.9


def test_it_stands_on_the_stage_like_the_mesh(avatar: GaussianAvatar, motion: Motion, body: BodyModel) -> None:
    mesh = striped_mesh(body, 128)
    ours, theirs = (next(animation_frames(who, motion, SIZE)).astype(int) for who in (avatar, mesh))
    assert ours.shape == (120, 90, 3)
    red = [(frame[..., 0] - frame[..., 2] > 60) for frame in (ours, theirs)]
    assert (red[0] & red[1]).sum() > 0.6 * (red[0] | red[1]).sum()
    assert np.abs(ours[-1] - theirs[-1]).max() < 12  # the same camera and floor


def test_a_turn_shows_all_sides(avatar: GaussianAvatar) -> None:
    frames = list(turntable(avatar, SIZE, seconds=1, fps=4))
    assert len(frames) == 4
    assert all(np.abs(frames[0].astype(int) - frame).max() > 40 for frame in frames[1:])


def test_only_the_person_and_the_shadow_are_painted(avatar: GaussianAvatar, motion: Motion) -> None:
    camera = Camera.look_at((0.0, 1.3, 4.0), (0.0, 0.9, 0.0), 160, 120, 130.0)
    behind = np.full((120, 160, 3), 120, np.uint8)
    bright, dark = (next(composite_frames(avatar, motion, [camera], [picture]))
                    for picture in (behind, (behind // 4).astype(np.uint8)))
    changed = (bright != behind).any(axis=2)
    columns = np.flatnonzero(changed.any(axis=0))
    assert 40 < columns.min() < columns.max() < 120
    head = bright[20:100][changed[20:100]].astype(float).mean()
    assert dark[20:100][changed[20:100]].mean() < head  # it takes on the scene's light
    away = replace(motion, transl=motion.transl + np.array([50, 0, 0], np.float32))
    assert (next(composite_frames(avatar, away, [camera], [behind])) == behind).all()


def test_wide_gaussians_are_not_cut_off(
    avatar: GaussianAvatar, motion: Motion, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = replace(avatar, log_scales=avatar.log_scales + np.float32(1.5))
    camera = Camera.look_at((2.5, 4.0, 2.5), (0.0, 0.9, 0.0), 120, 120, 100.0)  # its axes lie between the world's
    behind = np.full((120, 120, 3), 120, np.uint8)
    cropped = next(composite_frames(wide, motion, [camera], [behind]))
    monkeypatch.setattr(composite, "_box", lambda points, camera: (0, 0, camera.width, camera.height))
    whole = next(composite_frames(wide, motion, [camera], [behind]))
    assert np.abs(cropped.astype(int) - whole).max() <= 1


def test_a_face_moves_with_the_motions_expression(avatar: GaussianAvatar, motion: Motion, body: BodyModel) -> None:
    smiling = replace(motion, expression=np.full((1, body.num_expressions), 1.5, np.float32))
    figure = GaussianFigure(avatar)
    still, moved = (figure.posed(clip, 0).means for clip in (motion, smiling))
    apart = np.linalg.norm(moved - still, axis=1)
    assert apart.max() > 0.001
    assert (apart < 1e-6).mean() > 0.5
