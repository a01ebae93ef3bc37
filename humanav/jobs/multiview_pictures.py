"""What a capture's job shows: the views, bodies over them, the rig, who was matched with whom, where people touch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.jobs.multiview_files import plain_name
from humanav.multiview.value import Fitted
from humanav.progress import Progress
from humanav.results import ResultWriter

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.jobs.multiview_steps import CaptureWork
    from humanav.view.multiview import Touching

Picture = NDArray[np.uint8]

RIG, FIGURE, MATCHING, AFFINITY, EPIPOLAR, BEFORE, AFTER, PREVIEW = (
    "rig.html", "rig.json", "matching.png", "affinity.json", "epipolar.png", "contact_before.png", "contact_after.png",
    "preview.png")
_WRIST = "left_wrist"  # every keypoint set has it
_MP4 = "every browser and phone"
_HEIGHT = 640
_MOMENTS = 3
_SHEET = 12  # pictures of the sheet, at most
_CROWD = 8  # people, above whom contacts are looked for in fewer frames


def overlay_name(view: str) -> str:
    """The file of a view's overlay."""
    return f"overlay_{plain_name(view)}.mp4"


def sheet_columns(pictures: Sequence[Picture]) -> int:
    """How many pictures of views go beside each other: upright ones four, others two, of many four."""
    upright = pictures[0].shape[0] > 1.1 * pictures[0].shape[1]
    return min(len(pictures), 4 if upright or len(pictures) > 4 else 2)


def views_sheet(job: CaptureWork, frame: int = 0) -> Picture:
    """All views at one moment."""
    from humanav.view import contact_sheet

    names = job.footage.names
    pictures = [job.footage.frame(view, frame) for view in range(len(names))]
    return contact_sheet(pictures, names, columns=sheet_columns(pictures), height=360, max_width=1600)


def bodies_sheet(job: CaptureWork, fitted: Fitted, body: BodyModel, frame: int, height: int = 400) -> Picture:
    """Everybody's body over all views at one moment."""
    from humanav.view import contact_sheet
    from humanav.view.multiview import view_frames

    shown = [next(iter(view_frames([job.moments.frame(view, frame)], fitted, job.matched, job.sightings, camera, view,
                                   body, max_height=height, first=frame)))
             for view, camera in enumerate(job.rig.cameras)]
    return contact_sheet(shown, job.rig.names, columns=sheet_columns(shown), height=height, max_width=1600)


def draw_rig(writer: ResultWriter, job: CaptureWork) -> None:
    """The cameras in space with rays to the people, as a page of its own."""
    from humanav.view.rig import rig_figure

    figure = rig_figure(job.rig, job.matched, frame=best_frame(job), diagnosis=job.diagnosis)
    figure.write_json(writer.add(FIGURE, "The cameras and people in space as a Plotly figure", preview=True))
    page = figure.to_html(full_html=True, include_plotlyjs=True, config={"displayModeBar": False, "responsive": True})
    writer.add(RIG, "The cameras and the people in space, to turn", "every browser").write_text(page, encoding="utf-8")


