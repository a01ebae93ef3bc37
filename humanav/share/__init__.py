"""A page to send: any result as one HTML file that plays offline, on a phone."""

from humanav.share.write import MOST_BYTES, share_page, write_share_page

__all__ = ["MOST_BYTES", "share_page", "write_share_page"]
