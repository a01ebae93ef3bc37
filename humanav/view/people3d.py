"""The people of a capture in the browser: every view's overlay in step with all of them in 3D, cameras shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.view.colors import person_color
from humanav.view.timeline import synced_frame, video_pane, world_pane

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.multiview.value import Fitted, Rig

_STYLE = (
    "#synced.capture { grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); grid-template-rows: none }"
    " #synced.capture .pane:has(video) { aspect-ratio: var(--aspect); grid-column: auto; cursor: zoom-in }"
    " #synced.capture .pane.large { grid-column: 1 / -1; max-height: var(--tall); width: 100%; cursor: zoom-out }"
    " #synced.capture #pane-world { grid-column: 1 / -1; grid-row: auto; height: var(--tall); min-height: 320px }"
    " #synced.capture #pane-world iframe { position: absolute; inset: 0 }"
    " #synced.capture[data-width=narrow] { grid-template-columns: repeat(2, minmax(0, 1fr)) }"
    " #synced.capture[data-width=narrow] #pane-world { height: 420px }"
    " #synced.capture .pane figcaption { left: 6px; bottom: 6px; font-size: 12px; padding: 2px 8px }")
_ENLARGE = ("\nfor (const video of videos) video.parentElement.addEventListener('click', () => "
            "{ video.parentElement.classList.toggle('large'); shape(); });")
_ROW = {True: 4, False: 2}  # portrait views beside each other, and others


def write_people_scene(
    fitted: Fitted, path: str | Path, *, rig: Rig | None = None, before: Fitted | None = None,
    body: BodyModel | None = None, labels: tuple[str, str] = ("Before", "After"),
) -> Path:
    """Everybody of a capture in one .glb, each in the colour that they have in every picture.

    Args:
        fitted: the people.
        path: the file to write.
        rig: cameras to draw with them.
        before: the same people before something was done to them: both scenes are written, and the player shows them
            beside each other in step.
        body: the built-in one by default.
        labels: what the two scenes are called.

    Raises:
        InputError: there is nobody.
        StorageError: the file cannot be written.
    """
    from humanav.body import BodyModel
    from humanav.export.people_scene import write_scene_glb

    scenes = {"people": _actors(fitted)} if before is None else {
        labels[0]: _actors(before), labels[1]: _actors(fitted)}
    cameras = dict(zip(rig.names, rig.cameras)) if rig is not None else {}
    return write_scene_glb(body or BodyModel.load(), scenes, path, cameras=cameras)


def capture_players_html(
    overlays: Mapping[str, str], glb: str | Path | bytes, *, fps: float, frames: int, size: tuple[int, int],
    script: str | None = None, height: int = 520, autoplay: bool = True, yaw: float = 20.0, element: str = "",
    title: str = "The people in every view and in 3D", style: str = "", player_style: str = "",
) -> str:
    """The overlays of all views above everybody in 3D as one ``<iframe srcdoc>``, played and scrubbed in step.

    A click on a view makes it large, another one small again.

    Args:
        overlays: address of each view's video by the view's name; may be empty.
        glb: address, file or bytes of :func:`write_people_scene`.
        fps, frames: of the capture.
        size: width and height of the first view's video.
        script: address at which :data:`humanav.view.player.SCRIPT` is served; None puts it into the page.
        height: of the 3D player in pixels.
        yaw: degrees from the first person's front from which they are first seen (:func:`yaw_of`).
        element: id of the iframe.
        style, player_style: more CSS for the page, and for that of the 3D player.

    Raises:
        InputError: nothing to play, or the .glb cannot be read.
    """
    if not fps > 0 or frames < 1:
        raise InputError(f"A capture needs a frame rate and frames, not {fps:g} and {frames}.")
    panes = [video_pane(url, name) for name, url in overlays.items()]
    panes.append(world_pane(glb, "Everybody in 3D", style=player_style, script=script, yaw=yaw))
    columns = min(max(len(overlays), 1), _ROW[size[0] < 0.9 * size[1]] if len(overlays) <= 4 else 4)
    return synced_frame("".join(panes), fps=fps, frames=frames, videos=len(overlays), size=size, height=height,
                        autoplay=autoplay, title=title, element=element, kind="capture",
                        style=_STYLE + f" #synced.capture {{ --columns: {columns} }}" + style, code=_ENLARGE)


def yaw_of(motion: Motion, camera: Camera) -> float:
    """Degrees from a person's front, at the first frame, at which a camera stands: the 3D player then looks alike."""
    from scipy.spatial.transform import Rotation

    front = Rotation.from_rotvec(motion.global_orient[0]).apply([0.0, 0.0, 1.0])
    heading = math.atan2(front[0], front[2]) if math.hypot(front[0], front[2]) > 0.2 else 0.0
    away = camera.center - motion.transl[0]
    return (math.degrees(math.atan2(away[0], away[2]) - heading) + 180) % 360 - 180


def _actors(fitted: Fitted) -> Sequence[Any]:
    from humanav.export.people_scene import Actor

    return [Actor(f"person {person.person_id}", person.motion,
                  [float(v) for v in (np.array(person_color(person.person_id)) / 255) ** 2.2], person.seen)
            for person in fitted.people]
