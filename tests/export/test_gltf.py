"""GLB files: structure, skinning against the body model, Khronos' validator where node has it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav import paths
from humanav.body.names import JOINT_NAMES, PARENTS
from humanav.errors import InputError, StorageError
from humanav.export import SkinnedMesh, write_body_glb, write_glb, write_ply
from humanav.export.gltf import axis_angle_to_quat_xyzw
from humanav.motion import Motion
from tests.export.glb_reader import Glb


def person(seed=0, texture_size=64):
    """A tetrahedron round each joint, softly skinned, with two texture seams each."""
    rng = np.random.default_rng(seed)
    joints = np.zeros((55, 3))
    for j in range(1, 55):
        joints[j] = joints[PARENTS[j]] + rng.normal(size=3) * 0.15
    corner = np.array([[1, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]]) * 0.05
    vertices = (joints[:, None] + corner).reshape(-1, 3)
    faces = (np.arange(55)[:, None, None] * 4 + np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])).reshape(-1, 3)
    index = np.stack([np.repeat(np.arange(55), 4), rng.integers(0, 55, 220), rng.integers(0, 55, 220),
                      np.zeros(220, int)], 1).astype(np.uint8)
    weight = rng.random((220, 4)).astype(np.float32) * (1, 0.5, 0.2, 0)
    weight /= weight.sum(1, keepdims=True)
    uv = rng.random((300, 2))
    texture = rng.integers(0, 256, (texture_size, texture_size, 3), dtype=np.uint8)
    return SkinnedMesh(vertices, faces, joints, index, weight, uv, rng.integers(0, 300, faces.shape), texture)


def dance(frames=20, seed=1, fps=30.0, name="dance"):
    rng = np.random.default_rng(seed)
    start, end = rng.normal(size=(2, 55, 3)) * 0.8
    pose = start + np.linspace(0, 1, frames)[:, None, None] * (end - start)
    pose[:, 30:] = 0
    pose[:, 12] = (0.3, 0, 0)
    return Motion.from_full_pose(pose, fps, transl=np.cumsum(rng.normal(size=(frames, 3)) * 0.02, 0), name=name)


def skin_by_hand(mesh, motion, frame):
    """Linear blend skinning straight from its definition."""
    local = Rotation.from_rotvec(motion.full_pose[frame].reshape(-1, 3)).as_matrix()
    world = np.zeros((55, 4, 4))
    for j in range(55):
        matrix = np.eye(4)
        matrix[:3, :3] = local[j]
        matrix[:3, 3] = mesh.joints[j] - (mesh.joints[PARENTS[j]] if j else 0)
        world[j] = world[PARENTS[j]] @ matrix if j else matrix
    moved = np.einsum("jab,vjb->vja", world[:, :3, :3], mesh.vertices[:, None] - mesh.joints) + world[:, :3, 3]
    dense = np.zeros((len(mesh.vertices), 55))
    np.add.at(dense, (np.arange(len(dense))[:, None], mesh.skin_index), mesh.skin_weight)
    return np.einsum("vj,vja->va", dense, moved) + motion.transl[frame]


def validator_script():
    """The folder of Khronos' gltf-validator package, or a skip."""
    candidates = [Path(p) for p in (os.environ.get("GLTF_VALIDATOR", ""), "node_modules/gltf-validator") if p]
    found = next((p for p in candidates if p.is_dir()), None)
    if found is None or shutil.which("node") is None:
        pytest.skip("needs node and GLTF_VALIDATOR=the gltf-validator package (npm i gltf-validator)")
    return found.resolve()


def assert_valid(path):
    code = ("const v=require(process.argv[1]);v.validateBytes(new Uint8Array(require('fs').readFileSync("
            "process.argv[2]))).then(r=>console.log(JSON.stringify(r.issues)))")
    run = subprocess.run(["node", "-e", code, str(validator_script()), str(path)], capture_output=True, text=True,
                         check=True)
    issues = json.loads(run.stdout)
    assert issues["numErrors"] == issues["numWarnings"] == 0, issues["messages"][:5]


