"""What a person looks at: overlays, figures, previews and the browser's player."""

from humanav.view.figures import figure_body, figure_motion, plotly_html, plotly_script
from humanav.view.overlay import draw_keypoints, draw_matte, draw_overlay, draw_side_view
from humanav.view.player import player_iframe, player_page, save_player
from humanav.view.sheet import contact_sheet
from humanav.view.turntable import BodyFigure, animation_frames, poster, relaxed_pose, turntable

__all__ = [
    "BodyFigure", "animation_frames", "contact_sheet", "draw_keypoints", "draw_matte", "draw_overlay", "draw_side_view",
    "figure_body", "figure_motion", "player_iframe", "player_page", "plotly_html", "plotly_script", "poster",
    "relaxed_pose", "save_player", "turntable",
]
