# `make help` lists the verbs. Each sets up what it needs; .venv/ in this folder is all that set-up makes.
# GNU make 3.81 or newer, any POSIX shell.

CATALOGS := $(sort $(wildcard catalog/*/api_catalog.json catalog/*/api_catalog.yaml catalog/*/api_catalog.yml))
PROCESSES := $(sort $(wildcard catalog/*/*.py))
# The generated packages: processes import them, so they are installed too, each editable.
PACKAGES := $(patsubst %/pyproject.toml,%,$(sort $(wildcard out/*/pyproject.toml)))
TYPING_TESTS := $(sort $(wildcard tests/test_*typing.py tests/*/test_*typing.py))
SCHEMA := catalog/catalog.schema.json

BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
# One goal after the other, even with -j: what can go in parallel does so inside a goal.
.NOTPARALLEL:
.PHONY: help setup generate check test run bench clean lock python
# Settings of the caller's shell that would reach into the virtual environment.
unexport PYTHONHOME PYTHONPATH PIP_PREFIX PIP_TARGET PIP_USER

help:  ## List the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(INSTALLED)  ## Make .venv and install everything into it (PYTHON=… chooses the interpreter)

generate: $(INSTALLED)  ## Regenerate out/ from every catalog, and the catalog language's JSON Schema
	$(BIN)/mcp-codegen generate $(CATALOGS) --out out
	$(BIN)/mcp-codegen schema --out $(SCHEMA)

check: $(INSTALLED)  ## Check style, types, import contracts, and that generated files are fresh
	$(BIN)/ruff check .
	BLACK_CACHE_DIR=.venv/black $(BIN)/black --check --quiet --diff .
	$(BIN)/mypy mcp_codegen benchmarks $(TYPING_TESTS) $(PACKAGES) $(PROCESSES)
	$(BIN)/lint-imports --no-logo
	$(BIN)/mcp-codegen schema --out $(SCHEMA) --check
	$(BIN)/mcp-codegen generate $(CATALOGS) --out out --check

test: $(INSTALLED)  ## Run the tests
	@$(BIN)/pytest

run: $(INSTALLED)  ## Run the flagship process once, offline, against a stand-in of its APIs
	@$(BIN)/mcp-orchestrator run catalog/telefonica/customer_billing.py \
	    --input customer_id=45829374 --input msisidn=56987654321 \
	    --mock --results out/runs/orchestrator_results.json

bench: $(INSTALLED)  ## Measure time, memory and sizes beside the peers (ARGS="--only start" …)
	@$(BIN)/python -m benchmarks $(ARGS)

# Not after a full set-up, which fails when pyproject.toml asks for what constraints.txt does not have.
lock: $(BIN)/uv  ## Pin every package anew in constraints.txt (UPGRADE=1 takes the newest that fit)
	$(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --all-extras \
	    --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) \
	    pyproject.toml $(addsuffix /pyproject.toml,$(PACKAGES)) --output-file constraints.txt

clean:  ## Remove .venv, caches, results, built packages and what benchmarks fetched; never a generated, committed file
	rm -rf .venv build dist out/runs tests/conformance/node_modules .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up ---------------------------------------------------------------------------------------------------------

# The stamp names the folder that was installed: a copied or moved one is set up anew, as is one whose Python is gone.
ifneq "$(shell test -x $(BIN)/python && cat $(INSTALLED) 2>/dev/null)" "$(shell pwd -P)"
.PHONY: $(INSTALLED)
endif

$(INSTALLED): pyproject.toml constraints.txt $(addsuffix /pyproject.toml,$(PACKAGES))
	@$(FIND_PYTHON); $(INSTALL)

$(BIN)/uv:
	@$(MAKE) setup

# For scripts: print the Python that `setup` would take, or say what is missing.
python:
	@$(FIND_PYTHON); find_python

# A shell function that prints the first Python on the PATH that is new enough and complete. Each candidate is run:
# a name on the PATH may be a version manager's shim for something that is not installed.
define FIND_PYTHON
find_python() ( \
    set -f; \
    incomplete=; \
    is_new_enough() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }; \
    makes_environments() { "$$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }; \
    consider() { \
        if ! is_new_enough "$$1"; then return; fi; \
        if makes_environments "$$1"; then echo "$$1"; exit 0; fi; \
        incomplete=$${incomplete:-$$1}; \
    }; \
    if [ -n "$${PYTHON:-}" ]; then \
        consider "$$PYTHON"; \
    else \
        for name in python3.14 python3.13 python3.12 python3.11 python3; do \
            IFS=:; \
            for folder in $$PATH; do \
                if [ -x "$$folder/$$name" ]; then consider "$$folder/$$name"; fi; \
            done; \
        done; \
    fi; \
    if [ -n "$$incomplete" ]; then \
        version=$$("$$incomplete" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
        echo "$$incomplete cannot make virtual environments: it lacks the module venv or ensurepip."; \
        echo "On Debian and Ubuntu: apt-get install python$$version-venv"; \
    elif [ -n "$${PYTHON:-}" ]; then \
        echo "PYTHON=$$PYTHON is not a Python 3.11 or newer that runs. Name one that is, or leave PYTHON out."; \
    else \
        echo "No Python 3.11 or newer was found on the PATH. Install one:"; \
        echo "  Debian, Ubuntu   apt-get install python3 python3-venv"; \
        echo "  Fedora           dnf install python3"; \
        echo "  macOS            brew install python"; \
        echo "or name one that stands elsewhere: make setup PYTHON=/path/to/python3"; \
    fi >&2; \
    exit 1 \
)
endef
export PYTHON

# An environment that was left unfinished, or made for another folder, is made anew; else it is brought up to date.
# By variables, the constraints bind the building of the packages too, in old and new versions of pip.
# The mark is as old as the start: a file that changes meanwhile is newer, and is taken in the next time.
define INSTALL
set -eu; \
if [ -e .venv/.unfinished ] || [ "$$(cat $(INSTALLED) 2>/dev/null || pwd -P)" != "$$(pwd -P)" ] \
    || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
    rm -rf .venv; \
    python=$$(find_python); \
    echo "Making .venv with $$("$$python" --version) ($$python)"; \
    mkdir .venv; \
    pwd -P >.venv/.unfinished; \
    "$$python" -m venv .venv; \
fi; \
rm -f $(INSTALLED); \
pwd -P >.venv/.unfinished; \
echo "Installing into .venv; the first time takes a minute or two"; \
PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
$(BIN)/python -m pip -qq --disable-pip-version-check --no-input install \
    --editable '.[orchestrator,service,telemetry,azure,alerts,dev]' $(addprefix --editable ,$(PACKAGES)); \
mv .venv/.unfinished $(INSTALLED); \
echo "Ready"
endef
