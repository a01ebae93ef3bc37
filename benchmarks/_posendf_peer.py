"""The same network written plainly: joint after joint, as Pose-NDF describes it (ECCV 2022, section 3.2).

Each joint has its own two-layer network on its quaternion and its parent's feature; a distance network reads all the
features; autograd gives the gradient. It takes the weights of a :class:`humanav.posendf.PoseNDF`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

PARENTS = (-1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 11, 12, 13, 15, 16, 17, 18)


class JointByJoint(nn.Module):
    """21 small networks one after the other, then the distance network."""

    def __init__(self, joints: list[tuple[nn.Linear, nn.Linear]], distance: list[nn.Linear],
                 hidden: Callable[[Tensor], Tensor], last: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first = nn.ModuleList(pair[0] for pair in joints)
        self.second = nn.ModuleList(pair[1] for pair in joints)
        self.distance = nn.ModuleList(distance)
        self.hidden, self.last = hidden, last

    @classmethod
    def copy(cls, field: Any) -> JointByJoint:
        """The same function as a :class:`humanav.posendf.PoseNDF`; without an encoder there are no joints' networks."""
        joints = []
        encoder = field.encoder
        for joint, parent in enumerate(PARENTS if encoder is not None else ()):
            first = encoder.own[joint].T
            if parent >= 0:
                first = torch.cat([first, encoder.inherited[joint - 3].T], dim=1)
            joints.append((linear(first, encoder.first_bias[joint, 0]),
                           linear(encoder.second[joint].T, encoder.second_bias[joint, 0])))
        config = field.config
        hidden = {"leaky_relu": functional.leaky_relu, "silu": functional.silu,
                  "softplus": partial(functional.softplus, beta=config.sharpness)}[config.activation]
        return cls(joints, [linear(layer.weight, layer.bias) for layer in field.layers], hidden,
                   partial(functional.softplus, beta=config.output_sharpness)).requires_grad_(False)

    def forward(self, quats: Tensor) -> Tensor:
        """Poses (B,21,4) to distances (B,)."""
        features: list[Tensor] = [] if len(self.first) else [quats.flatten(1)]
        for joint, parent in enumerate(PARENTS[:len(self.first)]):
            x = quats[:, joint] if parent < 0 else torch.cat([quats[:, joint], features[parent]], dim=-1)
            features.append(self.hidden(self.second[joint](self.hidden(self.first[joint](x)))))
        x = torch.cat(features, dim=-1)
        for layer in list(self.distance)[:-1]:
            x = self.hidden(layer(x))
        return self.last(self.distance[-1](x)).squeeze(-1)


class Mean(nn.Module):
    """The mean of several networks."""

    def __init__(self, networks: list[JointByJoint]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, quats: Tensor) -> Tensor:
        """Poses (B,21,4) to distances (B,)."""
        return sum(network(quats) for network in self.networks) / len(self.networks)


def linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    """A layer with these weights (out,in) and this bias (out,)."""
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer


def project(network: nn.Module, quats: Tensor, steps: int, step_size: float) -> Tensor:
    """NRDF's projection: move each joint against the gradient in its tangent space by step times distance."""
    for _ in range(steps):
        quats = quats.detach().requires_grad_(True)
        distance = network(quats)
        (gradient,) = torch.autograd.grad(distance.sum(), quats)
        with torch.no_grad():
            w, x, y, z = quats.unbind(-1)
            a, b, c, d = gradient.unbind(-1)
            v = torch.stack([w * b - x * a - y * d + z * c, w * c + x * d - y * a - z * b,
                             w * d - x * c + y * b - z * a], dim=-1)  # imaginary part of conj(q) g
            v = functional.normalize(v, dim=-1) * (-step_size * distance[:, None, None])
            size = v.norm(dim=-1, keepdim=True)
            v = v * torch.sinc(size / torch.pi)
            e, (f, g, h) = size.cos().squeeze(-1), v.unbind(-1)
            quats = torch.stack([w * e - x * f - y * g - z * h, w * f + x * e + y * h - z * g,
                                 w * g - x * h + y * e + z * f, w * h + x * g - y * f + z * e], dim=-1)
            quats = functional.normalize(torch.where(quats[..., :1] < 0, -quats, quats), dim=-1)
    return quats.detach()


def speed(field: Any, held_out: Tensor, repetitions: int, steps: int = 20) -> dict[str, Any]:
    """Steps of projection per second, ours and the plain network's, in turn on one thread."""
    from humanav.posendf import project as fast_project
    from humanav.posendf.corrupt import axis_angle_noise

    peer = Mean([JointByJoint.copy(net) for net in (field, *field.others)])
    if float((peer(held_out) - field(held_out)).abs().max()) > 1e-3:
        raise RuntimeError("The plain network is not the same function.")
    spoilt = axis_angle_noise(held_out, 0.3, torch.Generator().manual_seed(0))[0]  # far enough to need all steps
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    table: dict[str, dict[str, float]] = {}
    try:
        for batch in (1, 256):
            start = spoilt[torch.arange(batch) % len(spoilt)]
            ways = {"humanav": lambda s=start: fast_project(field, s, steps),
                    "joint_by_joint": lambda s=start: project(peer, s, steps, 0.05)}
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            for turn in range(repetitions + 1):
                for name, way in ways.items():
                    before = time.process_time()
                    way()
                    if turn:
                        seconds[name].append(time.process_time() - before)
            rates = {name: batch * steps / float(torch.tensor(values).median()) for name, values in seconds.items()}
            table[f"batch {batch}"] = {**{name: round(rate, 1) for name, rate in rates.items()},
                                       "speedup": round(rates["humanav"] / rates["joint_by_joint"], 3)}
    finally:
        torch.set_num_threads(threads)
    return {"speedup": table["batch 1"]["speedup"], "speedup_256": table["batch 256"]["speedup"],
            "pose_steps_per_s": table}
