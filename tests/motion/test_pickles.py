"""Numbers from pickles of strangers: nothing runs, and nothing but arrays and containers comes out."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.motion.pickles import _Reader, read_numbers


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_containers_and_arrays_of_every_kind_come_back(tmp_path: Path, protocol: int) -> None:
    given: dict[str, Any] = {
        "floats": np.arange(6.0).reshape(2, 3).T, "big": np.arange(3, dtype=">i4"), "words": np.array(["a", "bc"]),
        "bytes": np.array([b"a", b"bc"]), "flags": np.array([True]), "scalar": np.float32(2), "pair": (1, {2}),
        "times": np.array(["2020-01-01"], "M8[D]"), "mixed": np.array([{"x": 1}, None], object),
        "ordered": OrderedDict(a=[b"raw"])}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(given, protocol))
    found = read_numbers(tmp_path / "a.pkl")
    assert list(found) == list(given)
    for key, value in given.items():
        assert np.array_equal(found[key], value)
        assert np.asarray(found[key]).dtype.str[1:] == np.asarray(value).dtype.str[1:]  # numpy may turn the bytes


class Made:
    """Pickled as any call with any state."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __reduce__(self) -> tuple[Any, ...]:
        return self.parts


OBJECTS_AS_NUMBERS = Made(np.dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 0))
OUTSIDE = Made(np.dtype, ("V8", False, True), (3, "|", None, ("a",), {"a": (np.dtype("f8"), 100_000)}, 8, 1, 0))
TOO_WIDE = Made(np.dtype, ("U1", False, True), (3, "<", None, None, None, 4, 64, 0))


@pytest.mark.parametrize("evil", [
    Made(print, ("run",)), Made(eval, ("1",)), Made(np.load, ("a",)), OBJECTS_AS_NUMBERS, OUTSIDE, TOO_WIDE])
def test_what_could_run_or_reach_outside_is_refused(tmp_path: Path, evil: Made, capsys: Any) -> None:
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"a": evil}))
    with pytest.raises(InputError, match="more than arrays"):
        read_numbers(tmp_path / "evil.pkl")
    assert capsys.readouterr().out == ""


def test_functions_keep_their_own_state() -> None:
    code = b"cnumpy.core.numeric\n_frombuffer\n}U\x07__doc__U\x01xsb."
    with pytest.raises(pickle.UnpicklingError, match="neither a container"):
        _Reader(io.BytesIO(code)).load()


def test_numbers_in_archives(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(3), y={"z": [np.eye(2)]})
    found = read_numbers(tmp_path / "a.npz")
    assert found["x"].tolist() == [0, 1, 2]
    assert np.allclose(found["y"]["z"][0], np.eye(2))
    with pytest.raises(InputError, match="missing"):
        read_numbers(tmp_path / "gone.npz")