def test_structure(tmp_path):
    glb = Glb(write_glb(person(), tmp_path / "a.glb", {"one": dance(), "two": dance(30, 2)}))
    doc = glb.json
    assert [n["name"] for n in doc["nodes"][1:]] == list(JOINT_NAMES)
    assert doc["skins"][0]["joints"] == list(range(1, 56))
    assert set(doc["scenes"][0]["nodes"]) == {0, 1}
    assert [a["name"] for a in doc["animations"]] == ["one", "two"]
    assert doc["asset"]["version"] == "2.0"
    assert doc["asset"]["generator"].startswith("humanav ")
    assert doc["asset"]["extras"]["units"] == "metres"
    assert doc["extensionsUsed"] == ["KHR_materials_unlit"]
    assert doc["materials"][0]["doubleSided"] is True
    weights = glb.attribute("WEIGHTS_0")
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    assert not glb.attribute("JOINTS_0")[weights == 0].any()
    for index in range(len(doc["accessors"])):
        assert np.isfinite(glb.array(index)).all()  # and checks its bounds
    for animation in doc["animations"]:
        moving = {c["target"]["node"] - 1 for c in animation["channels"]}
        assert moving == set(range(30))  # the still fingers have no channel
        for channel in animation["channels"]:
            sampler = animation["samplers"][channel["sampler"]]
            assert (np.diff(glb.array(sampler["input"])[:, 0]) > 0).all()
            if channel["target"]["path"] == "rotation":
                q = glb.array(sampler["output"])
                np.testing.assert_allclose(np.linalg.norm(q, axis=1), 1, atol=1e-6)
                assert ((q[1:] * q[:-1]).sum(1) > 0).all()
                still = channel["target"]["node"] == 13
                assert len(q) == (2 if still else (20 if animation["name"] == "one" else 30))


@pytest.mark.parametrize("size", [64, 320])
def test_seams_and_texture(tmp_path, size):
    mesh = person(texture_size=size)  # of pure noise
    glb = Glb(write_glb(mesh, tmp_path / "a.glb"))
    triangles, uv = glb.triangles, glb.attribute("TEXCOORD_0")
    np.testing.assert_allclose(glb.attribute("POSITION")[triangles], mesh.vertices[mesh.faces], atol=1e-6)
    np.testing.assert_allclose(uv[triangles], mesh.uv[mesh.uv_faces] * (1, -1) + (0, 1), atol=1e-6)
    assert "animations" not in glb.json
    from io import BytesIO

    from PIL import Image

    picture = Image.open(BytesIO(glb.view(glb.json["images"][0]["bufferView"])))
    assert (picture.format, picture.size) == ("JPEG", (size, size))


def test_skinning_is_ours(tmp_path):
    mesh, motion = person(), dance()
    glb = Glb(write_glb(mesh, tmp_path / "a.glb", motion))
    order = np.zeros(len(glb.attribute("POSITION")), int)
    order[glb.triangles.ravel()] = mesh.faces.ravel()
    np.testing.assert_allclose(glb.skin(), mesh.vertices[order], atol=1e-6)
    for frame in (0, 7, 19):
        expected = skin_by_hand(mesh, motion, frame)[order]
        np.testing.assert_allclose(glb.skin("dance", frame / 30), expected, atol=2e-5)


def test_body_model_agrees(tmp_path):
    body_room = pytest.importorskip("humanav.body")
    if not paths.asset("body", "humanav_body.npz").exists() or not hasattr(body_room, "BodyModel"):
        pytest.skip("no body file")
    body = body_room.BodyModel.load()
    motion = dance().with_betas(np.linspace(1, -1, 10))
    glb = Glb(write_body_glb(body, motion.betas, [motion], tmp_path / "body.glb"))
    assert (tmp_path / "body.glb").stat().st_size < 2e6
    assert "extensionsUsed" not in glb.json
    for frame in (0, 13):
        posed = body.from_motion(motion, slice(frame, frame + 1)).vertices[0].detach().numpy()
        assert np.abs(glb.skin("dance", frame / 30) - posed).max() < 1e-4


