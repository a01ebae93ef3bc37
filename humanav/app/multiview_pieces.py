"""Pieces of the tab "Multi-view capture": the doctor's report, the rig, players, before and after, numbers."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.app import gaussian_pieces, pieces
from humanav.app.limits import limits
from humanav.app.track_pieces import about
from humanav.errors import InputError
from humanav.jobs.multiview_files import BEFORE_AFTER, PEOPLE, splats_name
from humanav.jobs.multiview_options import Refine
from humanav.jobs.multiview_pictures import AFFINITY, AFTER, BEFORE, EPIPOLAR, MATCHING, overlay_name
from humanav.results import Result, ResultFile
from humanav.view import plotly_html, plotly_script
from humanav.view.colors import css, person_color
from humanav.view.look import PLAYER_COLORS, SYNCED_COLORS
from humanav.view.people3d import capture_players_html
from humanav.view.player import SCRIPT

if TYPE_CHECKING:
    from humanav.multiview.capture import Capture

BUDGET = "HUMANAV_MULTIVIEW"
"""Environment variable for small machines and tests: at most so many pictures and rounds of refinement, as 8:1."""
PLAYERS = "capture-players"
"""Id of the frame that plays a result."""
MOST_SECONDS = limits().capture_seconds
"""Of longer captures so much is taken unless more is asked for."""
VIDEOS = (".mp4", ".mov", ".webm", ".avi", ".mkv", ".m4v")
FILE_TYPES = [*VIDEOS, ".zip", ".txt", ".yml", ".yaml", ".toml", ".json", ".npz", ".xml"]
WAYS: dict[Refine, str] = {"off": "Bodies only", "quick": "With avatars", "full": "With fine avatars"}
_DATA = ("points3d", "cameras", "intri", "extri", "openpose", "avatarpose", "capture", "rig", "matching", "epipolar")
_APART = "The moment in which they are nearest: they do not go into each other."
_SEVERITY = {"error": "Must be mended", "warning": "Look here", "note": "Good to know", "good": "Fine"}

_RIG = (
    '<svg viewBox="0 0 240 168" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round" aria'
    '-hidden="true"><g stroke-width="3"><path d="M14 26l24 8-6 22-24-8zM38 40l12-2M226 26l-24 8 6 22 24-8zM202 40l-12'
    '-2M14 142l22-12 10 20-22 12zM40 136l12-8M226 142l-22-12-10 20 22 12zM200 136l-12-8"/></g><path d="M52 40 104 68M'
    '188 40 136 68M54 126 104 100M186 126 136 100" stroke-width="1.5" stroke-dasharray="4 6"/><ellipse cx="120" cy="1'
    '46" rx="46" ry="9" stroke-width="2"/><g stroke-width="10"><path d="M104 62v34M104 66l22 12M104 98l-8 44M104 98l1'
    '0 44M138 62v34M138 66l-22 14M138 98l-8 44M138 98l10 44"/></g><path d="M104 42h0M138 42h0" stroke-width="20"/></s'
    'vg>')

SLIDE = """
element.addEventListener("input", ({ target }) => {
  if (target.matches(".wipe input")) target.closest(".wipe").style.setProperty("--at", `${target.value}%`);
});
"""
"""Runs in the page: the line between the two pictures follows the slider."""


def budget() -> tuple[int, int] | None:
    """What the environment allows the refinement. Raises InputError for words that mean nothing."""
    said = os.environ.get(BUDGET, "")
    if not said:
        return None
    images, _, rounds = said.partition(":")
    try:
        return int(images), int(rounds)
    except ValueError as error:
        raise InputError(f"{BUDGET} is {said!r}: write it as pictures:rounds, such as 8:1.") from error


def empty() -> str:
    """The viewer before there is a capture."""
    return (f'<div class="stage empty rig">{_RIG}<b>The people stand here</b>'
            "<span>Several cameras in, everybody in one space out.</span></div>")


@dataclass
class Costs:
    """Seconds that a capture takes: at first what it took on two idle cores, then by what it took here."""

    once: float = 15.0
    picture: float = 0.22
    person: float = 0.25
    refine: tuple[tuple[str, float], ...] = (("off", 0.0), ("quick", 90.0), ("full", 420.0))
    slowness: float = 1.0

    def of(self, way: str, views: int, frames: float, people: int = 2) -> float:
        """Expected seconds."""
        return self.slowness * (self.once + (self.picture * views + self.person * people) * frames
                                + dict(self.refine)[way] * people / 2)

    def learn(self, way: str, views: int, frames: int, people: int, seconds: float) -> None:
        """Take note of what a job took; short ones tell little."""
        if frames >= 20:
            self.slowness = float(np.clip(self.slowness * seconds / self.of(way, views, frames, people), 0.1, 20.0))


COSTS = Costs()


def ways(views: int = 0, frames: float = 0) -> list[tuple[str, str]]:
    """The ways of working, with what they cost for so many views and frames."""
    return [(words if not views else f"{words}, {about(COSTS.of(way, views, frames))}", way)
            for way, words in WAYS.items()]


def capture_words(capture: Capture, frames: int, fps: float) -> str:
    """What is said of a capture that was looked at."""
    kinds = {"": "a calibration", "qualisys": "Qualisys' calibration", "easymocap": "EasyMocap's calibration"}
    source = "the pictures of a board" if capture.rig is None and capture.boards.places else "the people"
    cameras = f"no calibration, so the cameras will be found from {source}" if capture.rig is None else \
        kinds.get(capture.rig.kind, f"a calibration ({capture.rig.kind})")
    return (f"{len(capture.names)} views of {frames / fps:.1f} seconds at {fps:.3g} frames a second, with {cameras}. "
            "Press the button to reconstruct the scene.")


def doctor(findings: Sequence[dict[str, Any]], figure: str = "") -> str:
    """What was found out about the cameras, and the cameras in space (JSON of a Plotly figure)."""
    rows = "".join(
        f'<li data-severity="{html.escape(item["severity"])}"><b>{_SEVERITY.get(item["severity"], "Note")}</b>'
        f"<span>{html.escape(item['text'])}</span></li>" for item in findings)
    shown = ""
    if figure:
        import plotly.io

        drawn = plotly.io.from_json(figure)
        drawn.update_layout(height=460)
        shown = plotly_html(drawn, 460, script=pieces.file_url(plotly_script()),
                            title="The cameras and the people in space")
        shown = f'<div class="rig-figure">{shown}</div>'
    if not rows and not shown:
        return ""
    return (f'<h3 class="part">The cameras</h3><ul class="findings">{rows}</ul>{shown}')


def matching(result: Result) -> str:
    """Which detections were taken for whom in one frame, and why."""
    parts = []
    for name, words in ((MATCHING, "Every detection of one moment, in the colour of the person it was taken for."),
                        (EPIPOLAR, "The left wrists of one view, and how far everybody's wrist in the other views is "
                                   "from their rays.")):
        if result.has(name):
            parts.append(f'<p class="hint">{words}</p><img class="whole" alt="{html.escape(words)}" '
                         f'src="{pieces.file_url(result.path(name))}">')
    if result.has(AFFINITY):
        import plotly.io

        figure = plotly.io.from_json(result.path(AFFINITY).read_text(encoding="utf-8"))
        figure.update_layout(paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
                             font={"color": "rgb(128,136,148)"})
        figure.update_xaxes(automargin=True)
        figure.update_yaxes(automargin=True)
        parts.append('<p class="hint">How well the rays of any two detections meet: dark where they can be one person. '
                     "The frames are what was taken for one.</p>")
        parts.append(plotly_html(figure, 420, script=pieces.file_url(plotly_script()), title="How alike they are"))
    return "".join(parts)


def live(image: NDArray[np.uint8]) -> str:
    """The viewer while there are only pictures."""
    return f'<div class="stage picture"><img alt="the capture so far" src="{pieces.image_url(image, 1500)}"></div>'


def players(result: Result) -> str:
    """Every view's overlay and everybody in 3D, in step."""
    report = result.report
    overlays = {name: pieces.file_url(result.path(overlay_name(name))) for name in report["names"]
                if result.has(overlay_name(name))}
    return capture_players_html(
        overlays, pieces.file_url(result.path(PEOPLE)), fps=report["fps"], frames=report["frames"],
        size=tuple(report["sizes"][0]), script=pieces.file_url(SCRIPT), element=PLAYERS, yaw=report.get("yaw", 20.0),
        style=SYNCED_COLORS, player_style=PLAYER_COLORS)


