"""``humanav share``: a result as one HTML file to send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from humanav.cli.shared import Json

Folder = Annotated[Path, typer.Argument(metavar="RESULT", help="A result folder, of any job.", show_default=False)]
Out = Annotated[Path | None, typer.Option(help="The file to write; by default share.html in this folder.",
                                          show_default=False)]
Title = Annotated[str | None, typer.Option(help="At the top of the page.", show_default=False)]
Link = Annotated[str | None, typer.Option(help="Where the result can be found, shown at the end of the page.",
                                          show_default=False)]


def share(
    result: Folder, out: Out = None, title: Title = None, link: Link = None,
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="With the photos and videos that went into "
                                           "it, or the bodies alone.")] = True,
    most_mb: Annotated[float, typer.Option(min=0.1, help="Megabytes of the page at most.")] = 12.0,
    opened: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False, as_json: Json = False,
) -> None:
    """Write a page that plays a result anywhere, offline, on a phone: one file to send."""
    from humanav.results import Result
    from humanav.share import write_share_page

    page = write_share_page(Result.load(result), out or Path("share.html"), title=title, link=link, pictures=pictures,
                            most_bytes=round(1e6 * most_mb))
    size = page.stat().st_size
    typer.echo(json.dumps({"file": str(page), "bytes": size}) if as_json else
               f"{page}: {size / 1e6:.1f} MB, opens in every browser, offline too")
    if opened:
        typer.launch(page.resolve().as_uri())
