"""From body measurements to shape values: any of the 36 measurements of A2B, and the weight, to betas.

Two ways. "ridge" holds that betas are standard normal and measurements nearly linear in them: it conditions that
Gaussian on what is given, in closed form, and then corrects for what is not linear by measuring the body it found
(Gauss-Newton with a fixed Jacobian). "mlp" is the network of Ludwig et al. (arXiv 2409.17671; 36-330-330-330-330-B,
tanh) trained on this body; what is not given is filled in by the same Gaussian first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.body.anthropometrics import ANTHROPOMETRICS, LENGTHS, MEASURES, WEIGHT, measure_shapes
from humanav.errors import InputError
from humanav.paths import checkpoint
from humanav.uplift.measurement_input import measure_names, understand

if TYPE_CHECKING:
    import torch

    from humanav.body import BodyModel

Array = NDArray[np.float64]
Index = NDArray[np.int64]

METHODS = ("ridge", "mlp", "linear")
"""Ways to solve: "ridge" by default; "linear" is "ridge" without its corrections."""
MOST = 5.0
"""No shape value leaves -5 to 5."""
_FAR = 3.0
_STEPS, _SETTLED = 6, 2e-4  # corrections, and the change of the betas at which they end
_MISSED = 0.015  # metres; a larger difference between asked and got is worth a sentence
_FITTED_ON = 400  # shapes that a body without a checkpoint is learnt from


@dataclass(frozen=True)
class Shape:
    """A shape found from measurements. Lengths and girths in metres, the weight in kilograms.

    Attributes:
        betas: (B,) shape values of the body.
        measurements: all 36 and the weight, of the body with these betas.
        asked: what was given, as understood.
        residual: got minus asked, millimetres (kilograms for the weight).
        uncertainty: standard deviation of each measurement among people with what was asked.
        notes: sentences worth telling: units recognised, measurements that could not be met.
    """

    betas: Array
    measurements: dict[str, float]
    asked: dict[str, float]
    residual: dict[str, float]
    uncertainty: dict[str, float]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShapeModel:
    """How the measures of one body follow from its betas.

    Attributes:
        mean: (37,) measures of the average of many shapes, in the order of ``MEASURES``.
        slope: (37,B) change of each measure with each beta.
        spread: (37,37) covariance of what is not linear.
        network: the trained network from standardised measurements (36) to betas, or None.
        scale: (2,36) mean and standard deviation that its input is standardised with.
    """

    mean: Array
    slope: Array
    spread: Array
    network: torch.nn.Module | None = None
    scale: Array | None = None

    @classmethod
    def fit(cls, betas: Array, measures: Array) -> ShapeModel:
        """Least squares on measured shapes: betas (N,B), standard normal, and measures (N,37)."""
        design = np.c_[np.ones(len(betas)), betas]
        weights = np.linalg.lstsq(design, measures, rcond=None)[0]
        left = measures - design @ weights
        spread = left.T @ left / max(len(betas) - design.shape[1], 1)
        return cls(weights[0], weights[1:].T.copy(), spread)

    @property
    def tape(self) -> Array:
        """(37,) standard error of a careful tape: metres, kilograms."""
        lengths = np.clip(0.015 * self.mean, 0.0015, 0.005)
        girths = np.clip(0.010 * self.mean, 0.003, 0.008)
        error = np.where(np.arange(len(MEASURES)) < len(LENGTHS), lengths, girths)
        error[MEASURES.index(WEIGHT)] = 1.0
        return error

    @property
    def people(self) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation of each measure."""
        spread = np.sqrt((self.slope**2).sum(1) + np.diag(self.spread))
        return {name: (float(mean), float(sd)) for name, mean, sd in zip(MEASURES, self.mean, spread, strict=True)}

    def gain(self, index: Index, linear: bool = False) -> Array:
        """(B,S) from what S given measures are off the mean to betas, by Bayes' rule.

        Args:
            linear: count what is not linear as error of the tape; otherwise it is to be corrected for.
        """
        slope = self.slope[index]
        error = slope @ slope.T + np.diag(self.tape[index] ** 2)
        if linear:
            error = error + self.spread[np.ix_(index, index)]
        return np.linalg.solve(error, slope).T

    def complete(self, index: Index, values: Array) -> Array:
        """All 37 measures (N,37): the given ones (N,S) and the most likely others."""
        whole = self.slope @ self.slope.T + self.spread
        part = whole[np.ix_(index, index)] + np.diag(self.tape[index] ** 2)
        filled = self.mean + (values - self.mean[index]) @ np.linalg.solve(part, whole[index])
        filled[:, index] = values
        return filled

    def uncertainty(self, index: Index) -> Array:
        """(37,) standard deviation of each measure when S are given."""
        left = np.eye(self.slope.shape[1]) - self.gain(index, linear=True) @ self.slope[index]
        variance: Array = ((self.slope @ left) * self.slope).sum(1)
        return np.sqrt(np.maximum(variance, 0.0))

    def predict(self, measurements: Array) -> Array:
        """Betas (N,B) that the network makes of all 36 measurements (N,36).

        Raises:
            InputError: there is no network for this body.
        """
        import torch

        if self.network is None or self.scale is None:
            raise InputError("No network was trained for this body: use the method 'ridge', or train one with "
                             "`humanav uplift train-anthropometrics`.")
        with torch.no_grad():
            given = torch.as_tensor((measurements - self.scale[0]) / self.scale[1], dtype=torch.float32)
            out: Array = self.network(given).double().numpy()
        return out


