# Two commands for a stranger: make demo, make test. The others are their parts.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build/collections
export ANSIBLE_NOCOWS := 1
VENV := .venv
PY := $(VENV)/bin/python
say = @printf '\n==> %s\n' "$(1)"

.PHONY: help system venv tree demo demo-down test test-fast test-unit test-conformance test-lint test-docs test-sanity test-units test-second-python test-artefact test-integration format clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

system: ## install the Debian/Ubuntu packages that are missing
	@tests/tools/install-system

venv: $(VENV)/.done tree ## the Python environment in .venv

$(VENV)/.done: requirements.txt requirements-dev.txt | system
	$(call say,Python environment)
	@tests/tools/make-venv $(VENV) requirements-dev.txt
	@touch $@

tree: ## the clone as ansible_collections/kvmfleet/compute, by a link in .build
	@mkdir -p .build/collections/ansible_collections/kvmfleet
	@ln -sfn "$(CURDIR)" .build/collections/ansible_collections/kvmfleet/compute

demo: venv ## raise the testbed, create servers over three hypervisors, show why they are where they are
	@tests/demo/run

demo-down: ## remove every trace of the demo
	@tests/testbed/down --purge

test: venv ## everything
	@$(MAKE) --no-print-directory test-lint test-docs test-unit test-conformance test-sanity test-units test-second-python test-artefact test-integration
	$(call say,All passed)

test-fast: venv ## what one runs while writing
	@$(MAKE) --no-print-directory test-lint test-unit test-conformance

test-lint: venv
	$(call say,ruff and mypy)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy plugins

test-unit: venv
	$(call say,Unit tests)
	@$(PY) -m pytest tests/unit -q -n auto

test-conformance: venv
	$(call say,Conformance with Nova)
	@$(PY) -m pytest tests/conformance -q

test-docs: venv
	$(call say,ansible-lint, documentation, changelog)
	@tests/tools/lint-collection

test-sanity: venv
	$(call say,ansible-test sanity)
	@tests/tools/ansible-test sanity

test-units: venv
	$(call say,ansible-test units)
	@tests/tools/ansible-test units

test-second-python: venv
	$(call say,Second Python and ansible-core: imports and units)
	@tests/tools/second-python

test-artefact: venv
	$(call say,Build and install the artefact)
	@tests/tools/artefact

test-integration: venv
	$(call say,Integration on the testbed)
	@tests/testbed/up
	@$(PY) -m pytest tests/integration -q

format: venv ## format the Python code
	@$(VENV)/bin/ruff check --fix --exit-zero -q .
	@$(VENV)/bin/ruff format .

clean: ## remove what was built here
	@rm -rf .build .venv dist tests/output
