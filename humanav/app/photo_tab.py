"""The tab "Photo to avatar": one photo in, an avatar that moves out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from humanav.app import gaussian_pieces, gpu, hand, hand_chip, kept, motion_pieces, pieces
from humanav.app.after import After
from humanav.app.growth import Growth
from humanav.app.job import Job
from humanav.app.part import QUIET, Part, Updates, Watch
from humanav.app.photo_pieces import parse_height
from humanav.app.samples import CLIP
from humanav.app.uploads import image_box
from humanav.errors import InputError
from humanav.jobs import ANIMATE_STAGES, PhotoOptions, animate_avatar, avatar_stages, photo_id, photo_to_avatar
from humanav.jobs.animate import motion_inputs
from humanav.jobs.gaussian_files import GAUSSIAN_MP4, GAUSSIAN_ROUND, SPLATS
from humanav.motion import CLIP_NAMES
from humanav.paths import sample_photos
from humanav.results import Result, content_id
from humanav.store import Kept, Record

LIMBS = {"Left arm": "left_arm", "Right arm": "right_arm", "Left leg": "left_leg", "Right leg": "right_leg"}
STANDING = {"The photo decides": None, "Stands on both feet": True, "Sits, jumps or lifts a foot": False}
TEXTURES = {"1024 px, quicker": 1024, "2048 px": 2048, "4096 px, largest": 4096}
EXPECTED_SECONDS = {"avatar": 40.0, "animation": 10.0, "clip": 30.0, "gaussian": 120.0, "gaussian animation": 25.0,
                    "gaussian clip": 60.0}
"""Expected duration of each sort of job, without the minutes of training, until this process has timed one."""


class PhotoTab(Part):
    """Places the components and wires them."""

    name = "photo"
    kind = "avatar"

    def _input(self) -> None:
        self.photo = image_box(
            label="Photo of one person, head to feet", show_label=False, sources=["upload", "webcam", "clipboard"],
            height=340, elem_id="photo", webcam_options=gr.WebcamOptions(mirror=False),
            placeholder="Drop a photo of one person here,\nhead to feet, or click to choose one")
        if sample_photos():
            gr.Examples([[str(path)] for path in sample_photos()[:3]], [self.photo], label="Or try one of these",
                        elem_id="samples", examples_per_page=3)
        self.kind_of = gr.Radio(gaussian_pieces.KINDS, value="mesh", label="What to make", show_label=False,
                                container=False, elem_id="kind", elem_classes="parts")
        gr.HTML(f'<p class="under">{gaussian_pieces.COSTS}</p>', elem_classes="bare", padding=False)
        self.make = gr.Button("Make the avatar", variant="primary", size="lg", elem_id="make")
        self.stop = gr.Button("Cancel", visible=False, elem_id="cancel")
        with gr.Accordion("Options", open=False, elem_id="options"):
            self.clip = gr.Dropdown(motion_pieces.CLIPS, value=CLIP, label="Motion",
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
            self.back = image_box(label="A second photo, from behind (optional)", sources=["upload"], height=220,
                                  elem_id="back")
        self.inputs = {"photo": self.photo, "clip": self.clip, "height": self.height, "standing": self.standing,
                       "flips": self.flips, "swap": self.swap, "texture": self.texture, "back": self.back,
                       "kind": self.kind_of, "minutes": self.minutes}

    def _output(self) -> None:
        self.chip = hand_chip.Chip(self.made)
        self.shown = gr.Radio(gaussian_pieces.SHOWN, value="gaussian", label="What is shown", show_label=False,
                              container=False, visible=False, elem_id="shown", elem_classes="parts")
        self.viewer = gr.HTML(pieces.empty_stage(), elem_id="viewer", elem_classes="bare", padding=False)
        self.status = gr.HTML(pieces.idle(), elem_id="status", elem_classes="bare", padding=False)
        self.after = After(self)
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
                self.other = gr.Dropdown(motion_pieces.CLIPS, value="dance", show_label=False, container=False,
                                         min_width=160, elem_id="other")
                self.animate = gr.Button("Animate", size="md", min_width=120, elem_id="animate")
                self.upload = gr.UploadButton("Use your own motion", file_types=[".npz", ".npy", ".bvh", ".txt"],
                                              size="md", min_width=190, elem_id="own-motion")
            self.measures = gr.HTML("", elem_id="measures", elem_classes="bare", padding=False)
        self.outputs = [self.shown, self.growing, self.strip, self.result, self.animation, self.turntable, self.files,
                        self.measures, self.other, self.chip.state]

    def _wire(self) -> None:
        self.starts(self.make.click, self._avatar)
        for event, motion in ((self.animate.click, self.other), (self.upload.upload, self.upload)):
            self.starts(event, self._animation, {"source": self.made, "motion": motion})
        self.starts(self.chip.animate.click, self._in_hand, {
            "source": self.chip.source, "hand": self.chip.state, "clip": self.chip.clip,
            "background": self.chip.background, "shape": self.chip.shape})
        self.shown.input(_look, [self.made, self.shown], self.viewer, **QUIET)
        self.stops()

    def watch(self, job: Job) -> Watch:
        """Who remembers the pictures of a run."""
        return Growth(self, new=not job.kind)

    def _avatar(
        self, photo: str | None, clip: str, height: str | None, standing: str, flips: list[str], swap: bool,
        texture: str, back: str | None, kind: str, minutes: float,
    ) -> Job:
        if not photo:
            raise InputError("There is no photo yet: drop one into the box, or click a sample.")
        options = PhotoOptions(parse_height(height), STANDING[standing], tuple(LIMBS[name] for name in flips), swap,
                               TEXTURES[texture])
        gaussian = gaussian_pieces.options(minutes) if kind == "gaussian" else None
        sort, steps = "avatar" if gaussian is None else "gaussian", len(avatar_stages(gaussian))
        training = 0.0 if gaussian is None else 60 * gaussian.minutes
        asked = {"photo": photo, "back": back, "motion": clip, "height": options.height, "standing": options.standing,
                 "flip_limbs": options.flip_limbs, "swap_sides": swap, "texture_size": options.texture_size,
                 "gaussian": gaussian}
        return Job(
            f"avatar-{photo_id(photo, options, clip, back, gaussian)}",
            lambda out, progress: gpu.run(sort, photo_to_avatar, asked | {"out": out}, steps=steps, progress=progress,
                                          expected=EXPECTED_SECONDS[sort] + training),
            steps, f"{'Avatar' if gaussian is None else 'Gaussian avatar'}, {Path(photo).stem}",
            expected=EXPECTED_SECONDS[sort], sort=sort, training=training)

    def _animation(self, made: str | None, motion: str | None) -> Job:
        """The finished avatar, moved by a clip's name or an uploaded file."""
        if not made:
            raise InputError("There is no avatar yet: make one first.")
        if not motion:
            raise InputError("There is no motion: choose a clip, or bring a file.")
        source, known = Result.load(made), motion in CLIP_NAMES
        sort = _sort_of(source, "animation")
        return Job(
            f"animation-{content_id('animation', source.id, motion_inputs(motion))}",
            lambda out, progress: animate_avatar(source, motion, out=out, progress=progress),
            len(ANIMATE_STAGES), f"{Path(motion).stem.replace('_', ' ').capitalize()}, by an avatar", kind="animation",
            values={"source": Path(made).name, "other" if known else "motion": motion if known else Path(motion)},
            expected=EXPECTED_SECONDS[sort], sort=sort)

    def _in_hand(self, made: str | None, value: Any, clip: str, background: bool, shape: bool) -> Job:
        """The avatar in hand, or else the one of this tab or the last, moved by the motion in hand, or else a clip."""
        found = hand_chip.source_of(value, made)
        if found is None:
            raise InputError("There is no avatar yet: make one first, or take one of a capture along.")
        (source, wearer), motion = found, hand.taken(value, "motion")
        moved: Result | str = clip if motion is None else motion.result
        person = motion.chosen(motion.result).person if motion is not None else ""
        worn = wearer.chosen(source).person if wearer is not None else ""
        tracked = motion is not None and wearer is None and motion.result.kind == "track"
        choices = self.chip.choices(tracked, background, shape)
        sort = _sort_of(source, "clip" if choices["background"] != "none" else "animation")
        title = motion.title if motion is not None else clip.replace("_", " ").capitalize()
        return Job(
            "-".join(["animation", source.id, worn, moved.id if isinstance(moved, Result) else moved, person,
                      *choices.values()]),
            lambda out, progress: animate_avatar(source, moved, person=person, wearer=worn, out=out, progress=progress,
                                                 **choices),
            len(ANIMATE_STAGES), f"{title}, by {'an avatar' if wearer is None else wearer.title}", kind="animation",
            expected=EXPECTED_SECONDS[sort], sort=sort,
            values={"source": Path(made).name if made and wearer is None else None, "clip_in_hand": clip,
                    "motion_in_hand": motion and motion.to_json(), "avatar_in_hand": wearer and wearer.to_json(),
                    "background": background, "shape": shape})

    def restore(self, record: Record, folder: Path | None) -> Updates:
        """The inputs as they were; of a moved avatar the avatar, and what moved it."""
        update = super().restore(record, folder)
        values = record.values
        if values.get("other") in CLIP_NAMES:
            update[self.other] = values["other"]
        source = _still_there(values.get("source")) if folder is not None else None
        if source is not None:
            update |= self.finished(source) | {self.made: str(source.folder)}
        held = {what: found.to_json() for what in hand.WHAT
                if (found := hand.taken({what: values.get(f"{what}_in_hand")}, what)) is not None}
        if held and folder is not None:
            update[self.chip.state] = held
        return update

    def open(self, found: Kept, key: str) -> Updates:
        """The page of an entry; a drawn pose is taken in hand, for an avatar to take."""
        if found.result is None or found.record.kind != "pose":
            return super().open(found, key)
        words = "The pose is in hand. Make an avatar, or take one along, and press Animate."
        return self.blank(words) | {self.chip.state: {"motion": hand.Item("motion", found.record.id).to_json()}}

    def cleared(self) -> Updates:
        """No result, except an avatar that can be moved."""
        return {self.shown: gr.update(visible=False), self.growing: gr.update(value="", visible=False)}

    def blank(self, words: str) -> Updates:
        """The page without a result."""
        return super().blank(words) | {self.result: gr.update(visible=False),
                                       self.strip: gr.update(value="", visible=False)}

    def ready(self) -> Updates:
        """The buttons of an idle page."""
        return super().ready() | {self.growing: gr.update(value="", visible=False)}

    def buttons(self) -> tuple[gr.components.Component, ...]:
        """What starts a job."""
        return self.make, self.animate, self.upload, self.chip.animate

    def finished(self, result: Result) -> Updates:
        """The page of a finished result."""
        report = result.report
        motion = result.inputs.get("motion", "motion")
        beside, gaussian = result.has("side_by_side.mp4"), result.has(SPLATS)
        film = next(name for name in ("side_by_side.mp4", GAUSSIAN_MP4, "animation.mp4") if result.has(name))
        turn = next((name for name in (GAUSSIAN_ROUND, "turntable.mp4") if result.has(name)), None)
        lead = ("Your Gaussian avatar is ready" if gaussian and result.kind == "avatar" else
                "Your avatar is ready" if result.kind == "avatar" else f"Your avatar now does: {motion}" if not beside
                else f"Your avatar is in the clip: {motion.replace('_', ' ')}")
        update: Updates = {
            self.viewer: gaussian_pieces.viewer(result, lead),
            self.shown: gr.update(value="gaussian", visible=gaussian),
            self.status: pieces.done(f"{lead}, in {report['seconds']:.0f} seconds.", report["quality"],
                                     report["warnings"]),
            self.result: gr.update(visible=True),
            self.animation: gr.update(value=str(result.path(film))),
            self.turntable: gr.update(visible=not beside),
            self.files: pieces.downloads(result),
            self.measures: pieces.measurements(
                report["measurements"], "Estimated from one photo and the body's shape under the clothes: expect a few "
                "centimetres of error." if result.inputs.get("height") else
                "The photo has no scale, so the height is a guess: give it in the options for true lengths."),
        }
        if turn is not None:
            update[self.turntable] = gr.update(value=str(result.path(turn)), visible=True)
        evidence = pieces.stored_evidence(result)
        # the pictures tell of the photo: not what a visitor compares a clip with
        update[self.strip] = gr.update(visible=not beside, **({"value": pieces.strip(evidence)} if evidence else {}))
        return update


def _sort_of(source: Result, sort: str) -> str:
    """The sort of job, as its duration is remembered."""
    return f"gaussian {sort}" if source.has(SPLATS) else sort


def _still_there(id: Any) -> Result | None:
    """The result of this id, None when there is none any more."""
    try:
        return kept.store().find(id).result
    except InputError:
        return None


def _look(made: str | None, shown: str) -> Any:
    """The viewer with another side of the result."""
    return gaussian_pieces.viewer(Result.load(made), "Avatar", shown) if made else gr.skip()


def build() -> list[Part]:
    """Place the tab's components; called inside its ``gr.Tab``."""
    return [PhotoTab()]
