"""Building avatars from synthetic photos with the true fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.avatar import Avatar, View, build_avatar
from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.render import render_mesh
from tests.avatar.conftest import Case


def draw(avatar: Avatar, view: View, camera: Camera | None = None) -> tuple[np.ndarray, np.ndarray]:
    posed = avatar.pose(view.motion.full_pose[0], view.motion.transl[0])
    return render_mesh(posed, avatar.faces, camera or view.camera, texture=avatar.texture, uv=avatar.uv,
                       uv_faces=avatar.uv_faces, unlit=True, background=(0, 0, 0))


def psnr(a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> float:
    error = (a[mask].astype(float) - b[mask].astype(float)) ** 2
    return float(10 * np.log10(255**2 / error.mean()))


def on_black(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return (image * alpha[..., None]).astype(np.uint8)


def test_the_photo_is_reproduced(avatar: Avatar, case: Case) -> None:
    picture, alpha = draw(avatar, case.front)
    truth = on_black(case.photo.image, case.photo.mask)
    union = (alpha > 0.5) | (case.photo.mask > 0.5)
    assert psnr(picture, truth, union) > 25
    both = (alpha > 0.5) & (case.photo.mask > 0.5)
    assert both.sum() / union.sum() > 0.96


def test_from_the_side_it_beats_a_body_of_mean_colour(avatar: Avatar, case: Case, body: BodyModel) -> None:
    centre = case.photo.joints[0]
    eye = -case.photo.camera.R.T @ case.photo.camera.t - centre
    c, s = np.cos(np.pi / 4), np.sin(np.pi / 4)
    turned = centre + np.array([c * eye[0] + s * eye[2], eye[1], -s * eye[0] + c * eye[2]])
    camera = Camera.look_at(turned, centre, 400, 600, case.photo.camera.focal)
    truth, mask = case.photo.person.render(camera, (0, 0, 0))
    picture, alpha = draw(avatar, case.front, camera)
    colour = case.photo.image[case.photo.mask > 0.9].mean(axis=0)
    flat = np.broadcast_to(colour, (len(body.v_template), 3)).astype(np.uint8)
    vertices = body.from_motion(case.photo.motion).vertices[0].numpy()
    plain, plain_alpha = render_mesh(vertices, body.faces, camera, vertex_colors=flat, unlit=True, background=(0, 0, 0))
    ours = psnr(picture, truth, (alpha > 0.5) | (mask > 0.5))
    assert ours > 18
    assert ours > psnr(plain, truth, (plain_alpha > 0.5) | (mask > 0.5)) + 2


def test_a_back_photo_is_used(avatar: Avatar, case: Case, body: BodyModel) -> None:
    both = build_avatar([case.front, case.back], case.photo.betas, body, texture_size=1024)
    truth = on_black(case.behind, case.behind_alpha)
    scores = []
    for candidate in (avatar, both):
        picture, alpha = draw(candidate, case.back)
        scores.append(psnr(picture, truth, (alpha > 0.5) | (case.behind_alpha > 0.5)))
    assert scores[1] > scores[0] + 3
    assert (both.confidence > 128).sum() > 1.5 * (avatar.confidence > 128).sum()


def test_it_is_deterministic(avatar: Avatar, case: Case, body: BodyModel) -> None:
    again = build_avatar([case.front], case.photo.betas, body, texture_size=1024)
    assert np.array_equal(again.vertices, avatar.vertices)
    assert np.array_equal(again.texture, avatar.texture)


def test_weights_and_texture_are_whole(avatar: Avatar) -> None:
    assert avatar.texture.shape == (1024, 1024, 3)
    assert np.allclose(avatar.skin_weight.sum(axis=1), 1, atol=1e-5)
    assert np.isfinite(avatar.vertices).all()
    assert avatar.parts["body"] == (0, len(avatar.faces))
    assert avatar.notes == ()


def test_a_cropped_person_is_completed_and_marked(case: Case, body: BodyModel) -> None:
    rows = np.flatnonzero((case.photo.mask > 0.5).any(axis=1))
    cut = int(rows[0] + 0.55 * (rows[-1] - rows[0]))
    view = replace(case.front, image=case.photo.image[:cut], alpha=case.photo.mask[:cut],
                   camera=case.front.camera.cropped(0, 0, 400, cut))
    avatar = build_avatar([view], case.photo.betas, body, texture_size=512)
    assert any("feet" in note for note in avatar.notes)
    assert np.isfinite(avatar.vertices).all()


@pytest.mark.parametrize("change", [
    {"alpha": np.zeros((600, 400), np.float32)}, {"alpha": np.zeros((10, 10), np.float32)},
    {"image": np.zeros((600, 400), np.uint8)}, {"alpha": np.full((600, 400), np.nan, np.float32)},
])
def test_bad_views_are_input_errors(case: Case, body: BodyModel, change: dict) -> None:
    with pytest.raises(InputError):
        build_avatar([replace(case.front, **change)], case.photo.betas, body, texture_size=256)


def test_no_view_and_odd_texture_are_input_errors(case: Case, body: BodyModel) -> None:
    with pytest.raises(InputError):
        build_avatar([], case.photo.betas, body)
    with pytest.raises(InputError):
        build_avatar([case.front], case.photo.betas, body, texture_size=1000)
