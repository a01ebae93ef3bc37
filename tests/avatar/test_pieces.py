"""Parts of the avatar room: atlas, mirror, surface solves, skirt."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.avatar.atlas import enlarge_eyes, fill_gutter, texels
from humanav.avatar.build import body_regions, four_influences
from humanav.avatar.regions import PART, Regions
from humanav.avatar.skirt import join_atlas, join_regions, make_tube
from humanav.avatar.surface import cotangent_laplacian, extend
from humanav.body import BodyModel
from humanav.body.names import JOINT_INDEX


@pytest.fixture(scope="module")
def regions(body: BodyModel) -> Regions:
    return body_regions(body, *four_influences(body.skin_index, body.skin_weight))


def triangle_area(uv: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = (uv[faces[:, k]] for k in range(3))
    b, c = b - a, c - a
    return float(np.abs(b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]).sum() / 2)


@pytest.mark.parametrize("skirt", [False, True])
def test_charts_do_not_overlap(body: BodyModel, skirt: bool) -> None:
    """The charts' areas add up to the area they cover together."""
    rest, joints = (x.numpy() for x in body.rest())
    eyes = joints[[JOINT_INDEX["left_eye"], JOINT_INDEX["right_eye"]]]
    uv = enlarge_eyes(body.uv.astype(np.float32), body.uv_faces, body.faces, rest, eyes)
    uv_faces = body.uv_faces
    if skirt:
        index, weight = four_influences(body.skin_index, body.skin_weight)
        part = body_regions(body, index, weight).part
        uv, uv_faces = join_atlas(uv, uv_faces, make_tube(rest, index, weight, part, joints, 0.9))
    assert uv.min() >= 0
    assert uv.max() <= 1
    covered = len(texels(uv, uv_faces, 2048).place) / 2048**2
    assert triangle_area(uv, uv_faces) == pytest.approx(covered, rel=0.01)


def test_mirror_is_an_involution(regions: Regions, body: BodyModel) -> None:
    assert (regions.mirror[regions.mirror] == np.arange(len(regions.mirror))).mean() > 0.999
    assert (regions.mirror_face >= 0).mean() > 0.99
    face = np.flatnonzero(regions.mirror_face >= 0)[:500]
    corners = np.take_along_axis(body.faces[regions.mirror_face[face]], regions.mirror_corner[face], axis=1)
    assert np.array_equal(corners, regions.mirror[body.faces[face]])


def test_regions_are_where_they_belong(regions: Regions) -> None:
    for side, sign in (("left", 1), ("right", -1)):
        for name in ("hand", "foot", "thigh", "forearm"):
            member = regions.part == PART[f"{side}_{name}"]
            assert (sign * regions.rest[member, 0]).mean() > 0.02
    assert regions.scalp.sum() > 150
    assert regions.rest[regions.face > 0.5, 2].mean() > regions.head_centre[2]


def test_extension_is_constant_for_a_constant(body: BodyModel) -> None:
    rest = body.rest()[0].numpy()
    laplacian, areas = cotangent_laplacian(rest, body.faces)
    weight = np.zeros(len(rest))
    weight[::50] = 1
    assert np.allclose(extend(laplacian, areas, np.full((len(rest), 2), 7.0), weight, 0.02, 7.0), 7, atol=1e-3)


def test_skirt_goes_round_both_legs(body: BodyModel, regions: Regions) -> None:
    rest, joints = (x.numpy() for x in body.rest())
    index, weight = four_influences(body.skin_index, body.skin_weight)
    tube = make_tube(rest, index, weight, regions.part, joints, 1.0)
    assert tube.vertices[:, 1].min() == pytest.approx(joints[JOINT_INDEX["left_knee"], 1], abs=0.03)
    assert np.allclose(tube.weight.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(tube.vertices[tube.mirror] * [-1, 1, 1], tube.vertices, atol=0.02)
    joined = join_regions(regions, tube)
    assert len(joined.part) == len(rest) + len(tube.vertices)
    assert len(joined.mirror_face) == len(body.faces) + len(tube.faces)


def test_gutter_leaves_the_charts_alone(body: BodyModel) -> None:
    atlas = texels(body.uv, body.uv_faces, 256)
    colours = np.random.default_rng(0).integers(1, 255, (len(atlas.place), 3)).astype(np.uint8)
    picture = atlas.picture(colours)
    filled = fill_gutter(picture, atlas)
    assert np.array_equal(filled.reshape(-1, 3)[atlas.place], colours)
    assert (filled > 0).all()
