"""Read the pickles that data sets ship numbers in, without running anything: containers and numpy arrays only.

Understood are plain pickles, ``joblib.dump`` without compression (arrays lie behind their wrapper in the stream), and
the object arrays of ``numpy.save`` and ``numpy.savez``.
"""

from __future__ import annotations

import importlib
import io
import pickle
import zipfile
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np

from humanav.errors import InputError

_ALLOWED = {("collections", "OrderedDict"), ("_codecs", "encode"), ("builtins", "list"), ("builtins", "dict"),
            ("builtins", "tuple"), ("builtins", "set")}
_NUMPY = {"_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer"}
_NUMPY_MODULES = ("numpy", "numpy.core.multiarray", "numpy.core.numeric")
_LARGEST = 2_000_000_000  # bytes of an archive, unpacked: more is no data set of people


class _JoblibArray:
    """What joblib writes before an array's bytes."""

    def __init__(self, *_: Any) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state

    def read(self, stream: IO[bytes]) -> Any:
        kind = np.dtype(self.state["dtype"])
        if kind.hasobject:
            raise InputError("An array of objects was found where numbers are needed.")
        if self.state.get("numpy_array_alignment_bytes") is not None:
            stream.read(stream.read(1)[0])
        count = int(np.prod(self.state["shape"], dtype=np.int64))
        data = stream.read(count * kind.itemsize)
        return np.frombuffer(data, kind, count).reshape(self.state["shape"], order=self.state["order"]).copy()


class _Reader(pickle._Unpickler):  # the one in Python: joblib's arrays lie between its opcodes
    def find_class(self, module: str, name: str) -> Any:
        if module == "joblib.numpy_pickle" and name == "NumpyArrayWrapper":
            return _JoblibArray
        older = module.replace("numpy._core", "numpy.core")  # as numpy 1 calls what numpy 2 wrote
        if older in _NUMPY_MODULES and name in _NUMPY:
            return getattr(importlib.import_module(older), name)
        module = module.replace("__builtin__", "builtins")  # as Python 2 called it
        if (module, name) in _ALLOWED:
            return getattr(importlib.import_module(module), name)
        raise pickle.UnpicklingError(f"{module}.{name} is neither a container nor an array")

    def _build(self) -> None:
        made = self.stack[-2]  # type: ignore[attr-defined]
        if not isinstance(made, (np.ndarray, np.dtype, dict, _JoblibArray)):
            raise pickle.UnpicklingError("a state is given to what is neither a container nor an array")
        pickle._Unpickler.load_build(self)  # type: ignore[attr-defined]
        if isinstance(made, np.dtype) and not _plain(made):
            raise pickle.UnpicklingError("a kind of number that numpy does not have")
        if isinstance(made, _JoblibArray):
            self.stack[-1] = made.read(self.stream)  # type: ignore[attr-defined]

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch, pickle.BUILD[0]: _build}

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream, encoding="latin1")
        self.stream = stream


def _plain(kind: np.dtype[Any]) -> bool:
    """Whether a dtype is as numpy makes it. A state from a file can say anything, such as that objects are numbers:
    numpy would then follow the file's bytes as addresses."""
    own = np.dtype(kind.str)
    return kind.names is None and kind.subdtype is None and (
        (kind.flags, kind.itemsize, kind.alignment) == (own.flags, own.itemsize, own.alignment))


def read_numbers(path: Path) -> Any:
    """The containers and arrays in a ``.pkl``, ``.npy`` or ``.npz`` file; of an npz a dictionary by name.

    Raises:
        InputError: it is not there, damaged, or holds anything else.
    """
    try:
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                if sum(item.file_size for item in archive.infolist()) > _LARGEST:
                    raise InputError("The arrays are too large.")
                return {item.filename.removesuffix(".npy"): _array(io.BytesIO(archive.read(item)))
                        for item in archive.infolist() if item.filename.endswith(".npy")}
        with path.open("rb") as stream:
            return _array(stream) if path.suffix == ".npy" else _Reader(stream).load()
    except FileNotFoundError as error:
        raise InputError(f"{path.parent.name}/{path.name} is missing: check the folder of the data set.") from error
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise InputError(f"{path.parent.name}/{path.name} cannot be read: it is damaged, compressed, or holds more "
                         "than arrays of numbers; get it again.") from error


def _array(stream: IO[bytes]) -> Any:
    """What ``numpy.save`` wrote; of an array of one object the object."""
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, order, kind = header(stream)
    if kind.hasobject:
        found = _Reader(stream).load()
        return found.item() if isinstance(found, np.ndarray) and found.size == 1 else found
    data = np.frombuffer(stream.read(), kind, int(np.prod(shape, dtype=np.int64)))
    return data.reshape(shape, order="F" if order else "C")
