"""The room's functions stay in sight when the files of the same name are imported."""

import subprocess
import sys


def test_a_function_is_not_hidden_by_its_file() -> None:
    code = ("import humanav.posendf.project, humanav.posendf.repair\n"
            "from humanav.posendf import complete, project, repair\n"
            "from humanav.posendf.project import project as same\n"
            "print(all(map(callable, (complete, project, repair))), same is project)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
