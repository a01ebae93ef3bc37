"""Pixels to people in 2D."""

from humanav.perception.person import Person2D

__all__ = ["Person2D"]
