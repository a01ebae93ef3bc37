"""Measurements to a body: what the page and the command line show of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from humanav.body.anthropometrics import ANTHROPOMETRICS, WEIGHT

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from humanav.uplift.anthropometrics import Shape

_TALLEST, _WIDEST = 2.15, 1.0  # metres that the picture shows, the same for every body so that they compare
_CLAY = (196, 187, 176)


def find_shape(asked: Mapping[str, float]) -> Shape | None:
    """The built-in body's shape with these measurements (metres, ``weight`` in kilograms), or None for none.

    Raises:
        InputError: a value no person has, or values that contradict each other.
    """
    from humanav.uplift.anthropometrics import betas_from_measurements

    return betas_from_measurements(asked) if asked else None


def shape_figure(betas: Sequence[float] | None, *, height: int = 600) -> go.Figure:
    """The built-in body of a shape, standing on the floor with its arms down, for Plotly."""
    from humanav.body import BodyModel
    from humanav.view import figure_body, relaxed_pose

    body = BodyModel.load()
    vertices = body(relaxed_pose().full_pose[0], None if betas is None else np.asarray(betas)).vertices
    assert vertices is not None
    skin = vertices[0].double().numpy()
    skin = skin - (0, skin[:, 1].min(), skin[:, 2].mean())
    figure = figure_body(skin.astype(np.float32), body.faces, color=_CLAY, height=height)
    half = _WIDEST / 2
    for axis, span in (("xaxis", (-half, half)), ("yaxis", (-half, half)), ("zaxis", (0.0, _TALLEST))):
        ticks = [tick for tick in np.arange(-2, 2.6, 0.5).tolist() if span[0] <= tick <= span[1]]
        figure.layout.scene[axis].update(range=span, tickvals=ticks, title={"text": ""},
                                         ticktext=[f"{tick:g} m" if axis == "zaxis" else "" for tick in ticks])
    most = max(_TALLEST, _WIDEST)
    figure.update_layout(
        uirevision="shape",
        scene={"uirevision": "shape", "aspectratio": {"x": _WIDEST / most, "y": _WIDEST / most, "z": _TALLEST / most},
               "camera": {"eye": {"x": 0.5, "y": -1.22, "z": 0.12}, "center": {"x": 0, "y": 0, "z": -0.03}}})
    return figure


def shape_report(shape: Shape) -> dict[str, Any]:
    """What is written of a shape: betas, what was asked, all measurements, the differences."""
    return {"betas": [round(float(b), 6) for b in shape.betas], "asked": _rounded(shape.asked),
            "measurements": _rounded(shape.measurements),
            "difference_mm": _rounded({k: v for k, v in shape.residual.items() if k != WEIGHT}, 1),
            "difference_kg": _rounded({k: v for k, v in shape.residual.items() if k == WEIGHT}, 2),
            "notes": list(shape.notes)}


def write_shape(shape: Shape, path: Path, glb: bool = False) -> list[Path]:
    """Write a shape as JSON, and its body beside it as a GLB.

    Raises:
        StorageError: a file cannot be written.
    """
    from humanav.body import BodyModel
    from humanav.export import write_body_glb
    from humanav.export.files import whole_file
    from humanav.view import relaxed_pose

    with whole_file(path) as part:
        part.write_text(json.dumps(shape_report(shape), indent=1) + "\n")
    if not glb:
        return [path]
    betas = shape.betas.astype(np.float32)
    return [path, write_body_glb(BodyModel.load(), betas, {"standing": relaxed_pose()}, path.with_suffix(".glb"))]


def shape_lines(shape: Shape) -> list[str]:
    """A table of what was asked and what the body has, in centimetres (kilograms)."""
    lines = [f"{'':36} {'asked':>8} {'got':>8} {'differs':>8}"]
    for name in (*ANTHROPOMETRICS, WEIGHT):
        scale, unit = (1.0, "kg") if name == WEIGHT else (100.0, "cm")
        asked = f"{scale * shape.asked[name]:8.1f}" if name in shape.asked else " " * 8
        off = shape.measurements[name] - shape.asked.get(name, np.nan)
        differs = f"{scale * off:+8.1f}" if name in shape.asked else f" ±{scale * shape.uncertainty[name]:6.1f}"
        lines.append(f"{name:36} {asked} {scale * shape.measurements[name]:8.1f} {differs} {unit}")
    return [*lines, *(f"Note: {note}" for note in shape.notes)]


def _rounded(values: Mapping[str, float], digits: int = 4) -> dict[str, float]:
    return {name: round(float(value), digits) for name, value in values.items()}
