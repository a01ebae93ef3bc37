"""What the uplift is compared with: the mean pose, nearest neighbours in 2D, a linear map, a network of one frame.

Each is a function ``(keypoints (B,T,K,3), K (B,3,3), focal_known (B,)) -> rotations (B,T,22,3,3)`` in the camera's
frame, looks at one frame at a time, and learns from the training subjects alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import roma
import torch
from torch import Tensor, nn

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.uplift.evaluate import Predict, true_rotations
from humanav.uplift.features import to_features

FLIP = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
YAWS = 24
DISTANCE = 3.5
"""Metres from which the poses of the pool are seen."""
RIGID = ("nose", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_hip", "right_hip", "left_knee",
         "right_knee")
"""What the mean pose is laid on; the rest moves too much."""


def one_frame(keypoints: Tensor, intrinsics: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Features (B*T,F) of frames by themselves, and their ray frames (B*T,3,3)."""
    frames = keypoints.shape[1]
    features, ray = to_features(keypoints.flatten(0, 1)[:, None], intrinsics.repeat_interleave(frames, 0),
                                known.repeat_interleave(frames))
    return features[:, 0], ray[:, 0]


def to_six(rotations: Tensor, ray: Tensor) -> Tensor:
    """Targets (N,132): two columns of every rotation, the root as networks of the uplift room see it."""
    turned = rotations.clone()
    turned[:, 0] = FLIP @ ray.transpose(-1, -2) @ rotations[:, 0]
    return turned[..., :2].flatten(1)


def from_six(numbers: Tensor, ray: Tensor) -> Tensor:
    """Rotations (N,22,3,3) in the camera's frame."""
    rotations = roma.special_gramschmidt(numbers.view(-1, 22, 3, 2))
    return torch.cat([(ray @ FLIP @ rotations[:, 0])[:, None], rotations[:, 1:]], dim=1)


def _each_frame(function: Callable[[Tensor, Tensor], Tensor]) -> Predict:
    """A predictor of clips from a map of features (N,F) and ray frames to rotations (N,22,3,3)."""
    def predict(keypoints: Tensor, intrinsics: Tensor, known: Tensor) -> Tensor:
        return function(*one_frame(keypoints, intrinsics, known)).unflatten(0, keypoints.shape[:2])

    return predict


def training_frames(batches: Iterable[Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Features (N,F), targets (N,132) and shapes (N,NB) of batches of pairs."""
    columns: list[tuple[Tensor, Tensor, Tensor]] = []
    for pairs in batches:
        known = torch.ones(len(pairs.K), dtype=torch.bool)
        features, ray = one_frame(pairs.keypoints, pairs.K, known)
        targets = to_six(true_rotations(pairs).flatten(0, 1), ray)
        columns.append((features, targets, pairs.betas.repeat_interleave(pairs.keypoints.shape[1], 0)))
    features, targets, betas = zip(*columns, strict=True)
    return torch.cat(features), torch.cat(targets), torch.cat(betas)


def ridge(features: Tensor, targets: Tensor, strength: float) -> Predict:
    """The linear map from a frame's features with the least squared error; ``strength`` in units of their variance."""
    x, y = features.double(), targets.double()
    mean, spread = x.mean(0), x.std(0).clamp_min(1e-4)
    scaled = (x - mean) / spread
    gram = scaled.T @ scaled + strength * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
    weights = torch.linalg.solve(gram, scaled.T @ (y - y.mean(0)))
    centre = y.mean(0)
    return _each_frame(lambda z, ray: from_six((((z.double() - mean) / spread) @ weights + centre).float(), ray))


class Martinez(nn.Module):
    """The network of one frame of Martinez et al. (ICCV 2017), with rotations out."""

    def __init__(self, inputs: int, width: int = 512, dropout: float = 0.1) -> None:
        super().__init__()

        def layer() -> nn.Sequential:
            return nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(dropout))

        self.first = nn.Sequential(nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(dropout))
        self.blocks = nn.ModuleList(nn.Sequential(layer(), layer()) for _ in range(2))
        self.last = nn.Linear(width, 132)
        with torch.no_grad():
            self.last.weight.mul_(0.1)
            self.last.bias.copy_(torch.eye(3)[:, :2].flatten().repeat(22))

    def forward(self, features: Tensor) -> Tensor:
        """Features (N,F) to six numbers of 22 rotations (N,132)."""
        x = self.first(features)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


def martinez(frames: tuple[Tensor, Tensor, Tensor], body: Any, *, steps: int, seed: int = 0, batch: int = 512,
             rate: float = 1e-3, width: int = 512, dropout: float = 0.1) -> tuple[Predict, float]:
    """Train :class:`Martinez` with the losses of the uplift (joints by kinematics, rotations).

    Args:
        frames: of :func:`training_frames`.
        body: an UpliftBody.
        steps: of Adam, with a rate that falls along a cosine.

    Returns:
        The predictor, and the seconds of processor time that it took.
    """
    features, targets, betas = frames
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = Martinez(features.shape[1], width, dropout)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, 0.01 * rate)
    started = time.process_time()
    for _ in range(steps):
        index = torch.randint(len(features), (batch,), generator=generator)
        out, truth = (roma.special_gramschmidt(x.view(-1, 22, 3, 2)) for x in (network(features[index]),
                                                                              targets[index]))
        joints, true_joints = (body(x, betas[index])[0] for x in (out, truth))
        loss = (2 * (joints - true_joints).square().sum(-1).add(1e-8).sqrt().mean()
                + 0.3 * (out - truth).square().sum((-2, -1)).mean())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval().requires_grad_(False)
    return _each_frame(lambda z, ray: from_six(network(z), ray)), time.process_time() - started


