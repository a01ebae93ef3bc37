"""What the pose does to clothes: one interface, and two networks behind it, "full" and "lite".

Both map the rotations of the 21 body joints to an offset (N,3) of every Gaussian in the T-pose, as PERSONA (Sim and
Moon, ICCV 2025) does: a joint farther than four bones from the one that moves a Gaussian most cannot reach it, and
rigid parts do not move at all. The offset depends on the pose alone: there is no inertia.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from humanav.avatar.gaussian.weights import CHANNELS, to_body_joints
from humanav.body.names import PARENTS
from humanav.errors import InputError

if TYPE_CHECKING:
    from humanav.avatar.avatar import Floats
    from humanav.avatar.gaussian.networks import DeformationNetwork
    from humanav.avatar.gaussian.value import GaussianAvatar

Kind = Literal["lite", "full"]
RINGS = 4
FEATURES = 6 * (CHANNELS - 1)


@dataclass(frozen=True)
class DeformationData:
    """A deformation network as plain arrays, as saved inside a :class:`GaussianAvatar`.

    Attributes:
        kind: "lite" or "full". settings: its sizes. arrays: weights and buffers by their names in the torch module.
    """

    kind: str
    settings: Mapping[str, int]
    arrays: Mapping[str, NDArray[Any]]

    @cached_property
    def network(self) -> DeformationNetwork:
        """The torch module, ready to run (and to export to ONNX: input (21,6), output (N,3))."""
        import torch

        from humanav.avatar.gaussian.networks import NETWORKS

        if self.kind not in NETWORKS:
            raise InputError(f"There is no deformation '{self.kind}'; use {' or '.join(NETWORKS)}.")
        network = NETWORKS[self.kind].empty(self.settings, self.arrays)
        network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in self.arrays.items()})
        return network.eval()

    def offsets(self, local: NDArray[Any]) -> Floats:
        """(N,3) metres in the T-pose for parent-relative rotations (55,3,3) or (22,3,3)."""
        import torch

        with torch.no_grad():
            return self.network(torch.from_numpy(pose_features(local))).numpy()


def pose_features(local: NDArray[Any]) -> Floats:
    """(21,6) first two columns of the body joints' rotations, less those of the identity: zero in the T-pose."""
    columns = np.asarray(local, dtype=np.float32)[1:CHANNELS, :, :2] - np.eye(3, dtype=np.float32)[:, :2]
    return np.ascontiguousarray(columns.transpose(0, 2, 1).reshape(CHANNELS - 1, 6))


def joint_distance() -> NDArray[np.int64]:
    """(22,22) number of bones between body joints."""
    away = np.full((CHANNELS, CHANNELS), CHANNELS, dtype=np.int64)
    np.fill_diagonal(away, 0)
    for joint in range(1, CHANNELS):
        away[joint, PARENTS[joint]] = away[PARENTS[joint], joint] = 1
    for k in range(CHANNELS):
        away = np.minimum(away, away[:, k:k + 1] + away[k:k + 1])
    return away


def reach_mask(skin_weight: Floats, rings: int = RINGS) -> NDArray[np.bool_]:
    """(N,21) which body joints may move a Gaussian: those within ``rings`` bones of its dominant one.

    Args:
        skin_weight: (N,55).
    """
    dominant = to_body_joints(skin_weight).argmax(axis=1)
    return joint_distance()[dominant][:, 1:] <= rings


def make_deformation(
    avatar: GaussianAvatar, kind: Kind = "lite", *, reference: Floats | None = None, seed: int = 0, rings: int = RINGS,
    **sizes: int,
) -> DeformationNetwork:
    """A new network for an avatar's Gaussians; it moves nothing until it is trained.

    Args:
        kind: "lite": a low-rank basis on a coarse set of surface nodes; "full": PERSONA's triplane and MLP.
        reference: (21,6) features of the pose in which it is to move nothing, ever; the T-pose's by default.
        sizes: "lite": nodes, rank, hidden; "full": channels, resolution, hidden, layers.

    Raises:
        InputError: an unknown kind or size.
    """
    import torch

    from humanav.avatar.gaussian.networks import NETWORKS
    from humanav.avatar.gaussian.value import dense_weights

    if kind not in NETWORKS:
        raise InputError(f"There is no deformation '{kind}'; use {' or '.join(NETWORKS)}.")
    unknown = sorted(set(sizes) - set(NETWORKS[kind].SIZES))
    if unknown:
        raise InputError(f"The {kind} deformation has no size '{unknown[0]}'; it has "
                         f"{', '.join(NETWORKS[kind].SIZES)}.")
    weight = dense_weights(avatar.skin_index, avatar.skin_weight, len(avatar.parents))
    network = NETWORKS[kind].create(avatar.means, weight, reach_mask(weight, rings), ~avatar.rigid, seed, **sizes)
    if reference is not None:
        network.reference.copy_(torch.from_numpy(np.asarray(reference, dtype=np.float32)))
    return network


def to_data(network: DeformationNetwork) -> DeformationData:
    """The network's present state as arrays."""
    arrays = {name: value.detach().cpu().numpy().copy() for name, value in network.state_dict().items()}
    return DeformationData(network.KIND, dict(network.settings), arrays)