def build_network(num_betas: int) -> torch.nn.Sequential:
    """The network of the paper: 36-330-330-330-330-B, tanh between, Xavier-uniform with tanh's gain."""
    from torch import nn

    sizes = (len(ANTHROPOMETRICS), 330, 330, 330, 330, num_betas)
    layers: list[nn.Module] = []
    for i, o in pairwise(sizes):
        linear = nn.Linear(i, o)
        nn.init.xavier_uniform_(linear.weight, nn.init.calculate_gain("tanh"))
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def fingerprint(body: BodyModel) -> str:
    """What tells one body's shape space from another's."""
    parts = (np.asarray(x.detach().cpu(), dtype=np.float32).tobytes() for x in (body.v_template, body.shapedirs))
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def typical_people() -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each measure among the built-in body's people; quick, without a body."""
    people = json.loads(checkpoint("anthropometrics", "config.json").read_text())["people"]
    return {name: (float(mean), float(spread)) for name, (mean, spread) in people.items()}


@lru_cache(maxsize=4)
def shape_model(body: BodyModel, folder: Path | None = None) -> ShapeModel:
    """The trained model of a body; one without a checkpoint is learnt now, without a network, in some seconds.

    Args:
        folder: where ``train-anthropometrics`` wrote; by default the shipped checkpoint.

    Raises:
        InputError: the folder given holds no model of this body.
    """
    where = folder or checkpoint("anthropometrics")
    config = where / "config.json"
    if config.is_file() and json.loads(config.read_text()).get("body") == fingerprint(body):
        return _read(where, body.num_betas)
    if folder is not None:
        raise InputError(f"{folder.name} holds no anthropometrics of this body: train it on the body's own file.")
    betas = np.random.default_rng(0).normal(size=(_FITTED_ON, body.num_betas))
    return ShapeModel.fit(betas, measure_shapes(body, betas))


def _read(folder: Path, num_betas: int) -> ShapeModel:
    from safetensors.torch import load_file

    state = {name: value.float() for name, value in load_file(folder / "model.safetensors").items()}
    parts = {name: state.pop(name).double().numpy() for name in ("mean", "slope", "spread", "scale")}
    network = build_network(num_betas)
    network.load_state_dict(state)
    return ShapeModel(network=network.eval(), **parts)


def solve(
    body: BodyModel, index: Index, values: Array, method: str = "ridge", model: ShapeModel | None = None
) -> Array:
    """Betas (N,B) of N people of whom the same S measures are given.

    Args:
        index: (S,) columns of ``MEASURES``.
        values: (N,S) metres, kilograms for the weight.
        method: one of :data:`METHODS`.
    """
    if method not in METHODS:
        raise InputError(f"There is no method {method!r}: {', '.join(METHODS)}.")
    model = model or shape_model(body)
    if method == "mlp":
        return np.clip(model.predict(model.complete(index, values)[:, : len(ANTHROPOMETRICS)]), -MOST, MOST)
    betas = np.clip((values - model.mean[index]) @ model.gain(index, linear=True).T, -MOST, MOST)
    if method == "linear":
        return betas
    gain, slope, active = model.gain(index), model.slope[index], np.arange(len(betas))
    for _ in range(_STEPS):
        got = measure_shapes(body, betas[active])[:, index]
        better = np.clip((values[active] - got + betas[active] @ slope.T) @ gain.T, -MOST, MOST)
        moved = np.abs(better - betas[active]).max(1) > _SETTLED
        betas[active] = better
        active = active[moved]
        if not len(active):
            break
    return betas


