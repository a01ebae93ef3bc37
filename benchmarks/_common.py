"""What every benchmark needs: lines with the time on stderr, and numbers rounded for reading."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

Say = Callable[[str], None]


def clock() -> Say:
    """Prints a text with the seconds since this call, on stderr: stdout is for the numbers."""
    begun = time.monotonic()
    return lambda text: print(f"[{time.monotonic() - begun:6.0f} s] {text}", file=sys.stderr, flush=True)


def rounded(value: Any) -> Any:
    """The same nested dicts and lists with floats of four significant digits; tuples become lists."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
