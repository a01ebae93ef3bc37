"""``humanav posendf``: the manifold of human poses, from data to what it is good for."""

from __future__ import annotations

import typer

app = typer.Typer(name="posendf", no_args_is_help=True,
                  help="The manifold of human poses: prepare, train, project, generate, denoise, complete, fit.")


@app.callback()
def _group() -> None:
    pass
