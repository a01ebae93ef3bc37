"""What a person looks at: overlays, figures, previews and the browser's player."""

from humanav.view.overlay import draw_keypoints, draw_matte, draw_overlay, draw_side_view
from humanav.view.sheet import contact_sheet
from humanav.view.turntable import BodyFigure, animation_frames, poster, relaxed_pose, turntable

__all__ = [
    "BodyFigure", "animation_frames", "contact_sheet", "draw_keypoints", "draw_matte", "draw_overlay", "draw_side_view",
    "poster", "relaxed_pose", "turntable",
]
