"""The tab "2D to 3D": a clip, a photo or keypoints to a body that moves; a drawn skeleton that a body follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from humanav.app import hand, pieces, shape_pieces, skeleton_editor, uplift_pieces
from humanav.app.after import After
from humanav.app.errors import guarded
from humanav.app.following import keep_preview
from humanav.app.job import Job
from humanav.app.part import QUIET, Part, Updates
from humanav.app.uploads import image_box
from humanav.app.visitors import key_of
from humanav.errors import HumanavError, InputError, SeveralPeopleError
from humanav.jobs import drawn_pose, shape
from humanav.jobs.uplift import UPLIFT_STAGES, UpliftOptions, uplift_id, uplift_source
from humanav.jobs.uplift_sources import Source
from humanav.paths import sample_photos
from humanav.perception.layouts import layout_names
from humanav.progress import Event
from humanav.results import Result

PARTS = [("Lift a clip or photo", "clip"), ("Pose a skeleton", "skeleton"), ("Body measurements", "shape")]
FILE_TYPES = ["video", "image", ".json", ".npz", ".csv", ".mkv", ".heic"]
LAYOUTS = {"The file decides": None} | {
    f"{words}, {len(layout_names(name))} points": name for name, words in (
        ("blazepose33", "MediaPipe"), ("coco17", "COCO"), ("halpe26", "Halpe"), ("openpose25", "OpenPose"),
        ("openpose18", "OpenPose"), ("openpose14", "OpenPose"), ("h36m17", "Human3.6M"),
        ("wholebody133", "COCO WholeBody"), ("mpii16", "MPII"), ("lsp14", "LSP"))}
DRAWINGS = {"Over the pictures": "image", "On a plain ground": "plain", "No video, quicker": "none"}
ANYONE = "The only one"
AVERAGE = '<p class="under">The body is of average build; give measurements in the third part to change that.</p>'
PEOPLE = [ANYONE, "The largest"]
EXPECTED_SECONDS = 25.0

class ClipPart(Part):
    """A clip, a photo or keypoints, lifted."""

    name = "uplift/clip"
    kind = "uplift"
    sends = (hand.CLEAN, hand.MOVE)
    expected = EXPECTED_SECONDS

    def _input(self) -> None:
        names = list(uplift_pieces.SAMPLES)
        self.sample = gr.Dropdown(names, value=names[0], label="A sample", elem_id="uplift-sample")
        self.files = gr.File(label="Or your own", file_count="multiple", file_types=FILE_TYPES, height=170,
                             elem_id="uplift-files")
        gr.HTML('<p class="under">A clip or photo of one person, or keypoints: the JSON files of OpenPose, COCO or '
                "MMPose, an npz, a csv. Drop keypoints together with their clip to see both.</p>", padding=False,
                elem_classes="bare")
        self.whose = gr.HTML(AVERAGE, padding=False, elem_classes="bare", elem_id="uplift-whose")
        self.make = gr.Button("Lift to 3D", variant="primary", size="lg", elem_id="lift")
        self.stop = gr.Button("Cancel", visible=False, elem_id="lift-cancel")
        with gr.Accordion("Options", open=False, elem_id="uplift-options") as self.options:
            self.person = gr.Dropdown(PEOPLE, value=ANYONE, label="Which person", allow_custom_value=True,
                                      elem_id="uplift-person", info="Where there are several.")
            self.smooth = gr.Checkbox(True, label="Smooth the motion")
            self.drawing = gr.Radio(list(DRAWINGS), value=next(iter(DRAWINGS)), label="Draw the body")
            self.start = gr.Number(0, minimum=0, label="Begin at second", info="Of a long clip, one minute is used.")
            self.focal = gr.Number(None, label="Focal length in pixels", placeholder="not known",
                                   info="Of the camera, where it is known. Needs the size of the picture below.")
            gr.HTML('<h3 class="part">About a keypoint file</h3><p class="hint">Needed only where the file does not '
                    "say; the message then asks for it.</p>", elem_classes="bare", padding=False)
            self.layout = gr.Dropdown(list(LAYOUTS), value=next(iter(LAYOUTS)), label="Order of its points",
                                      elem_id="uplift-layout")
            self.names = gr.Textbox(label="Or the names of its points", lines=2,
                                    placeholder="nose, left_eye, right_eye, ...",
                                    info="In the file's order, between commas. Leave the place of others empty.")
            with gr.Row():
                self.size = gr.Textbox(label="Picture size", placeholder="1920x1080", min_width=110)
                self.fps = gr.Number(None, minimum=0, label="Frames a second", placeholder="30", min_width=110)
        self.betas = gr.State(None)
        self.inputs = {"sample": self.sample, "files": self.files, "person": self.person, "smooth": self.smooth,
                       "drawing": self.drawing, "start": self.start, "focal": self.focal, "layout": self.layout,
                       "names": self.names, "size": self.size, "fps": self.fps, "betas": self.betas}

    def _output(self) -> None:
        self.viewer = gr.HTML(uplift_pieces.empty("The body stands here", "Flat points in, a body that moves out."),
                              elem_id="uplift-viewer", elem_classes="bare viewer", padding=False)
        self.status = gr.HTML(pieces.idle("Press the button to lift the sample, or bring your own. It takes about half "
                                          "a minute."),
                              elem_id="uplift-status", elem_classes="bare", padding=False)
        self.after = After(self)
        with gr.Column(visible=False, elem_id="uplift-result") as self.result:
            self.curves = gr.HTML("", elem_id="uplift-angles", elem_classes="bare", padding=False)
            self.video = gr.Video(label="The pictures, and the body from the side", autoplay=True, loop=True,
                                  buttons=[], elem_id="uplift-video", height=420)
            self.picture = gr.Image(label="The picture, and the body from the side", buttons=[],
                                    elem_id="uplift-picture", height=420, visible=False)
            self.table = gr.HTML("", elem_id="uplift-numbers", elem_classes="bare", padding=False)
            with gr.Accordion("As a skeleton, in Plotly", open=False, elem_id="uplift-skeleton") as self.more:
                self.skeleton = gr.HTML("", elem_classes="bare", padding=False)
            self.downloads = gr.HTML("", elem_id="uplift-downloads", elem_classes="bare", padding=False)
        self.outputs = [self.result, self.curves, self.video, self.picture, self.table, self.more, self.skeleton,
                        self.downloads, self.options]

    def _wire(self) -> None:
        self.starts(self.make.click, self._lift)
        self.stops()
        self.more.expand(_skeleton, self.made, self.skeleton, api_visibility="private")

    def _lift(
        self, sample: str, files: list[str] | None, person: str | None, smooth: bool, drawing: str,
        start: float | None, focal: float | None, layout: str, names: str | None, size: str | None, fps: float | None,
        betas: list[float] | None,
    ) -> Job:
        found = uplift_pieces.sort_files(files) if files else None
        source: Source = found.source if found is not None else uplift_pieces.sample_source(sample)
        pictures = found.pictures if found is not None else None
        pixels = uplift_pieces.parse_size(size)
        mapping = uplift_pieces.parse_names(names)
        options = UpliftOptions(
            betas=uplift_pieces.shape_of(betas), camera=uplift_pieces.camera_of(focal, pixels),
            person=_person(person), keypoint_set=LAYOUTS.get(layout), size=pixels, fps=fps or None,
            start=start or 0.0, smooth=smooth, render=DRAWINGS.get(drawing, "image"))
        return Job(
            f"uplift-{uplift_id(source, options, mapping=mapping, pictures=pictures)}",
            lambda out, progress: uplift_source(source, out=out, options=options, mapping=mapping, pictures=pictures,
                                                progress=progress),
            len(UPLIFT_STAGES), f"{Path(files[0]).stem if files else sample.partition(',')[0]}, in 3D")

    def failed(self, error: Exception) -> Updates:
        """The options are open where the file did not say enough."""
        if isinstance(error, SeveralPeopleError):
            named = [(f"{label}: {words}", label) for label, words in error.people.items()]
            return {self.options: gr.update(open=True), self.person: gr.update(choices=[*PEOPLE, *named])}
        return {self.options: gr.update(open=True)} if isinstance(error, InputError) else {}

    def cleared(self) -> Updates:
        """No result."""
        return {self.result: gr.update(visible=False)}

    def seen(self, event: Event) -> Updates:
        """The best thing so far: the body over a frame, then the body."""
        if event.file is not None and event.file.suffix == ".glb":
            kept = keep_preview(event.file)
            return {} if kept is None else {self.viewer: pieces.player(kept, event.caption)}
        return {} if event.image is None else {self.viewer: pieces.picture_stage(event.image)}

    def finished(self, result: Result) -> Updates:
        """The page of a lifted person."""
        report = result.report
        still = report["frames"] == 1
        lead = f"{'The pose' if still else 'The motion'} is in 3D, in {report['seconds']:.0f} seconds."
        video, picture = (result.path(name) if result.has(name) else None
                          for name in ("side_by_side.mp4", "side_by_side.png"))
        return {
            self.viewer: pieces.player(result.path("body.glb"), "The lifted body", yaw=0.0),
            self.status: pieces.done(lead, report["quality"], report["warnings"]), self.result: gr.update(visible=True),
            self.curves: uplift_pieces.angle_curves(result),
            self.video: gr.update(value=str(video) if video else None, visible=video is not None),
            self.picture: gr.update(value=str(picture) if picture else None, visible=picture is not None),
            self.table: uplift_pieces.numbers(result), self.more: gr.update(open=False, visible=not still),
            self.skeleton: "", self.downloads: pieces.downloads(result)}


class SkeletonPart:
    """A skeleton to drag, and the body that follows it."""

    def __init__(self) -> None:
        self.editor = gr.HTML(uplift_pieces.empty("A skeleton to drag stands here", "It takes a moment to come."),
                              elem_id="skeleton-editor", elem_classes="bare", padding=False)
        with gr.Accordion("Begin with a photo", open=False, elem_id="skeleton-photo"), gr.Row(equal_height=False):
            self.photo = image_box(label="Photo of one person", show_label=False, height=260,
                                   sources=["upload", "webcam", "clipboard"],
                                   webcam_options=gr.WebcamOptions(mirror=False),
                                   placeholder="Drop a photo of one person here:\nits skeleton is drawn over it")
            if sample_photos():
                gr.Examples([[str(path)] for path in sample_photos()[:3]], [self.photo], label="Or one of these",
                            elem_id="skeleton-samples", examples_per_page=3)
        self.message, self.body = gr.JSON(elem_classes="unseen"), gr.State(None)
        state, tabs = hand.hand(), hand.tabs_above(self.photo)
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        self.photo.change(guarded(_photo), self.photo, self.message, **quiet).success(
            None, self.message, None, js=skeleton_editor.SEND, api_visibility="private")
        self.take = gr.Button("Give this pose to an avatar", size="lg", elem_id="take-pose")
        self.drawing = gr.Textbox("", elem_classes="unseen")
        self.take.click(_take_pose, [self.drawing, state], [state, *([tabs] if tabs else [])], js=skeleton_editor.TAKE,
                        **quiet).success(None, js="() => scrollTo({ top: 0 })", api_visibility="private")
        for function, name in ((skeleton_editor.lift, skeleton_editor.LIFT),
                               (skeleton_editor.export, skeleton_editor.EXPORT)):
            gr.api(function, api_name=name, queue=False, api_visibility="undocumented")

    def open(self, part: str, shown: str, betas: list[float] | None, before: list[float] | None) -> tuple[Any, ...]:
        """The editor when its part is opened for the first time, later only a body that has changed since."""
        if part != "skeleton":
            return gr.skip(), None, before
        if "<iframe" not in (shown or ""):
            drawn_pose.warm_up()
            return skeleton_editor.editor_frame(skeleton_editor.editor_body(betas), betas), None, betas
        return gr.skip(), None if betas == before else skeleton_editor.body_message(betas), betas


def _photo(photo: str | None) -> Iterator[Any]:
    yield skeleton_editor.photo_message(photo) if photo else None


def _take_pose(drawn: str, value: Any, request: gr.Request) -> Any:
    """The editor's pose becomes a result and is taken in hand; the avatar's tab opens."""
    try:
        id = skeleton_editor.keep(drawn, key_of(request))
    except HumanavError as error:
        raise gr.Error(str(error), title="That did not work", print_exception=False) from error
    return hand.put(value, "motion", hand.Item("motion", id)), gr.update(selected="photo")


def _person(chosen: str | None) -> str | None:
    return {"The largest": "largest"}.get(chosen, chosen) if chosen and chosen != ANYONE else None


def _draw_shape(part: str, betas: list[float] | None) -> Any:
    return shape.shape_figure(betas) if part == "shape" else gr.skip()


def _whose(betas: list[float] | None) -> str:
    if betas is None:
        return AVERAGE
    return '<p class="under">The body has the shape of your measurements.</p>'


def _skeleton(made: str | None) -> str:
    return uplift_pieces.skeleton_player(Result.load(made)) if made and Path(made).is_dir() else ""


def build() -> list[Part]:
    """Place the tab's components; called inside its ``gr.Tab``."""
    with gr.Column(elem_id="uplift"):
        parts = gr.Radio(PARTS, value="clip", show_label=False, container=False, elem_id="uplift-parts",
                         elem_classes="parts", interactive=True)
        with gr.Column(elem_classes="part-clip"):
            clip = ClipPart()
        with gr.Column(elem_classes="part-skeleton"):
            skeleton = SkeletonPart()
        with gr.Column(elem_classes="part-shape"):
            gr.HTML('<p class="hint">A picture hardly tells how a person is built. Hold what you know, such as the '
                    "height; the body is then used in the other two parts.</p>", elem_classes="bare", padding=False)
            panel = shape_pieces.shape_panel(clip.betas)
    parts.change(skeleton.open, [parts, skeleton.editor, clip.betas, skeleton.body],
                 [skeleton.editor, skeleton.message, skeleton.body], **QUIET).then(
        None, skeleton.message, js=skeleton_editor.SEND, api_visibility="private")
    parts.change(_draw_shape, [parts, clip.betas], panel.figure, **QUIET)
    clip.betas.change(_whose, clip.betas, clip.whose, **QUIET)
    clip.switch = parts
    return [clip]
