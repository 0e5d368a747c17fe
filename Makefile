# Every target sets up what it needs. The commands behind them are those of the `kairos` program: .venv/bin/kairos --help

SHELL := /bin/bash
.DEFAULT_GOAL := help
KAIROS := .venv/bin/kairos
BIN := .venv/bin

# The first Python that runs and fits; a version manager's shim may exist and not run. Override: make PYTHON=… demo
CANDIDATES := .venv/bin/python python3.12 python3.11 python3
PYTHON ?= $(shell for p in $(CANDIDATES); do "$$p" deploy/bootstrap.py --probe >/dev/null 2>&1 && { echo "$$p"; exit; }; done; \
	for p in $(CANDIDATES); do "$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1 && { echo "$$p"; exit; }; done; \
	echo python3)

.PHONY: help
help:  ## print this table
	@echo "make TARGET [ARGS='more arguments']"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup:  ## environment, Java, JVM artefacts, generated code (every target does this first)
	@$(PYTHON) deploy/bootstrap.py || { code=$$?; case $$code in 126|127) \
	echo "error: $(PYTHON) does not run." >&2; \
	echo "Install Python 3.11 or 3.12, or name the one you have: make PYTHON=/path/to/python3.12 $(firstword $(MAKECMDGOALS))" >&2;; esac; exit $$code; }

.PHONY: demo
demo: setup  ## Kafka, the job, a simulated world, a page in the browser and a consumer, until Ctrl-C
	@$(KAIROS) demo $(ARGS)

.PHONY: test
test: setup  ## all tests, from the core to real Kafka and a Flink cluster
	@$(BIN)/pytest $(ARGS)

.PHONY: lint
lint: setup  ## style, imports, types, schemas
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(KAIROS) proto lint
	$(KAIROS) proto breaking

.PHONY: bench
bench: setup  ## throughput and latency on real Kafka, as one table
	@$(KAIROS) bench $(ARGS)

.PHONY: evaluate
evaluate: setup  ## push policies side by side on a simulated world, as one table
	@$(KAIROS) evaluate $(ARGS)

.PHONY: kafka
kafka: setup  ## start a Kafka broker in the background (port 9092)
	@$(KAIROS) kafka start $(ARGS)

.PHONY: cluster
cluster: setup  ## start a Flink cluster in the background (web UI on port 8081)
	@$(KAIROS) cluster start $(ARGS)

.PHONY: submit
submit: setup  ## submit the job to the cluster; FROM=PATH resumes from a savepoint
	@$(KAIROS) submit $(if $(FROM),--from "$(FROM)") $(ARGS)

.PHONY: savepoint
savepoint: setup  ## stop the job alone, with a savepoint, and print its path
	@$(KAIROS) savepoint $(ARGS)

.PHONY: stop
stop:  ## stop the cluster with its jobs, and the broker (the job alone: kairos stop)
	@if [ -x $(KAIROS) ]; then $(KAIROS) cluster stop && $(KAIROS) kafka stop; fi

.PHONY: package
package: setup  ## build what one submits to one's own Flink cluster
	@$(KAIROS) package $(ARGS)

.PHONY: lock
lock: setup  ## for maintainers: resolve and pin all dependencies again (needs mvn)
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 requirements/runtime.in -o requirements.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 requirements/dev.in -o requirements/dev.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 requirements/bench.in -o requirements/bench.txt
	$(KAIROS) lock-artefacts

.PHONY: clean
clean: stop  ## stop everything and delete what make has made (not the download cache)
	rm -rf .venv .venv-bench .tools .kairos kairos/v1 build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# The uv that bootstrap found or fetched
UV = $(shell command -v uv || echo .tools/uv/bin/uv)
