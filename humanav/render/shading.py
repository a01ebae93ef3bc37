"""The numba kernel that colours rasterised pixels and averages the sub-pixels, for :mod:`humanav.render.shade`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

Array = np.ndarray[Any, np.dtype[Any]]


_BRIGHTEST, _STEPS = 2.0, 16384.0


def _to_srgb(light: Array) -> Array:
    """Linear light 0.. to sRGB 0..1; the shoulder above 0.8 keeps highlights from clipping hard."""
    light = np.where(light > 0.8, 0.8 + 0.2 * (1.0 - np.exp(-(light - 0.8) * 5.0)), light)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1.0 / 2.4) - 0.055)


def _to_linear(srgb: Array) -> Array:
    """sRGB 0..1 to linear light."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


# As tables, read with linear interpolation (exact to 1e-4): powers would take most of the time of a picture.
_ENCODED = _to_srgb(_BRIGHTEST * np.arange(_STEPS + 2) / _STEPS).astype(np.float32)
_DECODED = _to_linear(np.arange(_STEPS + 2) / _STEPS).astype(np.float32)


@njit(cache=True, inline="always")
def _read(table: Array, share: float) -> float:
    """The table's value at the share 0..1 of its range; beyond it, the last value."""
    place = min(max(share, 0.0), 1.0) * _STEPS
    k = int(place)
    return table[k] + (place - k) * (table[k + 1] - table[k])


