"""The safe reader of data sets' pickles, under the name the jobs know it by (:mod:`humanav.motion.pickles`)."""

from __future__ import annotations

from humanav.motion.pickles import read_numbers

__all__ = ["read_numbers"]
