"""ASF/AMC: the Acclaim convention, agreement with an independent reading of CMU's files, and damaged files."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.errors import MotionFileError
from humanav.motion import load_motion, read_amc, read_motion, resample
from humanav.motion.asf import find_asf, parse_amc, parse_asf
from humanav.motion.rest import rest_joints
from tests.motion.captures import captured

BONES = {  # name: parent, direction, length, axis, dofs
    "lhipjoint": ("root", (0.66, -0.71, 0.25), 2.5, (0, 0, 0), ""),
    "lfemur": ("lhipjoint", (0.342020143, -0.939692621, 0), 7.6, (0, 0, 20), "rx ry rz"),
    "ltibia": ("lfemur", (0.342020143, -0.939692621, 0), 7.3, (0, 0, 20), "rx"),
    "lfoot": ("ltibia", (0.0887, -0.2437, 0.9658), 2.2, (-90, 0, 20), "rx rz"),
    "ltoes": ("lfoot", (0, 0, 1), 1.1, (-90, 0, 20), "rx"),
    "rhipjoint": ("root", (-0.66, -0.71, 0.25), 2.5, (0, 0, 0), ""),
    "rfemur": ("rhipjoint", (-0.342020143, -0.939692621, 0), 7.6, (0, 0, -20), "rx ry rz"),
    "rtibia": ("rfemur", (-0.342020143, -0.939692621, 0), 7.3, (0, 0, -20), "rx"),
    "rfoot": ("rtibia", (-0.0887, -0.2437, 0.9658), 2.2, (-90, 0, -20), "rx rz"),
    "rtoes": ("rfoot", (0, 0, 1), 1.1, (-90, 0, -20), "rx"),
    "lowerback": ("root", (0, 1, 0), 2.1, (0, 0, 0), "rx ry rz"),
    "thorax": ("lowerback", (0, 1, 0), 4.1, (0, 0, 0), "rx ry rz"),
    "head": ("thorax", (0, 1, 0), 4, (0, 0, 0), "rx ry rz"),
    "lhumerus": ("thorax", (1, 0, 0), 5, (180, -30, -90), "rx ry rz"),
    "lradius": ("lhumerus", (1, 0, 0), 3.3, (180, -30, -90), "rx"),
    "lwrist": ("lradius", (1, 0, 0), 1.7, (0, 90, 90), "ry"),
    "lhand": ("lwrist", (1, 0, 0), 0.7, (0, 90, 90), "rx rz"),
    "rhumerus": ("thorax", (-1, 0, 0), 5, (180, 30, 90), "rx ry rz"),
    "rradius": ("rhumerus", (-1, 0, 0), 3.3, (180, 30, 90), "rx"),
    "rwrist": ("rradius", (-1, 0, 0), 1.7, (0, -90, -90), "ry"),
    "rhand": ("rwrist", (-1, 0, 0), 0.7, (0, -90, -90), "rx rz"),
}


def asf_text(angle: str = "deg") -> str:
    factor = 1 if angle == "deg" else np.pi / 180
    lines = ["# a comment", ":version 1.10", ":name TEST", ":units", "  mass 1.0", "  length 0.45", f"  angle {angle}",
             ":root", "   order TX TY TZ RX RY RZ", "   axis XYZ", "   position 0 0 0", "   orientation 0 0 0",
             ":bonedata"]
    for k, (name, (_, direction, length, axis, dofs)) in enumerate(BONES.items()):
        turned = " ".join(str(factor * a) for a in axis)
        lines += ["  begin", f"     id {k + 1}", f"     name {name}",
                  "     direction " + " ".join(map(str, direction)), f"     length {length}",
                  f"     axis {turned}  XYZ", *([f"    dof {dofs}"] if dofs else []), "  end"]
    lines += [":hierarchy", "  begin"]
    for parent in ("root", *BONES):
        children = [name for name, row in BONES.items() if row[0] == parent]
        lines += [f"    {parent} {' '.join(children)}"] if children else []
    return "\n".join([*lines, "  end", ""])


def amc_rows(frames: int = 6) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    size = {name: len(row[4].split()) for name, row in BONES.items() if row[4]}
    ends = [{name: rng.uniform(-40, 40, n) for name, n in size.items()} for _ in range(2)]
    return [{"root": np.r_[0.5 * t, 16.5, t, 10 * t, 20, 5]} | {
        name: ends[0][name] + t / frames * (ends[1][name] - ends[0][name]) for name in size} for t in range(frames)]


def amc_text(rows: list[dict[str, np.ndarray]], header: str = ":FULLY-SPECIFIED\n:DEGREES\n") -> str:
    return "#!OML:ASF\n" + header + "".join(
        f"{k + 1}\n" + "".join(f"{name} {' '.join(map(repr, map(float, row)))}\n" for name, row in frame.items())
        for k, frame in enumerate(rows))


@pytest.fixture
def take(tmp_path):
    """A skeleton and a motion on it."""
    (tmp_path / "07.asf").write_text(asf_text())
    (tmp_path / "07_01.amc").write_text(amc_text(amc_rows()))
    return tmp_path / "07_01.amc"


def test_rotations_follow_the_acclaim_convention(take):
    """Local = C Rz Ry Rx C^-1 with matrices written out, and positions along the bones."""
    source, rows = parse_amc(take), amc_rows()

    def turn(axis, degrees):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return np.array({"x": [[1, 0, 0], [0, c, -s], [0, s, c]], "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
                         "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]]}[axis])

    for name, (_, _, _, axis, dofs) in BONES.items():
        frame = turn("z", axis[2]) @ turn("y", axis[1]) @ turn("x", axis[0])
        angles = dict(zip(dofs.split(), rows[3].get(name, ())))
        local = turn("z", angles.get("rz", 0)) @ turn("y", angles.get("ry", 0)) @ turn("x", angles.get("rx", 0))
        np.testing.assert_allclose(source.rotations[3, source.names.index(name)], frame @ local @ frame.T, atol=1e-9)
    unit = 0.0254 / 0.45
    np.testing.assert_allclose(source.positions[3, 0], np.array([1.5, 16.5, 3]) * unit)
    direction = np.array(BONES["lfemur"][1])
    np.testing.assert_allclose(source.offsets[source.names.index("ltibia")], direction * 7.6 * unit, atol=1e-6)


def test_retargeting_puts_the_legs_under_the_body(take, tmp_path, body):
    """With no angles at all the file's legs are splayed by 20 degrees, and so are ours; the feet are carried along."""
    still = [{name: np.zeros_like(row) for name, row in amc_rows(1)[0].items()}]
    (tmp_path / "still.amc").write_text(amc_text(still))
    motion = read_amc(tmp_path / "still.amc", take.with_name("07.asf"), body)
    hip = np.degrees(motion.body_pose[0, 0])
    np.testing.assert_allclose(hip, [0, 0, 20], atol=1e-3)
    rest = np.delete(motion.full_pose[0], [1, 2], axis=0)
    assert np.degrees(np.abs(rest)).max() < 0.1


