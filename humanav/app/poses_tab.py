"""Two parts of the tab "Pose denoising": a gallery of random poses, and the way between two poses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from humanav.app import motion_pieces, pieces
from humanav.app.errors import guarded, sentence
from humanav.app.following import follow
from humanav.app.running import Work, cancel
from humanav.app.storage import known_result, preview_path, result_folder
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
from humanav.motion import CLIP_NAMES
from humanav.progress import Event, Progress
from humanav.results import Result

RANDOM, GALLERY, CLEANED = "A random pose", "The random poses", "The cleaned motion"
SOURCES = [RANDOM, *(name.replace("_", " ").capitalize() for name in CLIP_NAMES), GALLERY, CLEANED]
CLIP_OF = dict(zip(SOURCES[1:], CLIP_NAMES))

Updates = dict[gr.components.Component, Any]


class Part(ABC):
    """One part with a button, a way to stop, a viewer and a status line."""

    make: gr.Button
    stop: gr.Button
    viewer: gr.HTML
    status: gr.HTML
    expected = 4.0
    """Seconds, until this process has timed a job of the kind."""

    def follow(
        self, request: gr.Request, kind: str, work: Work, steps: int, expected: float | None = None
    ) -> Iterator[Updates]:
        """Run a job, and turn what it says into updates of the page; ``expected`` seconds where they are known."""
        yield {self.make: gr.update(interactive=False), self.stop: gr.update(visible=True)}
        try:
            for status, item in follow(request.session_hash or "", kind, work, steps,
                                       expected or self.expected):
                update: Updates = {} if status is None else {self.status: status}
                if isinstance(item, Result):
                    update |= self.finished(item)
                elif item is not None:
                    update |= self.seen(item)
                yield update
        except Exception:
            yield self.ready()
            raise
        yield self.ready()

    def ready(self) -> Updates:
        """The buttons of an idle page."""
        return {self.make: gr.update(interactive=True), self.stop: gr.update(visible=False)}

    def seen(self, event: Event) -> Updates:
        """What an event of the running job shows, beside the status line."""
        return {}

    @abstractmethod
    def finished(self, result: Result) -> Updates:
        """The page of a finished result."""


class RandomPart(Part):
    """Poses that nobody took, as people take them."""

    def __init__(self) -> None:
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=300, elem_classes="input"):
                gr.HTML('<p class="hint">Poses that were in no recording, drawn from what was learned of how people '
                        "hold themselves. Under each: how far it is from those people take.</p>",
                        elem_classes="bare", padding=False)
                self.count = gr.Slider(4, 24, 12, step=1, label="How many")
                self.seed = gr.Number(0, precision=0, minimum=0, label="Seed", elem_id="pose-seed",
                                      info="The same number makes the same poses.")
                self.make = gr.Button("Make poses", variant="primary", size="lg", elem_id="make-poses")
                self.again = gr.Button("Others", size="lg", elem_id="other-poses")
                self.stop = gr.Button("Cancel", visible=False)
            with gr.Column(scale=7, min_width=300):
                self.viewer = gr.HTML(motion_pieces.empty("A pose stands here", "Click one of the small ones to see it "
                                      "from all sides."), elem_id="pose-viewer", elem_classes="bare viewer short",
                                      padding=False)
                self.status = gr.HTML(pieces.idle("Press the button: twelve poses take a few seconds."),
                                      elem_id="pose-status", elem_classes="bare", padding=False)
                self.gallery = gr.HTML("", elem_id="pose-gallery", elem_classes="bare", padding=False,
                                       js_on_load=motion_pieces.SHOW_POSE)
                self.downloads = gr.HTML("", elem_id="pose-downloads", elem_classes="bare", padding=False)
        self.made = gr.State(None)
        outputs = [self.viewer, self.status, self.gallery, self.downloads, self.made, self.make, self.stop, self.again,
                   self.seed]
        limits: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "cpu", "show_progress": "hidden"}
        self.make.click(guarded(self._make), [self.count, self.seed], outputs, api_name="random_poses", **limits)
        self.again.click(guarded(self._others), [self.count, self.seed], outputs, api_visibility="private", **limits)
        self.stop.click(stop, None, None, queue=False, show_progress="hidden", api_visibility="private")

    def _make(self, count: float, seed: float | None, request: gr.Request) -> Iterator[Updates]:
        """Make random poses; yields what the page shows."""
        number, start = int(count), int(seed or 0)
        identity = f"poses-{poses_id(number, start)}"
        known = known_result(identity)
        if known is not None:
            yield self.finished(known)
            return

        def work(progress: Progress) -> Result:
            return generate_poses(number, seed=start, out=result_folder(identity), progress=progress)

        yield from self.follow(request, "poses", work, len(GENERATE_STAGES))

    def _others(self, count: float, seed: float | None, request: gr.Request) -> Iterator[Updates]:
        seed = int(seed or 0) + 1
        yield {self.seed: seed}
        yield from self._make(count, seed, request)

    def finished(self, result: Result) -> Updates:
        """The first pose large, all of them small."""
        report = result.report
        said = (f"They lie {sum(report['distances']) / len(report['distances']):.1f}° a joint from the poses people "
                "take, by the measure they were made with. Click one to see it large.")
        return self.ready() | {
            self.viewer: pieces.player(result.path("poses.glb"), "A random pose", yaw=25.0),
            self.status: pieces.done(f"{result.inputs['count']} poses, in {report['seconds']:.1f} seconds.", said, ()),
            self.gallery: motion_pieces.gallery(result), self.downloads: pieces.downloads(result),
            self.made: str(result.folder)}


class BetweenPart(Part):
    """From one pose to another: straight, and along the manifold."""

    def __init__(self, cleaned: gr.State, gallery: gr.State) -> None:
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=300, elem_classes="input"):
                self.ends = [self._end("From", "Squat", 25, 0), self._end("To", "Celebrate", 50, 1)]
                self.make = gr.Button("Go from one to the other", variant="primary", size="lg", elem_id="between")
                self.stop = gr.Button("Cancel", visible=False)
            with gr.Column(scale=7, min_width=300):
                self.viewer = gr.HTML(
                    motion_pieces.empty("Two ways stand here", "Each joint turned straight, beside the way along poses "
                                        "that people take."),
                    elem_id="between-viewer", elem_classes="bare viewer", padding=False)
                self.status = gr.HTML(pieces.idle("Choose two poses and press the button."), elem_id="between-status",
                                      elem_classes="bare", padding=False)
                self.downloads = gr.HTML("", elem_id="between-downloads", elem_classes="bare", padding=False)
        results = [cleaned, gallery]
        inputs = [component for end in self.ends for component in end[:3]]
        self.make.click(
            guarded(self._go), [*inputs, *results], [self.viewer, self.status, self.downloads, self.make, self.stop],
            api_name="between_poses", concurrency_limit=1, concurrency_id="cpu", show_progress="hidden")
        self.stop.click(stop, None, None, queue=False, show_progress="hidden", api_visibility="private")
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        for source, moment, seed, picture in self.ends:
            for event in (source.change, moment.release, seed.change):
                event(_preview, [source, moment, seed, *results], [moment, seed, picture], **quiet)
        self.results, self.quiet = results, quiet

    def draw_on(self, event: Callable[..., Any]) -> None:
        """Draw both chosen poses on an event: when the part is opened."""
        for source, moment, seed, picture in self.ends:
            event(_preview, [source, moment, seed, *self.results], [moment, seed, picture], **self.quiet)

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

    def _go(
        self, source: str, moment: float, seed: float | None, other: str, other_moment: float,
        other_seed: float | None, cleaned: str | None, gallery: str | None, request: gr.Request,
    ) -> Iterator[Updates]:
        """Make the ways between two poses; yields what the page shows."""
        start = choice_of(source, moment, seed, cleaned, gallery)
        end = choice_of(other, other_moment, other_seed, cleaned, gallery)
        identity = f"path-{path_id(start, end)}"
        known = known_result(identity)
        if known is not None:
            yield self.finished(known)
            return

        def work(progress: Progress) -> Result:
            return interpolate_poses(start, end, out=result_folder(identity), progress=progress)

        yield from self.follow(request, "path", work, len(INTERPOLATE_STAGES))

    def finished(self, result: Result) -> Updates:
        """Both ways side by side over their distance."""
        report = result.report
        straight, along = (report["mean"][name] for name in report["people"])
        said = (f"On the way, the poses are {straight:.1f}° a joint from those people take if every joint turns "
                f"straight, and {along:.1f}° along the manifold.")
        return self.ready() | {
            self.viewer: motion_pieces.comparison(
                result.path("comparison.glb"), report["people"], report["curves"], report["duration"],
                axis=("first pose", "second pose"), name="Two ways from one pose to another"),
            self.status: pieces.done(f"Both ways, in {report['seconds']:.1f} seconds.", said, ()),
            self.downloads: pieces.downloads(result)}


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
        picture: Path = draw_pose(choice_of(source, moment, seed, cleaned, gallery), preview_path(".png"))
    except HumanavError as error:
        return *fields, pieces.stopped(sentence(error))
    return *fields, motion_pieces.pose_card(picture, source)


def stop(request: gr.Request) -> None:
    """Stop the visitor's job."""
    if not cancel(request.session_hash or ""):
        gr.Info("Nothing is running.")
