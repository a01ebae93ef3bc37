"""Two parts of the tab "Pose denoising": a gallery of random poses, and the way between two poses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from humanav.app import hand, kept, motion_pieces, pieces
from humanav.app.after import After
from humanav.app.errors import sentence
from humanav.app.job import Job
from humanav.app.part import QUIET, Part, Updates
from humanav.errors import HumanavError, InputError
from humanav.jobs import (
    GENERATE_STAGES,
    INTERPOLATE_STAGES,
    PoseChoice,
    draw_pose,
    generate_poses,
    interpolate_poses,
    path_id,
    poses_id,
)
from humanav.results import Result

RANDOM, GALLERY, CLEANED = "A random pose", "The random poses", "The cleaned motion"
CLIP_OF = dict(motion_pieces.CLIPS)
SOURCES = [RANDOM, *CLIP_OF, GALLERY, CLEANED]


class RandomPart(Part):
    """Poses that nobody took, as people take them."""

    name = "denoise/random"
    kind = "poses"

    def _input(self) -> None:
        gr.HTML('<p class="hint">Poses that were in no recording, drawn from what was learned of how people '
                "hold themselves. Under each: how far it is from those people take.</p>",
                elem_classes="bare", padding=False)
        self.count = gr.Slider(4, 24, 12, step=1, label="How many")
        self.seed = gr.Number(0, precision=0, minimum=0, label="Seed", elem_id="pose-seed",
                              info="The same number makes the same poses.")
        self.make = gr.Button("Make poses", variant="primary", size="lg", elem_id="make-poses")
        self.others = gr.Button("Others", size="lg", elem_id="other-poses")
        self.stop = gr.Button("Cancel", visible=False)
        self.inputs = {"count": self.count, "seed": self.seed}

    def _output(self) -> None:
        self.viewer = gr.HTML(motion_pieces.empty("A pose stands here", "Click one of the small ones to see it "
                              "from all sides."), elem_id="pose-viewer", elem_classes="bare viewer short",
                              padding=False)
        self.status = gr.HTML(pieces.idle("Press the button: twelve poses take a few seconds."),
                              elem_id="pose-status", elem_classes="bare", padding=False)
        self.after = After(self)
        self.gallery = gr.HTML("", elem_id="pose-gallery", elem_classes="bare", padding=False,
                               js_on_load=motion_pieces.SHOW_POSE)
        self.downloads = gr.HTML("", elem_id="pose-downloads", elem_classes="bare", padding=False)
        self.outputs = [self.gallery, self.downloads]

    def _wire(self) -> None:
        self.starts(self.make.click, self._poses)
        self.others.click(lambda seed: int(seed or 0) + 1, self.seed, self.seed, **QUIET).then(
            None, js="() => document.querySelector('#make-poses').click()", api_visibility="private")
        self.stops()

    def buttons(self) -> tuple[gr.components.Component, ...]:
        """What starts a job."""
        return self.make, self.others

    def _poses(self, count: float, seed: float | None) -> Job:
        number, start = int(count), int(seed or 0)
        return Job(f"poses-{poses_id(number, start)}",
                   lambda out, progress: generate_poses(number, seed=start, out=out, progress=progress),
                   len(GENERATE_STAGES), f"{number} random poses, seed {start}")

    def cleared(self) -> Updates:
        """No gallery."""
        return {self.gallery: "", self.downloads: ""}

    def finished(self, result: Result) -> Updates:
        """The first pose large, all of them small."""
        report = result.report
        said = (f"They lie {sum(report['distances']) / len(report['distances']):.1f}° a joint from the poses people "
                "take, by the measure they were made with. Click one to see it large.")
        return {
            self.viewer: pieces.player(result.path("poses.glb"), "A random pose", yaw=25.0),
            self.status: pieces.done(f"{result.inputs['count']} poses, in {report['seconds']:.1f} seconds.", said, ()),
            self.gallery: motion_pieces.gallery(result), self.downloads: pieces.downloads(result)}


class BetweenPart(Part):
    """From one pose to another: straight, and along the manifold."""

    name = "denoise/between"
    kind = "path"
    sends = (hand.MOVE,)

    def __init__(self, cleaned: gr.State, gallery: gr.State) -> None:
        self.results = [cleaned, gallery]
        super().__init__()

    def _input(self) -> None:
        self.ends = [self._end("From", "Squat", 25, 0), self._end("To", "Celebrate", 50, 1)]
        self.make = gr.Button("Go from one to the other", variant="primary", size="lg", elem_id="between")
        self.stop = gr.Button("Cancel", visible=False)
        words = ("source", "moment", "seed", "other", "other_moment", "other_seed")
        ends = [component for end in self.ends for component in end[:3]]
        self.inputs = dict(zip([*words, "cleaned", "gallery"], [*ends, *self.results]))

    def _output(self) -> None:
        self.viewer = gr.HTML(
            motion_pieces.empty("Two ways stand here", "Each joint turned straight, beside the way along poses "
                                "that people take."),
            elem_id="between-viewer", elem_classes="bare viewer", padding=False)
        self.status = gr.HTML(pieces.idle("Choose two poses and press the button."), elem_id="between-status",
                              elem_classes="bare", padding=False)
        self.after = After(self)
        self.downloads = gr.HTML("", elem_id="between-downloads", elem_classes="bare", padding=False)
        self.outputs = [self.downloads]

    def _wire(self) -> None:
        self.starts(self.make.click, self._way)
        self.stops()
        for source, moment, seed, picture in self.ends:
            for event in (source.change, moment.release, seed.change):
                event(_preview, [source, moment, seed, *self.results], [moment, seed, picture], **QUIET)

    def draw_on(self, event: Callable[..., Any]) -> None:
        """Draw both chosen poses on an event: when the part is opened."""
        for source, moment, seed, picture in self.ends:
            event(_preview, [source, moment, seed, *self.results], [moment, seed, picture], **QUIET)

    @staticmethod
    def _end(label: str, source: str, moment: int, seed: int) -> tuple[gr.Dropdown, gr.Slider, gr.Number, gr.HTML]:
        with gr.Row(equal_height=True, elem_classes="end"):
            with gr.Column(scale=1, min_width=96):
                picture = gr.HTML("", elem_classes="bare", padding=False)
            with gr.Column(scale=2, min_width=170):
                dropdown = gr.Dropdown(SOURCES, value=source, label=label, elem_id=f"end-{label.lower()}")
                slider = gr.Slider(0, 100, moment, step=1, label="Moment, %")
                number = gr.Number(seed, precision=0, minimum=0, label="Seed", visible=False)
        return dropdown, slider, number, picture

    def _way(
        self, source: str, moment: float, seed: float | None, other: str, other_moment: float,
        other_seed: float | None, cleaned: str | None, gallery: str | None,
    ) -> Job:
        start = choice_of(source, moment, seed, cleaned, gallery)
        end = choice_of(other, other_moment, other_seed, cleaned, gallery)
        title = f"{_named(source, moment, seed)} to {_named(other, other_moment, other_seed)}"
        return Job(f"path-{path_id(start, end)}",
                   lambda out, progress: interpolate_poses(start, end, out=out, progress=progress),
                   len(INTERPOLATE_STAGES), title)

    def cleared(self) -> Updates:
        """No files."""
        return {self.downloads: ""}

    def finished(self, result: Result) -> Updates:
        """Both ways side by side over their distance."""
        report = result.report
        straight, along = (report["mean"][name] for name in report["people"])
        said = (f"On the way, the poses are {straight:.1f}° a joint from those people take if every joint turns "
                f"straight, and {along:.1f}° along the manifold.")
        return {
            self.viewer: motion_pieces.comparison(
                result.path("comparison.glb"), report["people"], report["curves"], report["duration"],
                axis=("first pose", "second pose"), name="Two ways from one pose to another"),
            self.status: pieces.done(f"Both ways, in {report['seconds']:.1f} seconds.", said, ()),
            self.downloads: pieces.downloads(result)}


def _named(source: str, moment: float, seed: float | None) -> str:
    return f"Random pose {int(seed or 0)}" if source == RANDOM else f"{source} at {moment:.0f}%"


def choice_of(source: str, moment: float, seed: float | None, cleaned: str | None, gallery: str | None) -> PoseChoice:
    """The pose that the dropdown, the slider and the number name.

    Raises:
        InputError: it is one of a result that is not there yet.
    """
    if source == RANDOM:
        return PoseChoice(None, seed=int(seed or 0))
    if source in CLIP_OF:
        return PoseChoice(CLIP_OF[source], moment / 100)
    if source == GALLERY:
        if not gallery:
            raise InputError("There are no random poses yet: make some in the part before this one.")
        return PoseChoice(Result.load(gallery).path("poses.npz"), moment / 100)
    if not cleaned:
        raise InputError("There is no cleaned motion yet: clean one in the first part.")
    return PoseChoice(Result.load(cleaned).path("denoised.npz"), moment / 100)


def _preview(
    source: str, moment: float, seed: float | None, cleaned: str | None, gallery: str | None
) -> tuple[Any, Any, str]:
    """What a change of choice shows: the slider or the seed, and the pose."""
    random = source == RANDOM
    fields = gr.update(visible=not random), gr.update(visible=random)
    try:
        picture: Path = draw_pose(choice_of(source, moment, seed, cleaned, gallery), kept.store().preview_path(".png"))
    except HumanavError as error:
        return *fields, pieces.stopped(sentence(error))
    return *fields, motion_pieces.pose_card(picture, source)
