"""Write a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from humanav.errors import StorageError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path``; moved onto it when the block ends well, removed when it does not.

    The folder is made if needed. Raises StorageError when the system refuses (disk full, no permission).
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=target.suffix, dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        os.chmod(temporary, 0o644)  # mkstemp made it private
        os.replace(temporary, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"{target.name} cannot be written ({reason}); free some space or choose another folder.") \
            from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