@njit(cache=True, parallel=True, nogil=True)
def shade_pixels(
    triangle: Array, barycentric: Array, samples: int, faces: Array, normals: Array, colors: Array, color_faces: Array,
    texture: Array, uv: Array, uv_faces: Array, textured: bool, unlit: bool, rays: Array, lights: Array, rgb: Array,
    alpha: Array,
) -> None:
    """Colour every pixel: the mean over ``samples`` x ``samples`` sub-pixels of the covered part, sRGB 0..1.

    ``rays`` (4,3): world directions of the camera's x, y, z axes scaled so that pixel (i, j) of the large picture looks
    along rays[3] + i * rays[0] + j * rays[1]. ``lights`` (6,3): key direction, key colour, sky, ground, rim direction,
    rim colour.
    """
    height, width = alpha.shape
    rows, columns = texture.shape[0], texture.shape[1]
    for y in prange(height):
        for x in range(width):
            red, green, blue, count = 0.0, 0.0, 0.0, 0
            for sub in range(samples * samples):
                i, j = x * samples + sub % samples, y * samples + sub // samples
                f = triangle[j, i]
                if f < 0:
                    continue
                p, q, r = barycentric[j, i, 0], barycentric[j, i, 1], barycentric[j, i, 2]
                if textured:
                    ua, ub, uc = uv_faces[f, 0], uv_faces[f, 1], uv_faces[f, 2]
                    u = (p * uv[ua, 0] + q * uv[ub, 0] + r * uv[uc, 0]) * columns - 0.5
                    v = (1.0 - (p * uv[ua, 1] + q * uv[ub, 1] + r * uv[uc, 1])) * rows - 0.5
                    u, v = min(max(u, 0.0), columns - 1.0), min(max(v, 0.0), rows - 1.0)
                    u0, v0 = int(u), int(v)
                    u1, v1 = min(u0 + 1, columns - 1), min(v0 + 1, rows - 1)
                    s, t = u - u0, v - v0
                    w00, w01, w10, w11 = (1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t
                    cr = (w00 * texture[v0, u0, 0] + w01 * texture[v0, u1, 0] + w10 * texture[v1, u0, 0]
                          + w11 * texture[v1, u1, 0]) / 255.0
                    cg = (w00 * texture[v0, u0, 1] + w01 * texture[v0, u1, 1] + w10 * texture[v1, u0, 1]
                          + w11 * texture[v1, u1, 1]) / 255.0
                    cb = (w00 * texture[v0, u0, 2] + w01 * texture[v0, u1, 2] + w10 * texture[v1, u0, 2]
                          + w11 * texture[v1, u1, 2]) / 255.0
                else:
                    ca, cc, cd = color_faces[f, 0], color_faces[f, 1], color_faces[f, 2]
                    cr = p * colors[ca, 0] + q * colors[cc, 0] + r * colors[cd, 0]
                    cg = p * colors[ca, 1] + q * colors[cc, 1] + r * colors[cd, 1]
                    cb = p * colors[ca, 2] + q * colors[cc, 2] + r * colors[cd, 2]
                count += 1
                if unlit:
                    red, green, blue = red + cr, green + cg, blue + cb
                    continue
                a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
                nx = p * normals[a, 0] + q * normals[b, 0] + r * normals[c, 0]
                ny = p * normals[a, 1] + q * normals[b, 1] + r * normals[c, 1]
                nz = p * normals[a, 2] + q * normals[b, 2] + r * normals[c, 2]
                vx = -(rays[3, 0] + i * rays[0, 0] + j * rays[1, 0])
                vy = -(rays[3, 1] + i * rays[0, 1] + j * rays[1, 1])
                vz = -(rays[3, 2] + i * rays[0, 2] + j * rays[1, 2])
                scale = 1.0 / np.sqrt(vx * vx + vy * vy + vz * vz)
                vx, vy, vz = vx * scale, vy * scale, vz * scale
                scale = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-20)
                facing = (nx * vx + ny * vy + nz * vz) * scale
                if facing < -0.2:  # an inner side; a slight negative is a smooth normal at the outline
                    scale, facing = -scale, -facing
                facing = max(facing, 0.0)
                nx, ny, nz = nx * scale, ny * scale, nz * scale
                key = nx * lights[0, 0] + ny * lights[0, 1] + nz * lights[0, 2]
                key = max(0.0, (key + 0.3) / 1.3)
                key = key * (0.35 + 0.65 * key)
                sky = 0.5 + 0.5 * ny
                rim = max(0.0, nx * lights[4, 0] + ny * lights[4, 1] + nz * lights[4, 2]) * (1.0 - facing) ** 3
                hx, hy, hz = vx + lights[0, 0], vy + lights[0, 1], vz + lights[0, 2]
                half = (nx * hx + ny * hy + nz * hz) / np.sqrt(hx * hx + hy * hy + hz * hz + 1e-20)
                gloss = 0.05 * max(0.0, half) ** 20
                occlusion = 0.72 + 0.28 * facing  # darkens the outline a little, as creases and far sides are
                for channel in range(3):
                    base = _read(_DECODED, cr if channel == 0 else (cg if channel == 1 else cb))
                    light = (key * lights[1, channel]
                             + (sky * lights[2, channel] + (1.0 - sky) * lights[3, channel]) * occlusion)
                    value = base * light + rim * lights[5, channel] + gloss * lights[1, channel]
                    value = _read(_ENCODED, value / _BRIGHTEST)
                    if channel == 0:
                        red += value
                    elif channel == 1:
                        green += value
                    else:
                        blue += value
            if count:
                rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2] = red / count, green / count, blue / count
                alpha[y, x] = count / (samples * samples)


@njit(cache=True, parallel=True, nogil=True)
def composite(rgb: Array, alpha: Array, background: Array, out: Array) -> None:
    """out uint8 = rgb over ``background``: (H,W,3) or (1,1,3) uint8."""
    height, width = alpha.shape
    whole = background.shape[0] > 1 or background.shape[1] > 1
    for y in prange(height):
        for x in range(width):
            a = alpha[y, x]
            for c in range(3):
                below = background[y, x, c] if whole else background[0, 0, c]
                out[y, x, c] = np.uint8(255.0 * a * min(max(rgb[y, x, c], 0.0), 1.0) + (1.0 - a) * below + 0.5)


@njit(cache=True, parallel=True, nogil=True)
def halve(image: Array, out: Array) -> None:
    """out (h//2, w//2, 3) uint8 = 2 x 2 means of ``image``."""
    for y in prange(out.shape[0]):
        for x in range(out.shape[1]):
            for c in range(3):
                total = (np.uint32(image[2 * y, 2 * x, c]) + image[2 * y, 2 * x + 1, c]
                         + image[2 * y + 1, 2 * x, c] + image[2 * y + 1, 2 * x + 1, c])
                out[y, x, c] = np.uint8((total + 2) // 4)
