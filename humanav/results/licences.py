"""Under which terms each part that a result may rest on comes; NOTICE and the cards of the parts say more."""

from __future__ import annotations

from dataclasses import dataclass

_CMU = ("The data used in this project was obtained from mocap.cs.cmu.edu. The database was created with funding from "
        "NSF EIA-0196217. The weights hold statistics only; the captured motions themselves may not be resold.")


@dataclass(frozen=True)
class Licence:
    """The terms of one part.

    Attributes:
        part: what it is, in words.
        licence: its name, or "yours".
        notice: who is to be named, and what else holds.
        weights: names of the shipped weights that it consists of.
    """

    part: str
    licence: str
    notice: str = ""
    weights: tuple[str, ...] = ()


def _trained(part: str, *weights: str, notice: str = _CMU) -> Licence:
    return Licence(part, "Apache-2.0", notice, weights)


_MEDIAPIPE = "Copyright The MediaPipe Authors."
LICENCES: dict[str, Licence] = {
    "yours": Licence("Your own inputs", "yours", "Photos, videos, motions and other files that you gave stay under the "
                     "terms you have them under. Show other people only if they agree."),
    "samples": Licence("Sample photos, clips and captures", "Apache-2.0", "Made by humanav; they show nobody real."),
    "body": Licence("Built-in body", "CC0 1.0", "From the MakeHuman community's base mesh, targets and rig."),
    "clips": Licence("Built-in motions", "Apache-2.0", "Made by humanav, not captured."),
    "mediapipe": Licence("People found by MediaPipe", "Apache-2.0", _MEDIAPIPE),
    "pose_landmark_heavy": Licence("MediaPipe's larger pose network", "Apache-2.0", _MEDIAPIPE,
                                   ("pose_landmark_heavy",)),
    "rtmlib": Licence("People found by rtmlib (RTMPose)", "Apache-2.0", "Copyright OpenMMLab and Tau-J."),
    "pose_prior": _trained("Statistics of poses", "pose_prior"),
    "lift": _trained("Depth of landmarks in photos", "lift"),
    "mend": _trained("Depth of landmarks in clips", "mend"),
    "posendf": _trained("Distance to real poses", "posendf"),
    "motion_prior": _trained("Statistics of motions", "motion_prior"),
    "uplift": _trained("2D points to rotations", "uplift/blazepose33", "uplift/coco17"),
    "anthropometrics": _trained("Measurements to shapes", "anthropometrics", notice="Trained on the built-in body."),
    "player": Licence("Player in pages", "Apache-2.0 and MIT", "Contains three.js, copyright 2010-2026 three.js "
                      "authors, MIT License."),
    "plotly": Licence("Figures in pages", "MIT", "Plotly.js, copyright Plotly, Inc."),
    "persona": Licence("Data in PERSONA's layout", "yours", "Pictures and bodies of such a folder stay under the terms "
                       "of whoever made them; many data sets are for research only."),
    "lpips": Licence("Perceptual measure", "BSD-2-Clause", "LPIPS by Zhang et al."),
    "teacher": Licence("Training frames by the synthetic teacher", "Apache-2.0", "Part of humanav."),
    "vace": Licence("Training frames by Wan 2.1 VACE 1.3B", "Apache-2.0", "Copyright the Wan team."),
    "animate": Licence("Training frames by Wan 2.2 Animate 14B", "Apache-2.0", "Copyright the Wan team."),
    "inpaint": Licence("Training frames by Stable Diffusion XL inpainting 0.1", "CreativeML Open RAIL++-M",
                       "Commercial use is allowed; uses that the licence lists as harmful are not."),
}


def licence_of(part: str) -> Licence:
    """The terms of a part by its short name. Raises KeyError for one that is not in the table."""
    return LICENCES[part]
