"""The reference of Python: for each room its public names, described by their docstrings (mkdocstrings)."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "humanav"
ROOMS = {
    "jobs": "Whole jobs, one call each: what the app's tabs and the commands do.",
    "results": "The folder a job leaves behind.",
    "store": "Where results are kept, found again and forgotten.",
    "share": "One page to send.",
    "batch": "Many files, several workers.",
    "motion": "The motion of a person, its files, and what can be done with it.",
    "body": "The body model, its joints, landmarks and measurements.",
    "camera": "The pinhole camera.",
    "perception": "Pictures, videos and keypoint files to people in 2D.",
    "track": "A photo to the body in it.",
    "avatar": "A fitted photo to a textured, skinned mesh.",
    "avatar.gaussian": "Gaussian avatars: made, trained, posed, measured.",
    "posendf": "The manifold of human poses, and what it is good for.",
    "uplift": "2D keypoints to joint rotations.",
    "multiview": "Several views of several people.",
    "export": "Files to take away.",
    "view": "Pictures, figures, players.",
    "render": "Meshes and Gaussians to pixels.",
    "fit": "Least squares on the body.",
    "synth": "Synthetic people with exact ground truth.",
    "errors": "What can go wrong, as types.",
    "progress": "How a job tells what it is doing, and how it is stopped.",
}
"""Rooms in the order of the reference, each with a line of its own."""


def pages() -> dict[str, str]:
    """Markdown pages by name: ``index``, and one a room."""
    there = {room: line for room, line in ROOMS.items() if file_of(room).is_file()}
    index = ["# Python\n", "The names that each room of the package offers to others, described by their docstrings. "
             "Shapes are written as (frames, joints, 3); conventions stand in [Conventions](../conventions.md).\n",
             "| room | what it is for |", "|---|---|",
             *(f"| [`humanav.{room}`]({_name(room)}.md) | {line} |" for room, line in there.items())]
    return {"index": "\n".join(index) + "\n"} | {_name(room): _page(room, line) for room, line in there.items()}


def file_of(room: str) -> Path:
    """The file of a room or of a module in it, both without ``humanav.``."""
    place = PACKAGE.joinpath(*room.split("."))
    return file if (file := place.with_suffix(".py")).is_file() else place / "__init__.py"


def homes(room: str) -> dict[str, str]:
    """The public names of a room and the module that each is defined in."""
    tree = ast.parse(file_of(room).read_text(encoding="utf-8"))
    own = f"humanav.{room}"
    found = {alias.asname or alias.name: node.module for node in ast.walk(tree)
             if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("humanav.")
             for alias in node.names}
    module = import_module(own)
    lazy = getattr(module, "_HOMES", {})
    defined = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    public = getattr(module, "__all__", None) or sorted(lazy) or [n for n in defined if not n.startswith("_")]
    return {name: _module(own, name, found, lazy) for name in public}


def _module(own: str, name: str, found: dict[str, str], lazy: dict[str, str]) -> str:
    if name in found:
        return found[name]
    return f"{own}.{lazy[name]}" if name in lazy else own


def _page(room: str, line: str) -> str:
    names = homes(room)
    text = [f"# humanav.{room}\n", f"{line}\n"]
    for name, module in sorted(names.items(), key=lambda item: (item[0].isupper(), item[0].lower())):
        if _described(module, name):
            text.append(f"::: {module}.{name}\n")
    return "\n".join(text)


def _described(module: str, name: str) -> bool:
    """Whether the name has a docstring: a constant without one says nothing."""
    body = ast.parse(file_of(module.removeprefix("humanav.")).read_text(encoding="utf-8")).body
    for k, node in enumerate(body):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return ast.get_docstring(node) is not None
        targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets if isinstance(node, ast.Assign) \
            else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            after = body[k + 1] if k + 1 < len(body) else None
            return isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    return False


def _name(room: str) -> str:
    return room.replace(".", "_")
