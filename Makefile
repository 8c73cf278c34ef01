# openstarryd: the same commands for a laptop, a board and CI. `make help` lists them.

SWIFT     ?= swift
# Release: the Swift library linked in, small code, lld, stripped (.ci/toolset.json).
RELEASE   := -c release --toolset .ci/toolset.json --static-swift-stdlib
CHECKED   := --explicit-target-dependency-import-check error
# An instrumented build for coverage-guided fuzzing.
EDGES     := -c release --scratch-path .build/coverage --static-swift-stdlib \
             -Xswiftc -Xfrontend -Xswiftc -sanitize=fuzzer \
             -Xswiftc -Xfrontend -Xswiftc -sanitize-coverage=edge,inline-8bit-counters
CONFIG    ?= Examples/greenhouse/openstarry.yaml
FOR       ?=
PREFIX    ?= /usr
FILTER    ?=
SEED      ?=
RUNS      ?= 1000
FIRST     ?= 1
JOBS      ?= 1
TARGET    ?=
INPUT     ?=
COVERAGE  ?=
KEEP      ?=
DEBIAN    ?= 12 13
PACKAGE   ?=

.PHONY: help setup build install package run test fresh check bench order chips format clean testbed vm-test vm-shell vm-bench board-test faults fuzz

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## install missing Debian packages (root or sudo)
	@.ci/setup

chips: setup ## generate the list of chips and the driver table in docs/board-yaml.md from the chips' declarations
	@.ci/chips
	@OPENSTARRY_WRITE_DOCS=1 SWIFT=$(SWIFT) .ci/test theBoardPageNamesEveryDriver

build: setup ## build a release: .build/release/openstarryd and openstarry
	@$(SWIFT) build $(RELEASE) $(CHECKED) --product openstarryd
	@$(SWIFT) build $(RELEASE) $(CHECKED) --product openstarry
	@SWIFT=$(SWIFT) .ci/companions .build/release

install: build ## install programs, units and default configuration; DESTDIR=…, PREFIX=/usr
	@systemd/install .build/release "$(DESTDIR)" "$(PREFIX)"

package: build ## build the Debian packages and the Python wheel, in .build
	@systemd/package .build/release .build
	@SDK/python/build-wheel .build

run: build ## run the daemon on the simulated greenhouse; FOR=10s exits after 10 s, CONFIG=… uses another configuration
	@exec .build/release/openstarryd --config $(CONFIG) --story $(if $(FOR),--for $(FOR))

test: setup ## run all tests and print a summary; FILTER=name for some
	@SWIFT=$(SWIFT) .ci/test '$(FILTER)'

fresh: ## run make run and make test in minimal roots; DEBIAN='12 13', FOR=10s, FILTER=name, PACKAGE=1 for the package, too
	@DEBIAN='$(DEBIAN)' FOR='$(FOR)' FILTER='$(FILTER)' PACKAGE='$(PACKAGE)' .ci/fresh

faults: setup ## run the fault campaign; RUNS=1000, FIRST=1, JOBS=1, FOR=60s, or SEED=n for one run with all events
	@$(SWIFT) build $(RELEASE) $(CHECKED) --product fault-campaign
	@.build/release/fault-campaign $(if $(SEED),--seed $(SEED),--first $(FIRST) --runs $(RUNS) --jobs $(JOBS) $(if $(FOR),--for $(FOR)))

fuzz: setup ## fuzz all untrusted input; FOR=60s, TARGET=name, SEED=n, FIRST=n, INPUT=FILE, COVERAGE=1, KEEP=FOLDER
	@$(SWIFT) build $(RELEASE) $(CHECKED) --product openstarry-guardian
	@$(SWIFT) build $(if $(COVERAGE),$(EDGES),$(RELEASE)) $(CHECKED) --product fuzz
	@$(if $(COVERAGE),.build/coverage,.build)/release/fuzz $(if $(TARGET),--target $(TARGET)) $(if $(FOR),--for $(FOR)) \
	  $(if $(SEED),--seed $(SEED)) $(if $(findstring command,$(origin FIRST)),--first $(FIRST)) $(if $(INPUT),--input $(INPUT)) \
	  $(if $(findstring command,$(origin RUNS)),--runs $(RUNS)) $(if $(KEEP),--keep $(KEEP))

testbed: ## build the virtual test-bed, or find it in the cache
	@Tests/Testbed/build

vm-test: setup ## test on real kernel devices in a virtual machine; FILTER=name for some, RING_SECONDS=5 for a short run
	@FILTER='$(FILTER)' Tests/Testbed/test

vm-shell: setup ## open a shell in that machine
	@Tests/Testbed/shell

vm-bench: setup ## measure edge → rule → agent → output line in that machine
	@Tests/Testbed/bench

board-test: setup ## run the same tests on a board: HOST=user@host, BOARD=its board file
	@FILTER='$(FILTER)' Tests/Testbed/board-test '$(HOST)' $(BOARD)

check: setup ## check formatting, imports, documented public symbols, the examples' modules; no Foundation and no thread pool in the daemon
	@.ci/check
	@$(MAKE) --no-print-directory -C Examples check

bench: build ## measure and print footprint, start, latency and matching rate; ONLY='reflex wasm' for some sections
	@Benchmarks/run $(ONLY)

order: setup ## regenerate the linker's function order: functions that run at rest, then those at work
	@.ci/order

format: ## format all sources in place
	@$(SWIFT) format -i -r Package.swift Sources Tests Examples Benchmarks

clean: ## remove build products
	@rm -rf .build .openstarry
