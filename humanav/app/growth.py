"""An avatar in the making, on its tab."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from humanav.app import gaussian_pieces, pieces
from humanav.app.following import keep_preview
from humanav.app.part import Updates, Watch
from humanav.errors import Cancelled
from humanav.jobs.gaussian_files import SPLATS
from humanav.progress import Event

if TYPE_CHECKING:
    from humanav.app.photo_tab import PhotoTab


class Growth(Watch):
    """What one run shows: a new avatar's pictures in the strip, the best so far in the viewer, the training under it.

    Attributes:
        new: whether an avatar is made, and not moved.
        evidence: the pictures so far.
        losses: the errors of the training, by its stage.
    """

    def __init__(self, part: PhotoTab, new: bool) -> None:
        super().__init__(part)
        self.page, self.new = part, new
        self.evidence: list[pieces.Evidence] = []
        self.losses: dict[str, list[float]] = {}

    def seen(self, event: Event) -> Updates:
        """What one event changes on the page."""
        page, update = self.page, Updates()
        if event.image is not None and "loss" in event.data:
            sofar = self.losses.setdefault(event.stage, [])  # other stages learn from other pictures
            sofar.append(float(event.data["loss"]))
            picture = gaussian_pieces.growing(event.image, int(event.data["step"]), sofar)
            update[page.growing] = gr.update(value=picture, visible=True)
        elif event.image is not None and self.new:
            self.evidence.append(pieces.Evidence(event.data.get("title", event.stage), event.caption, event.image))
            update[page.strip] = gr.update(value=pieces.strip(self.evidence), visible=True)
            if event.step <= 3:
                update[page.viewer] = pieces.picture_stage(event.image)
        kept_file = keep_preview(event.file) if event.file is not None else None
        if kept_file is not None and kept_file.suffix == ".glb":
            update[page.viewer] = pieces.player(kept_file, event.caption)
        elif kept_file is not None and kept_file.suffix == Path(SPLATS).suffix:
            update[page.viewer] = gaussian_pieces.splat_player(kept_file, event.caption)
        return update

    def stopped(self, error: Cancelled) -> str:
        """A stopped training goes on where it was."""
        return gaussian_pieces.STOPPED if self.losses else str(error)