def scene(glb: Path, title: str, result: Result | None = None, *, columns: bool = False) -> str:
    """The viewer playing everybody, or two scenes beside each other."""
    yaw = 20.0 if result is None else result.report.get("yaw", 20.0)
    colors = {"Before": css((128, 134, 144)), "After": css((15, 118, 97))} if columns else {}
    return pieces.player(glb, title, None, yaw=yaw, colors=colors)


def compared(result: Result) -> str:
    """The deepest contact before and after refinement with a slider between, and both in motion; or, where nothing was
    refined, the contact alone. Empty for one person."""
    contact = result.report.get("contact")
    parts = []
    if contact and result.has(AFTER):
        key = ('<p class="key"><i style="background:rgb(255,214,10)"></i>skin nearer than 2 cm to the other person'
               '<i style="background:rgb(214,30,60)"></i>skin inside the other person</p>')
        after = pieces.file_url(result.path(AFTER))
        depth = f"At the deepest contact they go {contact['depth_mm']:.0f} mm into each other"
        apart = max(contact["depth_mm"], contact.get("depth_after_mm", 0)) < 0.5
        if result.has(BEFORE):
            before = pieces.file_url(result.path(BEFORE))
            said = _APART if apart else f"{depth} before refinement, {contact['depth_after_mm']:.0f} mm after it."
            parts.append(f'<p class="hint">{said}</p><div class="wipe" style="--at:50%"><img src="{after}" '
                         f'alt="after refinement"><img class="over" src="{before}" alt="before refinement"><span>Before'
                         '</span><span>After</span><input type="range" min="0" max="100" value="50" aria-label='
                         f'"Between before and after"></div>{key}')
        else:
            said = _APART if apart else f"{depth}."
            parts.append(f'<p class="hint">{said}</p><div class="wipe"><img src="{after}" alt="the deepest contact">'
                         f"</div>{key}")
    title = "Where they touch"
    if result.has(BEFORE_AFTER):
        title = "Before and after refinement"
        parts.append(f'<div class="columns">{scene(result.path(BEFORE_AFTER), title, result, columns=True)}</div>')
    return f'<h3 class="part">{title}</h3>{"".join(parts)}' if parts else ""


