# Bihuan's chores, one word each; `make` lists them.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= .demo
ARGS ?=
TIMES ?= 50
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## list the chores
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-13s %s\n", $$1, $$2 }'

.PHONY: demo
demo: $(VENV)/.installed ## try Bihuan: a shop's 90 days and live traffic, until Ctrl-C (ARGS="--people 20000 --language zh")
	@exec $(BIN)/bihuan demo --data $(DEMO) $(ARGS)

.PHONY: serve
serve: $(VENV)/.installed ## run Bihuan on the folder data/ (ARGS="--data … --port …")
	@exec $(BIN)/bihuan serve $(ARGS)

.PHONY: test
test: lint browser ## every check and every test there is (ARGS="-k funnel")
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

.PHONY: lint
lint: $(VENV)/.installed-test ## style, types, import directions, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --check --quiet src

.PHONY: browser
browser: $(VENV)/.installed-test ## find or install Chromium for the browser tests (they are skipped, and say so, where that is not possible)
	@scripts/chromium $(BIN)/python

.PHONY: worlds
worlds: $(VENV)/.installed-test ## every question against plain Python on thousands of random worlds (TIMES=50 ARGS="-k funnel")
	BIHUAN_TEST_WORLDS=$(TIMES) $(BIN)/python -m pytest -m exact -n 2 --dist loadgroup $(ARGS)

.PHONY: bench
bench: $(VENV)/.installed-test ## time each question and its memory beside plain ClickHouse SQL (ARGS="--events 5000000")
	$(BIN)/python -m bench $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.installed-test ## fuzz a protocol of the collector, guided by coverage (ARGS="--protocol sensors --minutes 10")
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet 'atheris==3.0.0'
	nice -n 19 $(BIN)/python -m bench.fuzz $(ARGS)

.PHONY: bench-collect
bench-collect: $(VENV)/.installed-test ## events a second over real HTTP, beside plain inserts (ARGS="--batch 100 --connections 32 --seconds 10")
	$(BIN)/python -m bench.collect $(ARGS)

.PHONY: bench-identity
bench-identity: $(VENV)/.installed-test ## what ids, links, merging and undoing cost, on a million events (ARGS="--events 5000000")
	$(BIN)/python -m bench.identity $(ARGS)

.PHONY: shots
shots: $(VENV)/.installed-test browser ## screenshots of every page of the running demo into shots/
	$(BIN)/python scripts/shots.py --data $(DEMO) $(ARGS)

.PHONY: memory
memory: $(VENV)/.installed ## resident memory of the running demo, process by process (ARGS="--data data" for another folder)
	@$(BIN)/python scripts/memory.py --data $(DEMO) $(ARGS)

.PHONY: format
format: $(VENV)/.installed-test ## put code and templates into their form
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/djlint --reformat --quiet src || true

.PHONY: messages
messages: $(VENV)/.installed-test ## compile the Chinese catalogues
	$(BIN)/python -m bihuan.console.messages

.PHONY: lock
lock: $(VENV)/.installed-test ## resolve the dependencies of pyproject.toml anew into the two lock files
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --extra demo pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --extra test pyproject.toml --output-file requirements-test.lock

.PHONY: clean
clean: ## remove the demo's data and what tools left behind; the virtual environment stays
	rm -rf $(DEMO) .bench .fuzz shots .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: made once, and again only when what it is made from changes.
$(VENV)/bin/python:
	scripts/venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	scripts/install $(VENV) requirements.lock
	@touch $@

$(VENV)/.installed-test: requirements-test.lock pyproject.toml | $(VENV)/bin/python
	scripts/install $(VENV) requirements-test.lock
	@touch $@ $(VENV)/.installed