def test_asf_beside_the_amc_is_found(take, tmp_path):
    assert find_asf(take) == (tmp_path / "07.asf", [])
    (tmp_path / "08.asf").write_text(asf_text())
    (tmp_path / "08_02_cut.amc").write_text(amc_text(amc_rows()))
    assert find_asf(tmp_path / "08_02_cut.amc")[0].name == "08.asf"
    (tmp_path / "other.amc").write_text(amc_text(amc_rows()))
    with pytest.raises(MotionFileError, match=r"needs its skeleton: put other\.asf"):
        load_motion(tmp_path / "other.amc")
    (tmp_path / "08.asf").unlink()
    assert "only one beside" in find_asf(tmp_path / "other.amc")[1][0]


def test_amc_and_asf_may_be_given_in_either_order(take, tmp_path):
    skeleton = tmp_path / "elsewhere.asf"
    (tmp_path / "07.asf").rename(skeleton)
    one, other = load_motion(take, asf=skeleton), load_motion(skeleton, asf=take)
    np.testing.assert_array_equal(one.full_pose, other.full_pose)
    with pytest.raises(MotionFileError, match="skeleton without motion"):
        load_motion(skeleton)


def test_frame_rate_is_assumed_and_said(take):
    loaded = read_motion(take)
    assert loaded.motion.fps == 120
    assert any("120 frames a second" in note for note in loaded.notes)
    given = read_motion(take, fps=60)
    assert given.motion.fps == 60
    assert given.notes == ()


