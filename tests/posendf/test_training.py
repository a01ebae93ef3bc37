"""Training of the distance field: it learns, repeats, resumes; mining; and what the shipped weights must reach."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from humanav.errors import Cancelled, InputError
from humanav.posendf import training
from humanav.posendf.config import DataConfig, ExperimentConfig, ModelConfig, PoseNDFConfig, TrainingConfig
from humanav.posendf.corrupt import MIX, axis_angle_noise, corrupt, hyperextend, twist
from humanav.posendf.mining import broken_queries, mine, varied_poses, varied_queries
from humanav.posendf.model import PoseNDF
from humanav.posendf.nearest import PosePool
from humanav.posendf.poses import mirror_quats
from humanav.posendf.project import project
from humanav.posendf.quaternions import exponential, half_angle, pose_distance
from humanav.progress import Progress

SPLIT = {"train": (0, 300), "validation": (300, 360)}


def smooth_poses(count: int, seed: int = 0) -> Tensor:
    """Poses on a three-dimensional surface: something with a structure to learn."""
    generator = Generator().manual_seed(seed)
    basis = 0.4 * torch.randn(3, 21, 3, generator=Generator().manual_seed(9))
    return exponential(torch.einsum("nk,kjc->njc", torch.rand(count, 3, generator=generator), basis))


class Prepared(SimpleNamespace):
    """As :class:`humanav.posendf.data.PoseData`, made in memory."""

    @classmethod
    def make(cls) -> Prepared:
        clean, generator = smooth_poses(360), Generator().manual_seed(1)
        sources = clean[torch.randint(300, (1500,), generator=generator)]
        queries = corrupt(sources, generator, kinds=MIX, others=clean[:300]).quats
        return cls(clean=clean, queries=queries, distance=PosePool(clean[:300]).nearest(queries)[0][:, 0])

    def clean_rows(self, split: str) -> Tensor:
        return torch.arange(*SPLIT[split])

    def query_rows(self, split: str) -> Tensor:
        return torch.arange(len(self.queries))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PoseNDFConfig:
    data = Prepared.make()
    monkeypatch.setattr(training.PoseData, "load", lambda folder: data)
    return PoseNDFConfig(
        ExperimentConfig(folder=str(tmp_path / "run")), ModelConfig(widths=(32, 32)),
        TrainingConfig(steps=120, batch=64, clean_batch=16, clean_weight=0.1, learning_rate=0.005,
                       average=0.9, rounds=1,
                       mined_starts=40, log_every=10, save_every=20, restorer_steps=0, device="cpu"),
        DataConfig(varied=200, broken=200))


def weights(field: PoseNDF) -> Tensor:
    return torch.cat([value.flatten() for value in field.state_dict().values()])


def test_a_short_run_learns_mines_and_says_so(plan: PoseNDFConfig) -> None:
    start = training._Run(plan, *_given(), None)
    before = training.validate(start.averaged(), start.pool, Prepared.make().clean[300:], count=300)
    done = training.train(plan)
    report = json.loads((done.folder / "config.json").read_text())
    assert report["validation"]["mae_rad"] < 0.8 * before["mae_rad"]
    assert report["steps"] == 120
    assert len(report["mining"]) == 1
    assert set(report["validation"]) >= {"pearson", "pool_mae_rad", "auc_noise_0.1", "clean_rad"}
    torch.testing.assert_close(weights(PoseNDF.load(done.folder)), weights(done.field))
    events = list((done.folder / "logs").glob("events*")) if (done.folder / "logs").is_dir() else None
    assert events is None or events


def test_stopped_and_resumed_it_ends_in_the_same_weights(plan: PoseNDFConfig, tmp_path: Path) -> None:
    whole = training.train(plan).field
    stop: list[int] = []

    def listen(event: Any) -> None:
        if event.stage == "Training" and event.fraction > 0.45:
            stop.append(1)

    other = replace(plan, experiment=replace(plan.experiment, folder=str(tmp_path / "other")))
    with pytest.raises(Cancelled):
        training.train(other, progress=Progress(training.STAGES, listen, lambda: bool(stop)))
    again = training.train(other, resume=True)
    assert again.report["steps"] == 120
    assert torch.equal(weights(again.field), weights(whole))


def test_nothing_to_resume_and_another_network_are_said(plan: PoseNDFConfig) -> None:
    with pytest.raises(InputError, match="nothing to resume"):
        training.train(plan, resume=True)
    training.train(replace(plan, training=replace(plan.training, steps=2, rounds=0)))
    with pytest.raises(InputError, match="another network"):
        training.train(replace(plan, model=ModelConfig(widths=(8,))), resume=True)


def test_minutes_end_a_run(plan: PoseNDFConfig) -> None:
    done = training.train(replace(plan, training=replace(plan.training, steps=10**9, rounds=0)), minutes=0.01)
    assert 0 < done.report["steps"] < 10**5


def test_no_training_poses_is_said(plan: PoseNDFConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Prepared.make()
    data.clean = data.clean[:0]
    monkeypatch.setattr(Prepared, "clean_rows", lambda self, split: torch.arange(0))
    monkeypatch.setattr(training.PoseData, "load", lambda folder: data)
    with pytest.raises(InputError, match="no training poses"):
        training.train(plan)


def test_varied_poses_leave_joints_that_never_move_and_hinges_as_they_are() -> None:
    clean = smooth_poses(200)
    clean[:, 12] = torch.tensor([1.0, 0, 0, 0])
    axis = torch.tensor([1.0, 0, 0])
    clean[:, 3] = exponential(torch.rand(200, 1, generator=Generator().manual_seed(2)) * axis)
    made = varied_poses(clean, 500, Generator().manual_seed(3))
    torch.testing.assert_close(made[:, 12], clean[:1, 12].expand(500, 4), rtol=0, atol=1e-6)
    assert float(made[:, 3, 2:].abs().max()) < 1e-5
    assert float(PosePool(clean).nearest(made)[0].median()) > 0.02  # new ones


def test_distances_of_made_queries_are_those_to_the_pool_or_the_source() -> None:
    clean = smooth_poses(300)
    pool = PosePool(clean)
    varied = varied_queries(clean, pool, 200, Generator().manual_seed(0))
    assert bool((varied.distance <= pool.nearest(varied.quats)[0][:, 0] + 1e-5).all())
    broken = broken_queries(clean, Generator().manual_seed(0))
    assert bool((broken.distance >= pool.nearest(broken.quats)[0][:, 0] - 1e-5).all())


def test_mined_poses_carry_their_true_distance() -> None:
    clean = smooth_poses(300)
    pool = PosePool(clean)
    torch.manual_seed(0)
    found = mine(PoseNDF(ModelConfig(widths=(16,))).eval(), clean, pool, 24, Generator().manual_seed(0), steps=5)
    assert found.queries.quats.shape == (48, 21, 4)
    torch.testing.assert_close(found.queries.distance, pool.nearest(found.queries.quats)[0][:, 0])


def _given() -> tuple[Tensor, training.Queries]:
    data = Prepared.make()
    return data.clean[:300], training.Queries(data.queries, data.distance)


# What is shipped, on people it was not trained on; the whole measurement is `humanav bench posendf`.


@pytest.fixture(scope="module")
def people(shared: Path) -> tuple[Tensor, PosePool]:
    from humanav.posendf.cmu import load_cmu

    path = shared / "mocap" / "cmu_subset.npz"
    if not path.is_file():
        pytest.skip("the captured clips are not there")
    held_out, train = load_cmu(path, "test"), load_cmu(path, "train")[::3]
    return held_out, PosePool(torch.cat([train, mirror_quats(train), held_out]))


def test_shipped_field_knows_distances(people: tuple[Tensor, PosePool]) -> None:
    held_out, real = people
    field, generator = PoseNDF.load(), Generator().manual_seed(0)
    sources = held_out[torch.randint(len(held_out), (400,), generator=generator)]
    asked = corrupt(sources, generator, kinds=MIX, others=held_out).quats
    truth, guess = real.nearest(asked)[0][:, 0], field(asked).detach()
    assert float(torch.corrcoef(torch.stack([truth, guess]))[0, 1]) > 0.97
    assert float((guess - truth).abs().mean()) < 0.03


def test_shipped_field_ranks_damage_and_leaves_clean_poses(people: tuple[Tensor, PosePool]) -> None:
    held_out, generator = people[0], Generator().manual_seed(1)
    field = PoseNDF.load()
    clean = held_out[torch.randint(len(held_out), (300,), generator=generator)]
    least = {"noise": 0.97, "hinge": 0.93, "twist": 0.95}
    for name, (bad, _) in (("noise", axis_angle_noise(clean, 0.1, generator)), ("hinge", hyperextend(clean, generator)),
                           ("twist", twist(clean, generator, degrees=(180, 180)))):
        lower = field(clean).detach()[:, None] < field(bad).detach()
        assert float(lower.float().mean()) > least[name], name
    moved = torch.rad2deg(2 * half_angle(project(field, clean).quats, clean)).mean()
    assert float(moved) < 2


def test_shipped_field_brings_noise_nearer(people: tuple[Tensor, PosePool]) -> None:
    held_out, generator = people[0], Generator().manual_seed(2)
    clean = held_out[torch.randint(len(held_out), (200,), generator=generator)]
    noisy = axis_angle_noise(clean, 0.2, generator)[0]
    field = PoseNDF.load()
    done = project(field, noisy, keep_path=True)
    assert done.path is not None
    falls = torch.stack([field(step).detach() for step in done.path[::10]])
    assert float((falls[1:] - falls[:-1]).max()) < 1e-3
    assert float(pose_distance(done.quats, clean).mean()) < 0.85 * float(pose_distance(noisy, clean).mean())
    torch.testing.assert_close(done.quats.norm(dim=-1), torch.ones(200, 21))
