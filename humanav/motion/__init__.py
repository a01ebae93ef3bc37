"""The Motion value, its files and the built-in clips."""

from humanav.motion.motion import Motion

__all__ = ["Motion"]
