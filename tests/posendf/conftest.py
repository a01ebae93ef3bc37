"""Poses that the tasks' tests share."""

import pytest
import torch


@pytest.fixture(scope="session")
def poses() -> torch.Tensor:
    """Poses (24,21,4) of the built-in clips."""
    from humanav.motion import load_clip
    from humanav.posendf import motion_to_quats

    return torch.cat([motion_to_quats(load_clip(name))[10:90:10] for name in ("walk", "dance", "squat")])
