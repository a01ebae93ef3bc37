"""rtmlib's detector with tiny networks written here: boxes and points come out where the networks put them."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import ImageError, InputError, MissingExtraError
from humanav.export import write_mp4
from humanav.perception import available, make_detector, open_video
from humanav.perception.follow_people import first_people, follow_people

pytest.importorskip("onnxruntime")
pytest.importorskip("rtmlib")

from humanav.perception.rtmlib_detector import RtmlibDetector, _person, cached

HEIGHT, WIDTH = 320, 480
PEOPLE = np.array([[40, 60, 120, 300], [260, 20, 400, 310.0]])  # x0, y0, x1, y1 in the picture


def field(number, value):
    """One field of a protobuf message: an int, or bytes (text, message)."""
    def varint(n):
        out = b""
        while n > 127:
            out, n = out + bytes([n & 127 | 128]), n >> 7
        return out + bytes([n])

    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def value_info(name, shape):
    dims = b"".join(field(1, field(1, n)) for n in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))


def write_network(path, size, outputs):
    """An ONNX network with an input (1,3,height,width) that it ignores, and constant outputs."""
    graph = b""
    for name, array in outputs.items():
        array = np.asarray(array, dtype=np.float32)
        graph += field(1, field(1, f"{name}_is") + field(2, name) + field(4, "Identity"))
        tensor = b"".join(field(1, n) for n in array.shape) + field(2, 1) + field(8, f"{name}_is")
        graph += field(5, tensor + field(9, struct.pack(f"<{array.size}f", *array.ravel())))
    graph += field(2, "constant") + field(11, value_info("input", (1, 3, *size)))
    graph += b"".join(field(12, value_info(name, np.shape(array))) for name, array in outputs.items())
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(2, 13)))
    return path


def places(count):
    """(count,2) where in its box each point of the tiny pose network lies, 0..1."""
    rng = np.random.default_rng(5)
    return rng.uniform(0.15, 0.85, (count, 2))


@pytest.fixture
def networks(tmp_path):
    def make(count=26, boxes=PEOPLE):
        ratio = 416 / max(HEIGHT, WIDTH)
        rows = np.column_stack([np.asarray(boxes) * ratio, np.full(len(boxes), 0.9)])[None]
        det = write_network(tmp_path / "det.onnx", (416, 416), {"dets": rows if len(boxes) else np.zeros((1, 1, 5))})
        x, y = np.zeros((1, count, 2 * 192)), np.zeros((1, count, 2 * 256))
        for k, (u, v) in enumerate(places(count)):
            x[0, k, round(u * 384)] = y[0, k, round(v * 512)] = 0.8
        return det, write_network(tmp_path / "pose.onnx", (256, 192), {"simcc_x": x, "simcc_y": y})

    return make


@pytest.fixture
def picture():
    grey = np.linspace(40, 200, WIDTH, dtype=np.uint8)[None, :, None]
    return np.ascontiguousarray(np.broadcast_to(grey, (HEIGHT, WIDTH, 3)))


@pytest.mark.parametrize(("count", "layout"), [(17, "coco17"), (26, "halpe26"), (133, "halpe26")])
def test_points_boxes_and_order(networks, picture, count, layout):
    with RtmlibDetector(*networks(count)) as detector:
        people = detector.detect(picture, max_people=4)
        assert len(detector.detect(picture)) == 1
    assert [person.keypoint_set for person in people] == [layout, layout]
    for person, box in zip(people, PEOPLE[::-1]):  # the larger first
        assert person.keypoints.shape == (len(KEYPOINT_SETS[layout]), 3)
        np.testing.assert_allclose(person.keypoints[:17, 2], 0.8, atol=1e-5)
        middle, size = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) * 1.25
        size = np.maximum(size, size[::-1] * [0.75, 1 / 0.75])  # the network's shape round the box
        expected = middle + (places(count)[:17] - 0.5) * size
        np.testing.assert_allclose(person.keypoints[:17, :2], expected, atol=2.0)
        body = person.keypoints[person.keypoints[:, 2] > 0.1, :2]
        assert (person.box[:2] <= np.maximum(body.min(axis=0), 0)).all()
        assert (person.box[2:] >= np.minimum(body.max(axis=0), [WIDTH, HEIGHT])).all()
        assert (person.left_hand is not None) == (count == 133)
        assert person.mask is None


def test_whole_body_points_go_to_their_names():
    found = np.zeros((133, 3), np.float32)
    found[:, 0], found[:, 2] = np.arange(133), 0.9
    person = _person(found, 500, 500)
    names = KEYPOINT_SETS["halpe26"]
    x = dict(zip(names, person.keypoints[:, 0]))
    assert (x["left_wrist"], x["left_big_toe"], x["left_heel"], x["right_small_toe"]) == (9, 17, 19, 21)
    assert x["neck"] == pytest.approx((x["left_shoulder"] + x["right_shoulder"]) / 2)
    assert person.keypoints[names.index("head_top"), 2] == 0
    assert [part[0, 0] for part in (person.face, person.left_hand, person.right_hand)] == [23, 91, 112]
    with pytest.raises(InputError, match="gives 21 keypoints"):
        _person(found[:21], 500, 500)


def test_nobody_is_no_whole_picture(networks, picture):
    with RtmlibDetector(*networks(boxes=np.zeros((0, 4)))) as detector:
        assert detector.detect(picture, 4) == []
        assert list(detector.track([picture, picture])) == [[], []]


def test_people_are_followed_with_it(networks, picture, tmp_path, monkeypatch):
    det, pose = networks()
    monkeypatch.setenv("HUMANAV_RTMLIB_DET", str(det))
    monkeypatch.setenv("HUMANAV_RTMLIB_POSE", str(pose))
    with open_video(write_mp4([picture] * 12, tmp_path / "grey.mp4", fps=12)) as video:
        number, _, seen = first_people(video, "rtmlib")
        found = follow_people(video, people="all", detector="rtmlib")
        second = follow_people(video, chosen=(2,), detector="rtmlib", work=tmp_path / "work")
    assert (number, len(seen)) == (0, 2)
    assert found.person_ids == ("1", "2")
    assert [take.seen.all() for take in found.takes] == [True, True]
    assert found.takes[0].sequence.keypoint_set == "halpe26"
    assert found.takes[0].world is None
    assert found.takes[0].masks == ()
    assert found.takes[0].boxes[0, 0] > found.takes[1].boxes[0, 0]  # the larger is on the right
    assert second.person_ids == ("2",)
    np.testing.assert_allclose(second.takes[0].sequence.keypoints, found.takes[1].sequence.keypoints, atol=1e-3)


def test_networks_that_are_missing_or_none(networks, picture, tmp_path, monkeypatch):
    for name in ("HUMANAV_RTMLIB_DET", "HUMANAV_RTMLIB_POSE", "HUMANAV_DOWNLOAD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert available()["rtmlib"] == ""
    with pytest.raises(MissingExtraError, match="HUMANAV_DOWNLOAD=1"):
        make_detector("rtmlib")
    det, pose = networks()
    with pytest.raises(InputError, match=r"no network gone\.onnx"):
        RtmlibDetector(det, tmp_path / "gone.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(InputError, match=r"bad\.onnx cannot be loaded"):
        RtmlibDetector(det, tmp_path / "bad.onnx")
    with RtmlibDetector(det, pose) as detector, pytest.raises(ImageError):
        detector.detect(picture[..., 0])


def test_networks_in_rtmlibs_cache_are_used(networks, picture, tmp_path, monkeypatch):
    import rtmlib

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for made, part in zip(networks(), ("det", "pose")):
        place = cached(rtmlib.BodyWithFeet.MODE["lightweight"][part])
        place.parent.mkdir(parents=True, exist_ok=True)
        made.rename(place)
    with RtmlibDetector(mode="lightweight", download=False) as detector:
        assert len(detector.detect(picture, 4)) == 2
