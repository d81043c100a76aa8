# Run `make` or `make help` for a list of targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
PYTHON ?= python3

.PHONY: help install demo serve deploy test trials lint bench clean

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed  ## Make the virtual environment .venv with newsbot's packages

NEW_ENOUGH := grep -Eqs '^Python (3\.(1[1-9]|[2-9][0-9])|[4-9])'

$(VENV)/.installed: requirements.txt
	@$(VENV)/bin/python --version 2>/dev/null | $(NEW_ENOUGH) || { \
	  $(PYTHON) --version | $(NEW_ENOUGH) || \
	    { echo "newsbot needs Python 3.11 or later; PYTHON=python3.11 make install" >&2; exit 1; }; \
	  $(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }; }
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

demo: install  ## Crawl the sample newsroom on this machine into the embedded database, and show the stored rows
	$(VENV)/bin/python -m newsbot.sample.demo

serve: install  ## Run Scrapyd with the schedule until Ctrl-C; docs/hosting.md
	@exec $(VENV)/bin/python -m newsbot.hosting.serve scrapyd

deploy: install  ## Upload this version to the Scrapyd at TARGET=http://user:password@host:6800; test it, or roll back
	@exec $(VENV)/bin/python -m newsbot.hosting.deploy "$$TARGET"

test: install servers  ## Run all tests, on all cores; skipped tests name what they lack
	$(VENV)/bin/python -m pytest -n auto --dist loadfile

trials: install servers  ## Run the long trials: kill the crawl and the database, over and over
	$(VENV)/bin/python -m pytest -m trial

.PHONY: servers
servers:
	@tests/install_servers.sh

lint: $(VENV)/.installed-dev  ## Check style, format and types
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/python tests/types_left.py

bench: $(VENV)/.installed-dev  ## Measure costs, as ratios to peers in the same run
	$(VENV)/bin/python -m benchmarks

clean:  ## Stop the embedded database, remove the virtual environment and tools' caches; data stays
	-@test ! -x $(VENV)/bin/scrapy || DATABASE_URL= $(VENV)/bin/scrapy db stop
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache build dist *.egg-info

# Folders: make would call them up to date.
FOLDERS := benchmarks docs newsbot scrapyd tests
.PHONY: $(FOLDERS)
$(FOLDERS):
	@echo "No rule to make '$@', a folder; make test runs the tests, make help lists the targets" >&2; exit 2
