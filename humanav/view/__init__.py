"""What a person looks at: overlays, figures, previews and the browser's player."""

from humanav.view.sheet import contact_sheet

__all__ = ["contact_sheet"]
