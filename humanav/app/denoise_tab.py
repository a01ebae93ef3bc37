"""The tab "Pose denoising": a bad motion in, a good one out; poses out of nothing; the way between two poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from humanav.app import hand, motion_pieces, pieces
from humanav.app.after import After
from humanav.app.following import keep_preview
from humanav.app.job import Job
from humanav.app.part import QUIET, Part, Updates
from humanav.app.poses_tab import BetweenPart, RandomPart
from humanav.errors import HumanavError, InputError
from humanav.jobs import DENOISE_STAGES, DenoiseOptions, denoise_id, denoise_motion
from humanav.progress import Event
from humanav.results import Result
from humanav.store import Record

DAMAGES = {"Leave it as it is": None, "Outliers and gaps": "outliers+gaps", "Noise": "noise",
           "Slow drift": "correlated", "Trembling": "jitter", "Gaps": "gaps",
           "Outliers": "outliers", "Swapped limbs": "swapped limbs",
           "Frozen arm": "frozen arm"}
UNTOUCHED, FIRST_DAMAGE = list(DAMAGES)[:2]
FILE_TYPES = [".npz", ".npy", ".bvh", ".amc", ".asf", ".txt", ".json", ".yaml", ".yml"]
MAPS = (".json", ".yaml", ".yml")

PARTS = [("Clean a motion", "clean"), ("Random poses", "random"), ("Between poses", "between")]


class CleanPart(Part):
    """The first part: a motion before and after."""

    name = "denoise/clean"
    kind = "denoise"
    sends = (hand.MOVE,)

    def _input(self) -> None:
        self.clip = gr.Dropdown(motion_pieces.CLIPS, value="dance", label="A sample motion", elem_id="clean-clip")
        self.files = gr.File(label="Or your own", file_count="multiple", file_types=FILE_TYPES, height=150,
                             elem_id="clean-files")
        gr.HTML('<p class="under">npz, BVH, npy, txt, or an AMC together with its ASF.</p>', padding=False,
                elem_classes="bare")
        self.hand = hand.hand()
        self.from_hand = gr.Button("Clean the motion in hand", visible=False, size="lg", elem_id="clean-hand")
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
        self.inputs = {"clip": self.clip, "files": self.files, "damage": self.damage, "strength": self.strength,
                       "keep_feet": self.keep_feet, "amount": self.amount, "seed": self.seed, "start": self.start}

    def _output(self) -> None:
        self.viewer = gr.HTML(motion_pieces.empty("Before and after stand here", "Side by side, always in step."),
                              elem_id="clean-viewer", elem_classes="bare viewer", padding=False)
        self.status = gr.HTML(pieces.idle("Press the button to see a badly captured dance become a good one, or bring "
                                          "your own motion. It takes a few seconds."),
                              elem_id="clean-status", elem_classes="bare", padding=False)
        self.after = After(self)
        with gr.Column(visible=False, elem_id="clean-result") as self.result:
            self.table = gr.HTML("", elem_id="clean-numbers", elem_classes="bare", padding=False)
            self.downloads = gr.HTML("", elem_id="clean-downloads", elem_classes="bare", padding=False)
        self.outputs = [self.result, self.table, self.downloads, self.hand]

    def _wire(self) -> None:
        self.starts(self.make.click, self._clean)
        self.starts(self.from_hand.click, self._clean_hand, {
            "hand": self.hand, "strength": self.strength, "keep_feet": self.keep_feet, "start": self.start})
        gr.on(hand.changes(), _offered, self.hand, self.from_hand, **QUIET)
        self.files.upload(lambda: UNTOUCHED, None, self.damage, **QUIET)
        self.files.clear(lambda: FIRST_DAMAGE, None, self.damage, **QUIET)
        self.stops()

    def _clean(
        self, clip: str, files: list[str] | None, damage: str, strength: float, keep_feet: bool, amount: float,
        seed: float | None, start: float | None,
    ) -> Job:
        source, asf, joint_map = sort_files(files) if files else (clip, None, None)
        options = DenoiseOptions(DAMAGES.get(damage, damage), amount, int(seed or 0), strength, keep_feet, start or 0.0)
        return Job(f"denoise-{denoise_id(source, options, asf, joint_map)}",
                   lambda out, progress: denoise_motion(source, asf=asf, joint_map=joint_map, out=out,
                                                        progress=progress, **asdict(options)),
                   len(DENOISE_STAGES), f"{Path(source).stem.replace('_', ' ').capitalize()}, cleaned")

    def _clean_hand(self, value: Any, strength: float, keep_feet: bool, start: float | None) -> Job:
        """The motion in hand, as it is."""
        item = hand.taken(value, "motion")
        if item is None:
            raise InputError("There is no motion in hand: take one along from another tab.")
        source, options = item.result, DenoiseOptions(None, strength=strength, keep_feet=keep_feet, start=start or 0.0)
        person = item.chosen(source).person
        return Job(f"denoise-{denoise_id(source, options, person=person)}",
                   lambda out, progress: denoise_motion(source, person=person, out=out, progress=progress,
                                                        **asdict(options)),
                   len(DENOISE_STAGES), f"{item.title}, cleaned",
                   values={"motion_in_hand": item.to_json(), "strength": strength, "keep_feet": keep_feet,
                           "start": start})

    def restore(self, record: Record, folder: Path | None) -> Updates:
        """The inputs as they were, the motion in hand among them."""
        item = hand.taken({"motion": record.values.get("motion_in_hand")}, "motion")
        found = {self.hand: {"motion": item.to_json()}} if item is not None and folder is not None else {}
        return super().restore(record, folder) | found

    def buttons(self) -> tuple[gr.components.Component, ...]:
        """What starts a job."""
        return self.make, self.from_hand

    def seen(self, event: Event) -> Updates:
        """The motion as it came, as soon as it has been looked at."""
        kept = keep_preview(event.file) if event.file is not None else None
        if kept is None:
            return {}
        data = event.data
        return {self.viewer: motion_pieces.comparison(kept, data["people"], data["curves"], data["seconds"],
                                                      worst=data["worst"], name="The motion as it came")}

    def cleared(self) -> Updates:
        """No result."""
        return {self.result: gr.update(visible=False)}

    def finished(self, result: Result) -> Updates:
        """The page of a cleaned motion."""
        report = result.report
        lead = f"Your motion is clean, in {report['seconds']:.1f} seconds."
        return {
            self.viewer: motion_pieces.cleaned(result),
            self.status: pieces.done(lead, report["quality"], report["warnings"]),
            self.result: gr.update(visible=True), self.table: motion_pieces.measures_table(report["measures"]),
            self.downloads: pieces.downloads(result)}


def _offered(value: Any) -> Any:
    """The button for the motion in hand: there while there is one that still exists."""
    item = hand.taken(value, "motion")
    try:
        there = item is not None and bool(item.held(item.result))
    except HumanavError:
        there = False
    return gr.update(visible=there)


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


def build() -> list[Part]:
    """Place the tab's components; called inside its ``gr.Tab``."""
    with gr.Column(elem_id="denoise"):
        parts = gr.Radio(PARTS, value="clean", show_label=False, container=False, elem_id="denoise-parts",
                         elem_classes="parts", interactive=True)
        with gr.Column(elem_classes="part-clean"):
            clean = CleanPart()
        with gr.Column(elem_classes="part-random"):
            random = RandomPart()
        with gr.Column(elem_classes="part-between"):
            between = BetweenPart(clean.made, random.made)
    between.draw_on(parts.change)
    for part in (clean, random, between):
        part.switch = parts
    return [clean, random, between]
