"""The tab "Multi-view capture": videos of several cameras in, everybody in one space out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from humanav.app import hand, multiview_pieces, pieces
from humanav.app.after import After
from humanav.app.errors import guarded
from humanav.app.following import keep_preview
from humanav.app.inputs import put_back
from humanav.app.job import Job
from humanav.app.limits import limits
from humanav.app.part import QUIET, Part, Updates
from humanav.app.photo_pieces import parse_height
from humanav.app.track_pieces import parse_number
from humanav.errors import HumanavError, InputError
from humanav.jobs.multiview import multiview_id, multiview_stages, reconstruct_capture
from humanav.jobs.multiview_options import MultiviewOptions
from humanav.jobs.multiview_pictures import FIGURE
from humanav.jobs.multiview_samples import SAMPLE_CAPTURES, sample_files, sample_picture
from humanav.jobs.multiview_source import read_capture
from humanav.progress import Event
from humanav.results import Result
from humanav.store import Record

IDLE = "Choose the videos of all cameras with their calibration, or the sample, and press the button."
UNITS = {"As the file says": None, "Metres": "m", "Centimetres": "cm", "Millimetres": "mm", "Feet": "feet",
         "Inches": "inches"}
AXES = {"As the cameras are held": "auto", "y": "y", "z": "z", "-y": "-y", "-z": "-z", "x": "x", "-x": "-x"}
NOTHING = ("There is no capture yet: drop the videos of all cameras and their calibration into the box, or one zip of "
           "them.")


class MultiviewTab(Part):
    """Places the components and wires them."""

    name = "capture"
    kind = "capture"
    sends = (hand.CLEAN, hand.MOVE, hand.WEAR)

    def _input(self) -> None:
        self.files = gr.File(label="Videos and calibration, or a zip", file_count="multiple",
                             file_types=multiview_pieces.FILE_TYPES, height=190, elem_id="capture-files")
        self.samples = gr.Dataset(
            components=[gr.Image(visible=False)], label="Or try this one", elem_id="capture-samples", type="index",
            samples=[[str(picture)] for picture in sample_pictures()], visible=bool(sample_pictures()))
        self.way = gr.Radio(multiview_pieces.ways(), value="quick", label="How", elem_id="capture-way",
                            elem_classes="parts",
                            info="With avatars, bodies that touch no longer go into each other.")
        self.make = gr.Button("Reconstruct the scene", variant="primary", size="lg", elem_id="capture-make")
        self.stop = gr.Button("Cancel", visible=False, elem_id="capture-cancel")
        with gr.Accordion("Options", open=False, elem_id="capture-options"):
            with gr.Row():
                self.start = gr.Textbox(label="From (s)", placeholder="0", min_width=100)
                self.end = gr.Textbox(label="To (s)", placeholder=f"{multiview_pieces.MOST_SECONDS:g} at most",
                                      min_width=100)
                self.fps = gr.Textbox(label="Frames a second", placeholder="all", min_width=100)
            self.unit = gr.Dropdown(list(UNITS), value=next(iter(UNITS)), label="Unit of the calibration")
            self.axis = gr.Dropdown(list(AXES), value=next(iter(AXES)), label="Its upward axis")
            self.sync = gr.Checkbox(True, label="Find time offsets", info="Videos that did not begin together.")
            self.mend = gr.Checkbox(True, label="Mend the cameras a little",
                                    info="Only where rays meet better in other frames too; told in the report.")
            with gr.Row():
                self.people = gr.Textbox(label="How many people", placeholder="all", min_width=120)
                self.height = gr.Textbox(label="Their height", placeholder="174 cm", min_width=120)
            gr.HTML('<p class="hint">The height gives the scale where there is no calibration. Empty: estimated.</p>',
                    elem_classes="bare", padding=False)
            self.masks = gr.File(label="Masks of the people (optional zip, a folder a camera)", file_types=[".zip"],
                                 height=110, elem_id="capture-masks")
        self.inputs = {"files": self.files, "way": self.way, "start": self.start, "end": self.end, "fps": self.fps,
                       "unit": self.unit, "axis": self.axis, "sync": self.sync, "mend": self.mend,
                       "people": self.people, "height": self.height, "masks": self.masks}

    def _output(self) -> None:
        self.viewer = gr.HTML(multiview_pieces.empty(), elem_id="capture-viewer", elem_classes="bare viewer",
                              padding=False)
        self.status = gr.HTML(pieces.idle(IDLE), elem_id="capture-status", elem_classes="bare", padding=False)
        self.after = After(self)
        self.doctor = gr.HTML("", elem_id="capture-doctor", elem_classes="bare", padding=False, visible=False)
        with gr.Column(visible=False, elem_id="capture-result") as self.result:
            with gr.Accordion("How the views were matched", open=False, elem_id="capture-matching"):
                self.matching = gr.HTML("", elem_classes="bare", padding=False)
            self.compared = gr.HTML("", elem_id="capture-compared", elem_classes="bare", padding=False,
                                    js_on_load=multiview_pieces.SLIDE)
            with gr.Column(visible=False) as self.avatars:
                gr.HTML('<h3 class="part">Avatars</h3>', elem_classes="bare", padding=False)
                self.whose = gr.Radio([], show_label=False, container=False, label="Whose avatar is shown",
                                      elem_id="capture-whose", elem_classes="parts people")
                self.avatar = gr.HTML("", elem_id="capture-avatar", elem_classes="bare viewer short", padding=False)
            self.numbers = gr.HTML("", elem_id="capture-numbers", elem_classes="bare", padding=False)
            self.downloads = gr.HTML("", elem_id="capture-downloads", elem_classes="bare", padding=False)
        self.outputs = [self.doctor, self.result, self.matching, self.compared, self.avatars, self.whose, self.avatar,
                        self.numbers, self.downloads, self.samples]

    def _wire(self) -> None:
        self.files.change(guarded(self._look), [self.files, self.restored],
                          [self.viewer, self.status, self.result, self.doctor, self.way, self.samples, self.restored,
                           *self.after.places],
                          concurrency_limit=1, concurrency_id="look", trigger_mode="always_last", **QUIET)
        self.samples.click(_sample, self.samples, self.files, **QUIET)
        self.starts(self.make.click, self._reconstruct)
        self.stops()
        self.whose.input(_show_avatar, [self.made, self.whose], self.avatar, **QUIET)

    def _look(self, files: list[str] | None, restored: list[str] | None) -> Iterator[Updates]:
        """Files were chosen: what they are, and the first frame of every view. Those that a link put back are known."""
        if put_back(files, restored):
            yield gr.skip()  # a generator that yields nothing would empty the page
            return
        cleared = self.cleared() | self.after.hidden() | {self.restored: None}
        if not files:
            yield cleared | {self.viewer: multiview_pieces.empty(), self.status: pieces.idle(IDLE),
                             self.way: gr.update(choices=multiview_pieces.ways()),
                             self.samples: gr.update(visible=bool(sample_pictures()))}
            return
        yield cleared | {self.status: pieces.idle("Looking at your capture."),
                         self.samples: gr.update(visible=False)}
        try:
            picture, words, views, frames = looked_at(files)
        except HumanavError as error:
            yield {self.status: pieces.stopped(str(error)), self.viewer: multiview_pieces.empty()}
            return
        yield {self.viewer: multiview_pieces.live(picture), self.status: pieces.idle(words),
               self.way: gr.update(choices=multiview_pieces.ways(views, frames))}

    def _reconstruct(
        self, files: list[str] | None, way: str, start: str | None, end: str | None, fps: str | None, unit: str,
        axis: str, sync: bool, mend: bool, people: str | None, height: str | None, masks: str | None,
    ) -> Job:
        if not files:
            raise InputError(NOTHING)
        options = options_of(way, start, end, fps, unit, axis, sync, mend, people, height, masks)
        views = sum(Path(file).suffix.lower() in multiview_pieces.VIDEOS for file in files) or 4
        return Job(
            f"capture-{multiview_id(files, options)}",
            lambda out, progress: reconstruct_capture(files, out=out, options=options, progress=progress),
            len(multiview_stages(options)), f"{name_of(files)}, {views} views",
            expected=multiview_pieces.COSTS.of(way, views, 60), sort="capture " + way)

    def restore(self, record: Record, folder: Path | None) -> Updates:
        """The inputs as they were; the sample is offered where no files came back."""
        update = super().restore(record, folder)
        return update | {self.samples: gr.update(visible=not update.get(self.files) and bool(sample_pictures()))}

    def cleared(self) -> Updates:
        """No result."""
        return {self.result: gr.update(visible=False), self.doctor: gr.update(visible=False)}

    def seen(self, event: Event) -> Updates:
        """The best thing so far: pictures of the views, then everybody in 3D; and the doctor's report."""
        name = event.data.get("name")
        if event.file is not None and event.file.suffix == ".glb":
            kept = keep_preview(event.file)
            return {} if kept is None else {self.viewer: multiview_pieces.scene(kept, event.caption)}
        updates: Updates = {}
        if "findings" in event.data:
            figure = ""
            kept = None if event.file is None else keep_preview(event.file)  # the job may have moved it by now
            if kept is not None:
                figure = kept.read_text(encoding="utf-8")
            updates[self.doctor] = gr.update(value=multiview_pieces.doctor(event.data["findings"], figure),
                                             visible=True)
        if event.image is not None and name != "late":
            updates[self.viewer] = multiview_pieces.live(event.image)
        return updates

    def learn(self, result: Result) -> None:
        """What the capture took is what others will take."""
        report = result.report
        multiview_pieces.COSTS.learn(result.inputs["refine"], report["views"], report["frames"],
                                     len(report["people"]), report["seconds"])

    def finished(self, result: Result) -> Updates:
        """The page of a reconstructed capture."""
        report = result.report
        choices = multiview_pieces.avatar_choices(result)
        first = choices[0][1] if choices else None
        figure = result.path(FIGURE).read_text(encoding="utf-8") if result.has(FIGURE) else ""
        return {
            self.viewer: multiview_pieces.players(result),
            self.status: pieces.done(f"The scene is reconstructed, in {report['seconds']:.0f} seconds.",
                                     report["quality"], report["warnings"]),
            self.doctor: gr.update(value=multiview_pieces.doctor(report["findings"], figure), visible=True),
            self.matching: multiview_pieces.matching(result),
            self.compared: multiview_pieces.compared(result), self.numbers: multiview_pieces.numbers(result),
            self.avatars: gr.update(visible=bool(choices)),
            self.whose: gr.update(choices=choices, value=first, visible=len(choices) > 1),
            self.avatar: multiview_pieces.avatar(result, first) if first else "",
            self.downloads: multiview_pieces.downloads(result), self.result: gr.update(visible=True)}


