"""How well an avatar reproduces pictures it did not learn from: PERSONA's protocol, with nothing hidden.

PERSONA (Sim and Moon, ICCV 2025) fits the bodies' poses to the test pictures with the avatar frozen, hides everything
outside the true mask, and averages PSNR, SSIM and LPIPS over the whole original canvas, white outside the person. Both
steps lift the numbers by decibels, so all four cells are given here: with and without the fit, with and without the
true mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.avatar.gaussian.frames import TrainFrame, resized
from humanav.avatar.gaussian.perceptual import perceptual_measure
from humanav.avatar.gaussian.value import EPS2D, GaussianAvatar, dense_weights
from humanav.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from humanav.progress import Progress

Cells = dict[str, dict[str, dict[str, float]]]
FITS = ("pose_as_given", "pose_fitted")
MASKS = ("own_mask", "true_mask")
_BODY, _HANDS = slice(0, 22), slice(25, 55)
_HAND_SHARE = 0.1
_COARSE = (4, 2)
"""How much smaller the pictures of the first passes are; poses move as many times faster there."""
_GREY = 0.5
_MARGIN = 0.12
_BEST = 100.0
_FAINT = 1.0
"""Adam's eps, of the size of a faint gradient of the summed loss: a joint that nothing shows does not wander."""


@dataclass(frozen=True)
class Evaluation:
    """What :func:`evaluate_frames` gives.

    Attributes:
        cells: by fit ("pose_as_given", "pose_fitted") and mask ("own_mask", "true_mask"), the means over the frames of
            "psnr" (dB, at most 100), "ssim" and the perceptual measure under its name (smaller is better).
        perceptual: that name, "lpips" or "gmsd".
        poses, transl: (F,55,3) and (F,3) the fitted poses; those given where none were to be fitted.
        each: the same numbers of every frame: cells[fit][mask] of frame k is ``each[k][fit][mask]``.
    """

    cells: Cells
    perceptual: str
    poses: NDArray[np.float32]
    transl: NDArray[np.float32]
    each: tuple[Cells, ...]


