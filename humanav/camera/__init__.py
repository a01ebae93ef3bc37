"""The pinhole camera that every room shares."""

from humanav.camera.camera import Camera

__all__ = ["Camera"]
