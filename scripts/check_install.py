"""Make sure that the installed packages load, right after ``pip install``.

OpenCV's ordinary build links to libGL, which a machine without a desktop lacks. Where it does not load, it is replaced
by the headless build of the same version: the same functions, no system library needed.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata


def loads(module: str) -> str:
    """The last line of the error that importing ``module`` gives, or ""."""
    done = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it crashed"])[-1]


def use_headless_opencv() -> None:
    """Replace opencv-contrib-python by its headless build."""
    version = metadata.version("opencv-contrib-python")
    print(f"libGL is absent here: using opencv-contrib-python-headless {version}")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "uninstall", "--yes", "opencv-contrib-python"], check=True)
    subprocess.run([*pip, "install", "--no-deps", f"opencv-contrib-python-headless=={version}"], check=True)


def main() -> int:
    """Check each heavy package; the exit code says whether all of them load."""
    if "lib" in loads("cv2") and ".so" in loads("cv2"):
        use_headless_opencv()
    failed = {name: error for name in ("cv2", "torch", "numba", "mediapipe", "gradio") if (error := loads(name))}
    for name, error in failed.items():
        print(f"{name} was installed but does not load: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
