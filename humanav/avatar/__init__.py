"""A person as a textured, skinned mesh: built from fitted photos, posed, saved and loaded."""

from humanav.avatar.avatar import Avatar
from humanav.avatar.build import build_avatar
from humanav.avatar.views import View

__all__ = ["Avatar", "View", "build_avatar"]
