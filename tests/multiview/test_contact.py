"""Penetration and contact against closed forms, solid angles and trimesh; degenerate meshes are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from humanav.errors import InputError
from humanav.motion import Motion
from humanav.multiview.contact import clip_contact, contact_counts, contact_f1, penetration, surface_distance

BALL = trimesh.creation.icosphere(4, radius=0.3)
V, F = np.array(BALL.vertices), np.array(BALL.faces)


def motions(body, gap: float, frames: int = 2) -> tuple[Motion, Motion]:
    """Two people in front of each other, facing the same way."""
    pose = np.random.default_rng(3).normal(0, 0.12, (frames, 55, 3)).astype(np.float32)
    pose[:, 0], pose[:, 22:] = 0, 0
    one = Motion.from_full_pose(pose)
    return one, replace(one, transl=one.transl + np.array([0, 0, gap], np.float32))


@pytest.mark.parametrize("apart", [0.1, 0.4, 0.55])
def test_two_balls_share_a_lens(apart: float) -> None:
    met = penetration(V, V + [apart, 0, 0], F)
    lens = np.pi * (1.2 + apart) * (0.6 - apart) ** 2 / 12
    assert met.volume_l == pytest.approx(lens * 1000, rel=0.03)
    assert met.depth_mm == pytest.approx((0.3 - abs(0.3 - apart)) * 1000, rel=0.01)
    assert met.touching
    assert (met.inside_a <= met.contact_a).all()


def test_axis_aligned_boxes_are_no_special_case() -> None:
    box = trimesh.creation.box((1, 1, 1)).subdivide().subdivide()
    v, f = np.array(box.vertices), np.array(box.faces)
    met = penetration(v, v + [0.75, 0, 0.5], f)
    assert met.volume_l == pytest.approx(125, rel=0.01)
    same = penetration(v, v, f)
    assert same.volume_l == pytest.approx(1000, rel=0.02)
    assert same.depth_mm == pytest.approx(0, abs=1e-9)
    assert same.contact_a.all()


def test_touching_without_penetration_and_far_apart() -> None:
    near, far = penetration(V, V + [0.61, 0, 0], F), penetration(V, V + [2, 0, 0], F)
    assert (near.depth_mm, near.volume_l, near.inside_a.any()) == (0, 0, False)
    assert 0 < near.contact_a.sum() < 0.1 * len(V)
    assert not far.touching
    assert np.isnan(contact_f1(far, far))
    assert contact_f1(near, near) == 1
    assert contact_f1(far, near) == 0


def test_one_body_within_the_other() -> None:
    met = penetration(V * 0.5, V, F)
    assert met.inside_a.all()
    assert not met.inside_b.any()
    assert met.depth_mm == pytest.approx(150, abs=2)


def test_order_of_the_bodies_and_place_in_the_world_do_not_matter() -> None:
    a, b = V, V * [1, 0.7, 1.2] + [0.3, 0.1, 0.05]
    one, other = penetration(a, b, F), penetration(b + [5, -3, 2], a + [5, -3, 2], F)
    assert other.depth_mm == pytest.approx(one.depth_mm, abs=1e-6)
    assert other.volume_l == pytest.approx(one.volume_l, rel=0.01)
    assert (other.contact_b == one.contact_a).all()


def solid_angles(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Winding numbers by Van Oosterom and Strackee's formula."""
    out = []
    for p in points:
        a, b, c = (vertices[faces[:, k]] - p for k in range(3))
        x, y, z = (np.linalg.norm(side, axis=1) for side in (a, b, c))
        below = x * y * z + (a * b).sum(1) * z + (b * c).sum(1) * x + (c * a).sum(1) * y
        out.append(np.arctan2(np.einsum("ij,ij->i", a, np.cross(b, c)), below).sum() / (2 * np.pi))
    return np.array(out)


def test_bodies_agree_with_solid_angles_and_trimesh(body, rng) -> None:
    one, other = motions(body, 0.12)
    a, b = (body.from_motion(m, slice(0, 1)).vertices[0].numpy().astype(float) for m in (one, other))
    away, inside = surface_distance(a, b, body.faces, limit=0.02)
    some = rng.choice(len(a), 60, replace=False)
    assert ((solid_angles(a[some], b, body.faces) > 0.5) == inside[some]).all()
    deep = rng.choice(np.flatnonzero(inside), 15, replace=False)
    exact = trimesh.proximity.closest_point_naive(trimesh.Trimesh(b, body.faces, process=False), a[deep])[1]
    assert np.abs(exact - away[deep]).max() < 1e-9
    assert np.isinf(away[~inside & (away > 0.02)]).all()


def test_a_clip_against_itself_and_against_people_further_apart(body) -> None:
    one, other = motions(body, 0.2)
    away = replace(other, transl=other.transl + np.array([0, 0, 1], np.float32))
    both = clip_contact([one, other], body, truth=[one, other])
    assert both.f1 == 1
    assert both.depth_mm.shape == (2, 1)
    assert both.summary()["penetration_mm"] > 5
    assert both.summary()["contact_frames"] == 2
    parted = clip_contact([one, away], body, truth=[one, other], frames=[1])
    assert parted.summary() == {"frames": 1, "contact_frames": 0, "penetration_mm": 0.0, "penetration_max_mm": 0.0,
                                "penetration_mean_mm": 0.0, "penetration_l": 0.0, "contact_f1": 0.0,
                                "truth_penetration_mm": both.truth_depth_mm[1, 0]}
    assert clip_contact([one], body).summary()["penetration_mm"] == 0
    assert clip_contact([one, other, away], body, frames=[0]).pairs == ((0, 1), (0, 2), (1, 2))


def test_what_cannot_be_measured_is_refused(body) -> None:
    with pytest.raises(InputError, match="closed"):
        penetration(V, V, F[1:])
    with pytest.raises(InputError, match="finite"):
        penetration(V * np.nan, V, F)
    with pytest.raises(InputError, match="fit"):
        penetration(V[:10], V, F)
    with pytest.raises(InputError, match="same mesh"):
        contact_counts(penetration(V, V, F), penetration(V, BALL.subdivide().vertices, F,
                                                         faces_b=BALL.subdivide().faces))
    one, other = motions(body, 0.2)
    with pytest.raises(InputError, match="equally many"):
        clip_contact([one, other[0:1]], body)
