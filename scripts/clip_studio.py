"""Tools with which ``make_clips.py`` authors motion: smooth keyframe tracks, planned footholds, leg IK, a posed figure.

Convention: seconds, metres and degrees; the figure faces +z, its left is +x. Angles of the arms are given for the left
arm and mirrored for the right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from scipy.spatial.transform import Rotation

from humanav.body import BodyModel
from humanav.body.names import JOINT_INDEX, PARENTS
from humanav.motion import Motion

Array = NDArray[np.float64]
Value = float | Array
Arm = Mapping[str, Value]
FPS = 30
_FINE = 8  # samples per frame while tracks are smoothed


@dataclass(frozen=True)
class Clock:
    """The frames of a clip: ``seconds`` long; a loop's last frame equals its first."""

    seconds: float
    loop: bool = False

    @property
    def times(self) -> Array:
        return np.arange(round(self.seconds * FPS) + 1) / FPS

    def track(self, *keys: tuple[float, float], smooth: float = 0.06) -> Array:
        """A scalar through ``(time, value)`` keys: monotone between, rounded by a Gaussian of ``smooth`` seconds."""
        t, v = (np.array(x, dtype=float) for x in zip(*keys))
        period = len(self.times) - 1
        fine = np.arange(period * _FINE + 1) / (FPS * _FINE)
        if self.loop:
            length = period / FPS
            t = np.concatenate([t - length, t, t + length])
            v = np.tile(v, 3)
            keep = np.concatenate([[True], np.diff(t) > 1e-9])
            t, v = t[keep], v[keep]
        values = PchipInterpolator(t, v)(np.clip(fine, t[0], t[-1])) if len(t) > 1 else np.full(len(fine), v[0])
        sigma = smooth * FPS * _FINE
        if self.loop:
            values[:-1] = gaussian_filter1d(values[:-1], sigma, mode="wrap")
            values[-1] = values[0]
        else:
            values = gaussian_filter1d(values, sigma, mode="nearest")
        return values[::_FINE]

    def wave(self, period: float, amplitude: float, phase: float = 0.0, mean: float = 0.0) -> Array:
        """A cosine: ``mean + amplitude cos(2 pi (t / period - phase))``."""
        return mean + amplitude * np.cos(2 * np.pi * (self.times / period - phase))


@dataclass(frozen=True)
class Stance:
    """A foot on the floor from ``down`` to ``up`` seconds.

    ``x, z`` lie under the ankle when the foot is flat, ``yaw`` turns the toes to the left. The foot lands with ``land``
    degrees of pitch (toes up is positive: a heel strike; negative: on the ball) and is flat after ``land_time``;
    it rolls over the ball during the last ``push_time`` and leaves at pitch ``push``.
    ``lift`` is the height of the ankle's arc in the swing that follows, ``fold`` a pitch added in mid swing.
    """

    down: float
    up: float
    x: float
    z: float
    yaw: float = 0.0
    land: float = 0.0
    land_time: float = 0.12
    push: float = 0.0
    push_time: float = 0.2
    lift: float = 0.08
    fold: float = 0.0

    def pitch(self, t: Array) -> Array:
        down = self.land * (1 - _ease((t - self.down) / max(self.land_time, 1e-6)))
        return down + self.push * _ramp((t - self.up + self.push_time) / max(self.push_time, 1e-6))


def _ease(s: ArrayLike) -> Array:
    """Minimum-jerk step from 0 to 1."""
    x: Array = np.clip(np.asarray(s, dtype=float), 0, 1)
    return x**3 * (10 - 15 * x + 6 * x * x)


def _ramp(s: ArrayLike) -> Array:
    """From 0, gently, to 1 at full speed: a heel that leaves the floor does not stop in the air."""
    x: Array = np.clip(np.asarray(s, dtype=float), 0, None)
    return x * x


