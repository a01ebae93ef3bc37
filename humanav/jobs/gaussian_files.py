"""The files of a Gaussian avatar in a result: what they are called, how they are written and read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from humanav.errors import InputError
from humanav.motion import Motion
from humanav.progress import Progress
from humanav.results import Result, ResultWriter

if TYPE_CHECKING:
    from humanav.avatar import Avatar, View
    from humanav.avatar.gaussian import GaussianAvatar

GAUSSIAN_NPZ, SPLATS, PAGE, COMPARED = "avatar_gaussian.npz", "avatar.splats", "splats.html", "compare.html"
GAUSSIAN_GLB, BAKED = "avatar_gaussian.glb", "texture_gaussian.png"
GAUSSIAN_MP4, GAUSSIAN_ROUND = "animation_gaussian.mp4", "turntable_gaussian.mp4"
_OPENS_GLB = "Blender, Unity, Unreal and three.js"
_OPENS_PLY = "SuperSplat, Spark, PlayCanvas and other splat viewers"


@dataclass(frozen=True)
class Worn:
    """A Gaussian avatar and what it wears.

    Attributes:
        gaussians: the Gaussian avatar.
        mesh: the one it was made from, with the Gaussians' colours baked into its texture.
    """

    gaussians: GaussianAvatar
    mesh: Avatar

    def on(self, before: Avatar, after: Avatar) -> Worn:
        """The same on another body: ``before`` is the mesh it was made from, ``after`` that mesh reshaped."""
        if after is before:
            return self
        from humanav.avatar.gaussian.reshape import follow_mesh

        return Worn(follow_mesh(self.gaussians, before, after), replace(after, texture=self.mesh.texture))

    def save(self, writer: ResultWriter) -> None:
        """Keep what :func:`load_worn` reads, so that another motion needs neither a training nor a bake."""
        from PIL import Image

        self.gaussians.save(writer.add(GAUSSIAN_NPZ, "The Gaussian avatar itself, to animate it again",
                                       "humanav animate"))
        path = writer.add(BAKED, "The texture with the Gaussians' colours", preview=True)
        Image.fromarray(self.mesh.texture).save(path, compress_level=4)


def load_worn(source: Result, mesh: Avatar) -> Worn | None:
    """The Gaussian avatar of a result with the mesh ``mesh``; None when the result has none.

    Raises InputError when its files are damaged.
    """
    from PIL import Image

    from humanav.avatar.gaussian import GaussianAvatar

    if not source.has(GAUSSIAN_NPZ):
        return None
    avatar = GaussianAvatar.load(source.path(GAUSSIAN_NPZ))
    try:
        with Image.open(source.path(BAKED)) as picture:
            return Worn(avatar, replace(mesh, texture=np.asarray(picture.convert("RGB"))))
    except (OSError, ValueError) as error:
        raise InputError(f"{BAKED} in {source.folder.name} cannot be read: make the avatar again.") from error


def export_gaussians(
    writer: ResultWriter, worn: Worn, motions: Mapping[str, Motion], progress: Progress,
    share: tuple[float, float] = (0.0, 1.0),
) -> None:
    """Write what plays in a browser (avatar.splats, splats.html, compare.html) and the GLB with the baked texture.

    The result must hold the mesh's ``avatar.glb`` already.

    Args:
        motions: by name, on the avatar's own body; the first is played first.
        share: the part of the present stage that this takes.
    """
    from humanav.export import write_avatar_splats, write_glb
    from humanav.view import compare_page, save_splat_page

    first = next(iter(motions), None)
    splats = writer.add(SPLATS, "The Gaussians with skeleton and motions, for the player", preview=True)
    with one_thread():
        write_avatar_splats(worn.gaussians, splats, motions)
    progress.show("The Gaussian avatar moves; the videos follow.", file=splats, live=True, title="Gaussian avatar")
    progress.update(share[0] + 0.6 * (share[1] - share[0]))
    save_splat_page(splats, writer.add(PAGE, "A page that plays the Gaussian avatar, also offline", "every browser"),
                    title="Gaussian avatar", motion=first)
    write_glb(worn.mesh, writer.add(GAUSSIAN_GLB, "The mesh in the Gaussians' colours", _OPENS_GLB), motions)
    page = writer.add(COMPARED, "A page with a slider between mesh and Gaussians", "every browser")
    page.write_text(compare_page(splats, writer.folder / "avatar.glb", motion=first), encoding="utf-8")
    progress.update(share[1])


def write_plys(writer: ResultWriter, avatar: GaussianAvatar, photo: View) -> None:
    """The Gaussians as 3DGS files, in the T-pose and as in the photo."""
    from humanav.export import write_avatar_ply

    write_avatar_ply(avatar, writer.add("avatar.ply", "The Gaussians in the T-pose", _OPENS_PLY))
    write_avatar_ply(avatar, writer.add("avatar_posed.ply", "The Gaussians in the photo's pose", _OPENS_PLY),
                     photo.motion.full_pose[0], photo.motion.transl[0])


def write_network(writer: ResultWriter, avatar: GaussianAvatar) -> None:
    """What a pose does to the clothes as ONNX; nothing where the extra for it is not installed."""
    from humanav.export import write_deformation_onnx

    if avatar.deformation is None or find_spec("onnx") is None or find_spec("onnxscript") is None:
        return
    write_deformation_onnx(avatar, writer.add("deformation.onnx", "What a pose does to the clothes",
                                              "onnxruntime and Unity"))


def order_files(writer: ResultWriter) -> None:
    """What a visitor wants first comes first."""
    first = [PAGE, "avatar.ply", GAUSSIAN_GLB, GAUSSIAN_MP4, GAUSSIAN_ROUND, COMPARED, "avatar_posed.ply", GAUSSIAN_NPZ,
             "avatar.glb", "animation.mp4", "turntable.mp4", "motion.bvh", "motion.npz", "measurements.json"]
    writer.files.sort(key=lambda file: first.index(file.name) if file.name in first else len(first))


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: thousands of small products are slower when they are shared out."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
