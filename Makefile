# Everything starts here; `make` alone says what there is. Each target sets up what it needs first.
.DEFAULT_GOAL := help
.PHONY: help setup demo test bench soak fuzz up down status lint lock clean

python := .venv/bin/python
basudara := .venv/bin/basudara
json := $(if $(JSON),--json)

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## set up whatever is missing (nothing to do: under a second)
	@python3 deploy/local/setup.py

demo: setup ## start all agencies, play the journey, show it, give a verdict, stop
	@$(python) -m deploy.demo

test: setup ## all that a change must pass, fastest first
	@$(python) -m tests

bench: setup ## the speed of all this, as ratios measured in one run (half an hour; PARTS="a b" for some, ROUNDS=1)
	@$(python) -m tests.performance $(PARTS) --rounds $(or $(ROUNDS),5) --json .local/bench.json

soak: setup ## half an hour under load with a fault every twenty seconds, judged by the checker (MINUTES=3)
	@$(python) -m tests.resilience.soak --minutes $(or $(MINUTES),30)

fuzz: setup ## ten minutes of good, bad and nonsense at every door and on every topic, judged (MINUTES=1 SEED=2)
	@$(python) -m tests.fuzz --minutes $(or $(MINUTES),10) --seed $(or $(SEED),1) --json .local/fuzz.json

up: setup ## start the same stack and keep it running (BROKERS=3: on three brokers)
	@$(if $(BROKERS),$(python) -m deploy.local.engine start --home .local/up/engine --rights --brokers $(BROKERS) >/dev/null)
	@$(basudara) up

down: setup ## stop it
	@$(basudara) down

status: setup ## addresses, health and lag of what runs (JSON=1 for programs)
	@$(basudara) status $(json)

lint: setup ## style, types and who may import whom
	@$(python) -m tests lint format types imports

compile := $(CURDIR)/.venv/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --output-file requirements.txt requirements.in
lock: setup ## write every requirements.txt anew from its requirements.in (UPGRADE=1: with the newest versions)
	@$(compile) $(if $(UPGRADE),--upgrade)
	@for place in services/intake services/referral services/training services/notification deploy/compose; do \
		(cd $$place && $(compile) --constraint $(CURDIR)/requirements.txt) || exit 1; done

clean: ## stop the stack and take away data, logs and caches (downloads stay)
	@test ! -x $(basudara) || $(basudara) down
	@test ! -d .local || find .local -mindepth 1 -maxdepth 1 $(patsubst %,! -name %,jars jre mongod setup.lock) -exec rm -rf {} +
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
