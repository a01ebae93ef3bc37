"""Networks as ONNX: what onnxruntime computes is what torch computes."""

import importlib.util

import numpy as np
import pytest

from humanav.errors import InputError, MissingExtraError
from humanav.export.onnx import write_onnx

torch = pytest.importorskip("torch")
HERE = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript"))
needs_onnx = pytest.mark.skipif(not HERE, reason="needs pip install 'humanav[onnx]'")


class Small(torch.nn.Module):
    """A network of the operations that the deformation networks use."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(torch.nn.Linear(12, 8), torch.nn.GroupNorm(4, 8), torch.nn.ReLU(),
                                          torch.nn.Dropout(0.5), torch.nn.Linear(8, 4))
        self.planes = torch.nn.Parameter(torch.randn(1, 2, 5, 5))
        self.register_buffer("at", torch.rand(1, 1, 7, 2) * 2 - 1)
        self.register_buffer("node", torch.randint(0, 4, (7,)))

    def forward(self, pose):
        code = self.layers(pose.reshape(1, -1))[0]
        seen = torch.nn.functional.grid_sample(self.planes, self.at, align_corners=True)
        return code[self.node].unsqueeze(-1) * seen[0, :, 0].T


@pytest.mark.slow
@needs_onnx
def test_onnxruntime_agrees(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    module = Small().train()
    pose = torch.randn(2, 6)
    path = write_onnx(module, (torch.zeros(2, 6),), (["pose"], ["offsets"]), tmp_path / "a.onnx")
    assert module.training  # as it was
    assert [file.name for file in tmp_path.iterdir()] == ["a.onnx"]  # weights inside
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(["offsets"], {"pose": pose.numpy()})
    np.testing.assert_allclose(found, module.eval()(pose).detach().numpy(), atol=1e-5)


@needs_onnx
def test_bad_modules_and_names(tmp_path):
    class Asks(torch.nn.Module):
        def forward(self, x):
            return x if x.sum().item() > 0 else -x

    with pytest.raises(InputError, match="cannot be written as ONNX"):
        write_onnx(Asks(), (torch.zeros(2),), (["x"], ["y"]), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="1 inputs and 2 names"):
        write_onnx(Small(), (torch.zeros(2, 6),), (["a", "b"], ["c"]), tmp_path / "a.onnx")


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr("humanav.export.onnx.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"humanav\[onnx\]"):
        write_onnx(Small(), (torch.zeros(2, 6),), (["pose"], ["offsets"]), tmp_path / "a.onnx")
