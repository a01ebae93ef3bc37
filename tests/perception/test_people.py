"""Detection, its description in words and the cut-out, on real photos."""

import threading

import cv2
import numpy as np
import pytest

from humanav.errors import ImageError, MissingExtraError
from humanav.perception import (
    Detector,
    MediapipeDetector,
    available,
    describe_people,
    describe_person,
    load_image,
    make_detector,
    refine_matte,
)
from humanav.perception.people import assign_hands, moved, paint_out, side_evidence, swap_sides


@pytest.fixture(scope="module")
def photos(shared):
    folder = shared / "testset" / "photos"
    return {path.stem: load_image(path) for path in sorted(folder.glob("*.jpg"))}


@pytest.fixture(scope="module")
def detector():
    with MediapipeDetector() as detector:
        yield detector


@pytest.fixture(scope="module")
def woman(photos, detector):
    image = photos["vladmandic_ai_body"]
    return image, detector.detect(image)[0]


def test_registry():
    assert available()["mediapipe"] == ""
    detector = make_detector("mediapipe")
    assert isinstance(detector, Detector)
    detector.close()
    detector.close()
    with pytest.raises(MissingExtraError, match="no detector called 'eyes'"):
        make_detector("eyes")


@pytest.mark.parametrize("name", ["vladmandic_ai_body", "vladmandic_vlado5", "tfjs_yoga", "mediapipe_seated",
                                  "pose2sim_cam04_f040"])
def test_one_person_is_found_in_pixels_of_the_photo(photos, detector, name):
    image = photos[name]
    people = detector.detect(image, max_people=4)
    assert len(people) == 1
    person = people[0]
    assert person.keypoints.shape == (33, 3)
    assert person.world.shape == (33, 3)
    assert person.mask.shape == image.shape[:2]
    inside = person.keypoints[:, :2].astype(int)
    assert (person.mask[inside[11:29, 1], inside[11:29, 0]] > 0.5).mean() > 0.85
    assert person.left_hand.shape == person.right_hand.shape == (21, 3)
    for hand, wrist in ((person.left_hand, 15), (person.right_hand, 16)):
        assert np.linalg.norm(hand[0, :2] - person.keypoints[wrist, :2]) < 0.06 * np.ptp(person.box[[1, 3]])
    coverage = describe_person(person, image.shape)
    assert coverage.full_body
    assert coverage.missing_parts == coverage.warnings == ()


def test_front_view_has_the_left_side_at_the_right(woman):
    _, person = woman
    assert person.keypoints[11, 0] > person.keypoints[12, 0]
    assert person.world[11, 0] > person.world[12, 0]
    assert person.world[11:13, 1].mean() < person.world[27:29, 1].mean()  # y down
    assert person.world[0, 2] < person.world[11:13, 2].mean()  # the nose is nearer than the shoulders: z away
    assert person.face.shape == (478, 3)
    assert side_evidence(person) == 1
    assert side_evidence(swap_sides(person)) == -1
    swapped_twice = swap_sides(swap_sides(person))
    assert np.array_equal(swapped_twice.keypoints, person.keypoints)
    assert "exchanged" in " ".join(describe_person(swap_sides(person), person.mask.shape).warnings)


def test_back_view(photos, detector):
    person = detector.detect(photos["pose2sim_cam04_f040"])[0]
    assert side_evidence(person) == 0


def test_two_people_largest_first(photos, detector):
    image = photos["pose2sim_two_people"]
    people = detector.detect(image, max_people=4)
    assert len(people) == 2
    assert (people[0].mask > 0.5).sum() > (people[1].mask > 0.5).sum()
    assert people[0].box[2] < people[1].box[0] + 60
    assert any("2 people" in words and "largest" in words for words in describe_people(people, image.shape))


def test_nobody(photos, detector):
    street = np.ascontiguousarray(photos["vladmandic_vlado5"][:, :300])
    assert detector.detect(street, max_people=3) == []
    assert "No person was found" in describe_people([], street.shape)[0]


def test_small_person_is_found_and_told(photos, detector):
    image = np.full((1200, 1200, 3), 200, np.uint8)
    image[800:950, 500:650] = cv2.resize(photos["vladmandic_ai_body"], (150, 150), interpolation=cv2.INTER_AREA)
    person = detector.detect(image)[0]
    assert 520 < person.box[0] < person.box[2] < 630
    assert 795 < person.box[1] < person.box[3] < 955
    assert "pixels tall" in describe_person(person, image.shape).warnings[0]


@pytest.mark.parametrize(("crop", "framing", "words"), [
    ((slice(0, 230), slice(450, 750)), "head", "Only a head"),
    ((slice(0, 380), slice(400, 850)), "chest", "ends at the chest"),
    ((slice(0, 850), slice(0, 1200)), "shins", "ends at the lower legs"),
])
def test_cropped_person(photos, detector, crop, framing, words):
    image = np.ascontiguousarray(photos["vladmandic_ai_body"][crop])
    coverage = describe_person(detector.detect(image)[0], image.shape)
    assert coverage.framing == framing
    assert not coverage.full_body
    assert coverage.head_only == (framing == "head")
    assert {"left foot", "right foot", "left lower leg"} <= set(coverage.outside)
    assert words in coverage.warnings[0]


def test_arm_outside(photos, detector):
    image = np.ascontiguousarray(photos["vladmandic_vlado5"][:, 400:])
    coverage = describe_person(detector.detect(image)[0], image.shape)
    assert coverage.outside == ("right upper arm", "right forearm", "right hand")
    assert any("the right forearm and the right hand" in words for words in coverage.warnings)


