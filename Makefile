# `make help` lists the targets. Everything they install stays in this folder: .venv, .venvs/ and .tools/.
# PYTHON=python3.12 chooses the interpreter, ARGS="-k search" goes to pytest. All tests are spread over WORKERS processes;
# with ARGS there is one, as a few tests are sooner done than workers and their servers started: WORKERS=4 has them anyway.
# There is one worker more than processors, since tests of timeouts and restarts wait a good part of their time.

PYTHON ?= python3
ARGS ?=
WORKERS ?= $(if $(ARGS),0,$(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1))))
UV := 0.13.9

# Tests start hundreds of Pythons, each of which would compile anew what it imports.
export PYTHONDONTWRITEBYTECODE :=

# Environments are filled by pip, which uses one processor: two at a time.
MAKEFLAGS += --jobs=2

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-libraries test-delivery test-story test-torch check format gocd bench lock clean

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target what; do \
	  printf '  make %-15s %s\n' "$$target" "$$what"; done

demo: .venv/.editable .venvs/mlflow3/.installed ## start the server, train a model against it, deploy it and trace it back; server and model stay up
	demo/run.sh

test: .venv/.editable .venvs/mlflow3/.installed .venvs/mlflow2/.installed .venvs/moto/.installed .tools/bin/versitygw ## run the tests
	.venv/bin/python -m pytest -m "not libraries and not delivery and not torch" --numprocesses $(WORKERS) --dist worksteal $(ARGS)

test-libraries: .venv/.editable .venvs/libraries/.installed .venvs/mlflow3/.installed .venvs/mlflow2/.installed ## run the tests that train with heavy libraries
	.venv/bin/python -m pytest -m libraries $(ARGS)

test-delivery: .venv/.editable .venvs/moto/.installed .venvs/libraries/.installed .tools/bin/registry .tools/base.tar .tools/bin/packer .tools/bin/packer-plugin-amazon .tools/bin/versitygw ## run the tests that make and run images, and deploy under load: buildah, mmdebstrap, QEMU, systemd, root
	.venv/bin/python -m pytest -m delivery $(ARGS)

test-story: .venv/.editable .venvs/moto/.installed .venvs/libraries/.installed .tools/base.tar .tools/bin/versitygw ## take a model through all stages of delivery with real tools: one test of test-delivery
	.venv/bin/python -m pytest -m delivery tests/delivery/test_story.py $(ARGS)

test-torch: .venv/.editable .venvs/torch/.installed ## run the tests that train with PyTorch, whose packages take gigabytes
	.venv/bin/python -m pytest -m torch $(ARGS)

check: .venv/.editable ## ruff, mypy and the direction of imports
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

format: .venv/.editable ## sort imports and format
	.venv/bin/ruff check --select I --fix
	.venv/bin/ruff format

gocd: ## build the GoCD plugin with Maven: integrations/gocd/target/trackback-gocd.jar
	@command -v mvn >/dev/null || { echo "the GoCD plugin is built with Maven (on Debian: apt install maven)" >&2; exit 1; }
	mvn --quiet --batch-mode --file integrations/gocd -Dmaven.test.skip=true package

bench: .venv/.editable .venvs/bench/.installed .venvs/bench-sdks/.installed ## measure this project beside others; writes benchmarks/RESULTS.md
	.venv/bin/python -m benchmarks $(ARGS)

lock: .venvs/uv/bin/uv ## pin the newest versions that fit, in locks/
	cd locks && for source in ../pyproject.toml *.in; do \
	  target=$$(basename "$$source" .in); [ "$$target" = pyproject.toml ] && target=project; \
	  ../.venvs/uv/bin/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
	    --no-header --no-emit-index-url --upgrade \
	    $$([ "$$target" = project ] && echo --all-extras --group ../pyproject.toml:dev) "$$source" -o "$$target.txt" || exit 1; \
	done

clean: ## remove all that make has made
	rm -rf .venv .venvs .tools .demo integrations/gocd/target .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests demo benchmarks scripts -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# --- environments -----------------------------------------------------------------------------------------------

# A lock names every package, so nothing is left to resolve; a stamp newer than the lock says that all are there.
# Some of the environments' pins exclude each other, so each is made alone, and only when a target needs it.
define make_environment
	@$(PYTHON) -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "trackback needs Python 3.11 or newer with venv (on Debian: apt install python3-venv);" \
	       "$(PYTHON) is not: choose another, as in make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "installing $(@D) from $<"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@
endef

.venv/.installed: locks/project.txt
	$(make_environment)

.venv/.editable: .venv/.installed pyproject.toml
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venvs/%/.installed: locks/%.txt
	$(make_environment)

.venvs/uv/bin/uv:
	$(PYTHON) -m venv .venvs/uv
	.venvs/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV)

# --- tools ------------------------------------------------------------------------------------------------------

# An S3 server, for the tests of object storage. Without Go they are skipped and say so.
.tools/bin/versitygw: locks/versitygw.version
	@if command -v go >/dev/null; then \
	  echo "building $@ $$(cat $<)"; \
	  GOBIN=$(CURDIR)/$(@D) go install github.com/versity/versitygw/cmd/versitygw@$$(cat $<) && touch $@; \
	else echo "no go in PATH: tests of object storage will be skipped"; fi

# A registry of images, and a base for them, for the tests of images; likewise.
.tools/bin/registry: locks/registry.version
	@if command -v go >/dev/null; then \
	  echo "building $@ $$(cat $<)"; \
	  GOBIN=$(CURDIR)/$(@D) go install github.com/distribution/distribution/v3/cmd/registry@$$(cat $<) && touch $@; \
	else echo "no go in PATH: tests of registries of images will be skipped"; fi

# Packer and its plugin, for the test of its template: each built within a module of its own, since what they replace
# forbids `go install`. A plugin has to be no prerelease to be taken.
.tools/bin/packer .tools/bin/packer-plugin-amazon: .tools/bin/%: locks/%/go.mod locks/%/go.sum
	@if command -v go >/dev/null; then \
	  echo "building $@"; mkdir -p $(@D); cd $(<D) && go build -mod=mod \
	    -ldflags '-X github.com/hashicorp/packer-plugin-amazon/version.VersionPrerelease=' \
	    -o $(CURDIR)/$@ github.com/hashicorp/$(@F) && touch $(CURDIR)/$@; \
	else echo "no go in PATH: tests of Packer's template will be skipped"; fi

.tools/base.tar: src/trackback/delivery/images/debian.py | .venv/.editable
	@if [ "$$(id -u)" -eq 0 ] && command -v mmdebstrap >/dev/null; then .venv/bin/trackback deliver base $@ && touch $@; \
	else echo "no mmdebstrap, or not root: tests of images will be skipped"; fi
