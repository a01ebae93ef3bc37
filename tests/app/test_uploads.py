"""A box hands on an upload, and no other file of the machine that somebody names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.data_classes import FileData, ImageData

from humanav.app.uploads import image_box, video_box


@pytest.mark.parametrize(("box", "data"), [(image_box(), ImageData), (video_box(), FileData)])
def test_only_uploads_are_handed_on(box: Any, data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    mine, others = tmp_path / "uploads" / "a" / "photo.jpg", tmp_path / "inputs" / "photo.jpg"
    for path in (mine, others):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    assert box.preprocess(data(path=str(mine))) == str(mine)
    assert box.preprocess(None) is None
    for given in (str(others), str(mine.parent / ".." / ".." / "inputs" / "photo.jpg"), str(mine.parent), "http://x/y"):
        with pytest.raises(gr.Error, match="upload it again"):
            box.preprocess(data(path=given))