def test_tracking(photos, detector):
    image = photos["tfjs_yoga"]
    frames = [np.ascontiguousarray(np.roll(image, 4 * i, axis=1)) for i in range(4)]
    found = list(detector.track([*frames, np.full_like(image, 90)]))
    assert [len(people) for people in found] == [1, 1, 1, 1, 0]
    assert found[3][0].track_id == 0
    shift = found[3][0].keypoints[11:13, 0].mean() - found[0][0].keypoints[11:13, 0].mean()
    assert shift == pytest.approx(12, abs=6)


def test_wrong_input(detector):
    for bad in (np.zeros((100, 100)), np.zeros((100, 100, 4), np.uint8), np.zeros((100, 100, 3)), None):
        with pytest.raises(ImageError, match="load_image"):
            detector.detect(bad)


def test_one_detector_per_thread(woman, detector):
    image, _ = woman
    seen = []

    def use():
        try:
            detector.detect(image)
        except RuntimeError as error:
            seen.append(str(error))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert "one per thread" in seen[0]


def test_nothing_is_written_to_the_error_stream(woman, capfd):
    image, _ = woman
    with MediapipeDetector() as fresh:
        fresh.detect(image)
    assert capfd.readouterr().err == ""


def test_hands_go_to_their_wrists():
    keypoints = np.ones((33, 3), np.float32)
    keypoints[[13, 15, 14, 16], :2] = [[100, 0], [100, 50], [0, 0], [0, 50]]
    hand = np.ones((21, 3), np.float32)
    hand[:, :2] = [0, 52]
    hand[9, :2] = [0, 60]
    assert assign_hands([hand], keypoints)[0] is None
    assert assign_hands([hand], keypoints)[1] is hand
    assert assign_hands([hand + np.float32(400)], keypoints) == (None, None)


def test_moving_between_crops(woman):
    image, person = woman
    there = moved(person, 10, -20, (700, 650), 0.5)
    back = moved(there, -20, 40, image.shape[:2], 2)
    assert np.allclose(back.keypoints, person.keypoints, atol=1e-2)
    assert np.allclose(back.face, person.face, atol=1e-2)
    assert (np.abs(back.mask - person.mask)[100:] > 0.5).mean() < 0.005


def test_painting_out():
    rng = np.random.default_rng(0)
    image = rng.integers(90, 110, (80, 60, 3), dtype=np.uint8)
    mask = np.zeros((80, 60), bool)
    mask[20:60, 20:40] = True
    image[mask] = 255
    assert abs(paint_out(image, mask)[mask].astype(int) - 100).max() < 10
    assert np.array_equal(paint_out(image, mask)[~mask], image[~mask])
    assert (paint_out(image, np.ones_like(mask)) == 128).all()


def test_matte_of_a_known_composite(photos, woman, detector):
    image, person = woman
    truth = refine_matte(image, person.mask, person.keypoints)[60:1190, 180:980]
    street = cv2.resize(photos["vladmandic_vlado5"][:, :300], (800, 1130))
    composite = np.uint8(image[60:1190, 180:980] * truth[..., None] + street * (1 - truth[..., None]))
    found = detector.detect(composite)[0]
    alpha = refine_matte(composite, found.mask, found.keypoints)

    def iou(a, b):
        return ((a > 0.5) & (b > 0.5)).sum() / ((a > 0.5) | (b > 0.5)).sum()

    assert alpha.shape == truth.shape
    assert alpha.dtype == np.float32
    assert 0 <= alpha.min() <= alpha.max() <= 1
    assert iou(alpha, truth) > max(0.965, iou(found.mask, truth))


def test_matte_drops_what_is_not_the_person(woman):
    image, person = woman
    mask = person.mask.copy()
    mask[1000:1100, 20:120] = 1
    alpha = refine_matte(image, mask, person.keypoints)
    assert alpha[1000:1100, 20:120].max() == 0
    assert alpha[600, 580] == 1
    assert refine_matte(image, np.zeros_like(mask), person.keypoints).max() == 0


def test_matte_opens_the_gap_between_the_legs():
    """A mask that takes the ground between two legs along is mended by colour, and by a fitted body's silhouette."""
    rng = np.random.default_rng(3)
    image = rng.normal((150, 170, 140), 8, (400, 240, 3))
    truth = np.zeros((400, 240), np.uint8)
    truth[40:200, 80:160] = 1
    truth[200:380, 80:108] = truth[200:380, 132:160] = 1
    image[truth > 0] = rng.normal((60, 50, 120), 8, (int(truth.sum()), 3))
    image = np.clip(image, 0, 255).astype(np.uint8)
    mask = cv2.GaussianBlur(truth.astype(np.float32), (0, 0), 3)
    mask[200:380, 104:136] = np.maximum(mask[200:380, 104:136], 0.7)
    keypoints = np.zeros((1, 3), np.float32)
    keypoints[0] = (120, 100, 1)
    for body_mask in (None, cv2.erode(truth, np.ones((5, 5))).astype(np.float32)):
        alpha = refine_matte(image, mask, keypoints, body_mask=body_mask)
        wrong = (alpha > 0.5) != (truth > 0)
        assert wrong.sum() < 0.02 * truth.sum()
        assert alpha[300, 120] < 0.1
        assert alpha[300, 94] > 0.9


def test_matte_is_the_same_twice(woman):
    image, person = woman
    first, second = (refine_matte(image, person.mask, person.keypoints) for _ in range(2))
    assert np.array_equal(first, second)
