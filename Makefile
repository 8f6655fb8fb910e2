# All targets but test-pynq share one environment in .venv, which is made at need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

PACKAGES := $(patsubst %/__init__.py,%,$(wildcard */__init__.py))

ifneq ($(words $(CURDIR)),1)
$(error Verilator's makefiles need a path without spaces, not $(CURDIR): move this folder)
endif

# pynq wants an older numpy, and Python 3.12 at most. The first version is what boards have, the
# second the last that knows their chip.
PYNQ_PYTHON ?= $(PYTHON)
PYNQ_VERSIONS := 3.0.1 3.1.2
PYNQ_STAMPS := $(PYNQ_VERSIONS:%=.venv-pynq-%/installed)

.PHONY: setup demo test test-full formal proof mutation netlist soak coverage test-pynq lint \
    pictures docs clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    -e '.[desk,hw,sim,synth,formal,import,report,bench,test,lint]'
	touch $@

demo: $(STAMP)
	$(BIN)/zynq-lstm demo

test: $(STAMP)
	$(BIN)/pytest

test-full: $(STAMP)
	$(BIN)/pytest -m ""

formal: $(STAMP)
	$(BIN)/pytest -m "" tests/formal

proof: $(STAMP)
	$(BIN)/pytest -m "" tests/exhaustive tests/formal

mutation: $(STAMP)
	$(BIN)/python tests/mutation/campaign.py

netlist: $(STAMP)
	$(BIN)/pytest -m "" --durations=0 tests/sim/test_xc7_cells.py tests/sim/test_netlist.py

# A million characters: SLICE=3/20 for one of twenty parts, RUN=137 for one text, REPORT=1 for what
# has been done.
soak: $(STAMP)
	cd tests && ../$(BIN)/python -m soak $(if $(SLICE),--slice $(SLICE)) $(if $(RUN),--run $(RUN)) \
	    $(if $(REPORT),--report)

# Of Python: overlay.py needs pynq and is run by test-pynq. Of the emitted Verilog: cocotb's benches.
BRANCHES := build/coverage/python.json
coverage: $(STAMP)
	rm -rf build/coverage && mkdir -p build/coverage
	$(BIN)/coverage run --branch --source=quant,host --omit=host/overlay.py \
	    --data-file=build/coverage/python -m pytest -q tests/quant tests/host \
	    tests/sim/test_self_test.py
	$(BIN)/coverage json --quiet --data-file=build/coverage/python -o $(BRANCHES)
	PYTHONPATH=tests $(BIN)/pytest -q -p code_coverage.collect \
	    --verilog-coverage build/coverage/verilog tests/sim/test_cocotb.py
	$(BIN)/python tests/code_coverage/branches.py $(BRANCHES)
	PYTHONPATH=tests $(BIN)/python -m code_coverage.report build/coverage/verilog

test-pynq: $(PYNQ_STAMPS)
	set -e; for version in $(PYNQ_VERSIONS); do \
	    .venv-pynq-$$version/bin/pytest tests/on_pynq; \
	done

.venv-pynq-%/installed: pyproject.toml
	@$(PYNQ_PYTHON) -c 'import sys; sys.exit(None if sys.version_info < (3, 13) else \
	    "pynq needs Python 3.10 to 3.12: make test-pynq PYNQ_PYTHON=python3.12")'
	$(PYNQ_PYTHON) -m venv .venv-pynq-$*
	.venv-pynq-$*/bin/python -m pip install --quiet --disable-pip-version-check \
	    'pynq==$*' -e '.[desk,hw,sim,report,test,pynq]'
	touch $@

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/vermin --target=3.10- --no-tips --violations --quiet $(PACKAGES)

# Those of docs/pictures, each by the command that its page names; most of the time is for compiling.
pictures: $(STAMP)
	mkdir -p build
	$(BIN)/python -m zynq_lstm.hw.block_diagram > build/blocks.svg
	mv build/blocks.svg docs/pictures/blocks.svg
	$(BIN)/zynq-lstm trace models/shakespeare.zlstm -o build/character.vcd --prompt "ROMEO:" \
	    --seed 1 --picture docs/pictures/character.svg
	$(BIN)/zynq-lstm score models/shakespeare.zlstm docs/examples/gates.txt \
	    --coloured docs/pictures/surprisal.svg
	$(BIN)/zynq-lstm synth --picture docs/pictures/resources.svg
	$(BIN)/zynq-lstm bench --sizes --plot docs/pictures/cycles.svg

docs: $(VENV)/with-docs
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet docs build/docs

$(VENV)/with-docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) .venv-pynq-* build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
