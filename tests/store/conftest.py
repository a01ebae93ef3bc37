"""A fake Hub, and a client that speaks to it alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.store.fake_hub import WRITE, FakeHub, FakeXet


class _Impatient:
    """The module time for the client, without its pauses between attempts."""

    sleep = staticmethod(lambda _: None)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    pytest.importorskip("huggingface_hub")
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with FakeHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_TOKEN", WRITE)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # of datasets: contents go by LFS, over HTTP
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no token"))
        monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 1)
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
        monkeypatch.setattr(_http, "time", _Impatient())
        yield server


@pytest.fixture
def xet(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> FakeXet:
    """For buckets, whose contents go by Xet alone: the client's session is replaced, everything else is HTTP."""
    from huggingface_hub.utils import _xet

    session = FakeXet(hub)
    monkeypatch.setattr(_xet, "get_xet_session", lambda: session)
    return session
