"""The entry point of the app, on a Space and at home: ``python app.py`` prints the address."""

from __future__ import annotations

import os

from humanav.app import shell


def main() -> None:
    """Start the page, and warm up behind it."""
    page = shell.build()
    shell.warm_up()
    page.launch(server_port=int(os.environ["PORT"]) if os.environ.get("PORT") else None, **shell.launch_options())


if __name__ == "__main__":
    main()
