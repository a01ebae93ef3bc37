"""What a person looks at: overlays, figures, previews and the browser's player."""

from humanav.view.sheet import contact_sheet
from humanav.view.turntable import BodyFigure, animation_frames, poster, relaxed_pose, turntable

__all__ = ["BodyFigure", "animation_frames", "contact_sheet", "poster", "relaxed_pose", "turntable"]