def best_frame(job: CaptureWork) -> int:
    """The frame in which most is known of everybody; the middle one of those."""
    known = np.sum([(person.keypoints[..., 3] > 0).sum(axis=1) for person in job.matched.people], axis=0)
    best = np.flatnonzero(known >= 0.95 * known.max())
    return int(best[len(best) // 2])


def draw_overlays(writer: ResultWriter, job: CaptureWork, body: BodyModel, progress: Progress) -> None:
    """A video a view of everybody's bodies over its pictures, and a sheet of moments of all views."""
    from PIL import Image

    from humanav.export import write_mp4
    from humanav.view import contact_sheet
    from humanav.view.multiview import view_frames

    fitted, total, views = job.bodies, job.sightings.frames, len(job.rig)
    moments = np.unique(np.linspace(0, total - 1, min(_MOMENTS, total)).round().astype(int)).tolist()
    sheet: list[tuple[Any, str]] = []
    for view, (name, camera) in enumerate(zip(job.rig.names, job.rig.cameras)):
        frames = view_frames(job.moments.read(view), fitted, job.matched, job.sightings, camera, view, body,
                             max_height=_HEIGHT)

        def kept(frames: Any = frames, name: str = name) -> Any:
            for number, frame in enumerate(frames):
                if number in moments and len(sheet) < _SHEET:
                    sheet.append((frame.copy(), f"{name}, {number / fitted.fps:.1f} s"))
                yield frame

        def told(count: int, view: int = view) -> None:
            progress.update((view + count / total) / views)

        write_mp4(kept(), writer.add(overlay_name(name), f"The bodies over the view {name}", _MP4), fitted.fps,
                  progress=told, key_seconds=0.5)
    picture = contact_sheet([frame for frame, _ in sheet], [words for _, words in sheet], columns=len(moments))
    Image.fromarray(picture).save(writer.add(PREVIEW, "Moments of all views", preview=True))


def deepest_frame(fitted: Fitted, body: BodyModel) -> int:
    """The frame in which people go deepest into each other; else the one in which two of them are closest."""
    from humanav.multiview.contact import clip_contact

    if len(fitted.people) < 2:
        return 0
    places = np.stack([np.where(person.seen[:, None], person.motion.transl, np.nan) for person in fitted.people])
    apart = np.stack([np.linalg.norm(a - b, axis=1) for k, a in enumerate(places) for b in places[k + 1:]])
    apart = np.where(np.isfinite(apart), apart, np.inf).min(axis=0)
    near = np.flatnonzero(apart < 1.2)
    if len(near):
        step = 1 if len(fitted.people) <= _CROWD else 1 + len(near) // 20
        met = clip_contact([person.motion for person in fitted.people], body, frames=near[::step].tolist(),
                           volume=False)
        deep = met.depth_mm.max(axis=1)
        if deep.max() > 0:
            return int(met.frames[int(deep.argmax())])
    return int(np.argmin(apart))


def draw_contacts(
    writer: ResultWriter, job: CaptureWork, body: BodyModel, frame: int
) -> tuple[Touching, Touching | None]:
    """The deepest contact, as the views see it: of the bodies as they were fitted, and as they are after refinement."""
    from PIL import Image

    from humanav.view.multiview import contact_row

    row, met, windows = contact_row(job.moments, job.fitted, job.rig, frame, body)
    after = None
    if job.refined is not None:
        Image.fromarray(row).save(writer.add(BEFORE, "The deepest contact before refinement", preview=True))
        row, after, _ = contact_row(job.moments, job.refined.fitted, job.rig, frame, body, windows=windows)
    Image.fromarray(row).save(writer.add(AFTER, "The deepest contact, skin that touches in colour",
                                         "everything"))
    return met, after


def draw_matching(writer: ResultWriter, job: CaptureWork) -> None:
    """Who was taken for whom in one frame, and why: the detections in their people's colours, how alike they are over
    the views, and how far everybody's wrist is from the ray of another view's."""
    from PIL import Image

    from humanav.multiview.match_evidence import explain
    from humanav.view.matching import affinity_figure, epipolar_picture

    Image.fromarray(matching_picture(job)).save(
        writer.add(MATCHING, "Which detections were taken for whom in one frame", "everything"))
    frame = best_frame(job)
    evidence = explain(job.sightings, job.rig, frame, matched=job.matched)
    affinity_figure(evidence).write_json(writer.add(AFFINITY, "How alike the detections of one frame are, as a Plotly "
                                                    "figure", preview=True))
    shown = [job.moments.frame(view, frame) for view in range(len(job.rig))]
    row = epipolar_picture(shown, evidence, keypoint=_WRIST, view=int(np.bincount(evidence.views).argmax()))
    Image.fromarray(row).save(writer.add(EPIPOLAR, "How far everybody's wrist is from the ray of one view's",
                                         "everything"))


def matching_picture(job: CaptureWork) -> Picture:
    """Each view at one moment with the detections in the colours of the people that they were taken for."""
    from humanav.view import contact_sheet
    from humanav.view.multiview import identity_picture

    frame, seen, pictures = best_frame(job), job.sightings, []
    for view in range(len(seen.names)):
        there = np.flatnonzero(seen.present[frame, view])
        owners = [next((person.person_id for person in job.matched.people if person.chosen[frame, view] == detection),
                       None) for detection in there]
        pictures.append(identity_picture(job.moments.frame(view, frame), list(seen.keypoints[frame, view, there]),
                                         seen.keypoint_set, owners))
    return contact_sheet(pictures, seen.names, columns=sheet_columns(pictures), height=480, max_width=1800)
