# Truckroll. `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
# Everything lives in .venv beside this file; nothing is installed anywhere else.

SHELL := /bin/sh
BIN := .venv/bin
WORKERS ?= 2
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE  # without bytecode each process that is started takes a second longer
.PHONY: help install demo up doctor test fast lint check format docs lock clean campaign-demo campaign-engine campaign-sync campaign-processes campaign-faults mutants-sync benchmark-phones benchmarks benchmark-peers

help:  ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

install:  ## Create .venv and install the locked libraries (only when they changed)
	@sh deploy/install.sh

demo: install  ## Start everything, live one whole day of a repair company, print its report (ARGS="--serve --seed 7")
	@$(BIN)/truckroll demo $(ARGS)

up: install  ## Start database, queue, workers and API; Ctrl-C stops them in order (ARGS="...")
	@$(BIN)/truckroll up $(ARGS)

doctor: install  ## Say what is wrong with this installation or its master data, and how to mend it
	@$(BIN)/truckroll doctor $(ARGS)

test: install  ## Run all tests: fast, slow, and those that kill real processes (WORKERS=2)
	@$(BIN)/pytest -m "" -n $(WORKERS) --dist loadfile $(ARGS)

fast: install  ## Run the fast tests alone
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

campaign-demo: install  ## The demo's day while its servers and workers are killed (4 minutes)
	@$(BIN)/python -m benchmarks.demo_under_fire $(ARGS)

campaign-engine: install  ## 10,000 fuzzed days, each planned by both engines and judged; goes on where it stopped (ARGS="--minutes 60")
	@$(BIN)/python -m benchmarks.fuzzed_days $(ARGS)

campaign-sync: install  ## The phone's protocol under 5,000 generated stories of 100 steps; goes on where it stopped (ARGS="--minutes 60")
	@$(BIN)/python -m benchmarks.phone_stories $(ARGS)

campaign-processes: install  ## Phones in threads against servers and workers that are killed, 200 runs judged by the protocol's properties (1 hour)
	@$(BIN)/python -m benchmarks.process_stories --out benchmarks/results/process-stories.jsonl $(ARGS)

campaign-faults: install  ## Faults of the technician's day as often as the design asks, 10,000 operations and 5,000 conflicts among them (2 to 3 hours)
	@$(BIN)/python -m benchmarks.faults --out benchmarks/results/faults.jsonl $(ARGS)
	@$(BIN)/python -m benchmarks.month_offline --out benchmarks/results/faults.jsonl

mutants-sync: install  ## Do the protocol's tests bite? Seeded bugs, each hunted by them (ARGS="--only cursor")
	@$(BIN)/python -m benchmarks.mutants_sync $(ARGS)

benchmark-phones: install  ## 300 phones under load and bad networks, and the naive baseline beside (1 hour; ARGS="--phones 30")
	@$(BIN)/python -m benchmarks.sync --out benchmarks/results/sync.jsonl $(ARGS)
	@$(BIN)/python -m benchmarks.sync_page

benchmark-peers: install  ## Fetch other solvers into build/peers; nextroute is BUSL-1.1, for comparison only
	@$(BIN)/pip install -q --no-deps --upgrade --target build/peers pyvrp==0.14.1 vrplib==2.2.0 pyvroom==1.15.2 \
		nextroute==1.13.0

benchmarks: install  ## Measure the engine beside other solvers, write the results page (ARGS="--only days,roads --dry")
	@PYTHONPATH=build/peers $(BIN)/python -m benchmarks.campaign $(ARGS)

lint: install  ## Formatting, lint, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

check: lint fast  ## What a commit must pass: format, lint, types, import contracts, fast tests

format: install  ## Format the code and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: install  ## Write the generated reference pages anew
	@$(BIN)/python docs/generate.py

lock: install  ## Resolve requirements.lock anew from pyproject.toml
	@sh deploy/lock.sh

clean:  ## Remove .venv, caches and demo-out; data in TRUCKROLL_HOME stays
	rm -rf .venv build dist demo-out *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache .grimp_cache .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
