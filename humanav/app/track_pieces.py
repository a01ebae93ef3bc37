"""Pieces of the tab "Video tracking": what is known of a clip, the picker of persons, the page of a result."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.app import pieces
from humanav.app.limits import limits
from humanav.errors import InputError
from humanav.jobs.tracked import load_tracked
from humanav.perception.takes import part_letter
from humanav.results import Result
from humanav.view import plotly_script
from humanav.view.colors import css, person_color
from humanav.view.look import PLAYER_COLORS, SYNCED_COLORS, SYNCED_PLACES
from humanav.view.people3d import yaw_of
from humanav.view.player import SCRIPT
from humanav.view.timeline import synced_players_html, timeline_html

if TYPE_CHECKING:
    from humanav.perception import Person2D

LARGEST, EVERYBODY = "1", "all"
MOST_SECONDS = min(20.0, limits().clip_seconds)
"""Of a longer clip so much is chosen at first."""

PLAYERS = "track-players"
"""Id of the frame that plays a result."""
_MOST_FPS = 30.0  # that the job looks at unless it is told otherwise
_FIGURES = ('<svg viewBox="0 0 220 168" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="rou'
            'nd" aria-hidden="true"><rect x="4" y="14" width="92" height="140" rx="9" stroke-width="3"/><path d="M4 40h'
            '11M4 71h11M4 102h11M4 133h11M85 40h11M85 71h11M85 102h11M85 133h11" stroke-width="3"/><g stroke-width="4.5'
            '"><circle cx="50" cy="46" r="8"/><path d="M50 56v34M50 62 38 74 42 88M50 62 62 72 60 86M50 90 42 112 34 13'
            '4M50 90 60 110 62 134"/></g><path d="M112 84h18m-7-7 7 7-7 7" stroke-width="3"/><ellipse cx="176" cy="146"'
            ' rx="38" ry="10" stroke-width="2"/><g stroke-width="11"><path d="M176 56v38M176 60l-19 15 6 19M176 60l18 1'
            '3 -3 19M176 96l-12 23-10 26M176 96l14 22 3 27"/></g><path d="M176 34h0" stroke-width="24"/></svg>')

PICK = """
const choose = () => {
  const value = document.querySelector("#track-who input:checked")?.value;
  for (const box of element.querySelectorAll("[data-who]"))
    box.setAttribute("aria-pressed", String(value === "all" || box.dataset.who === value));
};
element.addEventListener("click", (event) => {
  const box = event.target.closest("[data-who]");
  if (!box) return;
  document.querySelector(`#track-who input[value="${box.dataset.who}"]`)?.click();
  setTimeout(choose, 60);
});
document.addEventListener("change", (event) => { if (event.target.closest("#track-who")) setTimeout(choose, 60); });
document.addEventListener("error", (event) => {
  if (!event.target.closest?.("#track-clip")) return;
  event.target.dataset.unplayable = "true";
  event.stopImmediatePropagation();
}, true);
document.addEventListener("loadedmetadata", (event) => {
  const video = event.target;
  if (!video.closest?.("#track-clip") || video.srcObject || video.duration !== Infinity) return;
  video.addEventListener("durationchange", () => { video.currentTime = 0; }, { once: true });
  video.currentTime = 1e7;
}, true);
"""
"""Runs in the page: a click on a person of the picture is a choice in the list, and the other way round. A clip that
the browser cannot play may still be one that can be tracked, so its complaint is toned down. A browser's own recording
does not say how long it is until its end was looked for."""

SEEK = ("(seconds) => { const video = document.querySelector('#track-clip video'); "
        "if (video) { video.pause(); video.currentTime = seconds; } return seconds; }")
"""Runs in the page: the clip shows the frame at which a slider stands."""


@dataclass(frozen=True)
class Clip:
    """What is known of a clip before anybody looks at its frames: seconds, frames a second, pixels."""

    path: Path
    seconds: float
    fps: float
    size: tuple[int, int]

    def frames(self, start: float = 0.0, end: float | None = None, fps: float | None = None) -> float:
        """How many frames of a part of it are looked at."""
        span = min(self.seconds, end or self.seconds) - start
        return max(span, 0.0) * min(self.fps, fps or _MOST_FPS)


def clip_of(path: str | Path) -> Clip:
    """Open a clip.

    Raises:
        InputError: it cannot be read.
    """
    from humanav.perception.video import open_video

    with open_video(path) as video:
        return Clip(Path(path), video.duration, video.fps, video.original_size)


@dataclass
class Costs:
    """Seconds that tracking takes: at first what it took on two idle cores, then by what it took here.

    Attributes:
        modes: of each mode, seconds for any clip and for each frame.
        slowness: factor by which this machine takes longer.
    """

    modes: Mapping[str, tuple[float, float]]
    slowness: float = 1.0

    def of(self, mode: str, frames: float, people: int = 1) -> float:
        """Expected seconds for so many frames of so many people."""
        once, each = self.modes[mode]
        return self.slowness * (once + each * frames * (1 + 0.6 * (max(people, 1) - 1)))

    def learn(self, mode: str, frames: int, people: int, seconds: float) -> None:
        """Take note of what a job took; short ones tell little."""
        if frames >= 30:
            self.slowness = min(max(self.slowness * seconds / self.of(mode, frames, people), 0.1), 20.0)


COSTS = Costs({"fast": (4.0, 0.22), "accurate": (8.0, 0.95)})
MODES = {"fast": "Fast", "accurate": "Accurate"}


def mode_choices(frames: float | None = None, people: int = 1) -> list[tuple[str, str]]:
    """Both ways of tracking with what they cost for so many frames of so many people."""
    return [(words if frames is None else f"{words}, {about(COSTS.of(mode, frames, people))}", mode)
            for mode, words in MODES.items()]


def about(seconds: float) -> str:
    """A duration in words: "about 20 s", "about 3 min"."""
    if seconds < 90:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {round(seconds / 3600)} h"


def empty() -> str:
    """The viewer before there is a clip."""
    return (f'<div class="stage empty film">{_FIGURES}<b>The motion stands here</b>'
            "<span>A clip in, a body that moves on the floor out.</span></div>")


def picker(frame: NDArray[np.uint8], people: Sequence[Person2D], chosen: str = LARGEST) -> str:
    """The first frame with a box to click round everybody, in the colours that they keep.

    Args:
        frame: uint8 RGB (H,W,3).
        people: the largest first; their boxes in the frame's pixels.
        chosen: number of the person that is chosen, or "all".
    """
    height, width = frame.shape[:2]
    boxes = ""
    for k, person in enumerate(people, 1):  # smaller ones come later and so lie on top
        x0, y0, x1, y1 = np.clip(np.asarray(person.box, np.float64), 0, [width, height, width, height])
        place = ";".join(f"{side}:{100 * value:.2f}%" for side, value in (
            ("left", x0 / width), ("top", y0 / height), ("width", (x1 - x0) / width), ("height", (y1 - y0) / height)))
        pressed = "true" if chosen in (str(k), EVERYBODY) else "false"
        boxes += (f'<button type="button" data-who="{k}" aria-pressed="{pressed}" title="Follow this person" '
                  f'aria-label="Person {k}" style="{place};--person:{css(person_color(k))}"><b>{k}</b></button>')
    return (f'<div class="stage picker"><div class="frame" style="--ratio:{width / height:.4f}">'
            f'<img alt="The first frame" src="{pieces.image_url(frame, 1100)}">{boxes}</div></div>')


def who_choices(count: int) -> list[tuple[str, str]]:
    """Whom the list offers when so many people were found."""
    return [(f"Person {k}", str(k)) for k in range(1, count + 1)] + [("Everybody", EVERYBODY)]


def found_in_words(clip: Clip, count: int) -> str:
    """What is said of a clip once its first frame was looked at."""
    size = f"{clip.seconds:.1f} seconds at {clip.fps:.3g} frames a second"
    if count == 1:
        return f"One person is at the beginning of your clip ({size}). Press the button to track the motion."
    return (f"{count} people are at the beginning of your clip ({size}). Click whom to follow, or choose everybody, "
            "and press the button.")


def parse_number(words: str | None, what: str) -> float | None:
    """A positive number; None for nothing. Raises InputError for other words."""
    text = (words or "").strip().replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{text[:20]!r} is no {what}: write a positive number, or nothing.")
    return value


def told(result: Result) -> dict[str, Any]:
    """The ``track.json`` of a result."""
    try:
        data: dict[str, Any] = json.loads(result.path("track.json").read_text())
    except (OSError, ValueError) as error:
        raise InputError("This result is damaged: track the clip again.") from error
    return data


def label(take: dict[str, Any]) -> str:
    """A take as it can be asked for: "1a", or "1b" for this person's second part."""
    return f"{take['person_id']}{part_letter(int(take.get('part') or 0)) or 'a'}"


