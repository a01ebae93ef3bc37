"""What the page's pieces say, and what the app keeps on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from humanav.app import kept, pieces, samples, shell
from humanav.app.errors import guarded, sentence
from humanav.app.photo_pieces import parse_height
from humanav.app.photo_tab import STANDING, TEXTURES
from humanav.errors import ImageError, InputError
from humanav.jobs import PhotoOptions, photo_id
from humanav.paths import sample_photos
from humanav.results import Result, ResultWriter
from tests.app.conftest import ids_of_the_page, whole_page


@pytest.mark.parametrize(("text", "metres"), [
    (None, None), ("", None), ("  ", None), ("174", 1.74), ("174 cm", 1.74), ("1.74", 1.74), ("1,74 m", 1.74),
    ("5'9\"", 1.753), ("6 ft", 1.829), ("5' 9", 1.753)])
def test_heights_are_read_as_people_write_them(text: str | None, metres: float | None) -> None:
    assert parse_height(text) == (None if metres is None else pytest.approx(metres, abs=1e-3))


@pytest.mark.parametrize("text", ["tall", "1.7.4", "-170", "174 miles"])
def test_other_words_get_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match="no height"):
        parse_height(text)


def test_a_handler_shows_a_sentence_and_hides_what_is_no_business_of_the_visitors(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def bad_photo() -> Iterator[int]:
        yield 1
        raise ImageError("The photo is too small.")

    def bug() -> Iterator[int]:
        yield 1
        raise KeyError("secret")

    with pytest.raises(gr.Error, match="too small"):
        list(guarded(bad_photo)())
    with pytest.raises(gr.Error, match="went wrong") as caught:
        list(guarded(bug)())
    assert "secret" not in str(caught.value)
    assert "secret" in caplog.text
    assert sentence(gr.Error('Your <a href="x">GPU time</a> is over.')) == "Your GPU time is over."


@pytest.fixture
def result(tmp_path: Path) -> Result:
    with ResultWriter(tmp_path / "out", "avatar", "abc", {}) as writer:
        writer.add("avatar.glb", "The <avatar>", "Blender & others").write_bytes(b"x" * 2_000_000)
        writer.add("seen.jpg", "seen", preview=True).write_bytes(b"x")
    return writer.result


def test_downloads_name_size_and_programs_and_escape_them(result: Result) -> None:
    said = pieces.downloads(result)
    assert 'download="avatar.glb"' in said
    assert "2.0 MB" in said
    assert "The &lt;avatar&gt;. Opens in Blender &amp; others." in said
    assert "seen.jpg" not in said


def test_sentences_are_escaped() -> None:
    assert "<b>" not in pieces.stopped("<b>no</b>")
    assert "<i>" not in pieces.done("ready", "<i>well</i>", ["<i>note</i>"])


def test_samples_have_the_ids_that_the_page_asks_for() -> None:
    photo = sample_photos()[0]
    asked = PhotoOptions(parse_height(""), next(iter(STANDING.values())), (), False, TEXTURES["2048 px"])
    assert photo_id(str(photo), asked, samples.CLIP, None) == photo_id(photo, PhotoOptions(), samples.CLIP)


def test_the_status_line_counts_on_when_a_job_takes_longer() -> None:
    assert "step 4 of 7 · 12 s of about 40 s" in pieces.working("Fitting", 4, 7, 12, 40, 0.5)
    assert "55 s of about 55 s" in pieces.working("Fitting", 4, 7, 55, 40, 0.5)


def test_pictures_are_shrunk() -> None:
    address = pieces.image_url(np.zeros((2000, 1500, 3), dtype=np.uint8), 400)
    assert address.startswith("data:image/jpeg;base64,")
    assert len(address) < 20_000


def test_the_page_is_built_with_a_tab_for_each_entry() -> None:
    ids = ids_of_the_page()
    assert {"photo", "make", "cancel", "viewer", "status", "evidence", "downloads", "measures", "mine"} <= ids
    options = shell.launch_options()
    assert {"theme", "css_paths", "max_file_size", "allowed_paths"} <= set(options)
    for private in ("inputs", "records"):  # are never served
        assert not any((kept.store().base / private).is_relative_to(path) for path in options["allowed_paths"])


def test_no_two_listeners_can_keep_each_other_busy() -> None:
    """See shell._part_listeners: without it, half of all first visits asked the same three questions for ever."""
    functions = whole_page().fns.values()
    heard = Counter(target for function in functions for target in set(function.targets))
    shared = [function for function in functions if any(heard[target] > 1 for target in function.targets)]
    assert len(shared) >= 3  # what is in hand, at three places
    assert all(function.trigger_mode != "always_last" for function in shared)
