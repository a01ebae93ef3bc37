"""On a Space: where it listens, what its files say, and that a lent GPU is taken up by the entry point alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from humanav.app import space

ROOT = Path(__file__).resolve().parents[2]


def test_at_home_it_listens_to_this_machine_alone_and_on_a_space_to_its_visitors(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert space.address() == {"server_port": None}
    monkeypatch.setenv("SPACE_ID", "someone/humanav")
    assert space.address() == {"server_port": 7860, "server_name": "0.0.0.0"}
    monkeypatch.setenv("PORT", "7000")
    assert space.address()["server_port"] == 7000


def test_numba_gets_a_place_for_its_kernels_where_it_finds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    space.prepare_numba()
    assert "NUMBA_CACHE_DIR" not in os.environ  # beside the sources
    monkeypatch.setattr(os, "access", lambda *_: False)
    space.prepare_numba()
    assert os.environ["NUMBA_CACHE_DIR"].endswith("humanav-numba")


def test_mcp_is_offered_where_its_package_is_one_that_gradio_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    for found, offered in (("1.30.0", True), ("2.3.0", False)):
        monkeypatch.setattr(space.metadata, "version", lambda _, found=found: found)
        assert space.mcp_found() is offered
    monkeypatch.setattr(space.metadata, "version", lambda _: "1.30.0")
    monkeypatch.setenv("HUMANAV_MCP", "off")
    assert not space.mcp_found()


def test_the_header_of_the_readme_is_what_spaces_read() -> None:
    import yaml

    header = yaml.safe_load((ROOT / "README.md").read_text().split("---")[1])
    assert header["sdk"] == "gradio"
    assert header["python_version"] == "3.12"
    assert (ROOT / header["app_file"]).is_file()
    assert re.fullmatch(r"6\.\d+\.\d+", header["sdk_version"])
    assert len(header["short_description"]) <= 60


def test_a_lent_gpu_is_taken_up_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    """``app.py`` with a ``spaces`` package like ZeroGPU's."""
    (tmp_path / "spaces.py").write_text(
        "import sys\n"
        "early = not {'torch', 'gradio'} & set(sys.modules)\n"
        "def GPU(duration):\n"
        "    def wrapper(task):\n"
        "        print('early' if early else 'late', task.__module__, task.__name__, callable(duration))\n"
        "        return task\n"
        "    return wrapper\n")
    code = ("import app; from humanav.app import gpu, shell\n"
            "class Page:\n    def launch(self, **options): print('launched', len(gpu._lent), options['ssr_mode'])\n"
            "shell.build, shell.warm_up = Page, lambda: None\n"
            "app.main()")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False,
                          env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}", "HUMANAV_STORAGE": str(tmp_path / "s")})
    assert done.stdout.splitlines() == ["early humanav.app.gpu body True", "launched 1 False"], done.stderr
