"""Colours, texture sampling, anti-aliasing and the light."""

import numpy as np
import pytest
import trimesh

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.render import TexturePyramid, rasterize_mesh, render_mesh

SQUARE = np.array([[-1, -1, -2.0], [1, -1, -2], [1, 1, -2], [-1, 1, -2]])
FACES = np.array([[0, 1, 2], [0, 2, 3]])
UV = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])


def test_unlit_texture_comes_back_texel_by_texel():
    texture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    camera = Camera.from_focal(16, 16, 16)  # the square fills the picture exactly
    rgb, alpha = render_mesh(SQUARE, FACES, camera, texture=texture, uv=UV, uv_faces=FACES, unlit=True, supersample=1)
    assert np.abs(rgb.astype(int) - texture).max() <= 1  # v is up: row 0 of the texture is the top of the picture
    assert (alpha == 1).all()


def test_perspective_correct_texture():
    tilted = np.array([[-1, -1, -1.5], [1, -1, -1.5], [1, 1, -4], [-1, 1, -4.0]])
    ramp = np.repeat(np.linspace(255, 0, 256).round().astype(np.uint8)[:, None, None], 8, 1).repeat(3, 2)
    camera = Camera.from_focal(40, 40, 40)
    rgb, alpha = render_mesh(tilted, FACES, camera, texture=ramp, uv=UV, uv_faces=FACES, unlit=True, supersample=1)
    row = 20
    ray = (row + 0.5 - 20) / 40
    v = (1 - 1.5 * ray) / (2 + 2.5 * ray)  # where the ray meets the plane (y = 2v - 1, z = 1.5 + 2.5v)
    assert alpha[row, 20] == 1
    assert rgb[row, 20, 0] == pytest.approx(255 * v, abs=2)


def test_edges_are_averaged_and_composited():
    half = SQUARE.copy()
    half[[1, 2], 0] = 0.03125  # the edge lies a quarter into a pixel: half a sub-pixel column of two
    camera = Camera.from_focal(16, 16, 16)
    rgb, alpha = render_mesh(half, FACES, camera, color=(0, 0, 0), unlit=True, background=(200, 100, 0))
    assert (alpha[:, :8] == 1).all()
    assert (alpha[:, 9:] == 0).all()
    assert set(np.unique(alpha[:, 8])) <= {0.0, 0.5}
    np.testing.assert_array_equal(rgb[8, 12], (200, 100, 0))
    np.testing.assert_array_equal(rgb[8, 2], (0, 0, 0))
    cut_out, alpha = render_mesh(half, FACES, camera, color=(250, 10, 20), unlit=True, background=None)
    assert (cut_out[alpha > 0] == (250, 10, 20)).all()  # not darkened at the edge
    assert (cut_out[alpha == 0] == 0).all()


def test_picture_as_background_and_vertex_colours():
    camera = Camera.from_focal(16, 16, 4)
    photo = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], dtype=np.uint8)
    rgb, alpha = render_mesh(SQUARE, FACES, camera, vertex_colors=colors, unlit=True, background=photo)
    np.testing.assert_array_equal(rgb[alpha == 0], photo[alpha == 0])
    floats, _ = render_mesh(SQUARE, FACES, camera, vertex_colors=colors / 255, unlit=True, background=photo)
    np.testing.assert_array_equal(rgb, floats)


def test_light_comes_from_above_and_the_back_is_lit_too():
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=0.5)
    for yaw in (0, 180):
        camera = Camera.orbit([0, 0, 0], 2, yaw, 0, 64, 64)
        rgb, alpha = render_mesh(sphere.vertices, sphere.faces, camera)
        bright = rgb.mean(-1)
        inside = alpha == 1
        assert bright[:32][inside[:32]].mean() > bright[32:][inside[32:]].mean() + 15
        assert 120 < bright[inside].mean() < 225
        assert rgb[inside].max() < 255


def test_small_pictures_take_a_small_texture():
    checker = np.indices((512, 512)).sum(0) % 2 * 255
    texture = np.repeat(checker[..., None], 3, -1).astype(np.uint8)
    pyramid = TexturePyramid(texture)
    assert [level.shape[0] for level in pyramid.levels] == [512, 256, 128, 64]
    camera = Camera.from_focal(32, 32, 32)
    rgb, _ = render_mesh(SQUARE, FACES, camera, texture=pyramid, uv=UV, uv_faces=FACES, unlit=True)
    assert np.abs(rgb.astype(int) - 128).max() <= 2


def test_known_buffers_are_used():
    camera = Camera.from_focal(16, 16, 12)
    buffers = rasterize_mesh(SQUARE, FACES, camera.scaled(2))
    given, _ = render_mesh(SQUARE, FACES, camera, buffers=buffers)
    np.testing.assert_array_equal(given, render_mesh(SQUARE, FACES, camera)[0])


def test_an_empty_mesh_is_the_background():
    rgb, alpha = render_mesh(np.zeros((0, 3)), np.zeros((0, 3), int), Camera.from_focal(4, 4), background=(9, 8, 7))
    assert (rgb == (9, 8, 7)).all()
    assert not alpha.any()


@pytest.mark.parametrize("wrong", [
    {"vertex_colors": np.zeros((3, 3))}, {"color": (1, 2)}, {"background": np.zeros((3, 3, 3), np.uint8)},
    {"texture": np.zeros((4, 4, 3), np.uint8)}, {"texture": np.zeros((4, 4), np.uint8), "uv": UV, "uv_faces": FACES},
    {"texture": np.zeros((4, 4, 3), np.uint8), "uv": UV, "uv_faces": FACES[:1]},
    {"buffers": rasterize_mesh(SQUARE, FACES, Camera.from_focal(4, 4))},
])
def test_wrong_arguments(wrong):
    with pytest.raises(InputError):
        render_mesh(SQUARE, FACES, Camera.from_focal(8, 8), **wrong)
