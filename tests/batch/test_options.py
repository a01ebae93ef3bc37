"""name=value words become the options of each job, and everything else is said in a sentence."""

from __future__ import annotations

import pytest

from humanav.batch.kinds import kind_of
from humanav.batch.options import option_names, read_options
from humanav.errors import InputError


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