@pytest.mark.parametrize("encode", [
    lambda text: text.replace("\n", "\r\n").encode(), lambda text: text.encode("utf-16"),
    lambda text: ("\ufeff" + text).encode(), lambda text: text.encode("utf-16-le"),
    lambda text: text.replace("a comment", "caf\xe9").encode("latin-1"), lambda text: text.replace(" ", "\t").encode(),
], ids=["CRLF", "UTF-16", "UTF-8 mark", "UTF-16 without mark", "Latin-1", "tabs"])
def test_line_ends_and_encodings(take, tmp_path, encode):
    whole = load_motion(take)
    for path, text in ((take, amc_text(amc_rows())), (tmp_path / "07.asf", asf_text())):
        path.write_bytes(encode(text))
    np.testing.assert_array_equal(load_motion(take).full_pose, whole.full_pose)


def test_radians_said_and_unsaid(take, tmp_path):
    whole = load_motion(take)
    rows = [{name: np.r_[row[:3], np.radians(row[3:])] if name == "root" else np.radians(row)
             for name, row in frame.items()} for frame in amc_rows()]
    take.write_text(amc_text(rows, ":FULLY-SPECIFIED\n:RADIANS\n"))
    np.testing.assert_allclose(load_motion(take).full_pose, whole.full_pose, atol=1e-5)
    (tmp_path / "07.asf").write_text(asf_text("rad"))
    take.write_text(amc_text(rows, ""))
    np.testing.assert_allclose(load_motion(take).full_pose, whole.full_pose, atol=1e-5)
    (tmp_path / "07.asf").write_text(asf_text("deg"))
    loaded = read_motion(take)
    np.testing.assert_allclose(loaded.motion.full_pose, whole.full_pose, atol=1e-5)
    assert any("radians were assumed" in note for note in loaded.notes)


def test_missing_bones_are_interpolated_and_said(take):
    whole, rows = load_motion(take), amc_rows()
    del rows[2]["ltibia"]
    rows[3]["rhumerus"] = np.array([np.nan, 0, 0])
    take.write_text(amc_text(rows))
    loaded = read_motion(take)
    names = [(frame, joint) for frame, joint in np.argwhere(loaded.missing)]
    assert (2, 4) in names
    assert (3, 17) in names
    assert all("2 of 6 frames" in note for note in loaded.notes if "interpolated" in note)
    np.testing.assert_allclose(loaded.motion.full_pose[:, 4], whole.full_pose[:, 4], atol=1e-4)  # one axis: exact
    assert Rotation.from_rotvec(loaded.motion.full_pose[3, 17]).magnitude() > 0


def test_missing_frame_numbers_are_gaps(take):
    whole, rows = load_motion(take), amc_rows()
    text = amc_text(rows)
    start, end = text.index("\n3\n"), text.index("\n4\n")
    take.write_text(text[:start] + text[end:])
    loaded = read_motion(take)
    assert len(loaded.motion) == 6
    assert loaded.missing[2, 0]
    np.testing.assert_allclose(loaded.motion.transl, whole.transl, atol=2e-3)


def test_truncated_motion_keeps_its_whole_frames(take):
    text = take.read_text()
    take.write_text(text[: text.rindex("lhumerus") + 14])
    loaded = read_motion(take)
    assert len(loaded.motion) == 5
    assert any("ends in the middle of frame 6" in note for note in loaded.notes)
    take.write_text(text[: text.rindex("lhumerus") + 3])
    loaded = read_motion(take)
    assert len(loaded.motion) == 5
    assert not any("not in the skeleton" in note for note in loaded.notes)


