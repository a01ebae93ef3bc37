"""The reference backend of :func:`humanav.render.rasterize`: torch operations and autograd, in the inputs' precision.

Small scenes are drawn densely, every Gaussian at every pixel; larger ones by tiles, in batches of tiles that are padded
to the longest list among them. Both are the same function on the same numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from humanav.render.splat import SplatBuffers, SplatScene

CUTOFF, LARGEST, OPAQUE = math.log(1 / 255), 0.99, 1e-4
_DENSE = 4_000_000  # Gaussians x pixels up to which everything is drawn everywhere
_BATCH = 1_000_000  # Gaussians x pixels of one batch of tiles: what fits a processor's cache is fastest


def draw(scene: SplatScene, tile: int | None = None) -> SplatBuffers:
    """Draw with autograd; ``tile``: side in pixels, 0 draws densely, by default what suits the size."""
    if tile is None:
        tile = 0 if len(scene.means) * scene.width * scene.height <= _DENSE else 16
    means2d, conics, depths, radii = project(scene)
    channels = scene.colors
    background = scene.background
    if scene.depth:
        channels = torch.cat([channels, depths.unsqueeze(-1)], -1)
        background = torch.cat([background, background.new_zeros(1)])
    shown = (radii > 0).all(-1).nonzero().squeeze(-1)
    # the key is float32 as in the other backends: nearly equal depths then tie in all of them
    order = shown[torch.argsort(depths[shown].detach().float(), stable=True)]
    rows = means2d[order], conics[order], scene.opacities[order].log(), channels[order], scene.detached_colors[order]
    width, height = (tile, tile) if tile else (scene.width, scene.height)
    across, down = -(-scene.width // width), -(-scene.height // height)
    lists = _lists(means2d[order].detach(), radii[order], width, height, across, down)
    pieces: list[tuple[Tensor, ...]] = []
    for tiles, members in _batches(*lists, width * height):
        corner = torch.stack([tiles % across * width, tiles // across * height], -1)
        pieces.append(_blend(corner, members, width, height, *rows))
    image, detached, alpha = (_assemble([piece[k] for piece in pieces], lists[0], across, down, width, height, scene)
                              for k in range(3))
    alpha = alpha.squeeze(-1)
    image = image + (1 - alpha).unsqueeze(-1) * background
    return SplatBuffers(image, detached, alpha, means2d.detach(), depths.detach(), radii)


def project(scene: SplatScene) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Centres (N,2), conics (N,3) a, b, c, depths (N,) and radii (N,2), differentiable but for the radii."""
    rotation, K = scene.viewmat[:3, :3], scene.K
    points = scene.means @ rotation.T + scene.viewmat[:3, 3]
    depths = points[:, 2]
    front = depths >= scene.near
    z = torch.where(front, depths, torch.ones_like(depths))
    xy = points[:, :2] / z.unsqueeze(-1)
    means2d = xy @ K[:2, :2].triu().T + K[:2, 2]
    with torch.no_grad():
        focal, size = K.diagonal()[:2], K.new_tensor([scene.width, scene.height])
        low, high = -K[:2, 2] / focal - 0.15 * size / focal, (size - K[:2, 2]) / focal + 0.15 * size / focal
    slope = torch.maximum(torch.minimum(xy, high), low)
    left = K[:2, :2].triu() / z[:, None, None]
    jacobian = torch.cat([left, -left @ slope.unsqueeze(-1)], -1)
    turned = jacobian @ rotation
    if scene.covars is not None:
        spread = turned @ scene.covars @ turned.mT
    else:
        assert scene.quats is not None
        assert scene.scales is not None
        half = turned @ (quaternion_to_matrix(scene.quats) * scene.scales.unsqueeze(-2))
        spread = half @ half.mT
    xx, xy_, yy = spread[:, 0, 0] + scene.eps2d, spread[:, 0, 1], spread[:, 1, 1] + scene.eps2d
    determinant = xx * yy - xy_ * xy_
    above = 2 * (scene.opacities.clamp(min=1e-30).log() - CUTOFF)
    good = front & (determinant > 0) & (above > 0)
    determinant = torch.where(good, determinant, torch.ones_like(determinant))
    conics = torch.stack([yy, -xy_, xx], -1) / determinant.unsqueeze(-1)
    with torch.no_grad():
        reach = (above.clamp(min=0).unsqueeze(-1) * torch.stack([xx, yy], -1).clamp(min=0)).sqrt()
        first, last = (means2d - reach - 0.5).ceil().clamp(min=0), (means2d + reach - 0.5).floor()
        inside = (first <= torch.minimum(last, size - 1)).all(-1)
        radii = torch.where((good & inside).unsqueeze(-1), reach.ceil().clamp(min=1, max=2**30), 0).int()
    return means2d, conics, depths, radii


