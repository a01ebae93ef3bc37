"""The two deformation networks as torch modules: a low-rank basis on surface nodes, and a triplane with an MLP."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from humanav.avatar.gaussian.deformation import FEATURES
from humanav.avatar.gaussian.weights import to_body_joints

_CENTIMETRES = 0.01
"""Both networks speak in centimetres: their first steps are small."""
_JOINTS = FEATURES // 6


class DeformationNetwork(nn.Module, ABC):
    """Pose features (21,6) to offsets (N,3) in metres, in the T-pose; none in the reference pose.

    The reference is the pose the captured frames show: there the Gaussians alone say what is right.
    """

    KIND: ClassVar[str]
    SIZES: ClassVar[Mapping[str, int]]
    settings: dict[str, int]
    reference: Tensor

    def __init__(self, settings: Mapping[str, int]) -> None:
        super().__init__()
        self.settings = dict(settings)
        self.register_buffer("reference", torch.zeros(_JOINTS, 6))

    @classmethod
    @abstractmethod
    def create(
        cls, means: NDArray[Any], weight: NDArray[Any], reach: NDArray[np.bool_], free: NDArray[np.bool_], seed: int,
        **sizes: int,
    ) -> DeformationNetwork:
        """A network that moves nothing yet.

        Args:
            means: (N,3). weight: (N,55) skin weights. reach: (N,21) joints that may move each. free: (N,) not rigid.
        """

    @classmethod
    @abstractmethod
    def empty(cls, settings: Mapping[str, int], arrays: Mapping[str, NDArray[Any]]) -> DeformationNetwork:
        """A module of the right sizes, to load ``arrays`` into."""


class LowRankDeformation(DeformationNetwork):
    """``offset = basis z(pose)`` on surface nodes, carried to the Gaussians by four weights each.

    The nodes make the field smooth by themselves, and cheap: a step costs little more than the four weights. Nodes that
    no joint may move alike share one evaluation of the pose network. A node is reached only by joints that may move all
    Gaussians it carries.
    """

    KIND = "lite"
    SIZES: ClassVar[Mapping[str, int]] = {"nodes": 1500, "rank": 16, "hidden": 64}
    node: Tensor
    share: Tensor
    mask: Tensor
    group: Tensor

    def __init__(self, gaussians: int, groups: int, settings: Mapping[str, int]) -> None:
        super().__init__(settings)
        nodes, rank, hidden = (self.settings[name] for name in ("nodes", "rank", "hidden"))
        self.encoder = nn.Sequential(nn.Linear(FEATURES, hidden), nn.Tanh(), nn.Linear(hidden, rank))
        self.basis = nn.Parameter(torch.zeros(nodes, rank, 3))
        self.register_buffer("node", torch.zeros(gaussians, 4, dtype=torch.int64))
        self.register_buffer("share", torch.zeros(gaussians, 4))
        self.register_buffer("mask", torch.zeros(groups, _JOINTS))
        self.register_buffer("group", torch.zeros(nodes, dtype=torch.int64))

    @classmethod
    def create(
        cls, means: NDArray[Any], weight: NDArray[Any], reach: NDArray[np.bool_], free: NDArray[np.bool_], seed: int,
        **sizes: int,
    ) -> LowRankDeformation:
        from scipy.spatial import cKDTree

        settings = {**cls.SIZES, **sizes}
        settings["nodes"] = min(settings["nodes"], max(4, len(means) // 4))
        chosen = np.linspace(0, len(means) - 1, settings["nodes"]).astype(int)
        # near in space and moved by the same bones: cloth of one leg is not carried by nodes of the other
        place = np.concatenate([means, 0.15 * to_body_joints(weight)], axis=1)
        distance, node = cKDTree(place[chosen]).query(place, k=4)
        share = np.exp(-0.5 * (distance / np.maximum(distance[:, 1:2], 1e-6)) ** 2)
        share *= free[:, None] / share.sum(axis=1, keepdims=True)
        node_reach = np.ones((len(chosen), _JOINTS), dtype=bool)
        for k in range(4):
            np.logical_and.at(node_reach, node[:, k], reach)
        mask, group = np.unique(node_reach, axis=0, return_inverse=True)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = cls(len(means), len(mask), settings)
        network.node.copy_(torch.from_numpy(node))
        network.share.copy_(torch.from_numpy(share))
        network.mask.copy_(torch.from_numpy(mask))
        network.group.copy_(torch.from_numpy(group.reshape(-1)))
        return network

    @classmethod
    def empty(cls, settings: Mapping[str, int], arrays: Mapping[str, NDArray[Any]]) -> LowRankDeformation:
        return cls(len(arrays["node"]), len(arrays["mask"]), settings)

    def forward(self, pose: Tensor) -> Tensor:
        code = (self._code(pose) - self._code(self.reference)).index_select(0, self.group)
        moved = _CENTIMETRES * (self.basis * code.unsqueeze(-1)).sum(1)
        carried = moved.index_select(0, self.node.flatten())
        return (carried.view(-1, 4, 3) * self.share.unsqueeze(-1)).sum(1)

    def _code(self, pose: Tensor) -> Tensor:
        code: Tensor = self.encoder((self.mask.unsqueeze(-1) * pose).flatten(1))
        return code


class TriplaneDeformation(DeformationNetwork):
    """PERSONA's network: three planes of features through the rest pose, and an MLP that also sees the masked pose."""

    KIND = "full"
    SIZES: ClassVar[Mapping[str, int]] = {"channels": 32, "resolution": 128, "hidden": 128, "layers": 3}
    at: Tensor
    mask: Tensor
    free: Tensor

    def __init__(self, gaussians: int, settings: Mapping[str, int]) -> None:
        super().__init__(settings)
        channels, hidden = self.settings["channels"], self.settings["hidden"]
        self.planes = nn.Parameter(torch.zeros(3, channels, self.settings["resolution"], self.settings["resolution"]))
        layers: list[nn.Module] = []
        width = 3 * channels + FEATURES
        for _ in range(self.settings["layers"]):
            layers += [nn.Linear(width, hidden), nn.GroupNorm(4, hidden), nn.ReLU()]
            width = hidden
        last = nn.Linear(width, 3)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, last)
        self.register_buffer("at", torch.zeros(3, 1, gaussians, 2))
        self.register_buffer("mask", torch.zeros(gaussians, _JOINTS))
        self.register_buffer("free", torch.zeros(gaussians, 1))

    @classmethod
    def create(
        cls, means: NDArray[Any], weight: NDArray[Any], reach: NDArray[np.bool_], free: NDArray[np.bool_], seed: int,
        **sizes: int,
    ) -> TriplaneDeformation:
        settings = {**cls.SIZES, **sizes}
        if settings["hidden"] % 4:
            settings["hidden"] += 4 - settings["hidden"] % 4
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = cls(len(means), settings)
        # a cube of 2 m round the middle of the body
        centred = torch.from_numpy(np.asarray(means - (means.min(axis=0) + means.max(axis=0)) / 2, dtype=np.float32))
        planes = torch.stack([centred[:, [0, 1]], centred[:, [0, 2]], centred[:, [2, 1]]]).clamp(-1, 1)
        network.at.copy_(planes.unsqueeze(1))
        network.mask.copy_(torch.from_numpy(reach))
        network.free.copy_(torch.from_numpy(free)[:, None])
        return network

    @classmethod
    def empty(cls, settings: Mapping[str, int], arrays: Mapping[str, NDArray[Any]]) -> TriplaneDeformation:
        return cls(len(arrays["mask"]), settings)

    def forward(self, pose: Tensor) -> Tensor:
        features = nn.functional.grid_sample(self.planes, self.at, align_corners=True)  # (3,C,1,N)
        place = features[:, :, 0].flatten(0, 1).T
        return _CENTIMETRES * (self._moved(place, pose) - self._moved(place, self.reference)) * self.free

    def _moved(self, place: Tensor, pose: Tensor) -> Tensor:
        moved: Tensor = self.layers(torch.cat([place, (self.mask.unsqueeze(-1) * pose).flatten(1)], 1))
        return moved


NETWORKS: dict[str, type[DeformationNetwork]] = {"lite": LowRankDeformation, "full": TriplaneDeformation}