@pytest.mark.parametrize("options", [{}, {"unlit": False, "double_sided": False}])
def test_khronos_validator(tmp_path, options):
    still = Motion.from_full_pose(np.zeros((1, 22, 3)), name="pose")
    path = write_glb(person(), tmp_path / "a.glb", {"a": dance(), "b": dance(2, 3), "c": still}, **options)
    assert_valid(path)
    plain = person()
    bare = SkinnedMesh(plain.vertices, plain.faces, plain.joints, plain.skin_index, plain.skin_weight)
    assert_valid(write_glb(bare, tmp_path / "b.glb"))


def test_large_texture_stays_small_and_frames_are_thinned(tmp_path):
    mesh = person(texture_size=2048)
    smooth = np.kron(mesh.texture[::64, ::64], np.ones((64, 64, 1), np.uint8))
    mesh = SkinnedMesh(mesh.vertices, mesh.faces, mesh.joints, mesh.skin_index, mesh.skin_weight, mesh.uv,
                       mesh.uv_faces, smooth)
    path = write_glb(mesh, tmp_path / "a.glb", dance(240, fps=120.0))
    assert path.stat().st_size < 8e6
    glb = Glb(path)
    times = glb.array(glb.animation("dance")["samplers"][0]["input"])[:, 0]
    assert np.diff(times).min() > 1 / 31
    assert times[-1] == pytest.approx(239 / 120, abs=1 / 30)


def test_one_shape_for_names():
    motions = [dance(name=""), dance(name="walk")]
    from humanav.export.gltf import _named

    assert [n for n, _ in _named(motions)] == ["motion 1", "walk"]
    assert [n for n, _ in _named(motions[1])] == ["walk"]


def test_quaternions_do_not_flip():
    angles = np.linspace(0, 4 * np.pi, 60)
    q = axis_angle_to_quat_xyzw(np.stack([angles * 0, angles, angles * 0], 1)[:, None])[:, 0]
    assert ((q[1:] * q[:-1]).sum(1) > 0.9).all()
    wrapped = Rotation.from_rotvec(np.stack([angles * 0, angles, angles * 0], 1)).as_rotvec()
    q = axis_angle_to_quat_xyzw(wrapped[:, None])[:, 0]
    assert ((q[1:] * q[:-1]).sum(1) > 0.9).all()


@pytest.mark.parametrize("change", [
    {"vertices": np.full((220, 3), np.nan)}, {"faces": np.array([[0, 1, 999]])}, {"joints": np.zeros((22, 3))},
    {"skin_weight": np.zeros((220, 4))}, {"skin_index": np.zeros((3, 4), int)}, {"uv": None},
])
def test_bad_avatars(tmp_path, change):
    mesh = person()
    with pytest.raises(InputError):
        write_glb(SkinnedMesh(**{**mesh.__dict__, **change}), tmp_path / "a.glb")
    assert not list(tmp_path.iterdir())


def test_refused_writes(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_glb(person(), tmp_path / "file" / "a.glb")
    target = tmp_path / "taken.glb"
    target.mkdir()
    with pytest.raises(StorageError):
        write_glb(person(), target)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "taken.glb"]


def test_ply(tmp_path):
    import trimesh

    mesh = person()
    colors = np.random.default_rng(0).integers(0, 256, (220, 3), dtype=np.uint8)
    back = trimesh.load(write_ply(mesh.vertices, mesh.faces, tmp_path / "a.ply", colors), process=False)
    np.testing.assert_allclose(back.vertices, mesh.vertices, atol=1e-6)
    np.testing.assert_array_equal(back.visual.vertex_colors[:, :3], colors)
