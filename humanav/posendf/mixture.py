"""A Gaussian mixture over poses: the plain model that a learned field must beat, and where its descents start.

Features of a pose are the rotation vectors of its 21 joints (63 numbers, radians). Unlike the field a mixture has
closed forms: the likelihood, samples, what hidden joints are given the known ones, and what a noisy pose was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Generator, Tensor

from humanav.errors import InputError
from humanav.paths import checkpoint
from humanav.posendf.checks import check_mask, check_poses
from humanav.posendf.quaternions import NUM_JOINTS, axis_angle_to_quats, quats_to_axis_angle

NUM_FEATURES = 3 * NUM_JOINTS
FILE = "mixture.safetensors"


class PoseMixture:
    """M Gaussians with full covariances.

    Attributes:
        weights: (M,) float64, sum to 1.
        means: (M,63) radians.
        covariances: (M,63,63) square radians.

    Example: ``PoseMixture.fit(poses, components=8, seed=0).conditional(quats, known)``.
    """

    def __init__(self, weights: Tensor, means: Tensor, covariances: Tensor) -> None:
        count = len(weights)
        if tuple(means.shape) != (count, NUM_FEATURES) or tuple(covariances.shape) != (count, NUM_FEATURES,
                                                                                       NUM_FEATURES):
            raise InputError("The mixture's arrays do not fit together: fit it again.")
        self.weights = weights.double() / weights.double().sum()
        self.means, self.covariances = means.double(), covariances.double()
        self._cholesky = torch.linalg.cholesky(self.covariances)

    def __len__(self) -> int:
        return len(self.weights)

    @classmethod
    def fit(cls, quats: Tensor, components: int = 8, seed: int = 0, *, floor: float = 1e-3, shrink: float = 20.0,
            iterations: int = 40, most: int = 30000) -> PoseMixture:
        """Expectation maximisation from k-means++ centres.

        Args:
            quats: (N,21,4) clean poses.
            components: 1 is the Gaussian prior.
            seed: of the subset of poses and the first centres.
            floor: added to the diagonal of the covariances, square radians.
            shrink: each covariance is averaged with that of all poses as if it had been seen on so many more poses.
            iterations: at most; it stops when the likelihood no longer rises.
            most: poses looked at; more are thinned at random.

        Raises:
            InputError: fewer poses than components, or poses that :func:`~humanav.posendf.checks.check_poses` rejects.
        """
        check_poses(quats, batch=True)
        if components < 1 or len(quats) < components:
            raise InputError(f"A mixture of {components} components needs at least as many poses, not {len(quats)}.")
        generator = torch.Generator().manual_seed(seed)
        x = quats_to_axis_angle(quats[torch.randperm(len(quats), generator=generator)[:most]].double()).flatten(1)
        eye = floor * torch.eye(NUM_FEATURES, dtype=torch.float64)
        whole = torch.cov(x.T, correction=0) + eye if len(x) > 1 else eye
        if components == 1:
            return cls(torch.ones(1), x.mean(0, keepdim=True), whole[None])
        share = torch.nn.functional.one_hot(_kmeans(x, components, generator), components).double()
        last = -math.inf
        mixture = cls._maximise(x, share, whole, eye, shrink)
        for _ in range(iterations):
            logs = mixture._component_logs(x.float())
            total = torch.logsumexp(logs, 1)
            mixture = cls._maximise(x, (logs - total[:, None]).exp().double(), whole, eye, shrink)
            now = float(total.mean())
            if now - last < 1e-3:
                break
            last = now
        return mixture

    @classmethod
    def _maximise(cls, x: Tensor, share: Tensor, whole: Tensor, eye: Tensor, shrink: float) -> PoseMixture:
        count = share.sum(0).clamp_min(1e-6)
        means = (share.T @ x) / count[:, None]
        # scaled to each Gaussian's own size, so that shrinking rounds it off without blowing it up
        covariances = torch.stack([(x * s[:, None]).T @ x / n - torch.outer(m, m)
                                   for s, n, m in zip(share.T, count, means)])
        size = covariances.diagonal(dim1=1, dim2=2).sum(1) / whole.diagonal().sum()
        prior = shrink * size.clamp(0.02, 1.0)[:, None, None] * whole
        return cls(count / len(x), means, (count[:, None, None] * covariances + prior) / (count + shrink)[:, None, None]
                   + eye)

    def log_likelihood(self, quats: Tensor) -> Tensor:
        """log p (B,) in nats, as a density over the 63 features."""
        check_poses(quats, batch=True)
        return torch.logsumexp(self._component_logs(self._features(quats)), 1).to(quats.dtype)

    def sample(self, count: int, generator: Generator, *, even: bool = False) -> Tensor:
        """``count`` poses (count,21,4) float32.

        With ``even`` they come from a scrambled Sobol sequence: each is still a draw from the mixture, but together
        they cover it without the gaps and clumps of independent draws.
        """
        if even and count:
            seed = int(torch.randint(2**31, (1,), generator=generator))
            uniform = torch.quasirandom.SobolEngine(NUM_FEATURES + 1, scramble=True, seed=seed).draw(
                count, dtype=torch.float64).clamp(1e-9, 1 - 1e-9)
            chosen = torch.searchsorted(self.weights.cumsum(0), uniform[:, 0].contiguous()).clamp(max=len(self) - 1)
            noise = torch.special.ndtri(uniform[:, 1:, None])
        else:
            chosen = torch.multinomial(self.weights, max(count, 1), replacement=True, generator=generator)[:count]
            noise = torch.randn(count, NUM_FEATURES, 1, generator=generator, dtype=torch.float64)
        vectors = self.means[chosen] + (self._cholesky[chosen] @ noise).squeeze(-1)
        return axis_angle_to_quats(vectors.view(-1, NUM_JOINTS, 3)).float()

    def conditional(self, quats: Tensor, known: Tensor) -> Tensor:
        """The mean of the joints that are not known, given those that are; known joints keep their numbers.

        Args:
            quats: (B,21,4); what stands at unknown joints is not read.
            known: (B,21) or (21,) bool.

        Returns:
            (B,21,4) of the dtype of ``quats``.
        """
        known = check_mask(known, quats, "known")
        return self._fill(quats, known, 1, None)[0]

    def conditional_samples(self, quats: Tensor, known: Tensor, count: int, generator: Generator) -> Tensor:
        """Like :meth:`conditional`, but (count,B,21,4) draws of the joints that are not known instead of their mean."""
        return self._fill(quats, check_mask(known, quats, "known"), count, generator)

    def _fill(self, quats: Tensor, known: Tensor, count: int, generator: Generator | None) -> Tensor:
        seen_quats = torch.where(known[..., None], quats, quats.new_tensor([1.0, 0, 0, 0]))
        x = self._features(check_poses(seen_quats, batch=True))
        out = quats.expand(count, *quats.shape).clone()
        masks, rows = torch.unique(known, dim=0, return_inverse=True)
        for number, mask in enumerate(masks):
            if bool(mask.all()):
                continue
            picked = (rows == number).nonzero()[:, 0]
            given = Conditional.of(self, mask)
            if generator is None:
                vectors = given.mean(x[picked])[None]
            else:
                share, means = given(x[picked])
                which = torch.multinomial(share, count, replacement=True, generator=generator).T  # (count,B)
                noise = torch.randn(*which.shape, means.shape[-1], 1, generator=generator, dtype=torch.float64)
                vectors = means[torch.arange(len(picked)), which] + (given.spread()[which] @ noise).squeeze(-1)
            filled = axis_angle_to_quats(vectors.unflatten(-1, (-1, 3))).to(quats.dtype)
            out[:, picked[:, None], (~mask).nonzero()[:, 0][None]] = filled
        return out

    def restore(self, quats: Tensor, sigma: float) -> Tensor:
        """What poses (B,21,4) were before noise of ``sigma`` radians per axis: the posterior mean.

        With one Gaussian this is the maximum a posteriori.
        """
        check_poses(quats, batch=True)
        x = self._features(quats)
        noisy = self.covariances + sigma**2 * torch.eye(NUM_FEATURES, dtype=torch.float64)
        wide = PoseMixture(self.weights, self.means, noisy)
        share = torch.softmax(wide._component_logs(x), 1)
        gain = torch.linalg.solve(noisy, self.covariances)  # (M,63,63), right factor
        vectors = torch.zeros_like(x)
        for part, mean, factor in zip(share.T, self.means, gain):
            vectors += part[:, None] * (mean + (x - mean) @ factor)
        return axis_angle_to_quats(vectors.view(-1, NUM_JOINTS, 3)).to(quats.dtype)

    def _features(self, quats: Tensor) -> Tensor:
        return quats_to_axis_angle(quats.double()).flatten(1)

    def _component_logs(self, x: Tensor) -> Tensor:
        """log(weight x density) (B,M) of features (B,63), computed in their dtype."""
        inverse = torch.linalg.solve_triangular(
            self._cholesky, torch.eye(NUM_FEATURES, dtype=torch.float64).expand_as(self._cholesky), upper=False)
        constant = (self.weights.log() - self._cholesky.diagonal(dim1=1, dim2=2).log().sum(1)
                    - 0.5 * NUM_FEATURES * math.log(2 * math.pi)).to(x)
        white = [((x - mean) @ part.T).square().sum(1) for mean, part in zip(self.means.to(x), inverse.to(x))]
        return constant - 0.5 * torch.stack(white, 1)

    def save(self, folder: str | Path) -> None:
        """Write ``mixture.safetensors`` (float16 means and lower triangles of the Cholesky factors) into ``folder``."""
        from safetensors.torch import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_file(self.arrays(), folder / FILE)

    def arrays(self) -> dict[str, Tensor]:
        """What :meth:`save` writes."""
        row, column = torch.tril_indices(NUM_FEATURES, NUM_FEATURES)
        return {"weights": self.weights.float(), "means": self.means.half(),
                "factors": self._cholesky[:, row, column].half()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Tensor]) -> PoseMixture:
        """The mixture of :meth:`arrays`; raises KeyError or RuntimeError when they are something else."""
        factors = torch.zeros(len(arrays["weights"]), NUM_FEATURES, NUM_FEATURES, dtype=torch.float64)
        row, column = torch.tril_indices(NUM_FEATURES, NUM_FEATURES)
        factors[:, row, column] = arrays["factors"].double()
        return cls(arrays["weights"], arrays["means"], factors @ factors.mT)

    @classmethod
    def load(cls, folder: str | Path | None = None) -> PoseMixture:
        """The mixture stored in ``folder``, by default the shipped one. It is shared: do not change it.

        Raises:
            InputError: when the folder holds none that can be read.
        """
        return _load(checkpoint("posendf") if folder is None else Path(folder).resolve())


@dataclass(frozen=True)
class Conditional:
    """A mixture's hidden features given the others, for one mask, worked out once.

    Attributes:
        known: (21,) bool.
        constant: (M,) log weight minus log determinant of the seen part.
        white: (M,S,S) inverse Cholesky factor of the seen part.
        pull: (M,S,U) what a seen feature's deviation adds to the hidden ones.
        means: (M,63).
        rest: (M,U,U) covariance that is left.
    """

    known: Tensor
    constant: Tensor
    white: Tensor
    pull: Tensor
    means: Tensor
    rest: Tensor

    @classmethod
    def of(cls, mixture: PoseMixture, known: Tensor, dtype: torch.dtype = torch.float64) -> Conditional:
        """For joints ``known`` (21,) bool."""
        seen = known.repeat_interleave(3)
        inner, cross = mixture.covariances[:, seen][:, :, seen], mixture.covariances[:, seen][:, :, ~seen]
        factor = torch.linalg.cholesky(inner)
        white = torch.linalg.solve_triangular(factor, torch.eye(int(seen.sum()), dtype=torch.float64).expand_as(factor),
                                              upper=False)
        pull = white.mT @ (white @ cross)
        constant = mixture.weights.log() - factor.diagonal(dim1=1, dim2=2).log().sum(1)
        rest = mixture.covariances[:, ~seen][:, :, ~seen] - cross.mT @ pull
        return cls(known, *(value.to(dtype) for value in (constant, white, pull, mixture.means, rest)))

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Weight (B,M) and mean (B,M,U) of each Gaussian given features (B,63), whose hidden ones are not read."""
        seen = self.known.repeat_interleave(3)
        apart = (x[:, None] - self.means)[..., seen].transpose(0, 1)  # (M,B,S)
        logs = self.constant[:, None] - 0.5 * (apart @ self.white.mT).square().sum(-1)
        means = self.means[:, None, ~seen] + apart @ self.pull
        return torch.softmax(logs, 0).T, means.transpose(0, 1)

    def mean(self, x: Tensor) -> Tensor:
        """The expected hidden features (B,U)."""
        share, means = self(x)
        return (share[..., None] * means).sum(1)

    def spread(self) -> Tensor:
        """Cholesky factors (M,U,U) of what is left."""
        return torch.linalg.cholesky(self.rest)


@lru_cache(maxsize=4)
def _load(folder: Path) -> PoseMixture:
    from safetensors.torch import load_file

    try:
        return PoseMixture.from_arrays(load_file(folder / FILE))
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"No pose mixture could be read from {folder}: restore the folder, or make it again with "
                         "`humanav posendf train`.") from error


def _kmeans(x: Tensor, count: int, generator: Generator, iterations: int = 15) -> Tensor:
    """Cluster (N,) of each row: k-means from k-means++ centres."""
    centres = x[torch.randint(len(x), (1,), generator=generator)]
    nearest = torch.cdist(x, centres).square()[:, 0]
    for _ in range(count - 1):
        spread = nearest + 1e-12
        centres = torch.cat([centres, x[torch.multinomial(spread, 1, generator=generator)]])
        nearest = torch.minimum(nearest, (x - centres[-1]).square().sum(1))
    cluster = torch.cdist(x, centres).argmin(1)
    for _ in range(iterations):
        sums = torch.zeros_like(centres).index_add_(0, cluster, x)
        size = torch.bincount(cluster, minlength=count)[:, None]
        centres = torch.where(size > 0, sums / size.clamp_min(1), centres)
        cluster = torch.cdist(x, centres).argmin(1)
    return cluster
