"""What a photo's result says of itself: numbers, one honest sentence, and the pictures it keeps as evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.jobs.sight import Sighting
from humanav.progress import Progress
from humanav.results import ResultWriter

if TYPE_CHECKING:
    from humanav.avatar import Avatar
    from humanav.track import PhotoFit


def seen_share(avatar: Avatar) -> float:
    """How much of the avatar's surface a photo showed, 0..1, by area."""
    corners = avatar.vertices[avatar.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    size = avatar.confidence.shape[0]
    centre = avatar.uv[avatar.uv_faces].mean(1)
    column, row = (np.clip((value * size).astype(int), 0, size - 1) for value in (centre[:, 0], 1 - centre[:, 1]))
    return float((area * (avatar.confidence[row, column] > 76)).sum() / area.sum())


def outline_iou(avatar: Avatar, fit: PhotoFit, seen: Sighting) -> float:
    """How well the dressed avatar, in the photo's pose, fills the person's outline: intersection over union, 0..1."""
    from humanav.render import silhouette

    scale = min(1.0, 640 / max(seen.alpha.shape))
    camera = fit.camera.scaled(scale)
    posed = avatar.pose(fit.motion.full_pose[0], fit.motion.transl[0])
    covered = silhouette(posed, avatar.faces, camera)
    rows = ((np.arange(camera.height) + 0.5) / scale).astype(int).clip(0, seen.alpha.shape[0] - 1)
    columns = ((np.arange(camera.width) + 0.5) / scale).astype(int).clip(0, seen.alpha.shape[1] - 1)
    person = seen.alpha[np.ix_(rows, columns)] > 0.5
    return float((covered & person).sum() / max((covered | person).sum(), 1))


def photo_report(
    seen: Sighting, fit: PhotoFit, avatar: Avatar, measurements: dict[str, float], seconds: float
) -> dict[str, Any]:
    """The report of a photo's result."""
    report = fit.report
    warnings = list(dict.fromkeys([*seen.coverage.warnings, *report.warnings, *avatar.notes]))
    outline = outline_iou(avatar, fit, seen)
    return {"quality": quality(outline, report.reprojection_pct_height, seen_share(avatar)), "warnings": warnings,
            "body_iou": round(float(report.iou), 4), "avatar_iou": round(outline, 4),
            "reprojection_px": round(float(report.reprojection_px), 2),
            "reprojection_pct_height": round(float(report.reprojection_pct_height), 3),
            "standing": bool(report.standing), "missing_parts": list(report.missing_parts),
            "seen_share": round(seen_share(avatar), 3), "measurements": measurements, "seconds": round(seconds, 1)}


def quality(outline: float, reprojection_pct_height: float, seen: float) -> str:
    """One honest sentence, from how the avatar fills the person's outline (IoU 0..1), how far the joints are off (% of
    the height) and how much of the surface a photo showed (0..1)."""
    if outline >= 0.95 and reprojection_pct_height <= 1.0:
        words = "It follows the photo closely"
    elif outline >= 0.88 and reprojection_pct_height <= 2.0:
        words = "It follows the photo well, with small gaps"
    else:
        words = "It follows the photo only roughly: compare the side view, and try the options or another photo"
    return (f"{words} ({outline:.0%} of the outline, {reprojection_pct_height:.1f}% off at the joints). "
            f"The photo showed {seen:.0%} of the surface; the rest is an educated guess.")


class Recorder(Progress):
    """Passes everything on, and keeps the evidence pictures as previews of the result."""

    def __init__(self, inner: Progress, writer: ResultWriter) -> None:
        super().__init__(inner.steps)
        self._inner, self._writer = inner, writer

    @property
    def seconds(self) -> float:
        return self._inner.seconds

    @property
    def timings(self) -> tuple[tuple[str, float], ...]:
        return self._inner.timings

    def check(self) -> None:
        self._inner.check()

    def next(self, stage: str) -> None:
        self._inner.next(stage)
        self.step, self.stage = self._inner.step, self._inner.stage

    def update(self, part: float) -> None:
        self._inner.update(part)

    def show(self, caption: str, image: Any = None, file: Path | None = None, live: bool = False, **data: Any) -> None:
        if image is not None and data.get("name"):
            title, file_name = data.get("title", caption), f"{data['name']}.jpg"
            save_picture(image, self._writer.add(file_name, title, preview=True))
            self._writer.report.setdefault("evidence", []).append(
                {"title": title, "caption": caption, "file": file_name})
        self._inner.show(caption, image, file, live, **data)


def save_picture(image: NDArray[np.uint8], path: Path, side: int = 1280) -> None:
    """Write a picture as JPEG or PNG by the file's name, at most ``side`` pixels high or wide."""
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((side, side))
    picture.save(path, quality=88)
