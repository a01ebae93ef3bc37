"""What a person looks at: overlays, figures, previews and the browser's player."""

from humanav.view.angles import angles_html, figure_angles
from humanav.view.curve import AFTER, BEFORE, TRUTH, clay, curve
from humanav.view.figures import figure_body, figure_motion, plotly_html, plotly_script
from humanav.view.overlay import draw_keypoints, draw_matte, draw_overlay, draw_side_view
from humanav.view.player import player_iframe, player_page, save_player
from humanav.view.poses import pose_pictures
from humanav.view.sheet import contact_sheet
from humanav.view.splats import compare_page, save_splat_page, splat_iframe, splat_page
from humanav.view.turntable import BodyFigure, animation_frames, poster, relaxed_pose, turntable

__all__ = [
    "AFTER", "BEFORE", "TRUTH", "BodyFigure", "angles_html", "animation_frames", "clay", "compare_page",
    "contact_sheet", "curve", "draw_keypoints", "draw_matte", "draw_overlay", "draw_side_view", "figure_angles",
    "figure_body", "figure_motion", "player_iframe", "player_page", "plotly_html", "plotly_script", "pose_pictures",
    "poster", "relaxed_pose", "save_player", "save_splat_page", "splat_iframe", "splat_page", "turntable",
]
