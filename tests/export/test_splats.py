"""Gaussians as .ply files: the layout of 3DGS, round trips, files of others, and bad ones."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.errors import InputError, StorageError
from humanav.export import Splats, read_splat_ply, write_splat_ply
from humanav.export.splats import C0, matrices_to_quats, quats_to_matrices

FIELDS = ("means", "quats", "scales", "opacities", "rgb")


def cloud(count=50, seed=0):
    rng = np.random.default_rng(seed)
    return Splats(rng.normal(size=(count, 3)), rng.normal(size=(count, 4)), rng.uniform(0.001, 0.05, (count, 3)),
                  rng.uniform(0.02, 0.98, count), rng.uniform(0, 1, (count, 3)))


def values(splats):
    return [getattr(splats, name) for name in FIELDS]


@pytest.mark.parametrize("y_down", [False, True])
def test_round_trip(tmp_path, y_down):
    splats = cloud()
    back = read_splat_ply(write_splat_ply(tmp_path / "a.ply", *values(splats), y_down=y_down), y_down=y_down)
    for name in FIELDS:
        np.testing.assert_allclose(getattr(back, name), getattr(splats, name), rtol=2e-5, atol=1e-6, err_msg=name)


def test_the_layout_is_that_of_3dgs(tmp_path):
    splats = cloud(3)
    data = write_splat_ply(tmp_path / "a.ply", *values(splats), y_down=False).read_bytes()
    head, _, body = data.partition(b"end_header\n")
    lines = head.decode().splitlines()
    assert lines[:3] == ["ply", "format binary_little_endian 1.0", "element vertex 3"]
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2",
             "rot_0", "rot_1", "rot_2", "rot_3"]
    assert lines[3:] == [f"property float {name}" for name in names]
    table = np.frombuffer(body, "<f4").reshape(3, 17)
    np.testing.assert_allclose(table[:, 6:9] * C0 + 0.5, splats.rgb, atol=1e-6)
    np.testing.assert_allclose(1 / (1 + np.exp(-table[:, 9])), splats.opacities, atol=1e-6)
    np.testing.assert_allclose(np.exp(table[:, 10:13]), splats.scales, rtol=1e-5)


def test_y_down_turns_round_x(tmp_path):
    splats = cloud()
    turned = read_splat_ply(write_splat_ply(tmp_path / "a.ply", *values(splats), y_down=True))
    turn = np.diag([1.0, -1.0, -1.0])
    np.testing.assert_allclose(turned.means, splats.means @ turn, atol=1e-6)
    np.testing.assert_allclose(turned.covars, turn @ splats.covars @ turn, atol=1e-7)


def test_opacities_of_zero_and_one_stay_finite(tmp_path):
    splats = cloud(2)
    path = write_splat_ply(tmp_path / "a.ply", splats.means, splats.quats, splats.scales, [0, 1], splats.rgb,
                           y_down=True)
    np.testing.assert_allclose(read_splat_ply(path).opacities, [0, 1], atol=1e-5)


def test_files_of_others(tmp_path):
    """Harmonics, double precision, big endian, another order, more elements."""
    splats = cloud(4)
    names = ["opacity", "x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", *(f"f_rest_{k}" for k in range(45)), "label",
             "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    row = np.dtype([(name, ">u1" if name == "label" else ">f8" if name == "x" else ">f4") for name in names])
    table = np.zeros(4, row)
    table["opacity"] = np.log(splats.opacities / (1 - splats.opacities))
    for k, axis in enumerate("xyz"):
        table[axis], table[f"f_dc_{k}"] = splats.means[:, k], (splats.rgb[:, k] - 0.5) / C0
        table[f"scale_{k}"] = np.log(splats.scales[:, k])
    for k in range(4):
        table[f"rot_{k}"] = 3 * splats.quats[:, k]  # not unit, as training leaves them
    kinds = {"label": "uchar", "x": "double"}
    head = ["ply", "format binary_big_endian 1.0", "comment of another program", "element vertex 4",
            *(f"property {kinds.get(name, 'float')} {name}" for name in names), "element face 0",
            "property list uchar int vertex_indices", "end_header", ""]
    path = tmp_path / "other.ply"
    path.write_bytes("\n".join(head).encode() + table.tobytes())
    back = read_splat_ply(path)
    for name in FIELDS:
        np.testing.assert_allclose(getattr(back, name), getattr(splats, name), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("change", "words"), [
    (lambda d: b"solid", "not a .ply"),
    (lambda d: d[:-8], "cut short"),
    (lambda d: d.replace(b"rot_2", b"rat_2"), "rot_2 is missing"),
    (lambda d: d.replace(b"binary_little_endian", b"ascii"), "text"),
    (lambda d: d.replace(b"property float nx", b"property list uchar int nx"), "list"),
    (lambda d: d.replace(b"element vertex", b"element chunk"), "compressed"),
    (lambda d: d.replace(b"property float ny", b"property float nx"), "twice"),
    (lambda d: d.replace(b"element vertex 50", b"element vertex 0"), "no Gaussians"),
])
def test_bad_files(tmp_path, change, words):
    data = write_splat_ply(tmp_path / "a.ply", *values(cloud()), y_down=True).read_bytes()
    (tmp_path / "bad.ply").write_bytes(change(data))
    with pytest.raises(InputError, match=words):
        read_splat_ply(tmp_path / "bad.ply")


@pytest.mark.parametrize(("name", "value", "words"), [
    ("means", np.full((50, 3), np.nan), "NaN"), ("scales", np.zeros((50, 3)), "positive"),
    ("quats", np.zeros((50, 4)), "zero"), ("rgb", np.zeros((49, 3)), "shape"),
    ("means", np.zeros((0, 3)), "no Gaussians"),
])
def test_bad_gaussians(tmp_path, name, value, words):
    given = {field: getattr(cloud(), field) for field in FIELDS} | {name: value}
    with pytest.raises(InputError, match=words):
        write_splat_ply(tmp_path / "a.ply", **given, y_down=True)
    assert not list(tmp_path.iterdir())


def test_missing_and_unwritable(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_splat_ply(tmp_path / "none.ply")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_splat_ply(tmp_path / "file" / "a.ply", *values(cloud()), y_down=True)


def test_affine_maps_move_covariances(rng):
    splats = cloud()
    blend = np.eye(3) + 0.3 * rng.normal(size=(50, 3, 3))
    moved = splats.transformed(blend, np.ones((50, 3)))
    np.testing.assert_allclose(moved.covars, blend @ splats.covars @ blend.transpose(0, 2, 1), atol=2e-7)
    np.testing.assert_allclose(moved.means, np.einsum("nab,nb->na", blend, splats.means) + 1, atol=1e-5)


def test_quaternions_agree_with_scipy(rng):
    quats = rng.normal(size=(20, 4))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    matrices = quats_to_matrices(quats)
    np.testing.assert_allclose(matrices, Rotation.from_quat(np.roll(quats, -1, 1)).as_matrix(), atol=1e-6)
    back = matrices_to_quats(matrices)
    np.testing.assert_allclose(back * np.sign((back * quats).sum(1, keepdims=True)), quats, atol=1e-6)
