"""Where a result comes from: hashes of its inputs, settings, versions, timings, and licences of what was used."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from typing import Any

from humanav import __version__
from humanav.paths import asset, checkpoint
from humanav.progress import Progress
from humanav.results.identity import fingerprint, plain
from humanav.results.licences import LICENCES, Licence
from humanav.results.result import Result

_PACKAGES = ("torch", "numpy", "mediapipe")


@dataclass
class Origin:
    """Collects what a manifest says of a result's origin; see :meth:`humanav.results.ResultWriter.tell`."""

    progress: Progress | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    licences: dict[str, Licence] = field(default_factory=dict)

    def tell(self, progress: Progress | None, settings: Any, sources: Mapping[str, Any], parts: Iterable[str]) -> None:
        """Add to what is known. Raises KeyError for a part without known terms."""
        self.progress = progress or self.progress
        if settings is not None:
            self.settings.update(plain(settings))
        for part in parts:
            self._use(LICENCES[part])
        for name, source in sources.items():
            if source is not None:
                self.sources[name] = self._source(source)

    def to_dict(self) -> dict[str, Any]:
        """The fields of the manifest."""
        weights = {name: _weights(name) for licence in self.licences.values() for name in licence.weights}
        timings = self.progress.timings if self.progress is not None else ()
        return {
            "sources": self.sources, "settings": self.settings, "versions": {**_versions(), "weights": weights},
            "timings": [[stage, round(seconds, 2)] for stage, seconds in timings],
            "licences": [{"part": licence.part, "licence": licence.licence, "notice": licence.notice}
                         for licence in self.licences.values()]}

    def _use(self, licence: Licence) -> None:
        self.licences[licence.part] = licence

    def _source(self, source: Any) -> dict[str, Any]:
        if isinstance(source, Result):
            for licence in source.licences or (LICENCES["yours"],):
                self._use(next((known for known in LICENCES.values() if known.part == licence.part), licence))
            return {"result": source.id, "kind": source.kind}
        clip = asset("clips", f"{source}.npz") if isinstance(source, str) and source.isidentifier() else None
        if clip is not None and clip.is_file():
            self._use(LICENCES["clips"])
            return {"clip": source, "sha256": fingerprint(clip)["sha256"]}
        told = fingerprint(source)
        self._use(LICENCES["samples" if _is_sample(told) else "yours"])
        return told


def _is_sample(told: Mapping[str, Any]) -> bool:
    """Whether a file or folder is one of the shipped samples (or a copy of it)."""
    path = asset("samples", str(told.get("file") or "-"))
    return path.exists() and fingerprint(path)["sha256"] == told["sha256"]


@lru_cache
def _versions() -> dict[str, str]:
    found = {"humanav": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@lru_cache
def _weights(name: str) -> str:
    """16 hexadecimal digits of a folder of weights: the first of the SHA-256 of its files' digests."""
    files = sorted(path for path in checkpoint(name).glob("*") if path.suffix in (".safetensors", ".tflite"))
    return hashlib.sha256("".join(fingerprint(path)["sha256"] for path in files).encode()).hexdigest()[:16]
