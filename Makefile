# Two commands: `make demo` starts the app, `make test` runs the whole suite. Both prepare .venv by themselves.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
TORCH ?= torch==2.13.0
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
SOURCES := pyproject.toml constraints.txt

.PHONY: demo test docs viewer clean

demo: $(VENV)/.demo
	$(BIN)/python app.py

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder  # the order of tests/conftest.py

# The documentation as a site, in site/index.html: it can be read from the disk.
docs: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# The browser's players again from scripts/viewer, after a change there (needs node and npm; assets/viewer holds them built).
viewer:
	sh scripts/build_viewer.sh

$(VENV)/.python:
	@for candidate in $(PYTHON) python3.11 python3.12 python3 python; do \
	  "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null || continue; \
	  if ! "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$candidate cannot create environments: install its venv module (Debian, Ubuntu: apt-get install $$candidate-venv)."; exit 1; \
	  fi; \
	  echo "Creating $(VENV) with $$("$$candidate" --version)"; \
	  "$$candidate" -m venv $(VENV) && touch $@ && exit 0; exit 1; \
	done; \
	echo "humanav needs Python 3.11 or 3.12, and none was found: install one, or name it: make demo PYTHON=/path/to/python3.12"; exit 1

$(VENV)/.demo: $(VENV)/.python $(SOURCES)
	@echo "Installing the app (the first time takes a few minutes)"
	@$(PIP) "$(TORCH)" -e ".[app,heif]"
	@$(BIN)/python scripts/check_install.py
	@touch $@

$(VENV)/.test: $(VENV)/.python $(SOURCES)
	@echo "Installing the app and the test tools (the first time takes a few minutes)"
	@$(PIP) "$(TORCH)" -e ".[app,mcp,heif,smplx,training,cluster,generators,notebooks,docs,dev]"
	@$(BIN)/python scripts/check_install.py
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV)
