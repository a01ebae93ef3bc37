"""Synthetic people: dressed, posed and photographed by the project's own renderer, with exact ground truth."""

from humanav.synth.person import SyntheticPerson, sample_person
from humanav.synth.photograph import SyntheticPhoto, photograph
from humanav.synth.poses import GROUPS, POSES, PoseName, make_pose
from humanav.synth.scene import Scene, sample_scene

__all__ = [
    "GROUPS",
    "POSES",
    "PoseName",
    "Scene",
    "SyntheticPerson",
    "SyntheticPhoto",
    "make_pose",
    "photograph",
    "sample_person",
    "sample_scene",
]
