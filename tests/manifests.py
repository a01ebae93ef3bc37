"""What every manifest must say of where its result comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from humanav.results import MANIFEST, Result


def check_origin(result: Result, stages: Sequence[str] = (), parts: Sequence[str] = ()) -> None:
    """Assert that hashes, settings, versions, timings and licences are told; ``stages`` and ``parts`` must be there."""
    assert {"humanav", "python", "torch", "numpy", "mediapipe", "weights"} <= set(result.versions)
    assert all(re.fullmatch("[0-9a-f]{16}", digest) for digest in result.versions["weights"].values())
    told = [stage for stage, _ in result.timings]
    assert told
    assert set(stages) <= set(told)
    assert all(seconds >= 0 for _, seconds in result.timings)
    names = [licence.part for licence in result.licences]
    assert len(names) == len(set(names))
    assert set(parts) <= set(names), names
    assert all(re.fullmatch("[0-9a-f]{64}", source["sha256"]) if "sha256" in source else source["result"]
               for source in result.sources.values()), result.sources
    text = json.dumps(json.loads((result.folder / MANIFEST).read_text()))
    assert str(result.folder.parent) not in text, "no path of this machine belongs into a manifest"