def name_of(files: list[str]) -> str:
    """What a capture is called: as its zip, or the sample; the files of loose ones are called after their cameras."""
    archive = next((file for file in files if Path(file).suffix.lower() == ".zip"), "")
    if not archive and _listed(files) == _listed(sample_files()):
        return next(iter(SAMPLE_CAPTURES.values())).partition(",")[0]
    return Path(archive or "capture").stem.replace("_", " ").capitalize()


def _listed(files: Sequence[str | Path]) -> set[tuple[str, int]]:
    return {(Path(file).name, Path(file).stat().st_size) for file in files}


def looked_at(files: Sequence[str]) -> tuple[Any, str, int, float]:
    """The first frame of every view, what is said of the capture, how many views and frames it has.

    Raises:
        InputError: nothing that can be reconstructed.
    """
    from humanav.jobs.multiview_pictures import sheet_columns
    from humanav.multiview.footage import open_footage
    from humanav.view import contact_sheet

    with tempfile.TemporaryDirectory() as place:
        capture = read_capture(list(files), MultiviewOptions(), Path(place))
        with open_footage(capture, max_side=640, end=multiview_pieces.MOST_SECONDS) as footage:
            pictures = [footage.frame(view, 0) for view in range(len(footage.names))]
            sheet = contact_sheet(pictures, footage.names, columns=sheet_columns(pictures), height=360, max_width=1600)
            words = multiview_pieces.capture_words(capture, footage.frames, footage.fps)
            return sheet, words, len(pictures), footage.frames


