"""What the pages of motions show: cleaned ones before and after, poses, ways between poses, lifted keypoints."""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from humanav.results import Result
from humanav.share.charts import angle_charts
from humanav.share.frames import synced_frame
from humanav.share.media import film_part, picture_part, poster_part, read
from humanav.share.value import Content, View
from humanav.share.views import add_mesh, mesh_view
from humanav.view.colors import css
from humanav.view.curve import AFTER, BEFORE, TRUTH, curve

_COLORS = {"Before": css(BEFORE), "After": css(AFTER), "Truth": css(TRUTH), "Straight": css(BEFORE),
           "Along the manifold": css(AFTER)}
_DISTANCE = "Distance from real poses"
_UNITS = {"°": "°", "%": " %"}


def denoise_content(result: Result, pictures: bool = True) -> Content:
    """A motion before and after it was cleaned."""
    report = result.report
    content = Content("A motion, cleaned", str(report.get("quality", "")), notes=report.get("warnings", ()))
    lines = {name: values for name, values in report.get("curves", {}).items() if name != "Truth"}
    _beside(content, result, "Before and after", lines, marks=[
        (moment["time"], ", ".join(moment["joints"])) for moment in report.get("worst", ())],
        spans=[(span[0], span[1]) for span in report.get("spans", ())], spans_label="repaired")
    _alone(content, result, "denoised.glb", "After, alone")
    content.facts = [("Length", f"{report['duration']:.1f} s"), ("Frames a second", f"{report['fps']:.4g}")]
    content.table = _measures(report.get("measures", ()))
    return content


def path_content(result: Result, pictures: bool = True) -> Content:
    """The way from one pose to another."""
    report = result.report
    straight, along = (report["mean"][name] for name in report["people"])
    content = Content("From one pose to another", f"On the way, the poses are {straight:.1f}° a joint from those "
                      f"people take if every joint turns straight, and {along:.1f}° along the manifold.")
    _beside(content, result, "Both ways", report["curves"], axis=("first pose", "second pose"))
    _alone(content, result, "path.glb", "Along the manifold")
    return content


def poses_content(result: Result, pictures: bool = True) -> Content:
    """Poses out of nothing, one large, all of them small."""
    distances = result.report["distances"]
    count = len(distances)
    content = Content(f"{count} poses that nobody took" if count > 1 else "A pose that nobody took",
                      f"They lie {sum(distances) / count:.1f}° a joint from the poses people take, by the measure they "
                      "were made with.")
    glb = add_mesh(content, read(result, "poses.glb"), "poses")
    cards = []
    for k, distance in enumerate(distances):
        key = content.add(picture_part(result, f"pose_{k + 1:02d}.png", f"pose-{k + 1}", "Small pictures of the poses "
                                       "are", side=324))
        image = f'<img data-part="{key}" alt="">' if key else ""
        cards.append(f'<button type="button" data-clip="Pose {k + 1}" aria-pressed="{"false" if k else "true"}">{image}'
                     f"<span>Pose {k + 1}<small>{distance:.1f}°</small></span></button>")
    gallery = ('<h2>All poses</h2><p class="hint">Press one to see it large.</p>'
               f'<div class="poses">{"".join(cards)}</div>')
    content.views.append(mesh_view("Poses", glb, title="A pose", below=gallery, yaw=25.0))
    content.facts = [("Poses", str(count)), ("Nearest to real poses", f"{min(distances):.1f}°"),
                     ("Farthest", f"{max(distances):.1f}°")]
    return content


def uplift_content(result: Result, pictures: bool = True) -> Content:
    """A photo or clip lifted to a body."""
    report = result.report
    still = report["frames"] == 1
    content = Content("A body pose from one picture" if still else "A motion in 3D from 2D points",
                      str(report.get("quality", "")), notes=report.get("warnings", ()))
    glb = add_mesh(content, read(result, "body.glb"), "body")
    charts = "" if still else angle_charts(report.get("curves") or {}, report["fps"])
    content.views.append(mesh_view("In 3D", glb, title="The body", below=charts, yaw=20.0))
    if pictures:
        video = content.add(film_part(result, "reprojection.mp4", "film", "The video is"))
        if video:
            every = max(1, round(report["fps"] / 30))  # the job thins fast clips for its video
            rate, count = report["fps"] / every, -(-report["frames"] // every)

            def in_step(have: Collection[str]) -> str | None:
                return synced_frame(None, video, glb, fps=rate, frames=count, size=_size(result),
                                    labels=("", "Over the pictures", "In 3D"), title="The body over the pictures") \
                    if video in have else None

            content.views.append(View("With the video", in_step, "Both play in step.", charts, tall=True))
        picture = content.add(picture_part(result, "reprojection.png", "over", "The picture with the body is"))
        if picture:
            content.pictures.append((picture, "Body over the picture", "The body as the camera sees it."))
        content.poster = content.add(poster_part(result, "preview.png"))
    content.facts = [("Off the 2D points", f"{report['reprojection_px']:.1f} px"),
                     ("Of the person's size", f"{report['reprojection_pct_size']:.1f}%"),
                     ("Confidence", f"{100 * report['confidence']:.0f}%"),
                     ("Frames with the person", f"{100 * report['seen_share']:.0f}%")]
    return content


def _beside(content: Content, result: Result, name: str, lines: Mapping[str, Any], **options: Any) -> None:
    """Bodies beside each other over the curve of their distance."""
    report = result.report
    glb = add_mesh(content, read(result, "comparison.glb"), "people")
    people: Sequence[str] = report["people"]
    drawn = curve({line: (values, _COLORS[line]) for line, values in lines.items()}, report["duration"],
                  title=_DISTANCE, unit="°", **options)
    content.views.append(mesh_view(
        name, glb, hint="Drag to turn both. Press the curve to go to a moment.", curve=drawn, yaw=15.0,
        colors={person: _COLORS[person] for person in people}, optional="Truth" if "Truth" in people else None))


def _alone(content: Content, result: Result, name: str, words: str) -> None:
    """One body in a view of its own."""
    if not result.has(name):
        return
    key = add_mesh(content, read(result, name), "alone", "The body alone is", 4)
    content.views.append(mesh_view(words, key, yaw=15.0))


def _measures(rows: Sequence[Mapping[str, Any]]) -> str:
    """What became of a motion, one row a measure."""
    if not rows:
        return ""
    columns = ["before", "after", *(["truth"] if any("truth" in row for row in rows) else [])]
    heads = "".join(f'<th scope="col">{name.capitalize()}</th>' for name in columns)
    lines = ""
    for row in rows:
        unit = html.escape(_UNITS.get(str(row["unit"]), f" {row['unit']}"))
        cells = "".join(f"<td>{row[name]:g}{unit}</td>" if name in row else "<td></td>" for name in columns)
        lines += f'<tr><th scope="row">{html.escape(str(row["name"]))}</th>{cells}</tr>'
    return f"<table><thead><tr><td></td>{heads}</tr></thead><tbody>{lines}</tbody></table>"


def _size(result: Result) -> tuple[int, int] | None:
    """Width and height of the pictures a result's points lie in."""
    from humanav.camera import Camera
    from humanav.errors import HumanavError

    try:
        camera = Camera.load(result.path("camera.json"))
    except HumanavError:
        return None
    return camera.width, camera.height