def avatar_choices(result: Result) -> list[tuple[str, str]]:
    """The people who have an avatar, by words and by id."""
    ids = [str(person) for person in result.report["people"]]
    return [(f"Person {person}", person) for person in ids if result.has(splats_name(person, ids))]


def avatar(result: Result, person: str) -> str:
    """One person's Gaussian avatar, moving."""
    ids = [str(other) for other in result.report["people"]]
    return gaussian_pieces.splat_player(result.path(splats_name(person, ids)), f"Avatar of person {person}", "motion")


def numbers(result: Result) -> str:
    """What is known of everybody, in a table; and of every view."""
    report = result.report
    fits = {person["person"]: person for person in report.get("fitting", {}).get("people", ())}
    before = {person["person"]: person for person in report.get("fitting_before", {}).get("people", ())}
    rows = ""
    for person in report["matching"]["people"]:
        name, fit = person["person"], fits.get(person["person"], {})
        off = _number(fit.get("reprojection_px"), " px")
        if name in before:
            off = f"{_number(before[name].get('reprojection_px'))} to {off}"
        bones = person.get("bone_variation")
        rows += (f'<tr><th scope="row"><i style="background:{css(person_color(name))}"></i>Person {name}</th>'
                 f"<td>{person['frames']} of {report['frames']}</td><td>{_number(person['views'])}</td>"
                 f"<td>{off or _number(person['residual_px'], ' px')}</td>"
                 f"<td>{'' if bones is None else f'{100 * bones:.1f}%'}</td>"
                 f"<td>{_number(100 * fit['stature_m'] if fit else None, ' cm', 0)}</td></tr>")
    views = report.get("fitting", {}).get("views") or report["matching"]["residual_px"]
    facts = "".join(f"<div><span>{html.escape(name)}</span><b>{_number(value, ' px')}</b></div>"
                    for name, value in views.items())
    return ('<h3 class="part">In numbers</h3><div class="scroll"><table class="numbers people"><thead><tr><th></th><th>'
            "Frames</th><th>Views</th><th>Off the points</th><th>Limbs vary</th><th>Height</th></tr></thead><tbody>"
            f'{rows}</tbody></table></div><p class="hint">How far the bodies lie off the 2D points, view by view:</p>'
            f'<div class="measures">{facts}</div>')


def downloads(result: Result) -> str:
    """The files: of everybody, of each person, of the cameras and data."""
    ids = [str(person) for person in result.report["people"]]
    own: dict[str, list[ResultFile]] = {person: [] for person in ids} if len(ids) > 1 else {}
    shared: list[ResultFile] = []
    data: list[ResultFile] = []
    for file in result.downloads:
        person = next((p for p in own if file.name.split(".")[0].removesuffix("_amass").endswith(f"_{p}")
                       and not file.name.startswith("overlay")), None)
        if person is not None:
            own[person].append(file)
        else:
            (data if file.name.startswith(_DATA) else shared).append(file)
    parts = [f'<h3 class="part">Downloads</h3>{pieces.cards(result, shared)}']
    parts += [f'<h4 class="who"><i style="background:{css(person_color(person))}"></i>Person {html.escape(person)}</h4>'
              f"{pieces.cards(result, files, False)}" for person, files in own.items()]
    parts.append(f'<h4 class="who">Cameras and data</h4>{pieces.cards(result, data, False)}')
    return "".join(parts)


def _number(value: float | None, unit: str = "", digits: int = 1) -> str:
    return "" if value is None else f"{value:.{digits}f}{unit}"
