"""name=value words become the options of each job, and everything else is said in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanav.batch.kinds import kind_of
from humanav.batch.options import option_names, read_options
from humanav.errors import HumanavError, InputError
from humanav.progress import Progress


def test_words_become_options() -> None:
    words = ["height=1.8", "standing=no", "flip=left_arm,right_leg", "texture=1024"]
    assert read_options(kind_of("avatar"), words) == {
        "motion": "walk", "height": 1.8, "standing": False, "flip_limbs": ("left_arm", "right_leg"),
        "texture_size": 1024}
    assert read_options(kind_of("track"), ["mode=accurate", "people=1,3", "lock-feet=false", "camera=none"]) == {
        "mode": "accurate", "people": (1, 3), "lock_feet": False, "camera": None}
    assert read_options(kind_of("track"), {"people": "all"})["people"] == "all"
    assert read_options(kind_of("uplift"), ["person=2", "size=640,480", "render=plain"]) == {
        "person": 2, "size": (640.0, 480.0), "render": "plain"}
    assert read_options(kind_of("denoise"), {"strength": 0.5, "worsen": "noise"}) == {
        "strength": 0.5, "worsen": "noise"}


def test_every_job_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    for name in ("track", "uplift", "denoise"):
        options = read_options(kind_of(name), [])
        with pytest.raises(HumanavError):  # by the job itself: this is nothing for it
            kind_of(name).run(tmp_path / "a.csv", tmp_path / name, options, Progress(1))
    assert len(kind_of("uplift").identity(tmp_path / "a.csv", {})) == 16
    assert kind_of("track").options().__name__ == "TrackOptions"


def test_the_skeleton_beside_a_motion_is_part_of_the_question(tmp_path: Path) -> None:
    amc, identity = tmp_path / "a.amc", kind_of("denoise").identity
    amc.write_text("x")
    before = identity(amc, {})
    (tmp_path / "a.asf").write_text("one")
    found = identity(amc, {})
    (tmp_path / "a.asf").write_text("two")
    assert len({before, found, identity(amc, {})}) == 3


def test_every_job_names_its_options() -> None:
    assert "motion" in option_names(kind_of("avatar"))
    assert "measurements" not in option_names(kind_of("uplift"))


@pytest.mark.parametrize(("job", "word", "said"), [
    ("denoise", "strengt=1", "has no option 'strengt'"), ("denoise", "strength", "write it as name=value"),
    ("denoise", "strength=much", "it takes a number"), ("denoise", "strength=3", "between 0 and 2"),
    ("track", "mode=slow", "it takes fast or accurate"), ("track", "lock_feet=maybe", "yes or no"),
    ("avatar", "texture=77", "The texture can be"),
    ("avatar", "motion=nowhere.npz", "nowhere"), ("uplift", "measurements=1", "has no option"),
])
def test_what_is_wrong_is_said(job: str, word: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_options(kind_of(job), [word])