def pool_of_poses(rotations: Tensor, body: Any, keypoint_set: str, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Training poses seen from all sides, with pitch and roll as those of the training cameras.

    Args:
        rotations: (N,22,3,3) in the world, y up.
        body: an UpliftBody.
        keypoint_set: whose landmarks.
        seed: of pitch and roll.

    Returns:
        (24*N,K,2) landmarks on the plane z = 1 of the ray frame, and (24*N,22,3,3) rotations in it.
    """
    from humanav.uplift.cameras import view_rotation

    generator, count, betas = torch.Generator().manual_seed(seed), len(rotations), torch.zeros(1, 10)
    views, seen = [], []
    for k in range(YAWS):
        steep = torch.rand(count, generator=generator) < 0.1
        pitch = torch.where(steep, -40 + 100 * torch.rand(count, generator=generator),
                            12 * torch.randn(count, generator=generator))
        roll = 4 * torch.randn(count, generator=generator)
        turned = rotations.clone()
        turned[:, 0] = FLIP @ view_rotation(pitch.deg2rad(), torch.full_like(pitch, 2 * torch.pi * k / YAWS),
                                            roll.deg2rad()) @ rotations[:, 0]
        joints, world = body(turned, betas)
        marks = body.landmarks(joints, world, betas, keypoint_set) + torch.tensor([0, 0, DISTANCE])
        plane = torch.cat([marks[..., :2] / marks[..., 2:], torch.ones_like(marks[..., :1])], dim=-1)
        _, ray = one_frame(plane[:, None], torch.eye(3).expand(count, 3, 3), torch.ones(count, dtype=torch.bool))
        marks = marks @ ray
        turned[:, 0] = ray.transpose(-1, -2) @ turned[:, 0]
        seen.append(marks[..., :2] / marks[..., 2:])
        views.append(turned)
    return torch.cat(seen), torch.cat(views)


def neighbours(pool: tuple[Tensor, Tensor], k: int, chunk: int = 256) -> Predict:
    """The mean of the ``k`` views of the pool that lie closest to a frame's keypoints, whatever their place and size.

    Points count by their confidence. The closest place and size of each view are found in closed form.
    """
    seen, rotations = pool
    x, y = seen.unbind(-1)
    square = x.square() + y.square()
    x, y, square = (values.T.contiguous() for values in (x, y, square))

    def apart(points: Tensor) -> Tensor:
        """(N,P) squared distance over the frame's own spread, of points (N,K,3) with weights."""
        w = points[..., 2] / points[..., 2].sum(1, keepdim=True).clamp_min(1e-6)
        q = points[..., :2] - (points[..., :2] * w[..., None]).sum(1, keepdim=True)
        mean_x, mean_y = w @ x, w @ y
        spread = w @ square - mean_x.square() - mean_y.square()
        across = (w * q[..., 0]) @ x + (w * q[..., 1]) @ y
        own = (w[..., None] * q.square()).sum((1, 2))[:, None]
        return own - across.clamp_min(0).square() / spread.clamp_min(1e-6)

    def find(features: Tensor, ray: Tensor) -> Tensor:
        out = []
        for some in features[:, : 3 * len(x)].unflatten(1, (-1, 3)).split(chunk):
            index = apart(some).topk(k, dim=1, largest=False).indices
            out.append(rotations[index[:, 0]] if k == 1 else roma.special_procrustes(rotations[index].mean(1)))
        found = torch.cat(out)
        return torch.cat([(ray @ found[:, 0])[:, None], found[:, 1:]], dim=1)

    return _each_frame(find)


def mean_pose(rotations: Tensor, body: Any, keypoint_set: str, rigid: bool) -> Predict:
    """The mean of the training poses (N,22,3,3), placed by PnP.

    Args:
        rigid: lay it on the points of trunk, head and knees, not on all.
    """
    import cv2

    mean = roma.special_procrustes(rotations.mean(0))
    mean[0] = torch.eye(3)
    betas = torch.zeros(10)
    joints, world = body(mean, betas)
    marks = body.landmarks(joints, world, betas, keypoint_set).double().numpy()
    wanted = np.array([not rigid or name in RIGID for name in KEYPOINT_SETS[keypoint_set]])

    def predict(keypoints: Tensor, intrinsics: Tensor, known: Tensor) -> Tensor:
        out = mean.expand(*keypoints.shape[:2], 22, 3, 3).clone()
        for clip, points in enumerate(keypoints.double().numpy()):
            lens, root = intrinsics[clip].double().numpy(), np.diag([1.0, -1.0, -1.0])
            for frame, marked in enumerate(points):
                use = wanted & (marked[:, 2] > 0.3)
                if use.sum() < 6:
                    use = marked[:, 2] > 0
                if use.sum() >= 6:
                    found, turn, place = cv2.solvePnP(marks[use], marked[use, :2], lens, None, flags=cv2.SOLVEPNP_SQPNP)
                    if found and place[2, 0] > 0:
                        turn, _ = cv2.solvePnPRefineLM(marks[use], marked[use, :2], lens, None, turn, place)
                        root = cv2.Rodrigues(turn)[0]
                out[clip, frame, 0] = torch.from_numpy(root).float()  # of the last frame where nothing is seen
        return out

    return predict
