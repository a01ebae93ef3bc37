"""Stick people who walk about and swing their limbs without repeating, as functions of time, and what cameras see."""

from __future__ import annotations

import numpy as np

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.camera import Camera
from humanav.multiview import Rig, Sightings

COCO = KEYPOINT_SETS["coco17"]


def person(seconds, seed=0, stature=1.7, liveliness=1.0):
    """COCO points (T,17,3) in metres, y up, feet on the floor, at any times (T,)."""
    rng = np.random.default_rng(seed)
    time = np.asarray(seconds, dtype=float)

    def wave(size, slow=0.15, fast=0.8):
        f, p = rng.uniform(slow, fast, 4), rng.uniform(0, 2 * np.pi, 4)
        return liveliness * size * np.sin(2 * np.pi * f * time[:, None] + p).sum(1) / 2

    place = np.stack([wave(0.6, 0.05, 0.2), 0 * time, wave(0.6, 0.05, 0.2)], axis=-1) + rng.uniform(-0.8, 0.8, 3)
    place[:, 1] = 0
    yaw = rng.uniform(0, 2 * np.pi) + wave(0.8, 0.05, 0.25)
    points = np.zeros((len(time), 17, 3))
    for side, x in (("left", 1), ("right", -1)):
        hip = np.array([0.09 * x, 0.0, 0.0])
        points[:, COCO.index(f"{side}_hip")] = hip
        thigh, bend = 0.25 + wave(0.4), 0.4 + np.abs(wave(0.5))
        knee = hip + 0.42 * np.stack([0.03 * x + 0 * time, -np.cos(thigh), np.sin(thigh)], -1)
        shank = thigh - bend
        points[:, COCO.index(f"{side}_knee")] = knee
        points[:, COCO.index(f"{side}_ankle")] = knee + 0.41 * np.stack([0 * time, -np.cos(shank), np.sin(shank)], -1)
        shoulder = np.stack([0.18 * x + wave(0.02), 0.48 + 0 * time, 0.04 + wave(0.06)], -1)
        points[:, COCO.index(f"{side}_shoulder")] = shoulder
        lift, out = 0.4 + wave(0.8), 0.3 + np.abs(wave(0.5))
        arm = np.stack([x * np.sin(out), -np.cos(lift) * np.cos(out), np.sin(lift) * np.cos(out)], -1)
        elbow = shoulder + 0.29 * arm
        lift = lift + 0.3 + np.abs(wave(0.6))
        points[:, COCO.index(f"{side}_elbow")] = elbow
        points[:, COCO.index(f"{side}_wrist")] = elbow + 0.25 * np.stack([0 * time, -np.cos(lift), np.sin(lift)], -1)
        points[:, COCO.index(f"{side}_ear")] = [0.07 * x, 0.70, 0.0]
        points[:, COCO.index(f"{side}_eye")] = [0.03 * x, 0.73, 0.09]
    points[:, COCO.index("nose")] = [0.0, 0.69, 0.11]
    points[..., 1] -= points[..., 1].min(axis=1, keepdims=True) - 0.08
    points *= stature / 1.7
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.stack([np.stack([c, 0 * c, s], -1), np.stack([0 * c, 0 * c + 1, 0 * c], -1),
                     np.stack([-s, 0 * c, c], -1)], -2)
    return points @ np.swapaxes(turn, -1, -2) + place[:, None]


def ring(views=4, distance=4.0, width=1000, height=1000, focal=1000.0, seed=0):
    """Cameras round the origin at heights of 1.3 to 2.2 m."""
    rng = np.random.default_rng(seed)
    cameras = []
    for v in range(views):
        angle = 2 * np.pi * (v + 0.15 * rng.uniform(-1, 1)) / views
        eye = [distance * np.sin(angle), rng.uniform(1.3, 2.2), distance * np.cos(angle)]
        cameras.append(Camera.look_at(eye, [0, 0.9, 0], width, height, focal))
    return Rig(tuple(f"cam{v + 1:02d}" for v in range(views)), tuple(cameras))


def filmed(rig, frames=80, fps=25.0, people=1, offsets=None, noise=3.0, dropout=0.0, swaps=0.0, seed=0, shuffle=True,
           liveliness=1.0, tracks=True):
    """What the cameras see; view v's frame t + offsets[v] is the moment t / fps. Detections in an order of their own in
    each view."""
    rng = np.random.default_rng(seed + 1000)
    offsets = np.zeros(len(rig)) if offsets is None else np.asarray(offsets, dtype=float)
    points = np.zeros((frames, len(rig), people, 17, 3))
    numbers = np.zeros((frames, len(rig), people), np.int64)
    other = [COCO.index(n.replace("left", "*").replace("right", "left").replace("*", "right")) for n in COCO]
    for v, camera in enumerate(rig.cameras):
        order = rng.permutation(people) if shuffle else np.arange(people)
        for d, p in enumerate(order):
            xyz = person((np.arange(frames) - offsets[v]) / fps, seed * 10 + p, 1.62 + 0.15 * p, liveliness)
            px, depth = camera.project(xyz)
            px = px + rng.normal(0, noise, px.shape) if noise else px
            swapped = rng.random(frames) < swaps
            px[swapped] = px[swapped][:, other]
            sure = rng.uniform(0.6, 1.0, px.shape[:2]) * (rng.random(px.shape[:2]) >= dropout) * (depth > 0.1)
            inside = ((px >= 0) & (px <= (camera.width, camera.height))).all(-1)
            points[:, v, d] = np.concatenate([px, (sure * inside)[..., None]], -1)
            numbers[:, v, d] = d
    return Sightings(points, "coco17", rig.names, fps, tracks=numbers if tracks else np.full(numbers.shape, -1))
