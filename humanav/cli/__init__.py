"""``humanav``: the same jobs from a shell. One file per group of verbs; :func:`main` runs them all."""

from humanav.cli.main import app, main

__all__ = ["app", "main"]