def betas_from_measurements(
    values: Mapping[str, Any], body: BodyModel | None = None, method: str = "ridge", *, unit: str | None = None,
) -> Shape:
    """The most likely shape of a person with these measurements.

    Args:
        values: any of the 36 measurements of :data:`humanav.body.anthropometrics.ANTHROPOMETRICS` in metres (short
            names such as "height" or "waist" do; a name without its side means both), and ``weight`` in kilograms.
        body: the built-in one by default.
        method: "ridge", "mlp" or "linear".
        unit: of the lengths: m, cm, mm or in; recognised where only one can be meant.

    Raises:
        InputError: nothing given, an unknown name, a value no person has, or values that contradict each other.
    """
    from humanav.body import BodyModel

    body = body or BodyModel.load()
    known = understand(values, unit)
    index = np.array([MEASURES.index(name) for name in known.values])
    model = shape_model(body)
    betas = solve(body, index, np.array([list(known.values.values())]), method, model)[0]
    got = dict(zip(MEASURES, measure_shapes(body, betas[None])[0].tolist(), strict=True))
    off = {name: got[name] - value for name, value in known.values.items()}
    residual = {name: value if name == WEIGHT else 1000 * value for name, value in off.items()}
    spread = dict(zip(MEASURES, model.uncertainty(index).tolist(), strict=True))
    return Shape(betas, got, known.values, residual, spread, known.notes + _remarks(betas, off, known.values))


def _remarks(betas: Array, off: Mapping[str, float], asked: Mapping[str, float]) -> tuple[str, ...]:
    """What a person should know about a shape: what could not be met, and shapes hardly anybody has."""
    said = []
    missed = sorted(((abs(d), name) for name, d in off.items()
                     if abs(d) > (0.03 * asked[name] if name == WEIGHT else _MISSED)), reverse=True)
    for _, name in missed[:3]:
        by = f"{abs(off[name]):.1f} kg" if name == WEIGHT else f"{100 * abs(off[name]):.1f} cm"
        said.append(f"The {name} came out {by} {'larger' if off[name] > 0 else 'smaller'} than asked: with the other "
                    "measurements no likely body has it.")
    far = np.flatnonzero(np.abs(betas) > _FAR)
    if len(far):
        said.append(f"These are rare measurements: {'shape value' if len(far) == 1 else 'shape values'} "
                    f"{', '.join(str(k + 1) for k in far)} beyond {_FAR:g} standard deviations, where the body is "
                    "less certain to look right" + (", and held at 5." if np.abs(betas).max() >= MOST else "."))
    return tuple(said)


def round_trip(
    count: int = 200, seed: int = 1000, method: str = "ridge", *, given: Iterable[str] | None = None,
    tape_mm: float = 0.0, body: BodyModel | None = None, model: ShapeModel | None = None,
) -> dict[str, Any]:
    """Measure random people, find their shapes from the measurements, measure these: how far off?

    Args:
        count: people, their betas standard normal; none of them trained the model (its seed is another).
        given: names of the measurements to use; by default all 36.
        tape_mm: standard deviation of an error added to each given measurement, millimetres.

    Returns:
        Mean absolute errors in millimetres: ``mean_mm`` over the 36, ``worst_mm`` of the worst of the 36,
        ``per_measurement_mm``, ``asked_mm`` of the given ones against what was asked; ``mean_body_mm`` of the body with
        zero betas; ``weight_kg``; ``largest_beta``.
    """
    from humanav.body import BodyModel

    body = body or BodyModel.load()
    rng = np.random.default_rng(seed + 1)
    truth = _people(body, count, seed)
    names = ANTHROPOMETRICS if given is None else [known for name in given for known in measure_names(name)]
    index = np.array([MEASURES.index(name) for name in names])
    tape = tape_mm / 1000 * rng.normal(size=(count, len(index))) * (index != MEASURES.index(WEIGHT))
    asked = truth[:, index] + tape
    betas = solve(body, index, asked, method, model)
    got = measure_shapes(body, betas)
    error = 1000 * np.abs(got - truth).mean(0)
    mean_body = 1000 * np.abs(measure_shapes(body, np.zeros((1, body.num_betas))) - truth).mean(0)
    lengths = index[index != MEASURES.index(WEIGHT)]
    against = 1000 * np.abs(got[:, lengths] - asked[:, np.isin(index, lengths)]).mean() if len(lengths) else 0.0
    return {"method": method, "given": list(names), "count": count, "tape_mm": tape_mm,
            "mean_mm": float(error[:36].mean()), "worst_mm": float(error[:36].max()),
            "worst": ANTHROPOMETRICS[int(error[:36].argmax())], "asked_mm": float(against),
            "mean_body_mm": float(mean_body[:36].mean()), "weight_kg": float(error[36] / 1000),
            "largest_beta": float(np.abs(betas).max()),
            "per_measurement_mm": dict(zip(ANTHROPOMETRICS, error[:36].round(3).tolist(), strict=True))}


@lru_cache(maxsize=4)
def _people(body: BodyModel, count: int, seed: int) -> Array:
    """Measures (N,37) of random people."""
    return measure_shapes(body, np.random.default_rng(seed).normal(size=(count, body.num_betas)))
