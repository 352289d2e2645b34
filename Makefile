# `make` alone lists what there is to make. Set-up is in scripts/setup.sh, the checks are in scripts/check.sh.
.DEFAULT_GOAL := help
.PHONY: help run quick test fresh fuzz twins fleets stacks days mutations faults screenshots site dist clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install what is missing into .venv and start the demo
	@sh scripts/setup.sh run
	@.venv/bin/portscope demo

quick: ## run the pure tests in parallel: no root, kernel, container engine or screen
	@sh scripts/setup.sh test
	@.venv/bin/pytest -q -m pure -n auto

test: ## install what the tests need into .venv and run all checks and tests
	@sh scripts/setup.sh test
	@sh scripts/check.sh

fresh: ## a sample of random hosts on a new seed, as root: exit code 1 on a disagreement with the kernel
	@sh scripts/setup.sh test
	@sh scripts/fresh.sh

CASES ?= 300
SEED ?=
fuzz: ## random hosts and questions, model against kernel (as root): make fuzz CASES=5000 SEED=7 KERNEL=uml
	@sh scripts/setup.sh test
	@.venv/bin/python -m tests.fidelity.fuzz --cases $(CASES) $(if $(SEED),--seed $(SEED)) $(if $(KERNEL),--kernel $(KERNEL)) $(if $(SEVERAL),--several)

HOSTS ?= 20
twins: ## random hosts rebuilt from their snapshots, looked at and asked (as root): make twins HOSTS=500 SEED=7
	@sh scripts/setup.sh test
	@.venv/bin/python -m tests.fidelity.fuzz.twinning --hosts $(HOSTS) $(if $(SEED),--seed $(SEED))

fleets: ## random hosts as rows of a fleet, each cell tried on the host's twin (as root): make fleets HOSTS=200 SEED=7
	@sh scripts/setup.sh test
	@.venv/bin/python -m tests.fidelity.fleets --hosts $(HOSTS) $(if $(SEED),--seed $(SEED))

STACKS ?= 30
stacks: ## random reverse proxies on a real Docker Engine, asked by real clients (as root): make stacks STACKS=100 SEED=7
	@sh scripts/setup.sh test
	@.venv/bin/python -m tests.engines.random_stacks --cases $(STACKS) $(if $(SEED),--seed $(SEED))

mutations: ## damaged and malicious files, none of which may end in anything but an answer or a line: make mutations CASES=100000
	@sh scripts/setup.sh test
	@.venv/bin/python -m tests.mutations snapshots --cases $(CASES) $(if $(SEED),--seed $(SEED))
	@.venv/bin/python -m tests.mutations compose --cases $(CASES) $(if $(SEED),--seed $(SEED))

CHANGES ?= 500
days: ## random changes on a real host with a recorder beside it, judged by real clients (as root): make days CHANGES=5000
	@sh scripts/setup.sh test
	@.venv/bin/python -m tests.fidelity.days --changes $(CHANGES) $(if $(SEED),--seed $(SEED))

faults: ## put every fault of the catalogue on a host, as root, and judge the answers (docs/faults.md)
	@.venv/bin/python -m tests.faults

screenshots: ## make the screenshots again, with what `make test` installed
	@.venv/bin/python -m scripts.screenshots

site: ## build the documents as a site into build/site: exit code 1 on a warning or a broken link
	@sh scripts/setup.sh test
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet

dist: ## build the wheel and the source archive, the same bytes for the same commit
	@sh scripts/setup.sh test
	@sh scripts/dist.sh

clean: ## remove .venv and the tools' caches
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
