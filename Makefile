# Everything a person does with this tree, in one place. `make` alone explains itself.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SILENT:
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WEB := services/gateway/web
CONNECTORS := $(notdir $(patsubst %/manifest.toml,%,$(wildcard connectors/*/manifest.toml)))
ROOMS := gateway agent vault audit egress backup $(addprefix connector-,$(CONNECTORS))
UNIT := not e2e and not compose and not network and not slow

# Hashes for everything; nothing runs code while it is installed, but nkeys, which has no wheel.
BOOTSTRAP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes --only-binary :all:
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes \
	--only-binary :all: --no-binary nkeys --no-build-isolation
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links --no-annotate $(LOCK_FLAGS)

export PYTHONPATH := $(CURDIR):$(CURDIR)/sdk:$(CURDIR)/cli

.PHONY: help run local backup backup-check restore sheet rehearse upgrade rollback test test-slow check lint format types \
	generated generate lock peers api web web-test e2e screenshots compose-test network-test fuzz bench soak chaos clean

help:  ## Say what can be done here
	awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run web  ## Install what is missing and start everything; prints one address
	exec $(BIN)/python -m deploy.supervisor

local: $(VENV)/.local  ## Install what runs a model file of your own (OA_LOCAL_MODEL_FILE=/path/model.gguf make run)
	echo "Installed. Now: OA_LOCAL_MODEL_FILE=/path/to/model.gguf make run"

backup: $(VENV)/.run  ## Copy the house now and try the copy (OA_BACKUP_DIR=/media/other/copies)
	$(BIN)/python -m deploy.backup make

backup-check: $(VENV)/.run  ## Try the newest copy, or one: FROM=file
	$(BIN)/python -m deploy.backup check $(FROM)

restore: $(VENV)/.run  ## Put a copy into an empty data directory: FROM=file
	$(BIN)/python -m deploy.backup restore $(FROM)

sheet: $(VENV)/.run  ## Write the recovery sheet with the root key, to print: recovery-sheet.html, or TO=file
	$(BIN)/python -m deploy.backup sheet --to $(or $(TO),recovery-sheet.html)

rehearse: $(VENV)/.run  ## Try this version on a copy of the house, which may run
	$(BIN)/python -m deploy.upgrade --rehearse

upgrade: $(VENV)/.run  ## Bring a stopped house up to date, after a copy was put aside
	$(BIN)/python -m deploy.upgrade

rollback: $(VENV)/.run  ## Go back to the copy of before the last upgrade
	$(BIN)/python -m deploy.upgrade --rollback

test: $(VENV)/.dev  ## Unit and contract tests, a few minutes
	$(BIN)/python -m pytest -q -n auto --dist loadfile -m "$(UNIT)" $(PYTEST_FLAGS)

test-slow: $(VENV)/.dev peers  ## The tests that take longer than a few seconds each
	$(BIN)/python -m pytest -q -n auto --dist loadfile -m "slow and not e2e and not compose and not network" $(PYTEST_FLAGS)

check: lint types generated test  ## Everything that is fast: format, lint, types, imports, generated files, tests

lint: $(VENV)/.dev  ## ruff and import-linter
	$(BIN)/ruff format --check --quiet || { echo "Run: make format"; exit 1; }
	$(BIN)/ruff check --quiet
	$(BIN)/lint-imports --no-logo >$(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }

format: $(VENV)/.dev  ## Let ruff lay out the code
	$(BIN)/ruff check --quiet --fix-only
	$(BIN)/ruff format --quiet

types: $(VENV)/.dev  ## mypy --strict
	$(BIN)/mypy

generate: $(VENV)/.dev api  ## Write the generated files anew: permission table, dependency list, reference pages, cards, API
	$(BIN)/python -m deploy.permissions --write
	$(BIN)/python -m deploy.dependencies --write
	$(BIN)/python -m deploy.reference --write
	$(BIN)/python -m deploy.privacy --write
	for card in connectors/*/manifest.toml; do \
		id=$$(basename $$(dirname $$card)); $(BIN)/python -m openassistant card connectors.$$id --write || exit 1; \
	done

generated: $(VENV)/.dev  ## Fail when a generated file is stale
	$(BIN)/python -m deploy.permissions --check
	$(BIN)/python -m deploy.dependencies --check
	$(BIN)/python -m services.gateway.openapi --check
	$(BIN)/python -m deploy.reference --check
	$(BIN)/python -m deploy.privacy --check
	for card in connectors/*/manifest.toml; do \
		id=$$(basename $$(dirname $$card)); $(BIN)/python -m openassistant card connectors.$$id --check || exit 1; \
	done

lock: $(VENV)/.dev  ## Write deploy/locks anew (LOCK_FLAGS=--upgrade moves the versions)
	$(COMPILE) sdk/pyproject.toml --group pyproject.toml:supervisor -o deploy/locks/supervisor.txt
	for room in $(ROOMS) dev; do \
		$(COMPILE) sdk/pyproject.toml --group pyproject.toml:$$room -c deploy/locks/supervisor.txt \
			-o deploy/locks/$$room.txt || exit 1; \
	done
	for group in build node local; do \
		$(COMPILE) --group pyproject.toml:$$group -o deploy/locks/$$group.txt || exit 1; \
	done
	! grep -nE '://|^--' deploy/locks/*.txt || { echo "A lock file names a host or an index."; exit 1; }

api: $(VENV)/.dev  ## Write the OpenAPI document and the web UI's types from it
	$(BIN)/python -m services.gateway.openapi --write
	$(BIN)/python -m deploy.web api

peers: $(VENV)/.dev  ## Install the emulators of providers that tests talk to
	$(BIN)/python -m tests.peers.nodes

web: $(VENV)/.run  ## Build the web UI, when it is not up to date
	$(BIN)/python -m deploy.web build

web-test: $(VENV)/.dev web  ## Types, unit tests, size and screens of the web UI, the last in a browser
	for script in check test size test:ui; do $(BIN)/python -m deploy.web run $$script || exit 1; done

e2e: $(VENV)/.dev web  ## The whole house with real peers and a browser
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "e2e and not compose and not network" $(PYTEST_FLAGS)

screenshots: $(VENV)/.dev web  ## Pictures of every screen, in build/screenshots (SCREENSHOTS_FLAGS=--docs takes those of the README anew)
	$(BIN)/python -m tests.e2e.screenshots $(SCREENSHOTS_FLAGS)

compose-test: $(VENV)/.dev  ## The whole house in containers
	$(BIN)/python -m pytest -q -m compose $(PYTEST_FLAGS)

network-test: $(VENV)/.dev web  ## The house in a network that is recorded, ten minutes at rest and in use; needs root
	$(BIN)/python -m pytest -q -m network $(PYTEST_FLAGS)

fuzz: $(VENV)/.dev  ## A million odd mails, calendars, messages, streams and answers; hours (FUZZ_FLAGS="--target mail --cases 10000")
	$(BIN)/python -m tests.fuzz --cases 333334 $(FUZZ_FLAGS)

bench: $(VENV)/.dev web  ## Measure, each figure beside its floor
	$(BIN)/python -m tests.bench $(BENCH_FLAGS)

soak: $(VENV)/.dev web  ## 72 hours at rest in 72 minutes: how the house grows (SOAK_FLAGS="--hours 12")
	$(BIN)/python -m tests.bench.soak $(SOAK_FLAGS)

chaos: $(VENV)/.dev web  ## Rooms killed, paused and misled while turns run; an hour (CHAOS_FLAGS="--faults 100 --seed 7")
	$(BIN)/python -m tests.chaos $(CHAOS_FLAGS)

clean:  ## Remove what was built and installed here (no data)
	rm -rf $(VENV) .build build $(WEB)/node_modules $(WEB)/build $(WEB)/.svelte-kit \
		.mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# The environment. `dev` holds all that `run` needs; each is installed when its lock file changed.

$(BIN)/python:
	for each in $(PYTHON) python3.13 python3.12 python3.11; do \
		$$each -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && found=$$each && break; \
	done; \
	test -n "$$found" || { echo "Python 3.11, 3.12 or 3.13 is needed. Say where: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }; \
	echo "Preparing a Python environment in $(VENV)"; \
	$$found -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "Python's venv module is needed (Debian: apt install python3-venv)"; exit 1; }

define SYNC
	echo "Installing what deploy/locks/$(1).txt names (a minute or so, once)"
	$(BOOTSTRAP) -r deploy/locks/build.txt
	$(INSTALL) -r deploy/locks/$(1).txt
	$(BIN)/uv pip uninstall --quiet --python $(BIN)/python setuptools
	found=$$(find $(VENV) -name '*.pth'); test -z "$$found" \
		|| { echo "A package left code that runs at every start: $$found"; exit 1; }
	touch $@
endef

$(VENV)/.dev: deploy/locks/dev.txt deploy/locks/build.txt | $(BIN)/python
	$(call SYNC,dev)
	touch $(VENV)/.run

$(VENV)/.run: deploy/locks/supervisor.txt deploy/locks/build.txt | $(BIN)/python
	$(call SYNC,supervisor)

$(VENV)/.local: deploy/locks/local.txt $(VENV)/.run
	echo "Installing what deploy/locks/local.txt names (34 MB)"
	$(INSTALL) -r deploy/locks/local.txt
	touch $@