def evaluate_frames(
    avatar: GaussianAvatar, frames: Iterable[TrainFrame], *, fit: bool = True, refined: bool = True,
    perceptual: str = "auto", fit_options: Mapping[str, Any] | None = None, total: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Compare the avatar with pictures, in all four cells; one picture after the other, so that many may be given.

    The numbers are means over each whole picture as it is given, the background white in both; give frames of the whole
    original canvas for PERSONA's numbers (a crop to the person has less white, and lower ones). The target is the
    person, cut out by the frame's mask, over white. "own_mask": the avatar over white by its own alpha, so that it pays
    for every pixel beyond or short of the outline. "true_mask": what it draws outside the true mask is whitened first.

    Args:
        fit: also fit the poses (:func:`fit_poses`); without, only "pose_as_given" is filled.
        refined: draw with the pose-driven deformation.
        perceptual: see :func:`~humanav.avatar.gaussian.perceptual.perceptual_measure`.
        fit_options: of :func:`fit_poses`.
        total: how many frames there are, for ``progress``, where ``frames`` does not tell.

    Raises:
        InputError: no frames, or an empty mask where poses are fitted.
        MissingExtraError: "lpips" was asked for and is not there.
        Cancelled: the user stopped it.
    """
    name, measure = perceptual_measure(perceptual)
    count = len(frames) if isinstance(frames, Sequence) else total
    each: list[Cells] = []
    poses: list[tuple[Any, Any]] = []
    for k, frame in enumerate(frames):
        if progress is not None:
            progress.update(k / count if count else 0.0)
        sets = {FITS[0]: frame}
        if fit:
            sets[FITS[1]] = fit_poses(avatar, [frame], **(fit_options or {}))[0]
        each.append({kind: {mask: _measures(picture, target, name, measure) for mask, (picture, target) in
                            zip(MASKS, pairs(avatar, own, refined=refined))} for kind, own in sets.items()})
        own = sets[FITS[1] if fit else FITS[0]]
        poses.append((own.full_pose, own.transl))
    if not each:
        raise InputError("There is no picture to compare the avatar with.")
    cells = {kind: {mask: {key: float(np.mean([row[kind][mask][key] for row in each])) for key in each[0][kind][mask]}
                    for mask in MASKS} for kind in each[0]}
    return Evaluation(cells, name, np.stack([pose for pose, _ in poses]),
                      np.stack([transl for _, transl in poses]), tuple(each))


def pairs(
    avatar: GaussianAvatar, frame: TrainFrame, *, refined: bool = True
) -> tuple[tuple[NDArray[np.uint8], NDArray[np.uint8]], ...]:
    """(picture, target) uint8 (H,W,3) over white: with the avatar's own mask, and with the frame's true one."""
    drawn = avatar.render(frame.camera, frame.full_pose, frame.transl, frame.expression, refined=refined,
                          background=(1.0, 1.0, 1.0)).rgb
    cover = frame.alpha[..., None]
    target = _bytes(frame.image * cover + 1 - cover)
    return (_bytes(drawn), target), (_bytes(drawn * cover + 1 - cover), target)


def table(evaluation: Evaluation) -> str:
    """The cells as lines of text."""
    name = evaluation.perceptual
    lines = [f"{'pose':16}{'mask':12}{'PSNR':>8}{'SSIM':>9}{name.upper():>9}"]
    lines += [f"{kind[5:].replace('_', ' '):16}{mask[:-5]:12}{cell['psnr']:8.2f}{cell['ssim']:9.4f}{cell[name]:9.4f}"
              for kind, row in evaluation.cells.items() for mask, cell in row.items()]
    return "\n".join(lines)


def fit_poses(
    avatar: GaussianAvatar, frames: Sequence[TrainFrame], *, passes: int = 4, repeats: int = 10, rate: float = 1e-3,
    size: int = 512, progress: Progress | None = None,
) -> list[TrainFrame]:
    """The frames with the bodies' poses fitted to their pictures, the avatar frozen.

    After PERSONA's ``fit_pose_to_test``: the root, the body's joints and the place of each frame's body are moved by
    Adam to bring the avatar's colours (0.8 L1 + 0.2 (1 - SSIM)) and mask (L1) to the picture's; hands at a tenth of the
    rate. The first passes look at smaller pictures and step faster. What the pose does to the clothes follows it from
    pass to pass. A frame keeps its pose where the fit does not bring it closer to the picture.

    Args:
        passes, repeats: steps per frame are passes x repeats.
        rate: radians and metres per step.
        size: of the longer side of the person in the last passes, pixels; smaller is faster.

    Raises:
        InputError: a setting that is not above 0, or an empty mask.
        Cancelled: the user stopped it.
    """
    if min(passes, repeats, rate, size) <= 0:
        raise InputError("Fitting poses needs passes, repeats, a rate and a size above 0.")
    frozen = _Frozen(avatar)
    out = []
    for k, frame in enumerate(frames):
        if progress is not None:
            progress.update(k / len(frames))
        out.append(_fitted(frozen, frame, passes, repeats, rate, size, progress))
    return out


class _Frozen:
    """The avatar's arrays as tensors, and the picture it makes in a pose."""

    def __init__(self, avatar: GaussianAvatar) -> None:
        import torch

        from humanav.avatar.gaussian.posing import frames_of

        self.avatar = avatar
        self.spread = torch.from_numpy(frames_of(avatar.quats) * np.exp(avatar.log_scales)[:, None, :])
        self.opacity, self.rgb, self.joints, self.skin = (torch.from_numpy(np.array(x, dtype=np.float32)) for x in (
            avatar.opacities, avatar.rgb, avatar.joints,
            dense_weights(avatar.skin_index, avatar.skin_weight, len(avatar.parents))))

    def rest(self, frame: TrainFrame, local: NDArray[Any]) -> Tensor:
        """(N,3) centres in the T-pose, with the expression and what the pose does to the clothes."""
        import torch

        from humanav.avatar.gaussian.expression import expression_offsets

        moved = self.avatar.means
        if frame.expression is not None and frame.expression.any():
            moved = moved + expression_offsets(self.avatar, frame.expression)
        if self.avatar.deformation is not None:
            moved = moved + self.avatar.deformation.offsets(local)
        return torch.from_numpy(np.asarray(moved, dtype=np.float32))

    def draw(self, frame: TrainFrame, rest: Tensor, local: Tensor, transl: Tensor) -> tuple[Tensor, Tensor]:
        """Colour (H,W,3) over nothing and alpha (H,W); the pose moves the centres, and turns the Gaussians as well."""
        from humanav.avatar.gaussian.posing import blend, joint_matrices, transform
        from humanav.render.splat import rasterize

        blended = blend(self.skin, joint_matrices(local, self.joints, self.avatar.parents))
        axes = blended[..., :3].detach() @ self.spread
        camera = frame.camera
        image, alpha, _ = rasterize(
            transform(blended, rest) + transl, None, None, self.opacity, self.rgb, camera.viewmat, camera.K,
            camera.width, camera.height, covars=axes @ axes.mT, eps2d=EPS2D)
        return image, alpha


def _fitted(
    frozen: _Frozen, frame: TrainFrame, passes: int, repeats: int, rate: float, size: int, progress: Progress | None
) -> TrainFrame:
    import torch
    from scipy.spatial.transform import Rotation

    from humanav.avatar.gaussian.losses import picture_loss
    from humanav.avatar.gaussian.value import local_rotations
    from humanav.body.model import axis_angle_to_matrix

    start = torch.from_numpy(local_rotations(frame.full_pose).astype(np.float32))
    turns = [(part, torch.zeros(len(start[part]), 3, requires_grad=True)) for part in (_BODY, _HANDS)]
    shift = torch.zeros(3, requires_grad=True)
    place = torch.from_numpy(np.asarray(frame.transl, dtype=np.float32))
    optimizer = torch.optim.Adam([{"params": [turns[0][1], shift], "lr": rate},
                                  {"params": [turns[1][1]], "lr": _HAND_SHARE * rate}], betas=(0.9, 0.99), eps=_FAINT)
    base = [group["lr"] for group in optimizer.param_groups]

    def posed() -> Tensor:
        """Parent-relative rotations: the given ones, turned on."""
        local = start.clone()
        for part, value in turns:
            local[part] = axis_angle_to_matrix(value) @ start[part]
        return local

    def loss(small: TrainFrame, rest: Tensor) -> Tensor:
        image, alpha = frozen.draw(small, rest, posed(), place + shift)
        cover = torch.from_numpy(small.alpha)
        over = image + _GREY * (1 - alpha).unsqueeze(-1)
        target = torch.from_numpy(small.image) * cover.unsqueeze(-1) + _GREY * (1 - cover).unsqueeze(-1)
        return (picture_loss(over, target) + (alpha - cover).abs()).sum()

    levels = [(_COARSE[k] if k < min(len(_COARSE), passes - 1) else 1) for k in range(passes)]
    shown = {factor: at_person(frame, max(32, size // factor)) for factor in set(levels)}
    with torch.no_grad():
        before = float(loss(shown[1], frozen.rest(frame, start.numpy())))
    for factor in levels:
        small = shown[factor]
        rest = frozen.rest(frame, posed().detach().numpy())
        for group, own in zip(optimizer.param_groups, base):
            group["lr"] = own * factor
        for _ in range(repeats):
            if progress is not None:
                progress.check()
            value = loss(small, rest)
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
    with torch.no_grad():
        local = posed()
        if not float(loss(shown[1], frozen.rest(frame, local.numpy()))) < before:
            return frame
        pose = Rotation.from_matrix(local.double().numpy()).as_rotvec().astype(np.float32)
        return replace(frame, full_pose=pose, transl=(place + shift).numpy())


def at_person(frame: TrainFrame, size: int) -> TrainFrame:
    """The frame cropped to the person and made smaller, so that the longer side has ``size`` pixels at most.

    Raises InputError for an empty mask.
    """
    rows, columns = np.nonzero(frame.alpha > 0.5)
    if not len(rows):
        raise InputError("A mask is empty: there is nobody in the picture to fit the pose to. Leave it out.")
    margin = round(_MARGIN * max(np.ptp(rows), np.ptp(columns))) + 4
    left, top = max(0, int(columns.min()) - margin), max(0, int(rows.min()) - margin)
    right = min(frame.camera.width, int(columns.max()) + margin + 1)
    bottom = min(frame.camera.height, int(rows.max()) + margin + 1)
    camera = frame.camera.cropped(left, top, right - left, bottom - top)
    image: NDArray[Any] = frame.image[top:bottom, left:right]
    alpha: NDArray[Any] = frame.alpha[top:bottom, left:right]
    factor = size / max(alpha.shape)
    if factor < 1:
        camera = resized(camera, max(1, round(camera.width * factor)), max(1, round(camera.height * factor)))
        wanted = (camera.width, camera.height)
        image, alpha = (cv2.resize(x, wanted, interpolation=cv2.INTER_AREA) for x in (image, alpha))
    return replace(frame, image=np.ascontiguousarray(image), alpha=np.ascontiguousarray(alpha), camera=camera,
                   depth=None, normal=None)


def _measures(picture: NDArray[np.uint8], target: NDArray[np.uint8], name: str, measure: Any) -> dict[str, float]:
    from humanav.metrics import psnr, ssim

    return {"psnr": min(psnr(picture, target), _BEST), "ssim": ssim(picture, target), name: measure(picture, target)}


def _bytes(rgb: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(rgb, 0, 1) * 255 + 0.5, dtype=np.uint8)
