"""How alike people's movements look in two views at every lag: correlation of keypoint velocities.

Seen by upright cameras a point's velocity up and down the picture differs little from view to view but for its scale,
so it says most; the speed along the picture says when something moved at all. Both are taken relative to the person's
size, clipped (a detector's jumps are no movement), and correlated over all points of the body at once, missing points
left out (masked normalised cross-correlation: Padfield, "Masked object registration in the Fourier domain", 2012).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.sync_tracks import usual_size

Array = NDArray[np.float64]

_SMOOTH = 0.06  # seconds, of the Gaussian before velocities are taken
_CLIP = 3.0  # times the channel's own spread
_FEW = 0.25  # of a frame's neighbourhood must be seen


def motion_signals(track: Array, fps: float) -> tuple[Array, Array]:
    """Velocities of a person (T,K,3) in a view as channels.

    Returns:
        (T,2K) velocity downwards and speed sideways of each point in body sizes a second, clipped, without their mean;
        and (T,2K) where they are known (1) or not (0).
    """
    from scipy.ndimage import gaussian_filter1d

    weight = np.clip(track[..., 2], 0, 1) * (track[..., 2] > 0.2)
    size = usual_size(track)
    if not np.isfinite(size) or len(track) < 3:
        empty = np.zeros((len(track), 2 * track.shape[1]))
        return empty, empty.copy()
    wide = max(0.8, _SMOOTH * fps)
    total = gaussian_filter1d(weight, wide, axis=0, mode="constant")
    smooth = gaussian_filter1d(weight[..., None] * track[..., :2], wide, axis=0, mode="constant")
    smooth = smooth / np.maximum(total, 1e-6)[..., None]
    velocity = np.gradient(smooth, axis=0) * fps / size
    full = gaussian_filter1d(np.ones(len(track)), wide, mode="constant")[:, None]
    known = total > _FEW * full
    known[1:-1] &= known[2:] & known[:-2]  # both neighbours of a difference
    channels = np.concatenate([velocity[..., 1], np.abs(velocity[..., 0])], axis=1)
    mask = np.concatenate([known, known], axis=1).astype(np.float64)
    count = np.maximum(mask.sum(0), 1)
    channels = channels - (channels * mask).sum(0) / count
    spread = np.sqrt((channels**2 * mask).sum(0) / count)
    channels = np.clip(channels, -_CLIP * spread, _CLIP * spread)
    return channels * mask, mask


def correlation(a: tuple[Array, Array], b: tuple[Array, Array], most: int) -> tuple[Array, Array]:
    """Correlation of two people's signals (as :func:`motion_signals` gives them) when b lags by -most .. most frames.

    Returns:
        (2 most + 1,) correlations -1..1, 0 where they overlap too little, and (2 most + 1,) the share of the shorter
        one's known values that overlaps.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    (x, m), (y, n) = a, b
    length = next_fast_len(len(x) + len(y))

    def spectrum(signal: Array) -> Array:
        return np.asarray(rfft(signal, length, axis=0))

    def lagged(u: Array, v: Array) -> Array:
        """sum_t u[t] v[t + lag] over time and channels."""
        full = irfft((np.conj(u) * v).sum(1), length)
        return np.asarray(np.concatenate([full[length - most:], full[: most + 1]]))

    most_possible = min(most, len(x) - 1)
    pad, most = most - most_possible, most_possible
    fx, fm, fxx = spectrum(x), spectrum(m), spectrum(x * x)
    fy, fn, fyy = spectrum(y), spectrum(n), spectrum(y * y)
    power = np.sqrt(np.maximum(lagged(fxx, fn), 0) * np.maximum(lagged(fm, fyy), 0))
    count = lagged(fm, fn)
    whole = max(min(m.sum(), n.sum()), 1.0)
    values = np.where((count > 0.2 * whole) & (power > 1e-12), lagged(fx, fy) / np.maximum(power, 1e-12), 0.0)
    return np.pad(values, pad), np.pad(np.clip(count / whole, 0, 1), pad)
