# Everything a person does here. Each target says what failed in one line and is quiet otherwise.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= $(firstword $(shell command -v python3.11 python3 2>/dev/null))
BIN := .venv/bin
UP = $(if $(RECORDING),--recording "$(RECORDING)") $(if $(SPEED),--speed "$(SPEED)") $(ARGS)
# These need no mesh, so they run beside each other; what brings meshes up has the machine to itself.
ALONE := tests/unit tests/component tests/contract
GATES := lint format types imports generated proto-lint proto-format proto-breaking locks traces

# $(call gate,name,command,what to do): shows the command's output only where it failed or skipped.
define gate
@output=$$($(2) 2>&1) || { printf '%s\n' "$$output"; echo "check: $(1) failed$(if $(3),; $(3))" >&2; exit 1; }; \
	printf '%s\n' "$$output" | sed -n 's/^skipped:/check: $(1) skipped:/p' >&2
endef

.PHONY: help setup tools up down status logs test bench check gates $(GATES) gen lock fix clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 18

setup: ## make .venv from the lock file; does nothing when it is current
	@test -n "$(PYTHON)" || { echo "setup: Python 3.11 is not on the PATH; make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m services.toolchain.bootstrap

tools: setup ## find or install Consul, Envoy, buf, PostgreSQL's server and grpcurl
	@$(BIN)/python -m services.toolchain --ensure --quiet $(if $(filter true,$(CI)),,--optional)

up: setup ## start the whole mesh and wait for the first trade; RECORDING=path SPEED=factor ARGS=...
	@$(BIN)/trademesh up $(UP)

down: setup ## stop all of it
	@$(BIN)/trademesh down $(ARGS)

status: setup ## show services, instances, states and addresses
	@$(BIN)/trademesh status $(ARGS)

logs: setup ## follow one service's log: make logs SERVICE=market
	@test -n "$(SERVICE)" || { echo "logs: which one? make logs SERVICE=market" >&2; exit 1; }
	@$(BIN)/trademesh logs $(SERVICE) --follow $(ARGS)

test: tools ## run every test; ARGS="tests/unit -k name" for some
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@failed=0; \
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ALONE) || failed=$$?; \
	$(BIN)/python -m pytest $(wildcard tests/integration tests/e2e tests/faults tests/sdk) || failed=$$?; \
	exit $$failed
endif

bench: setup ## measure the mesh beside a bare handler and the usual stack; ARGS=--help
	@PYTHONPATH=.:gen/python $(BIN)/python -m tests.bench $(ARGS)

check: setup ## run every gate, and go on after one that fails
	@$(MAKE) -k gates

gates: $(GATES)

lint:
	$(call gate,lint,$(BIN)/ruff check --quiet .,make fix repairs what it can)

format:
	$(call gate,format,$(BIN)/ruff format --check .,make fix)

types:
	$(call gate,types,$(BIN)/mypy)

imports:
	$(call gate,imports,$(BIN)/lint-imports --no-cache)

generated:
	$(call gate,generated,$(BIN)/python -m services.toolchain.contracts --check)

proto-lint:
	$(call gate,proto-lint,$(BIN)/python -m services.toolchain.staging $(BIN)/buf lint)

proto-format:
	$(call gate,proto-format,$(BIN)/buf format proto --diff --exit-code,make fix)

proto-breaking:
	$(call gate,proto-breaking,$(BIN)/python -m services.toolchain.breaking $(if $(AGAINST),--against $(AGAINST)),make proto-breaking AGAINST=commit compares with another)

locks:
	$(call gate,locks,$(BIN)/python -m services.toolchain.locks,make lock)

traces:
	$(call gate,traces,$(BIN)/python -m services.toolchain.traces)

gen: setup ## generate gen/ from proto/
	@$(BIN)/python -m services.toolchain.contracts

fix: setup ## format, and repair what the linter can
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet . && $(BIN)/buf format proto -w

lock: setup ## make the lock files again from requirements*.in; ARGS=--upgrade for newer versions
	@for name in requirements requirements-dev; do \
		CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --strip-extras \
			--no-emit-find-links --no-emit-index-url --no-emit-trusted-host $(ARGS) --output-file=$$name.txt $$name.in \
			|| { echo "lock: pip-compile failed for $$name.in" >&2; exit 1; }; \
	done

clean: ## remove what setup, gen and tests made; the mesh's data stays
	@test ! -x $(BIN)/trademesh || $(BIN)/trademesh down >/dev/null 2>&1 || true
	@rm -rf .venv third_party build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .trademesh/tools
	@find services tests gen -name __pycache__ -type d -prune -exec rm -rf {} +
