"""The entry point of the app, on a Space and at home: ``python app.py`` prints the address."""

from __future__ import annotations

try:
    import spaces  # ZeroGPU lends a GPU through it; it must come before torch and gradio
except ImportError:
    spaces = None

from humanav.app import space

space.prepare_numba()

from humanav.app import gpu, shell  # noqa: E402


def main() -> None:
    """Start the page, and warm up behind it."""
    if spaces is not None:
        gpu.lend(spaces.GPU(duration=gpu.seconds)(gpu.body))
    page = shell.build()
    shell.warm_up()
    page.launch(**shell.launch_options())


if __name__ == "__main__":
    main()
