"""The tab "Video tracking": a clip in, the motion of its people on a floor out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from humanav.app import hand, pieces, track_pieces
from humanav.app.after import After
from humanav.app.errors import guarded
from humanav.app.following import keep_preview
from humanav.app.inputs import put_back
from humanav.app.job import Job
from humanav.app.limits import limits
from humanav.app.part import QUIET, Part, Updates
from humanav.app.photo_pieces import parse_height
from humanav.app.uplift_pieces import camera_of
from humanav.app.uploads import video_box
from humanav.errors import HumanavError, InputError
from humanav.jobs.track import TrackOptions, first_people, track_id, track_stages, track_video
from humanav.jobs.track_samples import SAMPLE_CLIPS, sample_clip
from humanav.progress import Event
from humanav.results import Result
from humanav.store import Record

CAMERAS: dict[str, Literal["fixed", "moving"]] = {"It stands still": "fixed", "It moves": "moving"}
IDLE = "Choose a clip, or a sample, and press the button."

_LATE = ("background", "overlay")  # pictures that come when the body already moves


class TrackTab(Part):
    """Places the components and wires them."""

    name = "track"
    kind = "track"
    sends = (hand.CLEAN, hand.MOVE)

    def _input(self) -> None:
        self.clip = video_box(label="Clip of one or more people", show_label=False, sources=["upload", "webcam"],
                              height=272, elem_id="track-clip", buttons=[],
                              webcam_options=gr.WebcamOptions(mirror=False))
        self.samples = gr.Examples([[str(sample_clip(name))] for name in SAMPLE_CLIPS], [self.clip],
                                   label="Or try one of these", elem_id="track-samples", examples_per_page=3).dataset
        with gr.Row(visible=False, elem_id="track-trim") as self.trim:
            self.start = gr.Slider(0, 3600, 0, step=0.1, label="From (s)", min_width=130, elem_id="track-start")
            self.end = gr.Slider(0, 3600, 0, step=0.1, label="To (s)", min_width=130, elem_id="track-end")
        self.who = gr.Radio(track_pieces.who_choices(9), value=track_pieces.LARGEST, label="Whom to follow",
                            visible=False, elem_id="track-who", elem_classes="parts people")
        self.mode = gr.Radio(track_pieces.mode_choices(), value="fast", label="How", elem_id="track-mode",
                             elem_classes="parts",
                             info="Accurate fits the whole clip at once: steadier feet and truer depth, at more time.")
        self.make = gr.Button("Track the motion", variant="primary", size="lg", elem_id="track-make")
        self.stop = gr.Button("Cancel", visible=False, elem_id="track-cancel")
        with gr.Accordion("Options", open=False, elem_id="track-options"):
            self.moving = gr.Radio(list(CAMERAS), value=next(iter(CAMERAS)), label="The camera")
            self.height = gr.Textbox(label="Height of the person", placeholder="174 cm",
                                     info="Sets the true size. Empty: estimated.")
            self.lock = gr.Checkbox(True, label="Keep the feet", info="Feet that stand do not slide.")
            with gr.Row():
                self.fps = gr.Textbox(label="Frames a second", placeholder="30 at most", min_width=120,
                                      info="Fewer are quicker.")
                self.focal = gr.Textbox(label="Focal length", placeholder="not known", min_width=120,
                                        info="In pixels of the clip.")
            self.persona = gr.Checkbox(False, label="Also write the files of PERSONA",
                                       info="Parameters, cameras, masks and boxes of each frame.")
        self.found = gr.State(1)
        self.inputs = {"clip": self.clip, "start": self.start, "end": self.end, "mode": self.mode, "who": self.who,
                       "camera": self.moving, "height": self.height, "lock": self.lock, "fps": self.fps,
                       "focal": self.focal, "persona": self.persona, "found": self.found}

    def _output(self) -> None:
        self.viewer = gr.HTML(track_pieces.empty(), elem_id="track-viewer", elem_classes="bare viewer", padding=False,
                              js_on_load=track_pieces.PICK)
        self.whose = gr.Radio([], show_label=False, container=False, label="Whose motion is shown", visible=False,
                              elem_id="track-whose", elem_classes="parts people")
        self.status = gr.HTML(pieces.idle(IDLE), elem_id="track-status", elem_classes="bare", padding=False)
        self.after = After(self)
        with gr.Column(visible=False, elem_id="track-result") as self.result:
            self.timeline = gr.HTML("", elem_id="track-timeline", elem_classes="bare", padding=False)
            self.numbers = gr.HTML("", elem_id="track-numbers", elem_classes="bare", padding=False)
            self.downloads = gr.HTML("", elem_id="track-downloads", elem_classes="bare", padding=False)
        self.outputs = [self.result, self.whose, self.timeline, self.numbers, self.downloads, self.samples, self.trim]

    def _wire(self) -> None:
        looked = [self.viewer, self.status, self.result, self.whose, self.samples, self.trim, self.start, self.end,
                  self.who, self.mode, self.found, self.restored, *self.after.places]
        look: dict[str, Any] = QUIET | {"concurrency_limit": 1, "concurrency_id": "look", "trigger_mode": "always_last"}
        self.clip.change(guarded(self._look), [self.clip, self.restored], looked, **look)
        for slider in (self.start, self.end):
            slider.input(None, slider, None, js=track_pieces.SEEK, api_visibility="private")
            slider.release(guarded(self._look_again), [self.clip, self.start, self.end], looked, **look)
        self.who.input(_costs, [self.clip, self.start, self.end, self.who, self.found], self.mode, **QUIET)
        self.starts(self.make.click, self._track)
        self.stops()
        self.whose.input(_show_person, [self.made, self.whose], [self.viewer, self.numbers], **QUIET)

    def _look(self, path: str | None, restored: list[str] | None) -> Iterator[Updates]:
        """A clip was chosen: how long it is, and who is in its first frame. One that a link put back is known."""
        if put_back(path, restored):
            yield gr.skip()  # a generator that yields nothing would empty the page
            return
        nobody: Updates = self.cleared() | self.after.hidden() | {
                           self.restored: None,
                           self.start: 0.0, self.end: 0.0,
                           self.who: gr.update(value=track_pieces.LARGEST, visible=False)}
        if not path:
            yield nobody | {self.viewer: track_pieces.empty(), self.status: pieces.idle(IDLE),
                            self.trim: gr.update(visible=False), self.samples: gr.update(visible=True),
                            self.mode: gr.update(choices=track_pieces.mode_choices())}
            return
        yield nobody | {self.status: pieces.idle("Looking at your clip.")}
        try:
            clip = track_pieces.clip_of(path)
        except HumanavError as error:
            yield {self.status: pieces.stopped(str(error)), self.viewer: track_pieces.empty(),
                   self.trim: gr.update(visible=False)}
            return
        last = math.floor(10 * clip.seconds) / 10
        until = min(last, track_pieces.MOST_SECONDS)
        known: Updates = {self.trim: gr.update(visible=clip.seconds >= 1), self.samples: gr.update(visible=False),
                          self.start: gr.update(value=0.0, maximum=last),
                          self.end: gr.update(value=until, maximum=last)}
        yield known
        for found in self._people(clip, 0.0, until):
            yield known | found  # again: an update that the page has not come to is lost in the one after it

    def _look_again(self, path: str | None, start: float, end: float) -> Iterator[Updates]:
        """Another part of the clip was chosen."""
        if not path:
            yield gr.skip()
            return
        yield self.cleared() | self.after.hidden() | {self.status: pieces.idle("Looking at that part of your clip.")}
        yield from self._people(track_pieces.clip_of(path), start, end)

    def _people(self, clip: track_pieces.Clip, start: float, end: float) -> Iterator[Updates]:
        """What a part of a clip costs, and the picker of who is in it."""
        try:
            options = TrackOptions(start=start, end=_end(clip, end))
            frame, people = first_people(clip.path, options)
        except HumanavError as error:
            yield {self.status: pieces.stopped(str(error)), self.viewer: track_pieces.empty()}
            return
        yield {self.viewer: track_pieces.picker(frame, people),
               self.status: pieces.idle(track_pieces.found_in_words(clip, len(people))),
               self.who: gr.update(choices=track_pieces.who_choices(len(people)), value=track_pieces.LARGEST,
                                   visible=len(people) > 1),
               self.mode: gr.update(choices=track_pieces.mode_choices(clip.frames(start, end))),
               self.found: len(people)}

    def _track(
        self, path: str | None, start: float | None, end: float | None, mode: Literal["fast", "accurate"],
        who: str | None, camera: str, height: str | None, lock: bool, fps: str | None, focal: str | None,
        persona: bool, found: int,
    ) -> Job:
        if not path:
            raise InputError("There is no clip yet: drop one into the box, record one, or click a sample.")
        clip = track_pieces.clip_of(path)
        options = options_of(clip, start, end, mode, who, camera, height, lock, fps, focal, persona)
        identity = f"track-{track_id(path, options)}"
        frames = clip.frames(options.start, options.end, options.fps)
        return Job(
            identity, lambda out, progress: track_video(path, out=out, options=options, progress=progress),
            len(track_stages(mode)), f"{Path(path).stem.replace('_', ' ').capitalize()}, tracked",
            expected=track_pieces.COSTS.of(mode, frames, found if who == track_pieces.EVERYBODY else 1), sort=identity)

    def restore(self, record: Record, folder: Path | None) -> Updates:
        """The inputs as they were, and round the clip what depends on it."""
        update = super().restore(record, folder)
        path, found = update.get(self.clip), int(record.values.get("found") or 1)
        several = {self.who: gr.update(value=record.values.get("who"), choices=track_pieces.who_choices(found),
                                       visible=bool(path) and found > 1)}
        shown: Updates = {self.samples: gr.update(visible=not path), self.trim: gr.update(visible=False)}
        if path:
            clip = track_pieces.clip_of(path)
            last = math.floor(10 * clip.seconds) / 10
            shown[self.trim] = gr.update(visible=clip.seconds >= 1)
            for slider in (self.start, self.end):
                shown[slider] = gr.update(value=update[slider], maximum=last)
            frames = clip.frames(update[self.start] or 0.0, update[self.end])
            shown[self.mode] = gr.update(value=update[self.mode], choices=track_pieces.mode_choices(frames))
        return update | several | shown

    def cleared(self) -> Updates:
        """No result."""
        return {self.result: gr.update(visible=False), self.whose: gr.update(visible=False)}

    def seen(self, event: Event) -> Updates:
        """The best thing so far: the frame that is being looked at, the body over a frame, then the body."""
        if event.file is not None and event.file.suffix == ".glb":
            kept = keep_preview(event.file)
            return {} if kept is None else {self.viewer: pieces.player(kept, event.caption)}
        if event.image is None or event.data.get("name") in _LATE:
            return {}
        return {self.viewer: pieces.picture_stage(event.image)}

    def learn(self, result: Result) -> None:
        """What the clip took is what others will take."""
        report = result.report
        people = len({take["person_id"] for take in track_pieces.told(result)["takes"]})
        track_pieces.COSTS.learn(report["mode"], report["frames"], people, report["seconds"])

    def finished(self, result: Result) -> Updates:
        """The page of a tracked clip."""
        report, track = result.report, track_pieces.told(result)
        choices = track_pieces.take_choices(track)
        lead = f"The motion is tracked, in {report['seconds']:.0f} seconds."
        viewer, numbers = _page(result, track, choices[0][1])
        return {
            self.viewer: viewer, self.timeline: track_pieces.timeline(track), self.numbers: numbers,
            self.status: pieces.done(lead, report["quality"], report["warnings"]),
            self.result: gr.update(visible=True),
            self.whose: gr.update(choices=choices, value=choices[0][1], visible=len(choices) > 1),
            self.downloads: pieces.downloads(result)}


def _costs(path: str | None, start: float, end: float, who: str, found: int) -> Any:
    """Both ways with what they cost for the people chosen."""
    if not path:
        return gr.skip()
    clip = track_pieces.clip_of(path)
    return gr.update(choices=track_pieces.mode_choices(
        clip.frames(start, _end(clip, end)), found if who == track_pieces.EVERYBODY else 1))


def options_of(
    clip: track_pieces.Clip, start: float | None, end: float | None, mode: Literal["fast", "accurate"],
    who: str | None, camera: str, height: str | None, lock: bool, fps: str | None, focal: str | None, persona: bool,
) -> TrackOptions:
    """What the job is asked for by what the page says.

    Raises:
        InputError: words or numbers that mean nothing.
    """
    focal_length = track_pieces.parse_number(focal, "focal length")
    limits().check_seconds(start or 0.0, min(end or track_pieces.MOST_SECONDS, clip.seconds))
    return TrackOptions(
        mode=mode, people=_people(who), fps=track_pieces.parse_number(fps, "frame rate"), start=start or 0.0,
        end=_end(clip, end), camera=camera_of(focal_length, clip.size) or None,
        moving=CAMERAS.get(camera, "fixed"), height=parse_height(height), lock_feet=lock, persona=persona)


def _people(who: str | None) -> tuple[int, ...] | Literal["all"]:
    if who == track_pieces.EVERYBODY:
        return "all"
    return () if not who or who == track_pieces.LARGEST else (int(who),)


def _end(clip: track_pieces.Clip, end: float | None) -> float | None:
    """Where to stop, in seconds: of a long clip not at its end; None for the end, so that no last frame is lost."""
    wanted = end or track_pieces.MOST_SECONDS
    return None if wanted >= clip.seconds - 0.1 else wanted


def _page(result: Result, track: dict[str, Any], wanted: str | None) -> tuple[str, str]:
    """Viewer and numbers of one take."""
    take = track_pieces.take_of(track, wanted)
    return track_pieces.players(result, track, take), track_pieces.numbers(track, take)


def _show_person(made: str | None, wanted: str | None) -> tuple[Any, Any]:
    if not made or not Path(made).is_dir():
        return gr.skip(), gr.skip()
    result = Result.load(made)
    return _page(result, track_pieces.told(result), wanted)


def build() -> list[Part]:
    """Place the tab's components; called inside its ``gr.Tab``."""
    with gr.Column(elem_id="track"):
        return [TrackTab()]