def options_of(
    way: str, start: str | None, end: str | None, fps: str | None, unit: str, axis: str, sync: bool, mend: bool,
    people: str | None, height: str | None, masks: str | None,
) -> MultiviewOptions:
    """What the job is asked for by what the page says.

    Raises:
        InputError: words or numbers that mean nothing.
    """
    begin = parse_number(start, "start") if (start or "").strip() not in ("", "0") else 0.0
    many = parse_number(people, "number of people") if (people or "").strip().lower() not in ("", "all") else None
    if many is not None and many != int(many):
        raise InputError(f"{many:g} is no number of people: write a whole number, or nothing.")
    options = MultiviewOptions(
        refine=way, start=begin or 0.0, end=parse_number(end, "end"),  # type: ignore[arg-type]
        fps=parse_number(fps, "frame rate"), unit=UNITS.get(unit), up=AXES.get(axis, "auto"),
        sync="auto" if sync else "off", refine_cameras=mend, people="all" if many is None else int(many),
        height=parse_height(height), masks=masks, budget=multiview_pieces.budget())
    limits().check_seconds(options.start, options.end, limits().capture_seconds)
    return options if options.end else replace(options, end=options.start + multiview_pieces.MOST_SECONDS)


def sample_pictures() -> list[Path]:
    """A small picture of each sample capture that is there."""
    pictures = [sample_picture(name) for name in SAMPLE_CAPTURES if sample_files(name)]
    return [picture for picture in pictures if picture.is_file()]


def _sample(number: int) -> list[str]:
    """The files of the sample that was clicked."""
    return [str(file) for file in sample_files(list(SAMPLE_CAPTURES)[number])]


def _show_avatar(made: str | None, person: str) -> Any:
    if not made or not Path(made).is_dir():
        return gr.skip()
    return multiview_pieces.avatar(Result.load(made), person)


def build() -> list[Part]:
    """Place the tab's components; called inside its ``gr.Tab``."""
    with gr.Column(elem_id="capture"):
        return [MultiviewTab()]
