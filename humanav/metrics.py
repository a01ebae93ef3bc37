"""How far estimates lie from the truth: poses in millimetres and degrees, silhouettes, pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter, prewitt, uniform_filter

Array = NDArray[np.float64]


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"The two arrays differ in shape: {x.shape} and {y.shape}.")
    return x, y


def align(points: ArrayLike, target: ArrayLike) -> Array:
    """``points`` (N,3) turned, scaled and moved onto ``target`` by the least-squares similarity (Umeyama 1991)."""
    x, y = _pair(points, target)
    mx, my = x.mean(axis=0), y.mean(axis=0)
    u, s, vt = np.linalg.svd((y - my).T @ (x - mx))
    flip = np.ones(x.shape[1])
    flip[-1] = np.sign(np.linalg.det(u @ vt)) or 1.0
    rotation = (u * flip) @ vt
    scale = float((s * flip).sum() / max(((x - mx) ** 2).sum(), 1e-12))
    return scale * (x - mx) @ rotation.T + my


def mpjpe(points: ArrayLike, target: ArrayLike, root: int | tuple[int, ...] = 0) -> float:
    """Mean distance of points (N,3) after moving (the middle of) ``root`` onto the target's; the unit of the input."""
    x, y = _pair(points, target)
    r = [root] if isinstance(root, int) else list(root)
    return float(np.linalg.norm((x - x[r].mean(axis=0)) - (y - y[r].mean(axis=0)), axis=1).mean())


def pa_mpjpe(points: ArrayLike, target: ArrayLike) -> float:
    """Mean distance of points (N,3) after the best similarity alignment; the unit of the input."""
    return float(np.linalg.norm(align(points, target) - np.asarray(target, dtype=np.float64), axis=1).mean())


def mpjae(rotations: ArrayLike, target: ArrayLike) -> float:
    """Mean geodesic angle in degrees between two sets of rotation matrices (N,3,3)."""
    a, b = _pair(rotations, target)
    trace = np.einsum("nij,nij->n", a, b)
    return float(np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1))).mean())


def iou(mask: ArrayLike, target: ArrayLike) -> float:
    """Intersection over union of two masks (soft ones are cut at one half); 1 when both are empty."""
    a, b = (np.asarray(m) > (0.5 if np.asarray(m).dtype.kind == "f" else 0) for m in (mask, target))
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 1.0


def psnr(image: ArrayLike, target: ArrayLike, mask: ArrayLike | None = None) -> float:
    """Peak signal-to-noise ratio in dB of uint8 images (H,W,C), inside ``mask`` (H,W) when given; inf when equal."""
    a, b = _pair(image, target)
    square = (a - b) ** 2
    if mask is not None:
        square = square[np.asarray(mask, dtype=bool)]
    error = float(square.mean()) if square.size else 0.0
    return float(10 * np.log10(255.0**2 / error)) if error > 0 else float("inf")


def ssim(image: ArrayLike, target: ArrayLike) -> float:
    """Mean structural similarity of uint8 images (H,W[,C]): Gaussian window, sigma 1.5 (Wang et al. 2004)."""
    a, b = _pair(image, target)
    if a.ndim == 2:
        a, b = a[..., None], b[..., None]

    def blur(x: Array) -> Array:
        return gaussian_filter(x, (1.5, 1.5, 0), truncate=3.5)

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    ma, mb = blur(a), blur(b)
    va, vb, cov = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
    return float((((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2))).mean())


def gmsd(image: ArrayLike, target: ArrayLike) -> float:
    """Gradient magnitude similarity deviation of uint8 images (H,W[,C]); 0 for equal ones, larger is worse.

    Xue, Zhang, Mou, Bovik, "Gradient Magnitude Similarity Deviation" (2014): brightness (Rec. 601) averaged over 2 x 2
    pixels, Prewitt gradients, their similarity with the constant 170, and its standard deviation over the picture. It
    stands in for learned measures such as LPIPS and needs no weights.
    """
    a, b = _pair(image, target)
    if a.ndim == 3:
        luma = [0.299, 0.587, 0.114] if a.shape[2] == 3 else np.full(a.shape[2], 1 / a.shape[2])
        a, b = a @ luma, b @ luma

    def gradient(x: Array) -> Array:
        small = uniform_filter(x, 2, mode="nearest", origin=-1)[::2, ::2]
        return np.hypot(prewitt(small, 0, mode="nearest"), prewitt(small, 1, mode="nearest")) / 3

    ga, gb = gradient(a), gradient(b)
    return float(((2 * ga * gb + 170) / (ga * ga + gb * gb + 170)).std())
