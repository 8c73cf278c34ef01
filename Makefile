# openstarryd: the same commands for a laptop, a board and CI. `make help` lists them.

SWIFT     ?= swift
# Release: the Swift library linked in, small code, lld, stripped (.ci/toolset.json).
RELEASE   := -c release --toolset .ci/toolset.json --static-swift-stdlib
CHECKED   := --explicit-target-dependency-import-check error
CONFIG    ?= Examples/greenhouse/openstarry.yaml
FOR       ?=
PREFIX    ?= /usr
FILTER    ?=
SEED      ?=
RUNS      ?= 1000

.PHONY: help setup build install package run test check bench format clean testbed vm-test vm-shell vm-bench board-test faults

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## install what is missing (Debian packages; root or sudo)
	@.ci/setup

build: setup ## a release build: .build/release/openstarryd and openstarry
	@$(SWIFT) build $(RELEASE) $(CHECKED) --product openstarryd
	@$(SWIFT) build $(RELEASE) $(CHECKED) --product openstarry
	@SWIFT=$(SWIFT) .ci/guardian .build/release

install: build ## the programs, units and default configuration; DESTDIR=…, PREFIX=/usr
	@systemd/install .build/release "$(DESTDIR)" "$(PREFIX)"

package: build ## a Debian package, in .build
	@systemd/package .build/release .build

run: build ## the daemon on the simulated greenhouse; FOR=10s ends by itself, CONFIG=… takes another configuration
	@exec .build/release/openstarryd --config $(CONFIG) --story $(if $(FOR),--for $(FOR))

test: build ## all tests; FILTER=name for some
	@$(SWIFT) test $(CHECKED) $(if $(FILTER),--filter $(FILTER))

faults: setup ## seeded runs of the daemon's parts with injected faults; RUNS=1000, FOR=60s, or SEED=n for one, told in full
	@$(SWIFT) build $(RELEASE) $(CHECKED) --product fault-campaign
	@.build/release/fault-campaign $(if $(SEED),--seed $(SEED),--runs $(RUNS) $(if $(FOR),--for $(FOR)))

testbed: ## make the virtual test-bed, or find it in the cache
	@Board/testbed/build

vm-test: setup ## tests on real kernel devices in a virtual machine; FILTER=name for some, RING_SECONDS=5 for a short run
	@FILTER='$(FILTER)' Board/testbed/test

vm-shell: setup ## a shell in that machine, to look around
	@Board/testbed/shell

vm-bench: setup ## measure edge → rule → agent → output line in that machine
	@Board/testbed/bench

board-test: setup ## the same tests on a board: HOST=user@host, BOARD=its board file
	@FILTER='$(FILTER)' Board/testbed/board-test '$(HOST)' $(BOARD)

check: setup ## formatting, imports, no Foundation and no thread pool in the daemon, documented public symbols
	@.ci/check

bench: build ## measure and print footprint, start, latency and matching rate
	@Benchmarks/run

format: ## format all sources in place
	@$(SWIFT) format -i -r Package.swift Sources Tests Examples Benchmarks

clean: ## remove what was built
	@rm -rf .build .openstarry
