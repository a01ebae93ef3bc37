"""Qualisys' ``.qca.txt``: XML with focal lengths and centres in 1/64 pixel, positions in mm, z up.

The distortion is OpenCV's as it stands, though Pose2Sim divides it by 64 too. Measured on the seven checkerboard
pictures of the first camera of Pose2Sim's demo, with focal lengths and centre left free: the file's coefficients leave
0.204 pixels, divided by 64 they leave 0.279, none 0.281, and fitted ones 0.202 (k1 -0.048 +- 0.004, k2 0.140 +- 0.022;
the file has -0.046 and 0.140).

The rows of ``r_ij`` are the camera's right, up and backward directions in the world, so OpenCV's rotation is
diag(1,-1,-1) r and t = -R C.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from humanav.errors import CameraError
from humanav.multiview.calibration_text import read_bytes
from humanav.multiview.calibration_value import FileRig, FileView

_SUBPIXELS = 64.0


def read_qualisys(path: Path) -> FileRig:
    """The active cameras of a qca file. Raises CameraError."""
    data = read_bytes(path)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise CameraError(f"{path.name} defines entities, which no Qualisys file does: export the calibration again.")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # LookupError: an encoding that nobody knows
        raise CameraError(f"{path.name} is no whole XML file: export the calibration from Qualisys again.") from error
    nodes = [node for node in root.iter("camera") if node.get("active", "1") != "0"]
    return FileRig("qualisys", tuple(_view(node, number) for number, node in enumerate(nodes, 1)), unit=0.001, up="z")


def _view(node: ElementTree.Element, number: int) -> FileView:
    name = node.get("serial") or f"cam{number:02d}"
    fov, transform, lens = (_child(node, part, name) for part in ("fov_video", "transform", "intrinsic"))
    turned = node.get("viewrotation", "0")
    if turned not in ("", "0"):
        raise CameraError(f"Camera {name} is turned by {turned} degrees in Qualisys: export the calibration and the "
                          "videos with the rotation applied, or undo it.")

    def of(element: ElementTree.Element, *keys: str) -> float:
        for key in keys:
            if key in element.attrib:
                try:
                    return float(element.attrib[key])
                except ValueError as error:
                    raise CameraError(f"The {key} of camera {name} is no number: export the calibration "
                                      "again.") from error
        raise CameraError(f"Camera {name} has no {keys[0]} in the Qualisys file: export the calibration again.")

    left, top = of(fov, "left"), of(fov, "top")
    size = round(of(fov, "right") - left + 1), round(of(fov, "bottom") - top + 1)
    K = np.array([[of(lens, "focalLengthU"), of(lens, "skew"), of(lens, "centerPointU")],
                  [0, of(lens, "focalLengthV"), of(lens, "centerPointV")], [0, 0, _SUBPIXELS]]) / _SUBPIXELS
    K[:2, 2] -= left, top
    # "tangental" is how the format spells it
    keys = (("radialDistortion1",), ("radialDistortion2",), ("tangentalDistortion1", "tangentialDistortion1"),
            ("tangentalDistortion2", "tangentialDistortion2"), ("radialDistortion3",))
    distortion = np.array([of(lens, *key) for key in keys])
    r = np.array([[of(transform, f"r{i}{j}") for j in (1, 2, 3)] for i in (1, 2, 3)])
    R = np.diag([1.0, -1.0, -1.0]) @ r
    return FileView(name, K, R, -R @ np.array([of(transform, axis) for axis in "xyz"]), size, distortion)


def _child(node: ElementTree.Element, part: str, name: str) -> ElementTree.Element:
    found = node.find(part)
    if found is None and part == "fov_video":
        found = node.find("fov_marker")
    if found is None:
        raise CameraError(f"Camera {name} has no <{part}> in the Qualisys file: export the calibration again.")
    return found
