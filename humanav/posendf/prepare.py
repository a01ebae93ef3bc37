"""Captured motion to the data that the manifold learns from."""

from __future__ import annotations

from humanav.posendf.cmu import Clip, cmu_clips, load_cmu

__all__ = ["Clip", "cmu_clips", "load_cmu"]
