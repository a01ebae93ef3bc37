"""The paper's network: attention over keypoints, over frames, and over ever fewer frames, for windows of frames.

Source: Ludwig et al., "Efficient 2D to Full 3D Human Pose Uplifting incl. Joint Rotations", CVsports 2025. Each frame's
keypoints become one token; sequence heads read all frames of the window after the temporal stage, centre heads the one
token that the strided stage leaves. Two things are not as published there: attention is really added to the residual
stream, and the strided stage groups frames symmetrically (no padding, the middle of each three is kept), so that what
is left belongs to the window's centre. It is camera-aware: the camera's scalars are added to each frame's token.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError
from humanav.uplift.config import ModelConfig
from humanav.uplift.features import NUM_JOINTS, SCALARS
from humanav.uplift.heads import WIDTHS, to_matrix
from humanav.uplift.network import Output
from humanav.uplift.pose_autoencoder import PoseDecoder
from humanav.uplift.variants import Variant, find_variant

_CHUNK = 128
"""Windows that are seen at once when a clip is predicted."""


@dataclass(frozen=True)
class Estimate:
    """What heads say, in the room's convention (FLIP and ray frame).

    Attributes:
        rotations: (...,22,3,3), or None where there is no such head.
        vectors: (...,22,3) rotation vectors as put out, or None where rotations are not written so.
        joints: (...,22,3) root-relative joints, metres, or None where there is no such head.
    """

    rotations: Tensor | None
    vectors: Tensor | None
    joints: Tensor | None

    def cpu(self) -> Estimate:
        """The same, with its tensors on the CPU."""
        return Estimate(*(None if value is None else value.cpu() for value in vars(self).values()))


class UpliftTransformer(nn.Module):
    """Windows of keypoint features to joint rotations; any clip by sliding.

    Args:
        config: ``frames`` must be a power of 3; ``variant`` says how rotations are written.

    Raises:
        InputError: another number of frames, or an unknown variant.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        strides = _strides(config.frames)
        self.variant, self.frames, width = find_variant(config.variant), config.frames, config.width
        self.points = len(KEYPOINT_SETS[config.keypoint_set])
        if width % config.heads or config.spatial % config.heads:
            raise InputError(f"model.width and model.spatial must be multiples of model.heads ({config.heads}).")
        drops = torch.linspace(0, 0.1, config.depth).tolist()
        self.embed_points = nn.Linear(3, config.spatial)
        self.point_places = _places(self.points, config.spatial)
        self.spatial = nn.Sequential(
            *(_Block(config.spatial, config.heads, nn.GELU(), drop) for drop in drops), nn.LayerNorm(config.spatial))
        self.embed_frames = nn.Linear(self.points * config.spatial, width)
        self.embed_camera = nn.Linear(SCALARS, width)
        self.frame_places = _places(config.frames, width)
        self.temporal = nn.Sequential(*(_Block(width, config.heads, nn.ReLU(), drop) for drop in drops))
        self.strided = nn.Sequential(*(_StridedBlock(config.frames // 3**k, width, config.heads)
                                       for k in range(strides)))
        self.decoder = PoseDecoder() if self.variant.rotation == "latent" else None
        self.pose_decoder = config.pose_decoder
        self.sequence = _Heads(width, self.variant, joints=True, rotations=self.variant.rotation_loss != "none")
        self.centre = _Heads(width, self.variant, joints=self.variant.joints == "head", rotations=True)
        self.log_error = nn.Linear(width, NUM_JOINTS)

    def forward(self, features: Tensor) -> Output:
        """Features (B,T,F) of clips of any length to one estimate per frame: a window round each frame, whose centre is
        kept; beyond the ends of the clip the first and the last frame are repeated."""
        tokens = self.tokens(features)
        batch, count = tokens.shape[:2]
        half = self.frames // 2
        near = torch.arange(-half, half + 1, device=tokens.device)
        index = (torch.arange(count, device=tokens.device)[:, None] + near).clamp(0, count - 1)
        windows = tokens[:, index].flatten(0, 1)
        parts = [self.of_centre(self.mixed(chunk)) for chunk in windows.split(_CHUNK)]
        rotations = torch.cat([estimate.rotations for estimate, _ in parts if estimate.rotations is not None])
        joints = [estimate.joints for estimate, _ in parts if estimate.joints is not None]
        return Output(rotations=rotations.unflatten(0, (batch, count)),
                      log_error=torch.cat([error for _, error in parts]).unflatten(0, (batch, count)),
                      joints=torch.cat(joints).unflatten(0, (batch, count)) if joints else None)

    def begin(self) -> None:
        """Take what training starts from: V-2's pose decoder, which stays as it is.

        Raises:
            InputError: there is no pose decoder where the configuration says.
        """
        if self.decoder is not None:
            self.decoder.load(self.pose_decoder)

    def tokens(self, features: Tensor) -> Tensor:
        """One token (B,T,D) of each frame's features (B,T,F): the spatial stage, and the camera's scalars."""
        batch, count, _ = features.shape
        points = features[..., : 3 * self.points].reshape(batch * count, self.points, 3)
        points = self.spatial(self.embed_points(points) + self.point_places)
        frames = self.embed_frames(points.flatten(1)).unflatten(0, (batch, count))
        return frames + self.embed_camera(features[..., 3 * self.points :])

    def mixed(self, tokens: Tensor) -> Tensor:
        """The temporal stage: windows of tokens (W,N,D) to the same that know of each other."""
        return self.temporal(tokens + self.frame_places)

    def of_sequence(self, mixed: Tensor) -> Estimate:
        """What the sequence heads say of all frames (W,N) of windows."""
        with torch.autocast(mixed.device.type, enabled=False):
            return self.sequence(mixed.float(), self.decoder)

    def of_centre(self, mixed: Tensor) -> tuple[Estimate, Tensor]:
        """What the centre heads say of the middle frame (W) of windows, and the log of the joints' errors (W,22)."""
        left = self.strided(mixed)[:, 0]
        with torch.autocast(left.device.type, enabled=False):
            return self.centre(left.float(), self.decoder), self.log_error(left.float())


class _Heads(nn.Module):
    """Plain linear heads on tokens."""

    def __init__(self, width: int, variant: Variant, *, joints: bool, rotations: bool) -> None:
        super().__init__()
        self.kind = variant.rotation
        self.joints = nn.Linear(width, NUM_JOINTS * 3) if joints else None
        self.rotations = self.latent = None
        if rotations and self.kind == "latent":
            self.latent, self.rotations = nn.Linear(width, PoseDecoder.latent), nn.Linear(width, 3)
        elif rotations:
            self.rotations = nn.Linear(width, NUM_JOINTS * WIDTHS[self.kind])

    def forward(self, tokens: Tensor, decoder: PoseDecoder | None) -> Estimate:
        joints = None if self.joints is None else self.joints(tokens).unflatten(-1, (NUM_JOINTS, 3))
        if self.rotations is None:
            return Estimate(None, None, joints)
        numbers = self.rotations(tokens)
        if self.latent is not None and decoder is not None:
            root = to_matrix("axis_angle", numbers).unsqueeze(-3)
            return Estimate(torch.cat([root, decoder(self.latent(tokens))], -3), None, joints)
        numbers = numbers.unflatten(-1, (NUM_JOINTS, WIDTHS[self.kind]))
        vectors = numbers if self.kind == "axis_angle" else None
        return Estimate(to_matrix(self.kind, numbers), vectors, joints)


class _Attention(nn.Module):
    """Attention of the tokens (B,N,D) to one another."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        q, k, v = self.qkv(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).flatten(2))


class _Block(nn.Module):
    """A pre-norm transformer block whose MLP is twice as wide; ``drop`` is the chance that a branch is left out."""

    def __init__(self, width: int, heads: int, activation: nn.Module, drop: float) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), _Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), activation, nn.Linear(2 * width, width))
        self.drop = drop

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self._kept(self.attention(self.norm1(tokens)))
        return tokens + self._kept(self.mlp(self.norm2(tokens)))

    def _kept(self, branch: Tensor) -> Tensor:
        if not self.training or self.drop == 0:
            return branch
        keep = torch.rand(len(branch), 1, 1, device=branch.device) >= self.drop
        return branch * keep / (1 - self.drop)


class _StridedBlock(nn.Module):
    """Attention, then an MLP whose second layer is a convolution that makes one token of three."""

    def __init__(self, frames: int, width: int, heads: int) -> None:
        super().__init__()
        self.places = _places(frames, width)
        self.norm1, self.attention, self.norm2 = nn.LayerNorm(width), _Attention(width, heads), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Conv1d(width, 2 * width, 1), nn.ReLU(),
                                 nn.Conv1d(2 * width, width, kernel_size=3, stride=3))

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.places
        tokens = tokens + self.attention(self.norm1(tokens))
        fewer = self.mlp(self.norm2(tokens).transpose(1, 2)).transpose(1, 2)
        return tokens[:, 1::3] + fewer


def _places(count: int, width: int) -> nn.Parameter:
    return nn.Parameter(nn.init.trunc_normal_(torch.empty(count, width), std=0.02))


def _strides(frames: int) -> int:
    strides, left = 0, frames
    while left > 1 and left % 3 == 0:
        strides, left = strides + 1, left // 3
    if left != 1 or strides == 0:
        raise InputError(f"model.frames is {frames}: the transformer's window must be a power of 3, such as 27 or 81.")
    return strides
