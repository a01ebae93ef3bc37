"""Clips of a batch as they are, and some of them as photos and short pieces."""

from __future__ import annotations

from dataclasses import fields

import torch
from torch import Generator, Tensor

from humanav.uplift.pairs import Pairs

PIECES = (1, 1, 1, 2, 4, 9, 16)
"""Lengths of the short pieces that a share of the clips is cut into; a photo is a piece of 1."""


def pieces(pairs: Pairs, share: float, generator: Generator) -> list[Pairs]:
    """The clips as they are, and a share of them cut into short pieces; those held still are left out, because all
    their frames teach the same."""
    first, middle, last = (pairs.keypoints[:, k].flatten(1) for k in (0, pairs.keypoints.shape[1] // 2, -1))
    moving = torch.nonzero((first != middle).any(1) | (first != last).any(1))[:, 0]
    pairs = _rows(pairs, moving) if 0 < len(moving) < len(first) else pairs
    count, frames = pairs.keypoints.shape[:2]
    cut = round(count * share)
    if not cut:
        return [pairs]
    length = PIECES[int(torch.randint(len(PIECES), (1,), generator=generator))]
    whole = _take(pairs, slice(cut, None), frames)
    return [*([whole] if cut < count else []), _take(pairs, slice(0, cut), min(length, frames))]


def _rows(pairs: Pairs, rows: Tensor) -> Pairs:
    return Pairs(**{item.name: getattr(pairs, item.name)[rows] for item in fields(Pairs)})


def _take(pairs: Pairs, rows: slice, length: int) -> Pairs:
    """Some clips, cut into pieces of ``length`` frames; what is left over at their ends is dropped."""
    frames = pairs.keypoints.shape[1]
    parts = frames // length

    def cut(value: Tensor) -> Tensor:
        return value[rows, :parts * length].unflatten(1, (parts, length)).flatten(0, 1)

    def same(value: Tensor) -> Tensor:
        return value[rows].repeat_interleave(parts, 0)

    return Pairs(keypoints=cut(pairs.keypoints), clean=cut(pairs.clean), K=same(pairs.K), size=same(pairs.size),
                 root=cut(pairs.root), body=cut(pairs.body), joints=cut(pairs.joints), pelvis=cut(pairs.pelvis),
                 betas=same(pairs.betas), fps=same(pairs.fps))