class Feet:
    """The body's feet as solids: where the ankle is when a foot of some pitch stands on the floor."""

    def __init__(self, body: BodyModel) -> None:
        vertices, joints = (x.double().numpy() for x in body.rest())
        index, weight = np.asarray(body.skin_index), np.asarray(body.skin_weight)
        mass = {j: np.where(index == j, weight, 0).sum(axis=1) for j in (7, 10)}
        foot = (mass[7] + mass[10]) > 0.6
        points = vertices[foot]
        self.floor = float(points[:, 1].min())
        self.toe_share = (mass[10] / (mass[7] + mass[10] + 1e-9))[foot]
        self.points = points - joints[7]
        self.ball = joints[10] - joints[7]
        self.height = float(joints[7, 1] - self.floor)
        sole = self.points[self.points[:, 1] < -self.height + 0.012]
        self.heel = np.array([0.0, -self.height, float(sole[:, 2].min()) + 0.012])

    def lowest(self, pitch: float, toe: float) -> float:
        """Height of the ankle at which the lowest point of the foot touches the floor."""
        turn = Rotation.from_euler("x", -pitch, degrees=True)
        toes = self.ball + Rotation.from_euler("x", -toe, degrees=True).apply(self.points - self.ball)
        blended = self.points + self.toe_share[:, None] * (toes - self.points)
        return -float(turn.apply(blended)[:, 1].min())

    def standing(self, pitch: float) -> tuple[Array, float]:
        """Ankle relative to the foothold (0, y, z) and the toe joint's own pitch, when rolled to ``pitch``."""
        toe = max(0.0, -pitch)  # toes stay flat while the heel rises
        pivot = self.heel if pitch > 0 else self.ball * [0, 1, 1]
        ankle = pivot - Rotation.from_euler("x", -pitch, degrees=True).apply(pivot)
        return np.array([0.0, self.lowest(pitch, toe), ankle[2]]), toe


def plan_foot(clock: Clock, feet: Feet, stances: Sequence[Stance]) -> dict[str, Array]:
    """Ankle positions (T,3), yaw, pitch and toe angles (T,) of one foot, whether it is planted, and how free it is in
    the air (0 on the floor, 1 in mid swing).

    Between stances the foot swings along a quintic that continues the velocities of roll-off and landing.
    """
    t = clock.times
    state = np.zeros((len(t), 6))
    planted, free = np.zeros(len(t), dtype=bool), np.zeros(len(t))

    def on_floor(stance: Stance, time: float) -> Array:
        pitch = float(stance.pitch(np.array(time)))
        ankle, toe = feet.standing(pitch)
        offset = Rotation.from_euler("y", stance.yaw, degrees=True).apply(ankle)
        return np.array([stance.x + offset[0], ankle[1], stance.z + offset[2], stance.yaw, pitch, toe])

    for stance in stances:
        for i in np.flatnonzero((t >= stance.down - 1e-9) & (t <= stance.up + 1e-9)):
            state[i], planted[i] = on_floor(stance, t[i]), True
    for a, b in pairwise(stances):
        span, h = b.down - a.up, 1e-3
        start, end = on_floor(a, a.up), on_floor(b, b.down)
        v0, v1 = (start - on_floor(a, a.up - h)) / h, (on_floor(b, b.down + h) - end) / h
        for i in np.flatnonzero((t > a.up + 1e-9) & (t < b.down - 1e-9)):
            s = (t[i] - a.up) / span
            value = start + (end - start) * _ease(s) + span * (v0 * _leave(s) - v1 * _leave(1 - s))
            bump = 64 * s**3 * (1 - s) ** 3
            value[1] += a.lift * bump
            value[4] += a.fold * bump
            # the toes straighten early in the swing, and bend for a landing on them only late
            u, w = min(s / 0.45, 1.0), max((s - 0.55) / 0.45, 0.0)
            bent = start[5] * (1 - _ease(u)) + 0.45 * span * v0[5] * _leave(u)
            bending = end[5] * _ease(w) - 0.45 * span * v1[5] * _leave(1 - w)
            value[5] = max(float(bent + bending), 0.0)
            value[1] = max(value[1], feet.lowest(value[4], value[5]))
            state[i], free[i] = value, 1 - (2 * s - 1) ** 6
    return {
        "ankle": state[:, :3],
        "yaw": state[:, 3],
        "pitch": state[:, 4],
        "toe": state[:, 5],
        "planted": planted,
        "free": free,
    }


