# `make` or `make help` lists what can be done. Needs Python 3.11+ and bash; no root, no GPU. With node 20 or newer the
# explorer is built, too.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin

# The set-up is done once, and again when what it was made from has changed or the whole folder was moved.
made_from := pyproject.toml constraints.txt hatch_build.py $(wildcard native/* native/train/*)
moved := $(shell [ ! -e .venv/.place ] || [ "$$(< .venv/.place)" = "$$(pwd -P)" ] || echo moved)

.venv/.ready-run: $(made_from) $(moved)
	@PYTHON='$(PYTHON)' .ci/environment run

.venv/.ready-dev: $(made_from) $(moved)
	@PYTHON='$(PYTHON)' .ci/environment dev

.PHONY: moved help run explorer test check sanitize docs proof clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "PYTHON=python3.12 chooses the interpreter, WORKERS=4 the test processes."

run: .venv/.ready-run  ## set up, train on MNIST, evaluate, predict a few pictures
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/first_run.sh

explorer:  ## check, test and build the explorer's front end (web/); without node it says so
	@.ci/explorer

test: .venv/.ready-dev  ## set up, then lint, format, types, imports, the front end and all tests
	@told=$$(mktemp); .ci/explorer >"$$told" 2>&1 & \
	.ci/check; checks=$$?; \
	wait $$! || checks=1; cat "$$told"; rm "$$told"; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile; tests=$$?; \
	if [ $$checks != 0 ]; then echo "checks failed (see the top); pytest ended with $$tests" >&2; fi; \
	exit $$(( checks || tests ))

check: .venv/.ready-dev  ## lint, format, types, imports, and every command of the documents
	@.ci/check; checks=$$?; \
	$(BIN)/python -m pytest -q tests/test_documents.py; exit $$(( checks || $$? ))

sanitize: .venv/.ready-dev  ## the compiled part's tests under g++'s address, undefined and thread sanitizers
	@.ci/sanitize

docs: .venv/.ready-dev  ## run the course's chapters; their notebooks, and the site in build/site/
	@$(BIN)/python docs/build.py

.venv-peers/.ready: benchmarks/requirements.txt constraints.txt
	@echo "setting up .venv-peers: what the benchmarks compare with (once)"
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -r benchmarks/requirements.txt
	@touch $@

proof: .venv/.ready-dev .venv-peers/.ready  ## run every script of proof/ at full size (long); results in proof/results/
	@shopt -s nullglob; failed=; \
	for script in proof/[!_]*.py; do \
	    echo "== $$script"; $(BIN)/python "$$script" || failed="$$failed $$script"; \
	done; \
	if [ -n "$$failed" ]; then echo "not proven:$$failed" >&2; exit 1; fi

clean:  ## remove .venv, caches and builds; runs/ stays
	rm -rf web/node_modules src/pellucid/faces/explorer
	rm -rf .venv .venv-peers build dist .pytest_cache .hypothesis .ruff_cache .import_linter_cache
	find src tests proof benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