def take_choices(track: dict[str, Any]) -> list[tuple[str, str]]:
    """The takes of a track, by words for the visitor and by label."""
    fps, parts = track["fps"], [take["person_id"] for take in track["takes"]]
    choices = []
    for take in track["takes"]:
        begin, end = take["start"] / fps, (take["start"] + take["frames"]) / fps
        when = f", {begin:.0f} to {end:.0f} s" if parts.count(take["person_id"]) > 1 else ""
        choices.append((f"Person {take['person_id']}{when}", label(take)))
    return choices


def take_of(track: dict[str, Any], wanted: str | None) -> dict[str, Any]:
    """The take of this label; the first for none."""
    takes: list[dict[str, Any]] = track["takes"]
    return next((take for take in takes if label(take) == wanted), takes[0])


def numbers(track: dict[str, Any], take: dict[str, Any]) -> str:
    """How much of a person was tracked, and how sure it is, in words."""
    seen = np.asarray(take["seen"], np.float64)
    confidence = np.asarray([np.nan if c is None else c for c in take["confidence"]], np.float64)
    contacts = np.asarray(take["contacts"], np.float64).reshape(-1, 2)
    facts = [("Frames tracked", f"{take['frames']} of {track['frames']}"),
             ("Of them seen", _share(_mean(seen))),
             ("How sure, on the whole", _share(_mean(confidence)))]
    if len(contacts):
        facts += [("Left foot on the floor", _share(_mean(contacts[:, 0]))),
                  ("Right foot on the floor", _share(_mean(contacts[:, 1])))]
    error = np.asarray([np.nan if e is None else e for e in take.get("reprojection_px") or ()], np.float64)
    if np.isfinite(error).any():
        facts.append(("Off the 2D points", f"{np.nanmedian(error):.1f} px"))
    if take.get("stature_m"):
        facts.append(("Body height", f"{100 * take['stature_m']:.0f} cm"))
    facts += [("The camera", "moved" if track["camera"] == "moving" else "stood still"),
              ("Frames a second", f"{track['fps']:.4g}")]
    rows = "".join(f"<div><span>{html.escape(name)}</span><b>{value}</b></div>" for name, value in facts)
    several = len({other["person_id"] for other in track["takes"]}) > 1
    whose = f", person {take['person_id']}" if several else ""
    return f'<h3 class="part">In numbers{html.escape(whose)}</h3><div class="measures">{rows}</div>'


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _share(value: float) -> str:
    return f"{value:.0%}" if math.isfinite(value) else "not known"


def players(result: Result, track: dict[str, Any], take: dict[str, Any]) -> str:
    """The clip, the bodies over it and one person in 3D, in step."""
    original, overlay = (pieces.file_url(result.path(name)) if result.has(name) else None
                         for name in ("original.mp4", "overlay.mp4"))
    tracked = load_tracked(result, label(take))  # seen from where the clip's camera stood at first
    return synced_players_html(
        original, overlay, pieces.file_url(result.path(f"body{take['suffix']}.glb")), fps=track["fps"],
        frames=track["frames"], glb_start=take["start"] / track["fps"], size=(track["width"], track["height"]),
        script=pieces.file_url(SCRIPT), element=PLAYERS, yaw=yaw_of(tracked.motion, tracked.cameras[0]),
        style=f"{SYNCED_COLORS} {SYNCED_PLACES}", player_style=PLAYER_COLORS)


def timeline(track: dict[str, Any]) -> str:
    """Confidence and standing feet of everybody, in step with the players."""
    frame = timeline_html(track, player=f"#{PLAYERS}", script=pieces.file_url(plotly_script()))
    return ('<h3 class="part">How sure, and which feet stand</h3><p class="hint">Click a moment to go there.</p>'
            f"{frame}")
