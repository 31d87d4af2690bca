# Every target makes what it needs; a fresh machine needs Python 3.11 or newer and make.
# The first Python on the PATH that runs and is new enough.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?= -n 2

# $(call lock,FILE,OPTIONS): every package pinned with its hashes, for all platforms and Python 3.11 or newer.
define lock
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(2) pyproject.toml -o $(1)
sed -i '1i # Made by "make lock" from pyproject.toml; every file is pinned by its hash.' $(1)
endef

.PHONY: demo test bench lint types lock clean

demo: $(VENV)/.runtime
	$(BIN)/aftersheet demo $(DEMO_ARGS)

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/intake.py
	$(BIN)/python benchmarks/push.py
	$(BIN)/python benchmarks/statistics.py
	@if command -v dovecot >/dev/null; then $(BIN)/python benchmarks/mail.py; \
	else echo "benchmarks/mail.py is left out: it needs Dovecot (Debian's dovecot-imapd) and root."; fi

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/mypy

# Needs uv on the PATH (pip install uv).
lock:
	$(call lock,requirements.lock)
	$(call lock,requirements-dev.lock,--extra dev -c requirements.lock)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .demo

$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { echo "Aftersheet needs Python 3.11 or newer; none was found (name one: make PYTHON=/path/to/python3)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(VENV)/bin/pip requirements.lock pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/pip requirements-dev.lock pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@ $(VENV)/.runtime
