# Two commands for a stranger: make demo, make test. The others are their parts.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build/collections
export ANSIBLE_NOCOWS := 1
VENV := .venv
PY := $(VENV)/bin/python
say = @printf '\n==> %s\n' "$(1)"
FAST := lint unit conformance
# What uses one processor most of the time runs beside what uses all; what runs on the testbed has the machine to itself.
STEPS := lint unit,conformance,second-python+sanity,docs,artefact,images,awx,store,browser,host-python integration faults races
NETWORKS := acceptance between_guests debian_networks dhcp macvtap members_at_once nothing_left open_vswitch plugging port_filters ports runs_on_one_network \
  security_groups user_networks vxlan
comma := ,
PARTS := $(subst +, ,$(subst $(comma), ,$(STEPS)))

.PHONY: help system tools venv environment tree demo demo-down test test-fast browser integration networks molecule faults races cores $(addprefix test-,$(PARTS) units) lint docs docs-fields docs-data format clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

system: ## install the Debian/Ubuntu packages that are missing, the testbed's too
	@tests/tools/install-system

tools:
	@tests/tools/install-system tools

venv: tree ## the Python environment in .venv
	@tests/tools/make-venv --is-done $(VENV) requirements-dev.txt || $(MAKE) -s environment

environment: tools # what a run that was cut off has left is finished
	$(call say,Python environment)
	@tests/tools/make-venv $(VENV) requirements-dev.txt

tree: # the clone as ansible_collections/kvmfleet/compute, by a link in .build
	@mkdir -p .build/collections/ansible_collections/kvmfleet
	@ln -sfn "$(CURDIR)" .build/collections/ansible_collections/kvmfleet/compute

demo: venv ## raise the testbed, create servers over three hypervisors, show why they are where they are
	$(call say,Demo)
	@tests/demo/run

demo-down: ## remove every trace of the demo
	$(call say,Removing the testbed)
	@tests/testbed/down --purge

test: system venv ## what CI runs, part by part; the campaigns are targets of their own
	@tests/tools/run-parts $(STEPS)

test-fast: venv ## what one runs while writing
	@tests/tools/run-parts $(FAST)

test-lint: venv ## ruff and mypy
	$(call say,ruff and mypy)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy --any-exprs-report .build/types -p ansible_collections.kvmfleet.compute.plugins
	@$(PY) tests/tools/precise.py .build/types/any-exprs.txt 90

test-unit: venv ## unit tests, and plays over hosts that answer as they are told
	$(call say,Unit tests)
	@$(PY) -m pytest tests/unit tests/plays tests/bench -q -n auto

test-conformance: venv ## the answers of Nova
	$(call say,Conformance with Nova)
	@$(PY) -m pytest tests/conformance -q -n auto

test-docs: venv ## ansible-lint (production), documentation, changelog
	$(call say,ansible-lint and documentation and changelog)
	@tests/tools/lint-collection

test-sanity: venv ## ansible-test sanity
	$(call say,ansible-test sanity)
	@tests/tools/ansible-test sanity

test-units: venv ## ansible-test units
	$(call say,ansible-test units)
	@tests/tools/ansible-test units

test-awx: venv ## jobs as AWX runs them, its set-up against a stub, the execution environment
	$(call say,AWX: jobs and surveys and set-up)
	@$(PY) -m pytest tests/awx -q -n auto

test-second-python: venv ## imports, units, validate and plan with the oldest and the newest ansible-core; cores takes all of them
	$(call say,The oldest and the newest ansible-core: imports and units and validate and plan)
	@tests/tools/second-python

cores: venv ## the same with all units and plays
	$(call say,The oldest and the newest ansible-core: all units and plays)
	@KVMFLEET_CORES=all tests/tools/second-python

test-host-python: venv ## what travels to a host on Python 3.9
	$(call say,The hosts' oldest Python: imports and units)
	@tests/tools/host-python

test-store: venv ## the registrar's ledger in both of its stores, with a PostgreSQL server of its own
	$(call say,The ledger's stores)
	@tests/testbed/install-packages postgresql
	@$(PY) -m pytest tests/store -q -n 2

test-artefact: venv ## build, install and use the artefact
	$(call say,Build and install the artefact)
	@tests/tools/artefact

test-browser: venv ## a report in a headless Chromium
	$(call say,A report in Chromium)
	@tests/tools/on-browser tests/browser/test_page.py

browser: venv ## reports in Chromium, one of a thousand hosts too
	$(call say,Reports in Chromium)
	@tests/tools/on-browser tests/browser

test-images: ## the guests' images, so that integration finds them
	$(call say,Images)
	@tests/testbed/install-packages
	@tests/testbed/images

test-integration: venv ## the chain on the testbed; integration takes what needs long, too
	$(call say,Integration on the testbed)
	@tests/tools/on-testbed --beds 2 tests/integration -m "not campaign" --durations 12

integration: venv ## the chain on the testbed, whole: an hour
	$(call say,Integration on the testbed: all of it)
	@tests/tools/on-testbed --beds 2 tests/integration

networks: venv ## all that guests see of networks, a Debian guest too
	$(call say,Networks on the testbed)
	@tests/tools/on-testbed --beds 2 $(NETWORKS:%=tests/integration/test_%.py)

molecule: venv ## the scenario of docs/ci/molecule, run by Molecule on the testbed
	$(call say,Molecule on the testbed)
	@MICRO_ONLY=1 tests/tools/on-testbed tests/molecule

test-faults: venv ## every step of the hosts' work meets a fault; faults takes every fault
	$(call say,Faults in short)
	@MICRO_ONLY=1 tests/tools/on-testbed tests/faults --ignore tests/faults/test_plays.py -n 3
	@MICRO_ONLY=1 tests/tools/on-testbed tests/faults/test_plays.py

faults: venv ## every step with every fault, on the testbed: an hour
	$(call say,Every step with every fault)
	@MICRO_ONLY=1 KVMFLEET_FAULTS=all tests/tools/on-testbed tests/faults --ignore tests/faults/test_plays.py -n 3
	@MICRO_ONLY=1 KVMFLEET_FAULTS=all tests/tools/on-testbed tests/faults/test_plays.py

test-races: venv ## many runs at once, some of them killed; races takes more of both
	$(call say,Races in short)
	@MICRO_ONLY=1 tests/tools/on-testbed tests/races -m "not campaign"

races: venv ## eight runs at once, over and over, some of them killed, on the testbed: an hour
	$(call say,Races)
	@MICRO_ONLY=1 KVMFLEET_RACES=all tests/tools/on-testbed tests/races

lint: test-lint test-docs ## all that reads and doesn't run the code

docs: venv ## the documentation as a site in .build/site
	$(call say,Documentation)
	@tests/tools/docs-site

docs-fields: venv ## rewrite docs/fields.md, docs/catalogue.md and docs/schemas from the schemas and the table of microversions
	@tests/tools/fields-doc

docs-data: venv ## rewrite docs/data.md from the shapes
	@$(PY) tests/tools/data_doc.py

format: venv ## format the Python code
	@$(VENV)/bin/ruff check --fix --exit-zero -q .
	@$(VENV)/bin/ruff format .

clean: ## remove what was built here; the testbed has its own: make demo-down
	@rm -rf .build .venv .cache dist tests/output .mypy_cache .pytest_cache .ruff_cache .hypothesis
