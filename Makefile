# `make repro` and `make test` only require Python 3.11 or newer: they install all dependencies into .venv.
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: repro test check clean

repro: .venv/installed
	.venv/bin/dvc repro
	.venv/bin/bvae summary

test: .venv/installed-dev
	.venv/bin/pytest

check: .venv/installed-dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

clean:
	rm -rf .venv data .dvc/cache .dvc/tmp

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/installed-dev: .venv/installed
	.venv/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
