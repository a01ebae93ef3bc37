"""The tab "Photo to avatar": one photo in, an avatar that moves out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from humanav.app import carried, gaussian_pieces, pieces
from humanav.app.errors import guarded, sentence
from humanav.app.following import keep_preview
from humanav.app.photo_pieces import parse_height, photo_box
from humanav.app.running import Work, cancel, run
from humanav.app.samples import CLIP
from humanav.app.storage import forget_old, known_result, result_folder
from humanav.errors import Cancelled, InputError
from humanav.jobs import ANIMATE_STAGES, PhotoOptions, animate_avatar, avatar_stages, photo_id, photo_to_avatar
from humanav.jobs.gaussian_files import GAUSSIAN_MP4, GAUSSIAN_ROUND, SPLATS
from humanav.motion import CLIP_NAMES
from humanav.paths import sample_photos
from humanav.progress import Event, Progress
from humanav.results import Result

LIMBS = {"Left arm": "left_arm", "Right arm": "right_arm", "Left leg": "left_leg", "Right leg": "right_leg"}
STANDING = {"The photo decides": None, "Stands on both feet": True, "Sits, jumps or lifts a foot": False}
TEXTURES = {"1024 px, quicker": 1024, "2048 px": 2048, "4096 px, largest": 4096}
CLIPS = [(name.replace("_", " ").capitalize(), name) for name in CLIP_NAMES]
EXPECTED_SECONDS = {"avatar": 40.0, "animation": 10.0, "clip": 30.0, "gaussian": 120.0, "gaussian animation": 25.0,
                    "gaussian clip": 60.0}
"""Expected duration of each job, without the minutes of training, until this process has timed one."""

_LOOK_AT_VIEWER = ("() => { if (innerWidth < 900) document.getElementById('viewer')"
                   ".scrollIntoView({behavior: 'smooth', block: 'start'}); }")

Updates = dict[gr.components.Component, Any]


class PhotoTab:
    """Places the components and wires them."""

    def __init__(self) -> None:
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=300, elem_id="input"):
                self._input()
            with gr.Column(scale=7, min_width=300):
                self._output()
        self._wire()

    def _input(self) -> None:
        self.photo = photo_box(
            label="Photo of one person, head to feet", show_label=False, sources=["upload", "webcam", "clipboard"],
            height=340, elem_id="photo", webcam_options=gr.WebcamOptions(mirror=False),
            placeholder="Drop a photo of one person here,\nhead to feet, or click to choose one")
        if sample_photos():
            gr.Examples([[str(path)] for path in sample_photos()[:3]], [self.photo], label="Or try one of these",
                        elem_id="samples", examples_per_page=3)
        self.kind = gr.Radio(gaussian_pieces.KINDS, value="mesh", label="What to make", show_label=False,
                             container=False, elem_id="kind", elem_classes="parts")
        gr.HTML(f'<p class="under">{gaussian_pieces.COSTS}</p>', elem_classes="bare", padding=False)
        self.make = gr.Button("Make the avatar", variant="primary", size="lg", elem_id="make")
        self.stop = gr.Button("Cancel", visible=False, elem_id="cancel")
        with gr.Accordion("Options", open=False, elem_id="options"):
            self.clip = gr.Dropdown(CLIPS, value=CLIP, label="Motion",
                                    info="What the avatar does first. Others can follow.")
            self.height = gr.Textbox(label="Height", placeholder="174 cm", info="Sets the true size. Empty: estimated.")
            self.standing = gr.Radio(list(STANDING), value=next(iter(STANDING)), label="Posture")
            self.flips = gr.CheckboxGroup(
                list(LIMBS), label="Turn a limb the other way",
                info="A photo does not tell forward from back. If the side view is wrong, tick the limb and make the "
                     "avatar again.")
            self.swap = gr.Checkbox(label="Swap left and right",
                                    info="If the coloured limbs over the photo are on the wrong sides.")
            self.texture = gr.Radio(list(TEXTURES), value="2048 px", label="Texture")
            self.minutes = gr.Slider(0.5, 20, gaussian_pieces.MINUTES, step=0.5, label="Minutes of training",
                                     info="Of a Gaussian avatar. More is sharper, up to a point.")
            self.back = photo_box(label="A second photo, from behind (optional)", sources=["upload"], height=220,
                                  elem_id="back")

    def _output(self) -> None:
        self.made = gr.State(None)
        self.chip = carried.Chip(self.made)
        self.shown = gr.Radio(gaussian_pieces.SHOWN, value="gaussian", label="What is shown", show_label=False,
                              container=False, visible=False, elem_id="shown", elem_classes="parts")
        self.viewer = gr.HTML(pieces.empty_stage(), elem_id="viewer", elem_classes="bare", padding=False)
        self.status = gr.HTML(pieces.idle(), elem_id="status", elem_classes="bare", padding=False)
        self.growing = gr.HTML("", elem_id="growing", elem_classes="bare", visible=False, padding=False)
        self.strip = gr.HTML("", elem_id="evidence", elem_classes="bare", visible=False, padding=False)
        with gr.Column(visible=False, elem_id="result") as self.result:
            with gr.Row():
                self.animation, self.turntable = (
                    gr.Video(show_label=False, autoplay=True, loop=True, buttons=[], elem_id=name, height=380)
                    for name in ("animation", "turntable"))
            self.files = gr.HTML("", elem_id="downloads", elem_classes="bare", padding=False)
            gr.HTML('<h3 class="part">Another motion</h3><p class="hint">Pick a clip, or bring your own: an npz of '
                    "SMPL-X or AMASS, or a BVH. The photo is not fitted again.</p>", elem_classes="bare", padding=False)
            with gr.Row(equal_height=True):
                self.other = gr.Dropdown(CLIPS, value="dance", show_label=False, container=False, min_width=160,
                                         elem_id="other")
                self.animate = gr.Button("Animate", size="md", min_width=120, elem_id="animate")
                self.upload = gr.UploadButton("Use your own motion", file_types=[".npz", ".npy", ".bvh", ".txt"],
                                              size="md", min_width=190, elem_id="own-motion")
            self.measures = gr.HTML("", elem_id="measures", elem_classes="bare", padding=False)

    def _wire(self) -> None:
        outputs = [self.shown, self.viewer, self.status, self.growing, self.strip, self.result, self.animation,
                   self.turntable, self.files, self.measures, self.made, *self._buttons(), self.stop]
        limits: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "cpu", "show_progress": "hidden"}
        self.make.click(guarded(self._make), [self.photo, self.clip, self.height, self.standing, self.flips, self.swap,
                                              self.texture, self.back, self.kind, self.minutes], outputs,
                        api_name="make_avatar", **limits)
        for event, motion in ((self.animate.click, self.other), (self.upload.upload, self.upload)):
            event(guarded(self._animate), [self.made, motion], outputs, api_visibility="private", **limits)
        tracked = [self.made, self.chip.state, self.chip.background, self.chip.shape]
        self.chip.animate.click(guarded(self._animate_tracked), tracked, outputs, api_visibility="private", **limits)
        self.shown.input(_look, [self.made, self.shown], self.viewer, show_progress="hidden", api_visibility="private")
        self.make.click(None, js=_LOOK_AT_VIEWER, api_visibility="private")
        self.stop.click(_cancel, None, None, queue=False, show_progress="hidden", api_visibility="private")

    def _make(
        self, photo: str | None, clip: str, height: str | None, standing: str, flips: list[str], swap: bool,
        texture: str, back: str | None, kind: str, minutes: float, request: gr.Request,
    ) -> Iterator[Updates]:
        """Make an avatar from a photo of one person, a "mesh" or a "gaussian" one; yields what the page shows."""
        if not photo:
            raise InputError("There is no photo yet: drop one into the box, or click a sample.")
        options = PhotoOptions(parse_height(height), STANDING[standing], tuple(LIMBS[name] for name in flips), swap,
                               TEXTURES[texture])
        gaussian = gaussian_pieces.options(minutes) if kind == "gaussian" else None
        identity = photo_id(photo, options, clip, back, gaussian)
        known = known_result(identity)
        if known is not None:
            yield self._finished(known, [])
            return

        def work(progress: Progress) -> Result:
            return photo_to_avatar(
                photo, back=back, motion=clip, height=options.height, standing=options.standing,
                flip_limbs=options.flip_limbs, swap_sides=swap, texture_size=options.texture_size, gaussian=gaussian,
                out=result_folder(identity), progress=progress)

        session, steps = request.session_hash or "", len(avatar_stages(gaussian))
        if gaussian is None:
            yield from self._follow(session, "avatar", work, steps)
        else:
            yield from self._follow(session, "gaussian", work, steps, 60 * gaussian.minutes)

    def _animate(self, made: str | None, motion: str, request: gr.Request) -> Iterator[Updates]:
        """Move the finished avatar by a clip's name or an uploaded file."""
        if not made:
            raise InputError("There is no avatar yet: make one first.")
        source = Result.load(made)
        target = result_folder(f"{source.id}-{Path(motion).stem[:40]}")

        def work(progress: Progress) -> Result:
            return animate_avatar(source, motion, out=target, progress=progress)

        yield from self._follow(request.session_hash or "", _kind_of(source, "animation"), work, len(ANIMATE_STAGES))

    def _animate_tracked(
        self, made: str | None, found: carried.Carried | None, background: bool, shape: bool, request: gr.Request
    ) -> Iterator[Updates]:
        """Move the finished avatar by the motion that was carried here from another tab."""
        if not made:
            raise InputError("There is no avatar yet: make one first.")
        if found is None:
            raise InputError("There is no tracked motion: track a clip and bring its motion here.")
        source, tracked = Result.load(made), found.load()
        choices = self.chip.choices(background, shape)
        target = result_folder("-".join([source.id, tracked.source.id, tracked.person, *choices.values()]))

        def work(progress: Progress) -> Result:
            return animate_avatar(source, tracked.source, person=tracked.person, out=target, progress=progress,
                                  **choices)

        kind = _kind_of(source, "clip" if background else "animation")
        yield from self._follow(request.session_hash or "", kind, work, len(ANIMATE_STAGES))

    def _follow(self, session: str, kind: str, work: Work, steps: int, training: float = 0.0) -> Iterator[Updates]:
        """Run the job and turn its events into updates of the page; ``training``: seconds that it will train."""
        forget_old()
        evidence: list[pieces.Evidence] = []
        losses: dict[str, list[float]] = {}
        last: Event | None = None
        waited, expected = 0.0, EXPECTED_SECONDS[kind] + training
        yield {**{button: gr.update(interactive=False) for button in self._buttons()},
               self.stop: gr.update(visible=True), self.shown: gr.update(visible=False),
               self.status: pieces.working("Starting", 1, steps, 0, expected, 0)}
        try:
            for item in run(session, work, steps):
                if isinstance(item, Result):
                    if last is not None:
                        EXPECTED_SECONDS[kind] = max(last.seconds - training, 2.0)
                    yield self._finished(item, evidence)
                    return
                waited = 0.0 if item is not None else waited + 0.5
                last = item or last
                if last is None:
                    continue
                seconds = last.seconds + waited
                fraction = min(seconds / expected, 0.98) if training else last.fraction  # one stage is most of it
                update: Updates = {self.status: pieces.working(last.stage, last.step, last.steps, seconds, expected,
                                                               fraction)}
                if item is not None:
                    update |= self._evidence(item, evidence, losses, kind in ("avatar", "gaussian"))
                yield update
        except Cancelled as error:
            said = gaussian_pieces.STOPPED if losses else str(error)
            yield self._ready() | {self.status: pieces.stopped(said)}
        except Exception as error:
            yield self._ready() | {self.status: pieces.stopped(sentence(error))}
            raise

    def _evidence(
        self, event: Event, evidence: list[pieces.Evidence], losses: dict[str, list[float]], new: bool
    ) -> Updates:
        """What one event changes on the page: a new avatar's picture in the strip, the best so far in the viewer, and
        the training under it."""
        update: Updates = {}
        if event.image is not None and "loss" in event.data:
            sofar = losses.setdefault(event.stage, [])  # other stages learn from other pictures
            sofar.append(float(event.data["loss"]))
            picture = gaussian_pieces.growing(event.image, int(event.data["step"]), sofar)
            update[self.growing] = gr.update(value=picture, visible=True)
        elif event.image is not None and new:
            evidence.append(pieces.Evidence(event.data.get("title", event.stage), event.caption, event.image))
            update[self.strip] = gr.update(value=pieces.strip(evidence), visible=True)
            if event.step <= 3:
                update[self.viewer] = pieces.picture_stage(event.image)
        kept = keep_preview(event.file) if event.file is not None else None
        if kept is not None and kept.suffix == ".glb":
            update[self.viewer] = pieces.player(kept, event.caption)
        elif kept is not None and kept.suffix == Path(SPLATS).suffix:
            update[self.viewer] = gaussian_pieces.splat_player(kept, event.caption)
        return update

    def _finished(self, result: Result, evidence: list[pieces.Evidence]) -> Updates:
        """The page of a finished result."""
        report = result.report
        motion = result.inputs.get("motion", "motion")
        beside, gaussian = result.has("side_by_side.mp4"), result.has(SPLATS)
        film = next(name for name in ("side_by_side.mp4", GAUSSIAN_MP4, "animation.mp4") if result.has(name))
        turn = next((name for name in (GAUSSIAN_ROUND, "turntable.mp4") if result.has(name)), None)
        lead = ("Your Gaussian avatar is ready" if gaussian and result.kind == "avatar" else
                "Your avatar is ready" if result.kind == "avatar" else f"Your avatar now does: {motion}" if not beside
                else f"Your avatar is in the clip: {motion.replace('_', ' ')}")
        update: Updates = self._ready() | {
            self.viewer: gaussian_pieces.viewer(result, lead),
            self.shown: gr.update(value="gaussian", visible=gaussian),
            self.status: pieces.done(f"{lead}, in {report['seconds']:.0f} seconds.", report["quality"],
                                     report["warnings"]),
            self.result: gr.update(visible=True),
            self.animation: gr.update(value=str(result.path(film))),
            self.turntable: gr.update(visible=not beside),
            self.files: pieces.downloads(result), self.made: str(result.folder),
            self.measures: pieces.measurements(
                report["measurements"], "Estimated from one photo and the body's shape under the clothes: expect a few "
                "centimetres of error." if result.inputs.get("height") else
                "The photo has no scale, so the height is a guess: give it in the options for true lengths."),
        }
        if turn is not None:
            update[self.turntable] = gr.update(value=str(result.path(turn)), visible=True)
        if not evidence:
            evidence = pieces.stored_evidence(result)
        # the pictures tell of the photo: not what a visitor compares a clip with
        update[self.strip] = gr.update(visible=not beside, **({"value": pieces.strip(evidence)} if evidence else {}))
        return update

    def _ready(self) -> Updates:
        return {**{button: gr.update(interactive=True) for button in self._buttons()},
                self.stop: gr.update(visible=False), self.growing: gr.update(value="", visible=False)}

    def _buttons(self) -> tuple[gr.components.Component, ...]:
        """What starts a job."""
        return self.make, self.animate, self.upload, self.chip.animate


def _kind_of(source: Result, kind: str) -> str:
    """The kind of job, as its duration is remembered."""
    return f"gaussian {kind}" if source.has(SPLATS) else kind


def _look(made: str | None, shown: str) -> Any:
    """The viewer with another side of the result."""
    return gaussian_pieces.viewer(Result.load(made), "Avatar", shown) if made else gr.skip()


def _cancel(request: gr.Request) -> None:
    if not cancel(request.session_hash or ""):
        gr.Info("Nothing is running.")


def build() -> None:
    """Place the tab's components; called inside its ``gr.Tab``."""
    PhotoTab()
