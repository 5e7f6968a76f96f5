# Each target sets up what it needs: a fresh machine needs Python 3.11 and nothing else.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LABEL_STUDIO := .label-studio
POSTGRESQL := .postgresql
TRITON := .triton
CHROMIUM := .chromium
export DAGSTER_HOME := $(CURDIR)/.legosigns/dagster
# Dagster's commands print a notice that a newer command line exists; nothing here depends on it.
export PYTHONWARNINGS := ignore::FutureWarning:click.core

# Two processes: most of the time of a test goes into waiting for a server, a pod or an import.
PYTEST := PYTHONWARNINGS= $(BIN)/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo dev dev-s3 serve test test-fast check fix constraints sample clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) $(DAGSTER_HOME)/dagster.yaml  ## the main job on the embedded sample, then a table and a report
	@echo 'Everything on the sample: 3 minutes on 2 cores. After Ctrl-C, the same command goes on.'
	$(BIN)/dagster job execute -m legosigns_dagster.definitions -j traffic_signs -c configs/demo.yaml
	$(BIN)/legosigns report
	@echo 'Open the report in a browser. Next: make dev shows this run, its images and checks.'

dev: $(INSTALLED) $(DAGSTER_HOME)/dagster.yaml  ## the Dagster UI on port 3000, with the runs of the command line
	$(BIN)/dagster dev -w workspace.yaml -p 3000

dev-s3: $(INSTALLED) $(DAGSTER_HOME)/dagster.yaml  ## the same with the store in an S3 server of its own, data in .legosigns/s3
	$(BIN)/python -m legosigns_dagster_tests.support.dev_s3

serve: $(INSTALLED) $(TRITON)/.installed  ## a model server on port 8000 with the current release
	$(BIN)/python -m legosigns_dagster_tests.support.serve

test: $(INSTALLED) $(LABEL_STUDIO)/.installed $(POSTGRESQL)/.installed $(TRITON)/.installed $(CHROMIUM)/.installed  ## all tests, real servers included
	$(PYTEST)

test-fast: $(INSTALLED)  ## the tests that need neither torch nor a server (three minutes)
	$(PYTEST) -p legosigns_dagster_tests.support.fast

check: $(INSTALLED)  ## ruff and mypy, strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(INSTALLED)  ## what ruff can mend by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# pip finds the newest versions that fit setup.py, and installs nothing.
constraints:  ## write constraints.txt again, after a version in setup.py was changed
	$(PYTHON) -m venv .constraints
	.constraints/bin/pip install --quiet --disable-pip-version-check --dry-run --ignore-installed \
	  --report .constraints/report.json '.[dev,label-studio]'
	.constraints/bin/python -m legosigns_dagster_tests.support.constraints .constraints/report.json constraints.txt
	rm -rf .constraints

sample: $(INSTALLED)  ## draw the sample and train its base weights again (ten minutes; its output is committed)
	$(BIN)/python -m legosigns_dagster.sample.draw
	$(BIN)/python -m legosigns_dagster.sample.train_base

$(INSTALLED): setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

# The server has pins of its own, so it gets an environment of its own. The tests alone need it.
$(LABEL_STUDIO)/.installed:
	$(PYTHON) -m venv $(LABEL_STUDIO)
	$(LABEL_STUDIO)/bin/pip install --quiet --disable-pip-version-check label-studio==1.23.2
	touch $@

# $(call unpack,PACKAGE): what `apt-get install PACKAGE` would add to this machine, unpacked into the folder of the target
# instead: that needs no root and starts no server.
define unpack
cd $(@D) && plan=$$(apt-get install --simulate --no-install-recommends $(1)) \
  || { echo "$(1) is not among apt's packages: run apt-get update as root first"; exit 1; }; \
for name in $$(echo "$$plan" | sed -n 's/^Inst \([^ ]*\) (.*/\1/p'); do \
  apt-get download --quiet --quiet $$name && dpkg-deb --extract $${name}_*.deb . && rm $${name}_*.deb || exit 1; \
done
endef

# The tests alone need PostgreSQL; where it is installed, that one is used.
$(POSTGRESQL)/.installed:
	mkdir -p $(@D)
	ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || { $(call unpack,postgresql); }
	touch $@

# The tests alone need a browser, which opens the report; where one is installed, that one is used.
$(CHROMIUM)/.installed:
	mkdir -p $(@D)
	ls /usr/lib/chromium/chromium > /dev/null 2>&1 || { $(call unpack,chromium); }
	touch $@

# A real model server for `make serve` and the tests, 510 MB. It is used without its Python client, so what that depends on is not installed. With NumPy 2
# its backend for Python starts, says that it is ready, and answers empty tensors.
$(TRITON)/.installed:
	$(PYTHON) -m venv $(TRITON)
	$(TRITON)/bin/pip install --quiet --disable-pip-version-check --no-deps nvidia-pytriton==0.7.0
	$(TRITON)/bin/pip install --quiet --disable-pip-version-check numpy==1.26.4 onnxruntime==1.32.0 openvino==2026.4.1
	touch $@

$(DAGSTER_HOME)/dagster.yaml: dagster.yaml
	mkdir -p $(@D)
	cp $< $@.$$$$ && mv $@.$$$$ $@

clean:  ## remove what the other targets made
	rm -rf $(VENV) $(LABEL_STUDIO) $(POSTGRESQL) $(TRITON) $(CHROMIUM) .constraints .legosigns
