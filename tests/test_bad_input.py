"""Each bad input, one by one, through the whole job: one clear sentence, or an avatar that says what was made up."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanav.errors import HumanavError, ImageError, InputError, MotionFileError, NoPersonError
from humanav.jobs import PhotoOptions, animate_avatar, films, photo_id, photo_to_avatar, resolve_motion
from humanav.paths import asset
from humanav.results import Result

SENTENCE = re.compile(r"^[A-Z0-9'\"].{20,220}[.!]$", re.DOTALL)


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    return Image.open(sorted(asset("samples").glob("*.jpg"))[0]).convert("RGB")


@pytest.fixture(scope="module")
def box(picture: Image.Image) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the person in the sample."""
    from humanav.perception import MediapipeDetector

    with MediapipeDetector() as detector:
        found = detector.detect(np.asarray(picture))[0].box
    return float(found[0]), float(found[1]), float(found[2]), float(found[3])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short videos: what they show is tested elsewhere."""
    monkeypatch.setattr(films, "TURNTABLE_FPS", 2.0)
    monkeypatch.setattr("humanav.jobs.films.VIDEO_SECONDS", 0.3)


def make(source: Any, folder: Path) -> Result:
    return photo_to_avatar(source, out=folder / "out", texture_size=1024)


def no_person(folder: Path, picture: Image.Image) -> Any:
    grey = np.linspace(60, 200, 640, dtype=np.uint8)
    return np.broadcast_to(grey[:, None, None], (640, 480, 3)).copy()


def tiny(folder: Path, picture: Image.Image) -> Any:
    return picture.resize((40, 40))


def corrupt(folder: Path, picture: Image.Image) -> Any:
    picture.save(folder / "half.png")
    data = (folder / "half.png").read_bytes()
    (folder / "half.png").write_bytes(data[: len(data) // 3])
    return folder / "half.png"


def no_image(folder: Path, picture: Image.Image) -> Any:
    (folder / "letter.jpg").write_text("Dear reader, this is a letter and no picture.")
    return folder / "letter.jpg"


def black(folder: Path, picture: Image.Image) -> Any:
    return np.zeros((800, 600, 3), dtype=np.uint8)


def empty(folder: Path, picture: Image.Image) -> Any:
    (folder / "empty.jpg").write_bytes(b"")
    return folder / "empty.jpg"


def absent(folder: Path, picture: Image.Image) -> Any:
    return folder / "nowhere.jpg"


@pytest.mark.parametrize(("bad", "kind", "words"), [
    (no_person, NoPersonError, "No person was found"), (tiny, ImageError, "40 x 40"),
    (corrupt, ImageError, "damaged"), (no_image, ImageError, "not a picture"), (black, ImageError, "black"),
    (empty, ImageError, "empty"), (absent, ImageError, "no file")])
def test_what_cannot_be_used_gets_one_sentence(
    bad: Callable[[Path, Image.Image], Any], kind: type[HumanavError], words: str, tmp_path: Path,
    picture: Image.Image,
) -> None:
    source = bad(tmp_path, picture)
    with pytest.raises(kind, match=words) as caught:
        make(source, tmp_path)
    assert SENTENCE.match(str(caught.value))
    assert not (tmp_path / "out").exists()


def two_people(picture: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    """The sample, and beside it the same person again, smaller."""
    wide = Image.new("RGB", (2 * picture.width, picture.height), picture.getpixel((2, 2)))
    wide.paste(picture, (0, 0))
    small = picture.resize((round(picture.width * 0.8), round(picture.height * 0.8)))
    wide.paste(small, (picture.width, picture.height - small.height))
    return wide


def only_a_head(picture: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    left, top, right, bottom = box
    height = bottom - top
    middle = (left + right) / 2
    head = picture.crop((round(middle - 0.14 * height), round(max(0, top - 0.03 * height)),
                         round(middle + 0.14 * height), round(top + 0.16 * height)))
    return head.resize((head.width * 3, head.height * 3))


def cropped(picture: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    _, top, _, bottom = box
    return picture.crop((0, 0, picture.width, round(top + 0.62 * (bottom - top))))


def huge(picture: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    factor = (100e6 / (picture.width * picture.height)) ** 0.5
    return picture.resize((round(picture.width * factor) + 1, round(picture.height * factor) + 1))


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("change", "words"), [
    (two_people, "2 people"), (only_a_head, "Only a head"), (cropped, "made up"), (huge, "")])
def test_what_can_be_used_gives_an_avatar_that_says_what_was_made_up(
    change: Callable[..., Image.Image], words: str, tmp_path: Path, picture: Image.Image,
    box: tuple[float, float, float, float],
) -> None:
    path = tmp_path / "photo.jpg"
    change(picture, box).save(path, quality=90)
    result = make(path, tmp_path)
    assert any(words in warning for warning in result.report["warnings"]) or not words
    assert result.path("avatar.glb").stat().st_size > 100_000
    if change is cropped:
        assert result.report["missing_parts"]


@pytest.mark.parametrize("options", [{"height": 17.4}, {"height": 0.0}, {"flip_limbs": ("tail",)},
                                     {"texture_size": 333}])
def test_options_out_of_range_get_one_sentence(options: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        PhotoOptions(**options)
    assert SENTENCE.match(str(caught.value))


def test_motions_that_cannot_be_used_get_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.bvh").write_text("HIERARCHY\nnonsense")
    (tmp_path / "bad.npz").write_bytes(b"PK nonsense")
    for name, kind in (("moonwalk", InputError), ("bad.bvh", MotionFileError), ("bad.npz", MotionFileError)):
        with pytest.raises(kind) as caught:
            resolve_motion(name if name == "moonwalk" else tmp_path / name)
        assert str(caught.value)[-1] in ".!"


def test_a_folder_without_an_avatar_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a result folder"):
        animate_avatar(tmp_path, "walk", out=tmp_path / "out")


def test_the_same_question_has_the_same_id(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes((tmp_path / "a.jpg").read_bytes())
    plain = photo_id(tmp_path / "a.jpg", PhotoOptions())
    assert plain == photo_id(tmp_path / "b.jpg", PhotoOptions())
    assert plain != photo_id(tmp_path / "a.jpg", PhotoOptions(height=1.7))
    assert plain != photo_id(tmp_path / "a.jpg", PhotoOptions(), "dance")
    assert plain != photo_id(tmp_path / "a.jpg", PhotoOptions(), back=tmp_path / "b.jpg")
