"""The look: one accent colour, warm neutral greys, 16 px base, no font from the network."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

ACCENT = gr.themes.Color(
    name="pine", c50="#eefaf6", c100="#d3f2e7", c200="#a8e4d1", c300="#71cfb5", c400="#3eb296", c500="#1d9479",
    c600="#0f7661", c700="#0c5f4f", c800="#0c4b40", c900="#0b3e36", c950="#04231f")
NEUTRAL = gr.themes.Color(
    name="sand", c50="#faf9f7", c100="#f3f2ef", c200="#e6e4df", c300="#d2cfc8", c400="#a5a199", c500="#76726b",
    c600="#57544e", c700="#413f3b", c800="#292826", c900="#1c1b1a", c950="#121211")
SYSTEM = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """The theme that ``launch`` takes."""
    return gr.themes.Base(
        primary_hue=ACCENT, secondary_hue=ACCENT, neutral_hue=NEUTRAL, text_size=gr.themes.sizes.text_lg,
        spacing_size=gr.themes.sizes.spacing_lg, radius_size=gr.themes.sizes.radius_lg, font=SYSTEM, font_mono=MONO,
    ).set(
        body_background_fill="*neutral_50", body_background_fill_dark="*neutral_950",
        background_fill_primary="white", background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50", background_fill_secondary_dark="*neutral_900",
        block_background_fill="white", block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200", block_border_color_dark="*neutral_800",
        block_label_background_fill="transparent", block_label_background_fill_dark="transparent",
        block_label_border_width="0px", block_label_text_color="*neutral_500",
        block_label_text_color_dark="*neutral_400", block_title_text_size="15px",
        body_text_color_subdued="*neutral_500", body_text_color_subdued_dark="*neutral_400",
        block_title_text_weight="600", block_shadow="none",
        button_primary_background_fill="*primary_600", button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500", button_primary_background_fill_hover_dark="*primary_400",
        button_primary_text_color="white", button_primary_text_color_dark="*neutral_950",
        button_secondary_background_fill="white", button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_300", button_secondary_border_color_dark="*neutral_700",
        button_border_width="1px", button_large_text_weight="600", button_large_text_size="17px",
        button_medium_text_size="15px", button_medium_text_weight="500",
        input_background_fill="white", input_background_fill_dark="*neutral_800", input_border_width="1px",
        input_border_color="*neutral_300", input_border_color_dark="*neutral_700",
        link_text_color="*primary_600", link_text_color_dark="*primary_300",
    )


def css_path() -> Path:
    """The style sheet that ``launch`` takes."""
    return Path(__file__).with_name("style.css")
