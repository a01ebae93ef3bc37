"""What diffusion networks need: their weights, a GPU, room on the disk; and what happens without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from humanav.avatar import Avatar
from humanav.avatar.gaussian import diffusion_models
from humanav.avatar.gaussian.diffusion import GENERATORS, best_generator, make_generator
from humanav.avatar.gaussian.diffusion_inpaint import InpaintSettings
from humanav.avatar.gaussian.diffusion_models import download_notice
from humanav.avatar.gaussian.diffusion_video import FilmSettings
from humanav.avatar.gaussian.teacher import SyntheticTeacher
from humanav.errors import Cancelled, InputError, StorageError


def test_what_cannot_be_used_falls_back_to_the_teacher_and_says_so(
    mesh: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert GENERATORS == ("teacher", "vace", "animate", "inpaint")
    made, note = make_generator("teacher", mesh)
    assert isinstance(made, SyntheticTeacher)
    assert note == ""
    with pytest.raises(InputError, match="no generator 'sora'"):
        make_generator("sora", mesh)
    with pytest.raises(InputError, match="takes InpaintSettings"):
        make_generator("inpaint", mesh, settings=FilmSettings())

    def full(name: str, **_: Any) -> Any:
        raise StorageError("The disk is full.")

    made, note = make_generator("vace", mesh, load=full)
    assert isinstance(made, SyntheticTeacher)
    assert note == "The disk is full. The synthetic teacher makes the training frames meanwhile."
    monkeypatch.setattr(diffusion_models, "find_spec", lambda package: None)
    made, note = make_generator("vace", mesh)
    assert isinstance(made, SyntheticTeacher)
    assert "pip install 'humanav[generators]'" in note
    assert best_generator() == "teacher"


def test_the_gpu_is_free_between_films() -> None:
    class Pipe:
        moved: ClassVar[list[str]] = []

        def to(self, place: str, silence_dtype_warnings: bool = False) -> None:
            self.moved.append(place)

        def maybe_free_model_hooks(self) -> None:
            self.moved.append("freed")

    loaded = diffusion_models.Loaded(Pipe(), "one", "", "cuda", "float16", "none")
    with pytest.raises(Cancelled), loaded.at_work():
        raise Cancelled("Stopped.")
    assert Pipe.moved == ["cuda", "cpu"]
    with replace(loaded, offload="sequential").at_work() as pipe:
        assert pipe is loaded.pipe
    assert len(Pipe.moved) == 2
    # a network that broke off in the middle of a film would stay on the GPU
    with pytest.raises(Cancelled), replace(loaded, offload="model").at_work():
        raise Cancelled("Stopped.")
    assert Pipe.moved[2:] == ["freed"]


def test_first_use_says_what_it_downloads() -> None:
    said = download_notice("vace")
    assert "19 GB" in said or "here already" in said
    assert "Apache-2.0" in said
    assert "Wan-AI/Wan2.1-VACE-1.3B-diffusers" in said
    assert "nothing is downloaded" in download_notice("teacher")
    assert "own licence" in download_notice("inpaint", "some/where")
    with pytest.raises(InputError, match="choose one of"):
        download_notice("sora")


def test_a_download_that_broke_off_is_not_taken_for_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub")
    index = tmp_path / "model_index.json"
    index.write_text("{}")
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_, **__: str(index))
    card = replace(diffusion_models.CARDS["vace"], download_gb=1e-6)
    assert not diffusion_models.is_here(card)
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "weights.safetensors").write_bytes(bytes(1000))
    assert diffusion_models.is_here(card)


def test_a_full_disk_is_noticed_before_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(diffusion_models.shutil, "disk_usage", lambda _: type("Use", (), {"free": 3e9}))
    with pytest.raises(StorageError, match=r"needs 82 GB of disk, and 3 GB are free: set HF_HOME"):
        diffusion_models._check_room(diffusion_models.CARDS["animate"])


@pytest.mark.parametrize(("bad", "words"), [({"window": 80}, "4 k"), ({"area": 10}, "1,024"), ({"steps": 0}, "1,024"),
                                            ({"control": "edges"}, "depth or pose")])
def test_settings_are_checked(bad: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        FilmSettings(**bad)
    with pytest.raises(InputError, match="multiple of 8"):
        InpaintSettings(size=100)
    with pytest.raises(InputError, match="at least one"):
        InpaintSettings(steps=1)