def quaternion_to_matrix(quats: Tensor) -> Tensor:
    """(N,4) w first, of any length but 0, to rotation matrices (N,3,3)."""
    w, x, y, z = torch.nn.functional.normalize(quats, dim=-1, eps=1e-30).unbind(-1)
    return torch.stack([
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1).unflatten(-1, (3, 3))


def _lists(
    means2d: Tensor, radii: Tensor, width: int, height: int, across: int, down: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Tiles by rising length of their lists, the lengths, where each list begins, and the lists, nearest first."""
    size = means2d.new_tensor([width, height])
    most = torch.tensor([across - 1, down - 1], device=means2d.device)
    first = ((means2d - radii) / size).floor().long().clamp(min=0).minimum(most)
    last = ((means2d + radii) / size).floor().long().clamp(min=0).minimum(most)
    span = last - first + 1
    count = span.prod(-1)
    who = torch.repeat_interleave(torch.arange(len(means2d), device=means2d.device), count)
    step = torch.arange(len(who), device=who.device) - (count.cumsum(0) - count)[who]
    tile = (first[who, 1] + step // span[who, 0]) * across + first[who, 0] + step % span[who, 0]
    members = who[torch.argsort(tile, stable=True)]
    lengths = torch.bincount(tile, minlength=across * down)
    begins = lengths.cumsum(0) - lengths
    tiles = torch.argsort(lengths, stable=True)
    return tiles, lengths[tiles], begins[tiles], members


def _batches(
    tiles: Tensor, lengths: Tensor, begins: Tensor, members: Tensor, pixels: int
) -> list[tuple[Tensor, Tensor]]:
    """Tiles (B,) and their members (B,L) padded with -1, as many tiles at a time as memory is meant for."""
    batches, sizes, start = [], lengths.tolist(), 0
    while start < len(sizes):
        stop = start + 1
        while stop < len(sizes) and (stop + 1 - start) * sizes[stop] * pixels <= _BATCH:
            stop += 1
        step = torch.arange(sizes[stop - 1], device=tiles.device)
        at = begins[start:stop, None] + step
        inside = step < lengths[start:stop, None]
        padded = torch.where(inside, members[at.clamp(max=max(len(members) - 1, 0))] if len(members) else at, -1)
        batches.append((tiles[start:stop], padded))
        start = stop
    return batches


def _blend(
    corner: Tensor, members: Tensor, width: int, height: int, means2d: Tensor, conics: Tensor, logs: Tensor,
    colors: Tensor, detached: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Composite the lists (B,L) of tiles with top-left ``corner`` (B,2): (B,P,C), (B,P,D) and alpha (B,P,1)."""
    y, x = torch.meshgrid(torch.arange(height, device=corner.device), torch.arange(width, device=corner.device),
                          indexing="ij")
    pixels = torch.stack([x, y], -1).flatten(0, 1)
    if members.shape[1] == 0:
        shape = len(corner), len(pixels)
        return colors.new_zeros(*shape, colors.shape[1]), colors.new_zeros(*shape, detached.shape[1]), (
            colors.new_zeros(*shape, 1))
    real, member = members >= 0, members.clamp(min=0)
    centers = means2d[member] - corner.unsqueeze(1)
    dx, dy = ((pixels[:, axis] + 0.5).to(centers) - centers[..., axis, None] for axis in range(2))
    a, b, c = (part.unsqueeze(-1) for part in conics[member].unbind(-1))
    power = logs[member].unsqueeze(-1) - 0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy
    drawn = (power > CUTOFF) & real.unsqueeze(-1)
    alpha = torch.where(drawn, torch.where(drawn, power, 0).exp().clamp(max=LARGEST), 0)
    left = torch.cumprod(1 - alpha, 1)
    before = torch.cat([torch.ones_like(left[:, :1]), left[:, :-1]], 1)
    weight = torch.where(before > OPAQUE, alpha * before, 0).mT
    return weight @ colors[member], weight.detach() @ detached[member], weight.sum(-1, keepdim=True)


def _assemble(
    pieces: list[Tensor], tiles: Tensor, across: int, down: int, width: int, height: int, scene: SplatScene
) -> Tensor:
    """(tiles,P,C) in the order of ``tiles`` to the picture (H,W,C)."""
    whole = torch.cat(pieces)[torch.argsort(tiles)].unflatten(1, (height, width)).unflatten(0, (down, across))
    picture = whole.transpose(1, 2).flatten(2, 3).flatten(0, 1)
    return picture[: scene.height, : scene.width].contiguous()
