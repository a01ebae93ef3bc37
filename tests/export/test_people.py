"""Several bodies in one GLB: each skinned as the body model says, in its place, the mesh stored once."""

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.export import Companion, write_people_glb
from tests.export.glb_reader import Glb
from tests.export.test_gltf import assert_valid, dance


@pytest.fixture(scope="module")
def people(tmp_path_factory, body):
    motions = {"Before": dance(seed=1), "After": dance(seed=2)}
    path = tmp_path_factory.mktemp("people") / "people.glb"
    return write_people_glb(body, None, {name: Companion(motion, (0.5, 0.2, 0.1)) for name, motion in motions.items()},
                            path), motions


def test_each_moves_as_the_body_does(people, body):
    path, motions = people
    for k, (name, motion) in enumerate(motions.items()):
        glb = Glb(path)
        glb.json["skins"] = glb.json["skins"][k:]
        expected = body.from_motion(motion, slice(7, 8)).vertices[0].numpy() + np.array([1.2 * k - 0.6, 0, 0])
        assert np.abs(glb.skin("motion", 7 / 30) - expected).max() < 1e-3, name


def test_they_share_a_mesh_and_have_names(people):
    path, motions = people
    doc = Glb(path).json
    assert [node["extras"]["person"] for node in doc["nodes"] if "extras" in node] == list(motions)
    primitives = [mesh["primitives"][0] for mesh in doc["meshes"]]
    assert primitives[0]["attributes"] == primitives[1]["attributes"]
    assert [material["name"] for material in doc["materials"]] == list(motions)
    assert len({node["name"] for node in doc["nodes"]}) == len(doc["nodes"])
    assert path.stat().st_size < 1.2e6


def test_khronos_finds_nothing(people):
    assert_valid(people[0])


def test_nobody(tmp_path, body):
    with pytest.raises(InputError, match="nobody"):
        write_people_glb(body, None, {}, tmp_path / "a.glb")
