"""The process in which the fuzz cases run, one after the other, and what is watched while one does."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
import sys
import time
import warnings
from pathlib import Path
from typing import Any

MEMORY = 1_500_000_000
"""Bytes by which a case may make the process larger."""
_CAP = 5_000_000_000  # bytes of addresses: what would take all memory ends in a MemoryError instead
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DOES = re.compile(r"\b(add|ask|call|calibrate|check|choose|close|convert|copy|cut|delete|download|draw|drop|export"
                   r"|film|free|get|give|install|keep|known|leave|lie|make|mark|may be|must|name|needed|needs|open"
                   r"|press|put|read|reload|run|save|say|select|send|set|shorten|take|track|try|turn|understood"
                   r"|unpack|update|use|write|zip|can be|at most|at least|between|told by|one of|is one|it has"
                   r"|refused)\b", re.I)
_RAW = re.compile(r"Traceback|Errno|Error\b|Exception|<class|0x[0-9a-f]{6}|object at|[\x00-\x1f\x7f]"
                  r"|\bNone\b(?! of)|(?<!')\bb'")


class Watch:
    """Notes what code does that no upload may make it do: opening files elsewhere, programs, connections."""

    def __init__(self, root: Path) -> None:
        self.root, self.inside, self.seen = str(root), "", []  # type: ignore[var-annotated]
        sys.addaudithook(self._hear)

    def begin(self, folder: Path) -> None:
        self.inside, self.seen = str(folder), []

    def end(self) -> list[str]:
        self.inside = ""
        return list(dict.fromkeys(self.seen))

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.inside:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & _WRITING) if isinstance(flags, int) else any(c in str(mode) for c in "wax+")
            self._place(path, writes)
        elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod"):
            self._place(arguments[0], True)
        elif event in ("os.rename", "os.link", "os.symlink"):
            self._place(arguments[1], True)
        elif event in ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn",
                       "socket.connect", "socket.getaddrinfo"):
            self.seen.append(f"it caused {event}")

    def _place(self, path: Any, writes: bool) -> None:
        if isinstance(path, int) or path is None:
            return
        where = os.path.realpath(os.fsdecode(path))
        if where.startswith(f"{self.root}/outside"):
            self.seen.append(f"it opened {where.removeprefix(self.root)}, which lies outside")
        elif writes and not where.startswith((self.inside, f"{self.root}/tmp", f"{self.root}/config",
                                              "/dev/")) and "__pycache__" not in where:
            self.seen.append(f"it wrote {where.removeprefix(self.root)}")


def judge(case: Any, folder: Path, seed: int, watch: Watch) -> str:
    """Run a case; what was wrong, or ""."""
    from humanav.errors import HumanavError

    root, wrong = folder.parent.parent, ""
    (folder / "in").mkdir(parents=True)
    source = case.make(folder / "in", random.Random(f"{seed} {case.name}"))
    (folder / "out").mkdir()
    before, begun = _largest(reset=True), time.process_time()
    watch.begin(folder)
    try:
        case.read(source, folder / "out")
    except HumanavError as error:
        wrong = "it was refused though it is right: " + str(error) if case.wants == "read" else _unclear(str(error),
                                                                                                      root)
    except Exception as error:
        wrong = f"{type(error).__name__}: {str(error)[:120]} {_where(error)}"
    else:
        if case.wants == "refuse":
            wrong = "it was read though it should be refused"
    seen = watch.end()
    grown = _largest() - before
    if not wrong and seen:
        wrong = seen[0]
    if not wrong and grown > MEMORY:
        wrong = f"it took {grown / 1e9:.1f} GB of memory"
    if not wrong and time.process_time() - begun > 10:
        wrong = f"it took {time.process_time() - begun:.0f} seconds"
    return wrong or _stray(root)


def _unclear(sentence: str, root: Path) -> str:
    """What is wrong with a sentence, or ""."""
    reasons = (("is long", len(sentence) >= 300), ("is short", len(sentence) < 20),
               ("does not end", sentence[-1:] not in "."), ("is raw", _RAW.search(sentence) is not None),
               ("shows a path", str(root) in sentence), ("says nothing to do", _DOES.search(sentence) is None))
    return next((f"its sentence {words}: {sentence[:400]!r}" for words, bad in reasons if bad), "")


def _where(error: BaseException) -> str:
    trace, places = error.__traceback__, []
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "humanav/" in name:
            places.append(f"{'/'.join(Path(name).parts[-2:])}:{trace.tb_lineno}")
        trace = trace.tb_next
    return "at " + " < ".join(reversed(places[-3:]))


def _largest(reset: bool = False) -> int:
    """The largest resident size since the last reset, bytes."""
    if reset:
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def _stray(root: Path) -> str:
    """Files that a case left where none may be, or changed."""
    if (root / "outside" / "secret.txt").read_text() != "secret" or len(list((root / "outside").iterdir())) != 1:
        return "it changed what lies outside"
    left = [path.name for place in ("tmp", "here", "home") for path in (root / place).iterdir()]
    for place in ("tmp", "here", "home"):
        shutil.rmtree(root / place)
        (root / place).mkdir()
    os.chdir(root / "here")
    if any(name.startswith("pickled") for name in left):
        return "code of the file ran"
    return f"it left {left[0]} in the temporary folder" if left else ""


def main() -> None:
    """Run the cases from a number on; a line of JSON each."""
    root, seed, first = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    only = sys.argv[4]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    from _app_fuzz_cases import all_cases, prepare

    cases = [case for case in all_cases(seed) if re.search(only, case.name)]
    answers.write(json.dumps([case.name for case in cases]) + "\n")
    for place in ("outside", "here", "home"):
        (root / place).mkdir()
    (root / "outside" / "secret.txt").write_text("secret")
    os.chdir(root / "here")
    prepare()
    _stray(root)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _CAP, resource.RLIM_INFINITY))
    watch = Watch(root)
    for number, case in enumerate(cases[first:]):
        folder = root / "cases" / str(number)
        answers.write(json.dumps(judge(case, folder, seed, watch)) + "\n")
        answers.flush()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
