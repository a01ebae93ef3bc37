"""The tab "Pose denoising": a bad motion in, a good one out; poses out of nothing; the way between two poses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from humanav.app import motion_pieces, pieces
from humanav.app.errors import guarded
from humanav.app.following import keep_preview
from humanav.app.poses_tab import BetweenPart, Part, RandomPart, stop
from humanav.app.storage import known_result, result_folder
from humanav.errors import InputError
from humanav.jobs import DENOISE_STAGES, DenoiseOptions, denoise_id, denoise_motion
from humanav.motion import CLIP_NAMES
from humanav.progress import Event, Progress
from humanav.results import Result

CLIPS = [(name.replace("_", " ").capitalize(), name) for name in CLIP_NAMES]
DAMAGES = {"Leave it as it is": None, "Outliers and gaps": "outliers+gaps", "Noise": "noise",
           "Slow drift": "correlated", "Trembling": "jitter", "Gaps": "gaps",
           "Outliers": "outliers", "Swapped limbs": "swapped limbs",
           "Frozen arm": "frozen arm"}
UNTOUCHED, FIRST_DAMAGE = list(DAMAGES)[:2]
FILE_TYPES = [".npz", ".npy", ".bvh", ".amc", ".asf", ".txt", ".json", ".yaml", ".yml"]
MAPS = (".json", ".yaml", ".yml")

PARTS = [("Clean a motion", "clean"), ("Random poses", "random"), ("Between poses", "between")]

_SHOW_PART = "(part) => { document.getElementById('denoise').dataset.part = part; }"
_LOOK_AT_VIEWER = ("() => { if (innerWidth < 900) document.getElementById('clean-viewer')"
                   ".scrollIntoView({behavior: 'smooth', block: 'start'}); }")

Updates = dict[gr.components.Component, Any]


class CleanPart(Part):
    """The first part: a motion before and after."""

    def __init__(self) -> None:
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=300, elem_classes="input"):
                self._input()
            with gr.Column(scale=7, min_width=300):
                self._output()
        self._wire()

    def _input(self) -> None:
        self.clip = gr.Dropdown(CLIPS, value="dance", label="A sample motion", elem_id="clean-clip")
        self.files = gr.File(label="Or your own", file_count="multiple", file_types=FILE_TYPES, height=150,
                             elem_id="clean-files")
        gr.HTML('<p class="under">npz, BVH, npy, txt, or an AMC together with its ASF.</p>', padding=False,
                elem_classes="bare")
        self.damage = gr.Dropdown(list(DAMAGES), value=FIRST_DAMAGE, label="Make it worse on purpose", elem_id="damage",
                                  info="Then the result can be held against the truth.")
        self.make = gr.Button("Clean the motion", variant="primary", size="lg", elem_id="clean")
        self.stop = gr.Button("Cancel", visible=False, elem_id="clean-cancel")
        with gr.Accordion("Options", open=False, elem_id="clean-options"):
            self.strength = gr.Slider(0, 2, 1, step=0.05, label="Strength of the cleaning",
                                      info="1 removes what looks like noise, 0 only fills gaps and mends broken poses.")
            self.keep_feet = gr.Checkbox(True, label="Keep the feet", info="Feet that stand do not slide.")
            self.amount = gr.Slider(0, 3, 1, step=0.1, label="Amount of damage")
            self.seed = gr.Number(0, precision=0, minimum=0, label="Seed of the damage",
                                  info="Another number, other damage.")
            self.start = gr.Number(0, minimum=0, label="Begin at second",
                                   info="Of a motion longer than a minute, one minute is used.")

    def _output(self) -> None:
        self.viewer = gr.HTML(motion_pieces.empty("Before and after stand here", "Side by side, always in step."),
                              elem_id="clean-viewer", elem_classes="bare viewer", padding=False)
        self.status = gr.HTML(pieces.idle("Press the button to see a badly captured dance become a good one, or bring "
                                          "your own motion. It takes a few seconds."),
                              elem_id="clean-status", elem_classes="bare", padding=False)
        with gr.Column(visible=False, elem_id="clean-result") as self.result:
            self.table = gr.HTML("", elem_id="clean-numbers", elem_classes="bare", padding=False)
            self.downloads = gr.HTML("", elem_id="clean-downloads", elem_classes="bare", padding=False)
        self.made = gr.State(None)

    def _wire(self) -> None:
        outputs = [self.viewer, self.status, self.result, self.table, self.downloads, self.made, self.make, self.stop]
        self.make.click(
            guarded(self._clean), [self.clip, self.files, self.damage, self.strength, self.keep_feet, self.amount,
                                   self.seed, self.start],
            outputs, api_name="clean_motion", concurrency_limit=1, concurrency_id="cpu", show_progress="hidden")
        self.make.click(None, js=_LOOK_AT_VIEWER, api_visibility="private")
        self.files.upload(lambda: UNTOUCHED, None, self.damage, api_visibility="private", show_progress="hidden")
        self.files.clear(lambda: FIRST_DAMAGE, None, self.damage, api_visibility="private", show_progress="hidden")
        self.stop.click(stop, None, None, queue=False, show_progress="hidden", api_visibility="private")

    def _clean(
        self, clip: str, files: list[str] | None, damage: str, strength: float, keep_feet: bool, amount: float,
        seed: float | None, start: float | None, request: gr.Request,
    ) -> Iterator[Updates]:
        """Clean a motion; yields what the page shows."""
        source, asf, joint_map = sort_files(files) if files else (clip, None, None)
        options = DenoiseOptions(DAMAGES.get(damage, damage), amount, int(seed or 0), strength, keep_feet, start or 0.0)
        identity = denoise_id(source, options, asf, joint_map)
        known = known_result(identity)
        if known is not None:
            yield self.finished(known)
            return

        def work(progress: Progress) -> Result:
            return denoise_motion(source, asf=asf, joint_map=joint_map, out=result_folder(identity), progress=progress,
                                  **asdict(options))

        yield from self.follow(request, "denoise", work, len(DENOISE_STAGES))

    def seen(self, event: Event) -> Updates:
        """The motion as it came, as soon as it has been looked at."""
        kept = keep_preview(event.file) if event.file is not None else None
        if kept is None:
            return {}
        data = event.data
        return {self.viewer: motion_pieces.comparison(kept, data["people"], data["curves"], data["seconds"],
                                                      worst=data["worst"], name="The motion as it came")}

    def finished(self, result: Result) -> Updates:
        """The page of a cleaned motion."""
        report = result.report
        lead = f"Your motion is clean, in {report['seconds']:.1f} seconds."
        return self.ready() | {
            self.viewer: motion_pieces.cleaned(result),
            self.status: pieces.done(lead, report["quality"], report["warnings"]),
            self.result: gr.update(visible=True), self.table: motion_pieces.measures_table(report["measures"]),
            self.downloads: pieces.downloads(result), self.made: str(result.folder)}


def sort_files(files: Sequence[str]) -> tuple[str, str | None, str | None]:
    """The motion, the skeleton and the joint names among uploaded files.

    Raises:
        InputError: no motion among them, or several.
    """
    def of(*endings: str) -> list[str]:
        return [file for file in files if Path(file).suffix.lower() in endings]

    asf, maps = of(".asf"), of(*MAPS)
    motions = [file for file in files if file not in asf and file not in maps]
    if not motions:
        raise InputError("There is no motion among these files: drop the .npz, .bvh or .amc file too.")
    if len(motions) > 1:
        raise InputError(f"There are {len(motions)} motions: drop one at a time (an AMC with its ASF is one).")
    return motions[0], asf[0] if asf else None, maps[0] if maps else None


def build() -> None:
    """Place the tab's components; called inside its ``gr.Tab``."""
    with gr.Column(elem_id="denoise"):
        parts = gr.Radio(PARTS, value="clean", show_label=False, container=False, elem_id="denoise-parts",
                         elem_classes="parts")
        with gr.Column(elem_classes="part-clean"):
            clean = CleanPart()
        with gr.Column(elem_classes="part-random"):
            random = RandomPart()
        with gr.Column(elem_classes="part-between"):
            between = BetweenPart(clean.made, random.made)
    parts.change(None, parts, js=_SHOW_PART, api_visibility="private")
    between.draw_on(parts.change)
