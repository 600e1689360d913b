# make run: from a fresh clone to results/report.html.  make test: all tests.  make help: the rest.
SHELL := /bin/bash
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export OMP_NUM_THREADS ?= 1
# each test and job starts a Python: bytecode is kept, or compiling it is most of their time
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
SEEDS ?= 1 2

.PHONY: fit-environment live-environment optimade-environment help run test mutants slurm drill lint format docs site bench bench-cp2k lock clean

help: ## Show this text.
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1: /p' $(MAKEFILE_LIST)

.venv/.ready: pyproject.toml requirements.lock
	@PYTHON=$(PYTHON) tools/python-environment

.venv/.ready-dev: pyproject.toml requirements.lock
	@PYTHON=$(PYTHON) tools/python-environment dev

.venv/.ready-docs: pyproject.toml requirements.lock
	@PYTHON=$(PYTHON) tools/python-environment docs

.venv/.ready-bench: pyproject.toml requirements.lock
	@PYTHON=$(PYTHON) tools/python-environment bench

.venv-fit/.ready: tools/fit-environment
	@PYTHON=$(PYTHON) tools/fit-environment

fit-environment: .venv-fit/.ready ## Make .venv-fit: torch and torchnep, which `snakemake potential` trains with.

.venv-optimade/.ready: tools/optimade-environment
	@PYTHON=$(PYTHON) tools/optimade-environment

optimade-environment: .venv-optimade/.ready ## Make .venv-optimade: optimade-maker, which serves what is published.

.venv-live/.ready: tools/live-environment pyproject.toml requirements.lock
	@PYTHON=$(PYTHON) tools/live-environment

live-environment: .venv-live/.ready ## Make .venv-live: a Snakemake whose runs can be watched by `snkmt console`.

run: .venv/.ready ## Set everything up and run the default config to results/report.html.
	@tools/system-packages libopenblas0
	@exec 9>.snakemake.lock; flock -n 9 || { echo "iondrill: another make run is at work in this folder" >&2; exit 1; }; \
	snakemake --unlock >/dev/null 2>&1; snakemake --cores $(CORES) --logger rich
	@echo "The report: $(CURDIR)/results/report.html"

test: .venv/.ready-dev .venv-fit/.ready .venv-optimade/.ready .venv-live/.ready ## Set everything up, CP2K, Slurm and Chromium too when root, and run the tests.
	@tools/system-packages libopenblas0 cp2k openmpi-bin slurm-wlm munge chromium environment-modules
	@pytest -n 3 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

mutants: .venv/.ready-dev ## Change the code that computes at 330 positions by chance, and count what the tests notice: SEEDS="1 2".
	@tools/system-packages libopenblas0
	@PYTHONPATH=tools python -m mutants --seed $(SEEDS) --page

slurm: .venv/.ready-dev ## As root, after make run: run the default config through a Slurm of its own, and compare.
	@tools/system-packages libopenblas0 slurm-wlm munge
	@PYTHONPATH=tools python -m faultdrill.by_slurm

drill: .venv/.ready-dev ## Let small runs suffer 57 random faults (as root: Slurm, CP2K too), and write docs/reliability.md.
	@tools/system-packages libopenblas0 cp2k openmpi-bin slurm-wlm munge
	@PYTHONPATH=tools python -m faultdrill

lint: .venv/.ready-dev ## Check style, types, rooms and rules.
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	snakefmt --check Snakefile workflow/rules
	snakemake --lint

format: .venv/.ready-dev ## Format Python and Snakemake files.
	ruff format .
	ruff check --fix .
	snakefmt Snakefile workflow/rules

site: .venv/.ready-docs ## Build the site of the documentation in site/; a broken link fails it.
	@NO_MKDOCS_2_WARNING=1 mkdocs build --quiet --strict

docs: .venv/.ready-dev ## Write the schema and the reference pages from the models.
	iondrill docs

bench: .venv/.ready-bench ## Measure ourselves against others: all that needs no CP2K; writes docs/benchmarks.md.
	@tools/system-packages libopenblas0 xtb
	@python benchmarks/run.py

bench-cp2k: .venv/.ready-bench ## Measure the rest: all that needs CP2K.
	@tools/system-packages libopenblas0 cp2k openmpi-bin
	@python benchmarks/run.py --cp2k

lock: .venv/.ready-dev ## Pin the newest versions of all packages.
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --extra dev --extra bench --extra docs --extra live --no-annotate --no-header --no-emit-index-url --output-file requirements.lock pyproject.toml

clean: ## Remove the environments; results stay.
	rm -rf .venv .venv-fit .venv-optimade .venv-live