def _leave(s: float) -> float:
    """Quintic with slope 1 at s = 0 and all else zero at both ends."""
    return s - 6 * s**3 + 8 * s**4 - 3 * s**5


def stand(
    clock: Clock, feet: Feet, half_width: float = 0.11, turn_out: float = 7.0, z: tuple[float, float] = (0, 0)
) -> dict[str, dict[str, Array]]:
    """Both feet planted side by side for the whole clip."""
    return {
        side: plan_foot(clock, feet, [Stance(-1, clock.seconds + 1, sign * half_width, z[k], sign * turn_out)])
        for k, (side, sign) in enumerate((("left", 1), ("right", -1)))
    }


def _arm_defaults() -> dict[str, float]:
    return {
        "abduct": 11,
        "flex": 2,
        "across": 0,
        "twist": 8,
        "elbow": 16,
        "pronate": 12,
        "wrist": 4,
        "wave": 0,
        "curl": 1,
    }


@dataclass
class Figure:
    """Everything that a clip sets, each a number or an array (T,) in degrees unless said otherwise.

    Attributes:
        pelvis: (T,3) metres: offset of the pelvis from the middle between upright standing hips, world axes.
        turn: (yaw, lean forward, list to the left) of the pelvis.
        spine: (bend forward, bend to the left, twist to the left) of the back, spread over its joints.
        gaze: (yaw, pitch down, tilt) of the head in the world, apart from ``heading``.
        heading: yaw of the way the figure faces.
        arms: per side: abduct (0 hangs, 90 level), flex (forward), across (swung about the vertical, towards the other
            side), twist (about the upper arm), elbow, pronate, wrist (towards the palm), wave (towards the thumb), curl
            (of the fingers: 0 flat, 1 relaxed, 3 fist).
        feet: per side what :func:`plan_foot` gives.
        knees: degrees that the knees point further out than halfway between the hips and the toes.
        breath: degrees that the collar bones are raised.
    """

    clock: Clock
    feet: dict[str, dict[str, Array]]
    pelvis: Array
    turn: tuple[Value, Value, Value] = (0, 0, 0)
    spine: tuple[Value, Value, Value] = (0, 0, 0)
    gaze: tuple[Value, Value, Value] = (0, 0, 0)
    heading: Value = 0
    arms: Mapping[str, Arm] = field(default_factory=dict)
    knees: Value = 4.0
    breath: Value = 0.0

    def solve(self, body: BodyModel, name: str) -> Motion:
        """The motion of ``body``'s mean shape. Raises ValueError when a foot is out of a leg's reach."""
        frames = len(self.clock.times)
        rest = body.rest()[1].double().numpy()

        def full(value: Value) -> Array:
            return np.broadcast_to(np.asarray(value, dtype=float), (frames,)).astype(float)

        def euler(axes: str, *angles: Value) -> Array:
            return Rotation.from_euler(axes, np.stack([full(a) for a in angles], axis=1), degrees=True).as_matrix()

        heading = full(self.heading)
        G = np.tile(np.eye(3), (frames, 55, 1, 1))
        local = np.tile(np.eye(3), (frames, 55, 1, 1))
        # matrices are Ry(yaw) Rx(lean) Rz(list); a lean of z to the left is a negative turn about z
        G[:, 0] = euler("YXZ", heading + full(self.turn[0]), self.turn[1], -full(self.turn[2]))
        target = self.pelvis + [0.0, rest[0, 1] - rest[7, 1] + Feet(body).height, 0.0]
        target = self._within_reach(target, G[:, 0], rest)

        bend, side, twist = (full(v) for v in self.spine)
        for j, share in ((3, 0.35), (6, 0.35), (9, 0.3)):
            local[:, j] = euler("YXZ", twist * share, bend * share, -side * share)
            G[:, j] = G[:, PARENTS[j]] @ local[:, j]
        head = euler("YXZ", heading + full(self.gaze[0]), self.gaze[1], -full(self.gaze[2]))
        rest_of_it = Rotation.from_matrix(np.swapaxes(G[:, 9], -1, -2) @ head).as_rotvec()
        local[:, 12] = Rotation.from_rotvec(rest_of_it * 0.45).as_matrix()
        G[:, 12] = G[:, 9] @ local[:, 12]
        local[:, 15] = np.swapaxes(G[:, 12], -1, -2) @ head

        for s, (name_, sign) in enumerate((("left", 1), ("right", -1))):
            self._leg(G, local, target, rest, s, name_)
            self._arm(local, name_, sign, full, euler)
        local[:, 0] = G[:, 0]
        pose = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec().reshape(frames, 55, 3)
        motion = Motion.from_full_pose(pose, FPS, target - rest[0], name=name)
        if self.clock.loop:
            last = motion.transl.copy()
            last[-1, 1] = last[0, 1]
            full_pose = motion.full_pose
            full_pose[-1] = full_pose[0]
            motion = replace(Motion.from_full_pose(full_pose, FPS, last), name=name)
        return motion

    def _hips(self, G0: Array, rest: Array, s: int) -> Array:
        return G0 @ (rest[1 + s] - rest[0])

    def _within_reach(self, target: Array, G0: Array, rest: Array) -> Array:
        """Lower the pelvis softly wherever a leg would be more than straight."""
        limit = np.full(len(target), np.inf)
        reach = 0.9988 * (np.linalg.norm(rest[4] - rest[1]) + np.linalg.norm(rest[7] - rest[4]))
        for s, name in enumerate(("left", "right")):
            ankle, hip = self.feet[name]["ankle"], self._hips(G0, rest, s)
            flat = np.hypot(*(target + hip - ankle)[:, [0, 2]].T)
            held = self.feet[name]["planted"]
            if (held & (flat > reach)).any():
                raise ValueError(f"the {name} foot is out of reach at frame {int(np.argmax(held & (flat > reach)))}")
            height = np.sqrt(np.maximum(reach**2 - flat**2, 0)) + ankle[:, 1] - hip[:, 1]
            limit = np.where(held, np.minimum(limit, height), limit)
        mode = "wrap" if self.clock.loop else "nearest"
        excess = np.minimum(limit - target[:, 1], 0.0)
        body = excess[:-1] if self.clock.loop else excess
        eroded = gaussian_filter1d(minimum_filter1d(body, 5, mode=mode), 1.3, mode=mode)
        lowered = target.copy()
        lowered[:, 1] += np.append(eroded, eroded[0]) if self.clock.loop else eroded
        return lowered

    def _leg(self, G: Array, local: Array, pelvis: Array, rest: Array, s: int, name: str) -> None:
        hip, knee, ankle, toe = 1 + s, 4 + s, 7 + s, 10 + s
        foot = self.feet[name]
        thigh, shin = np.linalg.norm(rest[knee] - rest[hip]), np.linalg.norm(rest[ankle] - rest[knee])
        start = pelvis + self._hips(G[:, 0], rest, s)
        span = foot["ankle"] - start
        distance = np.linalg.norm(span, axis=1)
        along = span / distance[:, None]
        # a swinging foot gives way softly before the knee is straight; a planted one never does
        most = thigh + shin
        soft, slack = 0.965 * most, 0.034 * most
        given = np.where(distance > soft, soft + slack * (1 - np.exp(-(distance - soft) / slack)), distance)
        distance = np.minimum(distance + foot["free"] * (given - distance), 0.9992 * most)
        span = along * distance[:, None]
        sole = Rotation.from_euler("YX", np.stack([foot["yaw"], -foot["pitch"]], axis=1), degrees=True).as_matrix()
        facing = Rotation.from_euler("y", foot["yaw"][:, None], degrees=True).as_matrix()[:, :, 2]
        pole = facing + G[:, 0, :, 2]
        out = Rotation.from_rotvec(
            np.array([0, 1.0, 0]) * np.radians(np.broadcast_to(self.knees, len(G)))[:, None] * (1 if s == 0 else -1)
        )
        hinge = np.cross(out.apply(pole), along)
        hinge /= np.linalg.norm(hinge, axis=1, keepdims=True)
        cosine = (thigh**2 + distance**2 - shin**2) / (2 * thigh * distance)
        angle = np.arccos(np.clip(cosine, -1, 1))
        upper = Rotation.from_rotvec(-hinge * angle[:, None]).apply(along)
        lower = (span - thigh * upper) / shin
        for joint, direction in ((hip, upper), (knee, lower)):
            G[:, joint] = np.stack([hinge, -direction, np.cross(hinge, -direction)], axis=2)
            local[:, joint] = np.swapaxes(G[:, PARENTS[joint]], -1, -2) @ G[:, joint]
        local[:, ankle] = np.swapaxes(G[:, knee], -1, -2) @ sole
        local[:, toe] = Rotation.from_euler("x", -foot["toe"][:, None], degrees=True).as_matrix()

    def _arm(
        self, local: Array, name: str, sign: int, full: Callable[[Value], Array], euler: Callable[..., Array]
    ) -> None:
        a = {key: full(value) for key, value in {**_arm_defaults(), **self.arms.get(name, {})}.items()}
        arm = euler("Y", -a["across"]) @ euler("X", -a["flex"]) @ euler("Z", a["abduct"] - 90) @ euler("X", a["twist"])
        raised = np.degrees(np.arcsin(np.clip(arm[:, 1, 0], -1, 1))) + 90  # 0 hangs, 180 straight up
        collar = euler(
            "YZ",
            -0.12 * np.clip(arm[:, 2, 0], -1, 1) * 90 * 0.6,
            np.clip(0.28 * (raised - 35), -3, 34) + full(self.breath),
        )
        shoulder = np.swapaxes(collar, -1, -2) @ arm
        elbow = euler("Y", -a["elbow"]) @ euler("X", a["pronate"] * 0.5)
        wrist = euler("XZY", a["pronate"] * 0.5, -a["wrist"], -a["wave"])
        joints = {"collar": collar, "shoulder": shoulder, "elbow": elbow, "wrist": wrist}
        relaxed = {"index": (13, 18, 9), "middle": (17, 23, 12), "ring": (20, 26, 14), "pinky": (23, 27, 15)}
        for finger, bends in relaxed.items():
            for k, angle in enumerate(bends, 1):
                joints[f"{finger}{k}"] = euler("Z", -np.minimum(a["curl"] * angle, 85))
        for k, (y, z) in enumerate(((8, 6), (8, 4), (10, 4)), 1):
            joints[f"thumb{k}"] = euler("YZ", y * a["curl"], -z * a["curl"])
        flip = np.diag([float(sign), 1, 1])
        for joint, matrix in joints.items():
            local[:, JOINT_INDEX[f"{name}_{joint}"]] = flip @ matrix @ flip


def move(clock: Clock, x: Value = 0.0, y: Value = 0.0, z: Value = 0.0) -> Array:
    """The pelvis' path (T,3)."""
    return np.stack([np.broadcast_to(np.asarray(v, dtype=float), clock.times.shape) for v in (x, y, z)], axis=1)