def test_one_frame(take):
    take.write_text(amc_text(amc_rows(1)))
    assert len(load_motion(take)) == 1


def bad_files():
    asf, amc = asf_text(), amc_text(amc_rows())
    yield asf[: asf.index(":hierarchy")], amc, "ends early, it has no :hierarchy"
    yield asf[: asf.index("name lhand")], amc, "ends early"
    yield asf.replace(":bonedata", ":stuff"), amc, "no :bonedata"
    yield "hello", amc, "not an ASF skeleton"
    yield asf.replace("direction 1 0 0", "direction one 0 0"), amc, "damaged"
    yield asf.replace("axis XYZ", "axis XYQ"), amc, "damaged"
    yield asf.replace("lfemur ltibia", "lfemur tail"), amc, "tail is not described"
    yield asf.replace("    ltibia lfoot", "    ltibia lfoot lfemur"), amc, "two parents"
    yield asf, amc.replace("lfemur", "abc").replace("root", "pelvis"), "pelvis|not an AMC"
    yield asf.replace("dof rx ry rz", "dof rx"), amc, "belongs to another skeleton"
    yield asf, ":FULLY-SPECIFIED\n:DEGREES\n", "no numbered frames"
    yield asf, ":DEGREES\n1\nroot nan nan nan nan nan nan\nlfemur x y z\n", "no frame whose numbers"
    yield "", amc, "empty"


@pytest.mark.parametrize(("asf", "amc", "says"), list(bad_files()))
def test_bad_files_get_one_sentence(tmp_path, asf, amc, says):
    (tmp_path / "s.asf").write_text(asf)
    (tmp_path / "m.amc").write_text(amc)
    with pytest.raises(MotionFileError, match=says) as caught:
        load_motion(tmp_path / "m.amc", asf=tmp_path / "s.asf")
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_damaged_files_never_crash(take, tmp_path, body, rng):
    for path in (take, tmp_path / "07.asf"):
        whole = path.read_bytes()
        for _ in range(80):
            data = bytearray(whole[: rng.integers(len(whole))] if rng.random() < 0.3 else whole)
            for _ in range(rng.integers(1, 20) if data else 0):
                data[rng.integers(len(data))] = rng.integers(256)
            path.write_bytes(bytes(data))
            with contextlib.suppress(MotionFileError):
                load_motion(take, body)
        path.write_bytes(whole)


@pytest.mark.parametrize("clip", ["02_01", "02_03", "02_06"])
def test_agrees_with_the_reference_reading_of_captured_files(shared, body, clip):
    motion = resample(read_amc(captured(shared, f"raw/{clip}.amc"), body=body, scale=1.0), 30)
    with np.load(captured(shared, "cmu_subset.npz")) as data:
        pose, path = data[f"pose/{clip}"].astype(float).reshape(-1, 3), data[f"trans/{clip}"]
    ours = Rotation.from_rotvec(motion.full_pose[:, :22].reshape(-1, 3).astype(float))
    assert np.degrees((ours.inv() * Rotation.from_rotvec(pose)).magnitude()).max() < 0.07  # float16 in the reference
    np.testing.assert_allclose(motion.transl + rest_joints(body)[0], path, atol=0.012)  # our pelvis, its own


def test_captured_walk_stands_on_its_own_floor(shared, body):
    from humanav.motion import floor_heights

    heights = floor_heights(resample(load_motion(captured(shared, "raw/02_01.amc"), body), 30), body)
    assert abs(np.median(heights)) < 0.01
    assert heights.min() > -0.05
    assert heights.max() < 0.05


def test_a_skeleton_alone_is_read(shared):
    skeleton = parse_asf(captured(shared, "raw/02.asf"))
    assert len(skeleton.bones) == 31
    assert skeleton.unit == pytest.approx(0.0564, abs=1e-4)
