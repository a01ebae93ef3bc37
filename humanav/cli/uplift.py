"""``humanav uplift``: 2D keypoints to 3D joint rotations, from training to a lifted clip."""

from __future__ import annotations

import typer

app = typer.Typer(name="uplift", no_args_is_help=True,
                  help="2D keypoints to 3D joint rotations: prepare, train, eval, run, anthropometrics.")


@app.callback()
def _group() -> None:
    pass
