"""Keypoint files of every kind, as their programs write them, and ours there and back."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError, SeveralPeopleError
from humanav.perception import KeypointSequence, read_keypoints, write_keypoints
from humanav.perception.layouts import FILE_LAYOUTS, landmark_called, recognise
from tests.perception.figures import walker

COCO = KEYPOINT_SETS["coco17"]
SIZE = (640, 480)


def clip(layout="coco17", frames=6, **also):
    names = KEYPOINT_SETS.get(layout) or FILE_LAYOUTS[layout]
    return walker(frames, names=names, **also)


def flat(points):
    return [float(value) for value in np.asarray(points).reshape(-1)]


def close(sequence, points):
    np.testing.assert_allclose(sequence.keypoints, points, atol=2e-3)


def save(path, data):
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize("layout", ["blazepose33", "coco17", "halpe26", "openpose25", "openpose18", "openpose14"])
@pytest.mark.parametrize("name", ["a.npz", "b.json", "c.csv", "folder"])
def test_what_we_write_we_read(tmp_path, layout, name):
    points = clip(layout)
    points[2, 3] = 0
    points[[0, 4]] = 0  # nobody there, at first and later
    before = KeypointSequence(points, layout, 25, *SIZE, person_id="7")
    if layout == "blazepose33" and name == "folder":
        with pytest.raises(InputError, match="openpose25 first"):
            write_keypoints(before, tmp_path / name)
        return
    read = read_keypoints(write_keypoints(before, tmp_path / name))
    after = read.sequence
    close(after, points)
    assert (after.keypoint_set, after.width, after.height) == (layout, *SIZE)
    assert after.fps == (25 if name in ("a.npz", "b.json") else 30)
    assert any("2 of 6 frames" in note for note in read.notes)
    if name == "a.npz":
        np.testing.assert_array_equal(after.keypoints, before.keypoints)
    assert sorted(tmp_path.iterdir()) == [tmp_path / name]


def test_openpose_folder_with_missing_files(tmp_path):
    points = clip("openpose25", 10)
    for number in (0, 1, 2, 5, 6, 9):
        save(tmp_path / f"clip_{number + 7:012d}_keypoints.json",
             {"people": [{"person_id": [-1], "pose_keypoints_2d": flat(points[number])}] if number != 6 else []})
    read = read_keypoints(tmp_path, size=SIZE, fps=24)
    points[[3, 4, 6, 7, 8]] = 0
    close(read.sequence, points)
    assert (read.first_frame, read.sequence.fps, read.sequence.keypoint_set) == (7, 24, "openpose25")
    assert any("4 of 10 frames are missing" in note for note in read.notes)


def test_one_openpose_file_is_one_frame(tmp_path):
    points = clip("openpose18", 1)
    read = read_keypoints(save(tmp_path / "a.json", {"people": [{"pose_keypoints": flat(points)}]}), size=SIZE)
    close(read.sequence, points)


def test_every_other_frame_halves_the_rate(tmp_path):
    points = clip("coco17", 5)
    for number in range(5):
        save(tmp_path / f"{2 * number}.json", {"people": [{"pose_keypoints_2d": flat(points[number])}]})
    read = read_keypoints(tmp_path, fps=30)
    close(read.sequence, points)
    assert read.sequence.fps == 15
    assert "Every other frame is in the file." in read.notes


def test_coco_annotations_with_flags_and_images(tmp_path):
    points = clip()
    flags = np.full((6, 17), 2)
    flags[1, 4], flags[2, 5] = 0, 1
    written = np.concatenate([points[..., :2] * (flags > 0)[..., None], flags[..., None]], axis=-1)
    entries = [{"image_id": 100 + t, "id": t, "keypoints": flat(written[t])} for t in (0, 1, 2, 4, 5)]
    images = [{"id": 100 + t, "file_name": f"v/{t:05d}.jpg", "width": 640, "height": 480} for t in (5, 3, 1, 0, 2, 4)]
    read = read_keypoints(save(tmp_path / "coco.json", {"images": images, "annotations": entries}))
    expected = points.copy()
    expected[..., 2] = flags / 2
    expected[1, 4] = 0
    expected[3] = 0
    close(read.sequence, expected)
    assert (read.sequence.width, read.sequence.height) == SIZE
    assert any("COCO's flag" in note for note in read.notes)


@pytest.mark.parametrize("layout", ["coco17", "halpe26", "halpe136", "wholebody133"])
def test_alphapose_and_coco_results(tmp_path, layout):
    points = clip(layout)
    entries = [{"image_id": f"{t}.jpg", "category_id": 1, "keypoints": flat(points[t]), "score": 2.9, "idx": [1.0]}
               for t in (3, 1, 0, 2, 5, 4)]
    read = read_keypoints(save(tmp_path / "alphapose-results.json", entries), size=SIZE)
    kind = read.sequence.keypoint_set
    assert kind == {"halpe136": "halpe26", "wholebody133": "openpose25"}.get(layout, layout)
    names = KEYPOINT_SETS.get(layout) or FILE_LAYOUTS[layout]
    for number, name in enumerate(KEYPOINT_SETS[kind]):
        if name in names:
            np.testing.assert_allclose(read.sequence.keypoints[:, number], points[:, names.index(name)], atol=2e-3)
        else:
            assert not read.sequence.keypoints[:, number].any()


def test_mmpose_video_and_picture(tmp_path):
    points = clip("halpe26")
    theirs = ["head" if n == "head_top" else "hip" if n == "pelvis" else n for n in KEYPOINT_SETS["halpe26"]]
    people = [[{"keypoints": points[t, :, :2].tolist(), "keypoint_scores": points[t, :, 2].tolist(),
                "bbox": [[1, 2, 3, 4]], "bbox_score": 0.9}] for t in range(6)]
    about = {"dataset_name": "halpe26", "keypoint_id2name": {str(n): name for n, name in enumerate(theirs)}}
    data = {"meta_info": about,
            "instance_info": [{"frame_id": t + 1, "instances": people[t]} for t in range(6)]}
    read = read_keypoints(save(tmp_path / "video.json", data), size=SIZE)
    close(read.sequence, points)
    assert read.sequence.keypoint_set == "halpe26"
    close(read_keypoints(save(tmp_path / "picture.json", people[0]), size=SIZE).sequence, points[:1])


def test_mediapipe_lists_and_objects(tmp_path, shared):
    read = read_keypoints(shared / "testset/mono_video/pose_squats.full.json", fps=5)
    assert read.sequence.keypoints.shape == (65, 33, 3)
    assert (read.sequence.width, read.sequence.height) == (720, 1280)
    assert any("like a depth" in note for note in read.notes)
    with pytest.raises(InputError, match="relative to the hips"):
        read_keypoints(shared / "testset/mono_video/pose_squats_3d.full.json", fps=5)


def test_landmarks_as_objects(tmp_path):
    points = clip("blazepose33")
    marks = [[{"x": float(x / 640), "y": float(y / 480), "z": -0.3, "visibility": float(c)} for x, y, c in frame]
             for frame in points]
    poses = [[{"score": 0.9, "keypoints": [{**mark, "name": "nose"} for mark in frame]}] for frame in marks]
    forms = {"plain": marks, "one": {"fps": 12, "frames": [{"landmarks": frame} for frame in marks]},
             "tasks": [{"pose_landmarks": [frame]} for frame in marks], "tfjs": poses}
    for name, data in forms.items():
        read = read_keypoints(save(tmp_path / f"{name}.json", data), size=SIZE)
        close(read.sequence, points)
        assert any("shares of the picture" in note for note in read.notes)
    assert read_keypoints(tmp_path / "one.json", size=SIZE).sequence.fps == 12
    with pytest.raises(InputError, match=r"shares of the picture .* give the picture's size"):
        read_keypoints(tmp_path / "plain.json")


@pytest.mark.parametrize("key", ["keypoints", "poses_2d", "whatever"])
def test_plain_arrays(tmp_path, key):
    points = clip("openpose25")
    np.savez(tmp_path / "a.npz", **{key: points}, fps=50)
    close(read_keypoints(tmp_path / "a.npz").sequence, points)
    assert read_keypoints(tmp_path / "a.npz").sequence.fps == 50
    np.save(tmp_path / "a.npy", points.reshape(6, -1))
    close(read_keypoints(tmp_path / "a.npy").sequence, points)
    np.savez(tmp_path / "b.npz", keypoints=points[..., :2], scores=points[..., 2], image_size=SIZE)
    close(read_keypoints(tmp_path / "b.npz").sequence, points)
    skeleton = {"keypoint": points[None, ..., :2], "keypoint_score": points[None, ..., 2], "img_shape": (480, 640)}
    np.savez(tmp_path / "c.npz", **skeleton)
    read = read_keypoints(tmp_path / "c.npz")
    close(read.sequence, points)
    assert (read.sequence.width, read.sequence.height) == SIZE


def test_videopose_files(tmp_path):
    points = clip()[..., :2]
    about = {"layout_name": "coco", "num_joints": 17, "video_metadata": {"me.mp4": {"w": 640, "h": 480}}}
    path = tmp_path / "data_2d_custom_me.npz"
    np.savez_compressed(path, metadata=about, positions_2d={"me.mp4": {"custom": [points]}})
    read = read_keypoints(path, fps=30)
    np.testing.assert_allclose(read.sequence.keypoints[..., :2], points)
    assert (read.sequence.width, read.sequence.height, read.sequence.keypoint_set) == (640, 480, "coco17")
    nested = {"S1": {"Walking 1": [points, points + 50], "Eating": [points]}}
    np.savez_compressed(tmp_path / "many.npz", positions_2d=nested, metadata={"layout_name": "coco"})
    with pytest.raises(InputError, match=r"3 clips .* 'S1/Walking 1/0'"):
        read_keypoints(tmp_path / "many.npz")
    read = read_keypoints(tmp_path / "many.npz", person="S1/Walking 1/1")
    np.testing.assert_allclose(read.sequence.keypoints[..., :2], points + 50, atol=1e-3)
    with pytest.raises(InputError, match="no clip 'S9/Dance/0'"):
        read_keypoints(tmp_path / "many.npz", person="S9/Dance/0")


def test_a_pickle_is_never_run(tmp_path):
    class Wicked:
        def __reduce__(self):
            return exec, (f"open({str(tmp_path / 'harm')!r}, 'w')",)

    for name, value in (("a", Wicked()), ("b", {"S1": {"x": [Wicked()]}})):
        np.savez(tmp_path / f"{name}.npz", positions_2d=np.array([value], dtype=object))
        with pytest.raises(InputError):
            read_keypoints(tmp_path / f"{name}.npz")
    (tmp_path / "c.npy").write_bytes(pickle.dumps(Wicked()))
    with pytest.raises(InputError):
        read_keypoints(tmp_path / "c.npy")
    assert not (tmp_path / "harm").exists()


def table(points, header, row=lambda t, values: [t, *values], separator=","):
    rows = [row(t, flat(frame)) for t, frame in enumerate(points)]
    return "".join(separator.join(map(str, cells)) + "\n" for cells in ([header] if header else []) + rows)


WIDE = {
    "ours": [f"{name}_{part}" for name in COCO for part in ("x", "y", "conf")],
    "camel": ["".join(w.capitalize() for w in name.split("_")) + part for name in COCO for part in ("X", "Y", "Score")],
    "short": [name.replace("left_", "L").replace("right_", "R") + part for name in COCO for part in (".x", ".y", ".p")],
    "before": [f"{part}{n}" for n in range(17) for part in "xyc"],
    "numbers": [f"kp{n}_{part}" for n in range(17) for part in ("x", "y", "likelihood")],
}


@pytest.mark.parametrize("names", WIDE)
def test_csv_with_a_column_for_each_number(tmp_path, names):
    points = clip()
    (tmp_path / "a.csv").write_text(table(points, ["frame", *WIDE[names]]))
    close(read_keypoints(tmp_path / "a.csv").sequence, points)
    (tmp_path / "b.csv").write_text(table(points, WIDE[names], lambda t, values: values))
    close(read_keypoints(tmp_path / "b.csv").sequence, points)


def test_csv_in_other_orders_with_gaps_commas_and_tabs(tmp_path):
    points = clip()
    header = ["frame", *WIDE["ours"]]
    lines = table(points, header, separator=";").replace(".", ",").splitlines()
    (tmp_path / "a.csv").write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    close(read_keypoints(tmp_path / "a.csv").sequence, points)
    (tmp_path / "b.tsv").write_text(table(points, header, separator="\t"))
    close(read_keypoints(tmp_path / "b.tsv").sequence, points)
    order = np.random.default_rng(0).permutation(17)
    mixed = [header[0], *(header[1 + 3 * n + part] for n in order for part in range(3))]
    (tmp_path / "c.csv").write_text(table(points[:, order], mixed))
    close(read_keypoints(tmp_path / "c.csv").sequence, points)
    cells = table(points, header).splitlines()
    cells[3] = ",".join(["2", *[""] * 51])
    (tmp_path / "d.csv").write_text("\n".join(cells))
    points[2] = 0
    close(read_keypoints(tmp_path / "d.csv").sequence, points)


def test_csv_with_a_row_for_each_point(tmp_path):
    points = clip()
    for names in (COCO, [str(number) for number in range(17)]):
        rows = [f"{t},{names[n]},{x},{y},{c}" for t, frame in enumerate(points) for n, (x, y, c) in enumerate(frame)]
        (tmp_path / "a.csv").write_text("\n".join(["Frame,Joint,X,Y,Confidence", *rows[::-1]]))
        close(read_keypoints(tmp_path / "a.csv").sequence, points)


def test_csv_of_numbers_alone(tmp_path):
    points = clip()
    (tmp_path / "a.csv").write_text(table(points, None))
    close(read_keypoints(tmp_path / "a.csv").sequence, points)
    (tmp_path / "b.csv").write_text(table(points, None, lambda t, values: values))
    close(read_keypoints(tmp_path / "b.csv").sequence, points)
    np.savetxt(tmp_path / "c.txt", points[..., :2].reshape(6, -1))
    read = read_keypoints(tmp_path / "c.txt")
    np.testing.assert_allclose(read.sequence.keypoints[..., :2], points[..., :2], atol=1e-3)
    assert any("no confidences" in note for note in read.notes)


@pytest.mark.parametrize("layout", ["coco17", "h36m17", "mpi16", "mpii16", "openpose14", "lsp14", "crowdpose14"])
@pytest.mark.parametrize("yaw", [0.0, 1.57, 3.14])
def test_layouts_of_one_count_are_told_apart_by_the_bones(layout, yaw):
    names = KEYPOINT_SETS.get(layout) or FILE_LAYOUTS[layout]
    points = walker(20, names=names, yaw=yaw).astype(np.float64)
    points[:, [n for n, name in enumerate(names) if not name], :2] += 60
    assert recognise(points) == layout


def test_a_mapping_by_number_and_by_name(tmp_path):
    points = clip()
    order = np.random.default_rng(1).permutation(17)
    many = np.concatenate([points[:, order], np.full((6, 4, 3), 0.5)], axis=1)
    np.save(tmp_path / "a.npy", many)
    with pytest.raises(InputError, match=r"21 points per person are no known layout.*mapping"):
        read_keypoints(tmp_path / "a.npy")
    mapping = {name: int(np.flatnonzero(order == n)[0]) for n, name in enumerate(COCO)}
    read = read_keypoints(tmp_path / "a.npy", mapping=mapping)
    assert read.sequence.keypoint_set == "coco17"
    close(read.sequence, points)
    close(read_keypoints(tmp_path / "a.npy", mapping={k: str(v) for k, v in mapping.items()}).sequence, points)
    header = [f"punkt_{n}_{part}" for n in "abcdefghijklmnopq" for part in ("x", "y", "conf")]
    (tmp_path / "b.csv").write_text(table(points, ["frame", *header]))
    names = {name: f"punkt_{letter}" for name, letter in zip(COCO, "abcdefghijklmnopq")}
    close(read_keypoints(tmp_path / "b.csv", mapping=names).sequence, points)
    for wrong, says in (({"left_knie": 3}, "no landmark here"), ({"nose": 33}, "points 0 to 20"),
                        ({}, "mapping is empty"), ({"nose": "Nase"}, "has no names")):
        with pytest.raises(InputError, match=says):
            read_keypoints(tmp_path / "a.npy", mapping=wrong)
    with pytest.raises(InputError, match="the file has punkt_a"):
        read_keypoints(tmp_path / "b.csv", mapping={"nose": "Nase"})


@pytest.mark.parametrize(("theirs", "ours"), [
    ("LShoulder", "left_shoulder"), ("RBigToe", "right_big_toe"), ("MidHip", "pelvis"),
    ("left shoulder", "left_shoulder"), ("rightHeel", "right_heel"), ("L_Knee", "left_knee"), ("Head", "head_top"),
    ("LEFT_ANKLE", "left_ankle"), ("right_foot_index", "right_foot_index"), ("left_eye_inner", "left_eye_inner"),
    ("hip", "pelvis"), ("tail", ""),
    ("Nose", "nose"), ("l_wri", "left_wrist")])
def test_other_programs_names(theirs, ours):
    assert landmark_called(theirs) == ours
    for names in KEYPOINT_SETS.values():
        if "left_knee" in names:
            assert [landmark_called(name) for name in names] == list(names)


def two_people(frames=12, ids=False):
    """OpenPose frames of one person left, larger, and one right, in changing order; a third in one frame."""
    left, right = clip(frames=frames), clip(frames=frames, middle=(520, 300))
    right[:, :, :2] = (right[:, :, :2] - (520, 300)) * 0.7 + (520, 300)
    data = []
    for t in range(frames):
        people = [{"pose_keypoints_2d": flat(points[t]), "person_id": [label if ids else -1]}
                  for label, points in ((4, left), (9, right))]
        if t == 3:
            people.append({"pose_keypoints_2d": flat(left[t] - (240, 0, 0)), "person_id": [11 if ids else -1]})
        if t == 7:
            people = people[1:]
        data.append({"people": people[:: -1 if t % 2 else 1]})
    left[7] = 0
    return data, left, right


@pytest.mark.parametrize("ids", [False, True])
def test_several_people(tmp_path, ids):
    data, left, right = two_people(ids=ids)
    for number, frame in enumerate(data):
        save(tmp_path / f"{number}.json", frame)
    with pytest.raises(SeveralPeopleError, match=r"2 people .* say which one.* the largest") as caught:
        read_keypoints(tmp_path, size=SIZE)
    first, second = ("4", "9") if ids else ("1", "2")
    assert list(caught.value.people) == [first, second]
    assert "11 frames from 0 to 11" in caught.value.people[first]
    assert caught.value.people[second].startswith("right, 12 frames")
    close(read_keypoints(tmp_path, size=SIZE, person=first).sequence, left)
    close(read_keypoints(tmp_path, size=SIZE, person=int(second)).sequence, right)
    read = read_keypoints(tmp_path, size=SIZE, person="largest")
    close(read.sequence, left)
    assert read.sequence.person_id == first
    assert any("the largest is used" in note for note in read.notes)
    with pytest.raises(InputError, match="no person 77 in"):
        read_keypoints(tmp_path, size=SIZE, person=77)


def test_a_person_who_leaves_and_comes_back_is_one(tmp_path):
    points, other = clip(frames=40), clip(frames=40, middle=(560, 230))
    data = [{"people": [{"pose_keypoints_2d": flat(other[t])},
                        *([] if 10 <= t < 25 else [{"pose_keypoints_2d": flat(points[t])}])]} for t in range(40)]
    path = save(tmp_path / "a.json", {"frames": data})
    with pytest.raises(SeveralPeopleError) as caught:
        read_keypoints(path)
    assert len(caught.value.people) == 2
    points[10:25] = 0
    close(read_keypoints(path, person="2").sequence, points)


def test_a_passing_find_is_left_out(tmp_path):
    points = clip(frames=30)
    data = [{"people": [{"pose_keypoints_2d": flat(points[t])}]} for t in range(30)]
    data[5]["people"].insert(0, {"pose_keypoints_2d": flat(points[5] * (0.3, 0.3, 1))})
    read = read_keypoints(save(tmp_path / "a.json", {"frames": data}), size=SIZE)
    close(read.sequence, points)
    assert any("few frames" in note for note in read.notes)
