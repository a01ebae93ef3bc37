"""One step of fitting Gaussians to pictures of a moving body: pose, draw, compare, derive, update."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import roma
import torch
from _splat_scene import SplatBody
from torch import Tensor
from torch.nn.functional import conv2d

from humanav.body import BodyModel
from humanav.body.skinning import skin
from humanav.motion import load_clip
from humanav.render import rasterize

PARTS = ("pose_ms", "draw_ms", "compare_ms", "derive_ms", "update_ms")
VIEWS = 8


def fit_steps(truth: SplatBody, size: int, steps: int, seed: int = 0) -> dict[str, Any]:
    """Steps a second, milliseconds of the parts (medians), and by how much the pictures came nearer.

    Eight frames of a walk from eight sides are drawn from the true Gaussians; the fit begins with other colours, sizes,
    opacities and places up to 5 mm off, and learns all of them.
    """
    generator = torch.Generator().manual_seed(seed)
    posed, cameras = _poses(truth, VIEWS), [truth.camera(size, 360 / VIEWS * view) for view in range(VIEWS)]
    K, viewmats = torch.tensor(cameras[0].K).float(), [torch.tensor(camera.viewmat).float() for camera in cameras]

    def draw(view: int, means: Tensor, turns: Tensor, scales: Tensor, opacities: Tensor, colors: Tensor) -> Tensor:
        return rasterize(means, turns, scales, opacities, colors, viewmats[view], K, size, size,
                         background=torch.ones(3))[0]

    with torch.no_grad():
        targets = [draw(view, *posed(view, truth.means, truth.quats), truth.scales, truth.opacities, truth.colors)
                   for view in range(VIEWS)]

    def noise(like: Tensor, scale: float) -> Tensor:
        return scale * torch.randn(like.shape, generator=generator)

    leaves = [truth.means + noise(truth.means, 0.002).clamp(-0.005, 0.005), truth.quats.clone(),
              truth.scales.log() + noise(truth.scales, 0.1), noise(truth.opacities, 0.5) + 1,
              noise(truth.colors, 0.5)]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    optimizer = torch.optim.Adam([{"params": [leaf], "lr": lr} for leaf, lr in
                                  zip(leaves, (2e-4, 1e-3, 5e-3, 2e-2, 5e-2))], fused=True)
    means, quats, scales, opacities, colors = leaves
    taken: dict[str, list[float]] = {part: [] for part in PARTS}
    whole: list[tuple[float, float]] = []
    losses: list[float] = []
    for step in range(steps):
        view = int(torch.randint(VIEWS, (), generator=generator))
        watch = _Watch()
        placed, turned = posed(view, means, quats)
        watch("pose_ms")
        image = draw(view, placed, turned, scales.exp(), opacities.sigmoid(), colors.sigmoid())
        watch("draw_ms")
        loss = 0.8 * (image - targets[view]).abs().mean() + 0.2 * (1 - ssim(image, targets[view]))
        watch("compare_ms")
        optimizer.zero_grad()
        loss.backward()
        watch("derive_ms")
        optimizer.step()
        watch("update_ms")
        losses.append(loss.item())
        if step >= steps // 5:  # the first ones warm up
            whole.append(watch.whole())
            for part in PARTS:
                taken[part].append(watch.parts[part])
    wall, process = (median(values) for values in zip(*whole))
    tenth = max(1, steps // 10)
    return {"steps_per_s": 1e3 / wall, "steps_per_cpu_s": 1e3 / process, "step_ms": wall, "step_cpu_ms": process,
            **{part: median(values) for part, values in taken.items()},
            "loss_first": sum(losses[:tenth]) / tenth, "loss_last": sum(losses[-tenth:]) / tenth}


def ssim(image: Tensor, target: Tensor) -> Tensor:
    """Mean structural similarity (Wang et al. 2004) of pictures (H,W,3) in 0..1; Gaussian window of 11 pixels."""
    offset = torch.arange(11.0) - 5
    window = torch.exp(-offset.square() / (2 * 1.5**2))
    window = (window / window.sum()).expand(15, 1, 1, 11)
    x, y = image.permute(2, 0, 1), target.permute(2, 0, 1)
    maps = torch.cat([x, y, x * x, y * y, x * y]).unsqueeze(0)
    blurred = conv2d(conv2d(maps, window, groups=15), window.mT, groups=15)[0]
    mx, my, xx, yy, xy = blurred.unflatten(0, (5, 3))
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mx * my + c1) / (mx * mx + my * my + c1)
    structure = (2 * (xy - mx * my) + c2) / (xx - mx * mx + yy - my * my + c2)
    return (luminance * structure).mean()


def _poses(truth: SplatBody, count: int) -> Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The function that poses points and quats as in one of ``count`` frames of a walk, where the T-pose stands."""
    body, motion = BodyModel.load(), load_clip("walk")
    frames = torch.linspace(0, len(motion.full_pose) - 1, count).long().numpy()
    rest = body(torch.zeros(55, 3), vertices=False).joints[0]
    out = body(torch.tensor(motion.full_pose[frames]).float(), vertices=False)
    root = out.joints[:, :1]
    upright = out.rotations[:, :1].mT  # facing the front, so that every view sees the sides it should
    rotations = upright @ out.rotations
    joints = (upright @ (out.joints - root).unsqueeze(-1)).squeeze(-1) + rest[0]
    offsets = joints - (rotations @ rest.unsqueeze(-1)).squeeze(-1)
    turns = _quaternions(rotations)
    blended = [truth.weights.matrix @ frame for frame in turns]

    def pose(frame: int, means: Tensor, quats: Tensor) -> tuple[Tensor, Tensor]:
        placed = skin(means.unsqueeze(0), rotations[frame: frame + 1], offsets[frame: frame + 1], truth.weights)[0]
        return placed, _product(blended[frame], quats)

    return pose


def _quaternions(matrices: Tensor) -> Tensor:
    """(F,55,3,3) to quaternions (F,55,4), w first and not negative, so that those of neighbours can be averaged."""
    turns = roma.rotmat_to_unitquat(matrices).roll(1, -1)
    return torch.where(turns[..., :1] < 0, -turns, turns)


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Quaternion products (N,4), w first."""
    w, x, y, z = a.unbind(-1)
    matrix = torch.stack([w, -x, -y, -z, x, w, -z, y, y, z, w, -x, z, -y, x, w], -1).unflatten(-1, (4, 4))
    return (matrix * b.unsqueeze(-2)).sum(-1)


class _Watch:
    """Wall milliseconds of one part after the other, and wall and process time since it was made."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._start = self._last = time.perf_counter()
        self._process = time.process_time()

    def __call__(self, part: str) -> None:
        now = time.perf_counter()
        self.parts[part], self._last = (now - self._last) * 1e3, now

    def whole(self) -> tuple[float, float]:
        return (self._last - self._start) * 1e3, (time.process_time() - self._process) * 1e3
