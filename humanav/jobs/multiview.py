"""Several views of several people to their motions, bodies and avatars in one world, with what shows how well it fits.

``reconstruct_capture`` joins calibration, detection, matching, fit and refinement (:mod:`humanav.multiview`) with
exports and drawings; :class:`humanav.jobs.multiview_steps.CaptureWork` has the steps one by one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from humanav import __version__
from humanav.errors import InputError, MissingExtraError
from humanav.jobs.multiview_options import DRAWING, EXPORTING, MULTIVIEW_STAGES, MultiviewOptions, multiview_stages
from humanav.jobs.multiview_source import WORK, Source, source_key, sources_of
from humanav.jobs.track_sources import detector_parts
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id, weights_id

__all__ = ["MULTIVIEW_STAGES", "MultiviewOptions", "multiview_id", "multiview_stages", "reconstruct_capture"]

_KEPT = ("sightings_*", "matched_*", "rematched_*", "fitted_*", "rig_*", "refined_*")


def multiview_id(source: Source, options: MultiviewOptions | None = None) -> str:
    """The id that :func:`reconstruct_capture` gives its result: the same capture and options have the same id.

    Raises:
        InputError: the source is not there.
    """
    from humanav.jobs.multiview_steps import WEIGHTS

    options = options or MultiviewOptions()
    told = {name: value for name, value in vars(options).items() if name not in ("calibration", "masks")}
    return content_id("capture", __version__, weights_id(*WEIGHTS), source_key(source, options), told)


def reconstruct_capture(
    source: Source, *, out: str | Path, options: MultiviewOptions | None = None, work: str | Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """Reconstruct the people of a capture.

    Args:
        source: a folder or zip of videos (or picture folders) with their calibration, or several such files.
        out: the folder of the result. Of each person (``_1``, ``_2``, ... where there are several) ``motion.npz``,
            ``motion_amass.npz``, ``motion.bvh``, ``body.glb``, ``points.trc``, ``points.c3d`` and, refined,
            ``avatar.ply``, ``avatar.npz``, ``avatar.glb``; of all ``people.glb``, ``points3d.npz``, ``openpose.zip``,
            ``avatarpose.zip``, ``cameras.json``, ``intri.yml``, ``extri.yml``, ``capture.json``, ``rig.html``,
            ``matching.png``, ``epipolar.png``, ``contact_after.png`` and an overlay video of each view.
        options: see :class:`MultiviewOptions`.
        work: folder for intermediate results, so that a stopped run goes on; by default beside ``out``, removed at the
            end.
        progress: told of :func:`multiview_stages`; what is found is shown as it comes.

    Raises:
        InputError, CameraError, ImageError: the capture or an option cannot be used.
        NoPersonError: nobody was found in two views at once.
        MissingExtraError: the detector that was named is not installed.
        StorageError: ``out`` or ``work`` cannot be written.
        Cancelled: ``progress`` was told to stop.
    """
    from humanav.jobs.multiview_steps import WEIGHTS, CaptureWork

    options, out = options or MultiviewOptions(), Path(out)
    out = out if out.name else out.resolve()
    stages = multiview_stages(options)
    progress = progress or Progress(len(stages))
    progress.steps = len(stages)
    identity = multiview_id(source, options)
    place = out.with_name(f"{out.name}{WORK}") if work is None else Path(work)
    names = [path.name or path.resolve().name for path in sources_of(source)]
    inputs = {"source": names[0] if len(names) == 1 else names, "refine": options.refine, "until": options.until,
              "start": options.start, "end": options.end}
    with _tidied(place, work is None), ResultWriter(out, "capture", identity, inputs) as writer, \
            CaptureWork(source, options, place, progress) as job:
        writer.tell(progress, settings=options, sources={
            **dict(zip(names, sources_of(source))), "calibration": options.calibration or None,
            "masks": options.masks or None}, parts=("body", *detector_parts(options.detector), *WEIGHTS, "plotly"))
        report = _look(writer, job)
        if options.until != "match":
            _bodies(job, report)
        _export(writer, job, report)
        if options.render and options.until != "match":
            _draw(writer, job, report)
        _tell(writer, job, report)
    return writer.result


def _look(writer: ResultWriter, job: Any) -> dict[str, Any]:
    """Reading, finding, checking and matching, each with what it shows."""
    from humanav.jobs import multiview_pictures as pictures
    from humanav.jobs import multiview_report as told

    progress = job.progress
    views = job.capture.names
    progress.show(f"{len(views)} views, {job.footage.frames} frames at {job.footage.fps:.4g} a second.",
                  pictures.views_sheet(job), live=True, title="The views", name="views")
    job.seen, job.rig, job.matched  # noqa: B018 (each does its step when it is asked for first)
    pictures.draw_rig(writer, job)
    found = told.findings(job)
    progress.show(_found(found), file=writer.folder / pictures.FIGURE, live=True, title="The cameras", name="rig",
                  findings=found)
    pictures.draw_matching(writer, job)
    matching = told.matching(job.matched)
    people = len(job.matched.people)
    progress.show(f"{people} {'person' if people == 1 else 'people'} in space, points "
                  f"{matching['residual_median_px'] or 0:.1f} px off the pictures.", pictures.matching_picture(job),
                  title="Who is who", name="matching")
    return {"views": len(views), "names": list(views), "frames": job.sightings.frames, "fps": job.sightings.fps,
            "sizes": [list(size) for size in job.sizes], "findings": found, "matching": matching,
            "person_px": round(told.person_pixels(job), 1), "camera_kind": job.rig.kind,
            "people": [person.person_id for person in job.matched.people]}


def _bodies(job: Any, report: dict[str, Any]) -> None:
    """Fit and refinement."""
    from humanav.body import BodyModel
    from humanav.jobs import multiview_pictures as pictures
    from humanav.jobs import multiview_report as told
    from humanav.view.people3d import yaw_of

    body = BodyModel.load()
    fitted = job.fitted
    frame = pictures.deepest_frame(fitted, body)
    report["fitting"] = told.fitting(fitted)
    report["frame"] = frame
    report["yaw"] = round(yaw_of(fitted.people[0].motion, job.rig.cameras[0]), 1)
    job.progress.show(f"The bodies lie {report['fitting']['reprojection_px'] or 0:.1f} px off the points.",
                      pictures.bodies_sheet(job, fitted, body, frame), title="Bodies in every view", name="fit")
    if job.refined is not None:
        report["refinement"] = {**job.refined.report, "rounds": job.refined.rounds}
        report["fitting_before"], report["fitting"] = report["fitting"], told.fitting(job.bodies)


def _export(writer: ResultWriter, job: Any, report: dict[str, Any]) -> None:
    from humanav.body import BodyModel
    from humanav.jobs import multiview_files as files
    from humanav.view.people3d import write_people_scene

    job.stage(EXPORTING)
    progress, body, options = job.progress, BodyModel.load(), job.options
    if options.until != "match":
        fitted = job.bodies
        scene = writer.add(files.PEOPLE, "Everybody moving together, with the cameras", "Blender, Unity and three.js")
        write_people_scene(fitted, scene, rig=job.rig, body=body)
        progress.show("Everybody moves; the files and videos follow.", file=scene, live=True, title="Everybody",
                      name="people")
        if job.refined is not None:
            write_people_scene(fitted, writer.add(files.BEFORE_AFTER, "Everybody before and after refinement",
                                                  preview=True), before=job.fitted, body=body)
        files.write_motions(writer, fitted, body)
        progress.update(0.4)
        if job.refined is not None:
            files.write_avatars(writer, job.refined.avatars, {p.person_id: p.motion for p in fitted.people}, body)
        progress.update(0.6)
        if options.avatarpose:
            refined = None if job.refined is None else job.refined.fitted
            files.write_avatarpose_zip(writer, job.matched, job.fitted, job.rig, job.capture.name, refined)
    files.write_points(writer, job.matched)
    files.write_cameras(writer, job.rig)
    files.write_openpose_zip(writer, job.matched, job.sightings)
    progress.update(1.0)


def _draw(writer: ResultWriter, job: Any, report: dict[str, Any]) -> None:
    from humanav.body import BodyModel
    from humanav.jobs import multiview_pictures as pictures
    from humanav.jobs import multiview_report as told

    job.stage(DRAWING)
    body = BodyModel.load()
    if len(job.bodies.people) > 1:
        report["contact"] = told.contact(report["frame"], *pictures.draw_contacts(writer, job, body, report["frame"]))
    pictures.draw_overlays(writer, job, body, job.progress)


def _tell(writer: ResultWriter, job: Any, report: dict[str, Any]) -> None:
    """The report, in the result and as a file of its own."""
    from humanav.jobs import multiview_files as files
    from humanav.jobs import multiview_report as told

    report["quality"] = told.quality(report)
    report["warnings"] = told.warnings(job.notes, report["findings"])
    report["details"] = list(dict.fromkeys(job.details))
    report["seconds"] = round(job.progress.seconds, 2)
    report = told.plain(report)
    writer.report.update(report)
    writer.add(files.ABOUT, "Everything that was found out, in numbers and sentences", "any program").write_text(
        json.dumps(report, allow_nan=False, indent=1))
    files.order(writer)


def _found(findings: list[dict[str, Any]]) -> str:
    """The doctor's gravest finding."""
    return str(findings[0]["text"]) if findings else "The cameras agree with each other."


@contextmanager
def _tidied(work: Path, own: bool) -> Iterator[None]:
    """Remove what is kept in our own ``work`` when the block ends well or the capture is no good; keep it for a run
    that was stopped. Other things in a folder of that name stay."""
    try:
        yield
    except (InputError, MissingExtraError):
        _tidy(work, own)
        raise
    _tidy(work, own)


def _tidy(work: Path, own: bool) -> None:
    if not own:
        return
    for name in ("capture", "detection"):
        shutil.rmtree(work / name, ignore_errors=True)
    for pattern in _KEPT:
        for file in work.glob(pattern):
            file.unlink(missing_ok=True)
    with suppress(OSError):  # it holds something else, or was never made
        work.rmdir()
