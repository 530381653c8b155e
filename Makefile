# agentmap. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# One test runner for all that is tested; nextest where it is installed.
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)
RUN_TESTS := $(if $(NEXTEST),cargo nextest run --locked --no-fail-fast,cargo test --locked --no-fail-fast)

# The statically linked program, for this machine's kind of processor.
TRIPLE := $(shell uname -m)-unknown-linux-gnu
RELEASE := target/$(TRIPLE)/release/agentmap
MAX_RELEASE_BYTES := 15000000
# Of functions that came out the same, one is kept; and addresses that move with the program take bits.
# Randomness is the system's: looked for as a library's function, which there is none of here, it would be that of
# /dev/urandom, which an empty root has not.
RELEASE_FLAGS := -C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom" -C link-arg=-Wl,--icf=all -C link-arg=-Wl,-z,pack-relative-relocs

# The program for Windows, in a folder of its own: another compiler may build it.
WINDOWS := x86_64-pc-windows-gnu
WINDOWS_RELEASE := target/windows/$(WINDOWS)/release/agentmap.exe

# No path of this machine is in what is released, so that it is the same wherever it is built.
REMAP := --remap-path-prefix=$(CURDIR)=/agentmap --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo

TOOLS := $(CURDIR)/target/tools
CARGO_DENY_VERSION := 0.20.2

# How often `make kill` kills the server.
KILLS ?= 200

# How many failures of storage `make faults` tries (0: every operation in every way), and how many damaged files it and
# `make damages`.
FAULTS ?= 0
DAMAGES ?= 5000

# How many power failures `make crash-images` makes up.
IMAGES ?= 20000

# How many rounds `make budgets` lets callers ask in.
BUDGET_ROUNDS ?= 100

# How often `make tampering` tampers in each way.
TAMPERINGS ?= 200

# How long `make fuzz` fuzzes each target, and which there are.
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= identity body cursor glob codec
CARGO_FUZZ_VERSION := 0.13.2

# How long `make dashboard-bench` loads each page.
SECONDS_A_PAGE ?= 60

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

.PHONY: run
run: ## Build, seed the sample fleet into an empty data file, and serve
	cargo build --locked
	exec target/debug/agentmap serve --seed-if-empty sample

.PHONY: check
check: lint ## Formatting, lints and unit tests: what to run before every commit
	$(RUN_TESTS) --lib

.PHONY: lint
lint: ## Formatting and lints
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

.PHONY: test
test: ## Install what the tests need, and run them all
	tests/need.sh curl 'curl --version'
	assets/vendor/refresh.sh --check
	cargo build --locked
	$(MAKE) schemathesis
	$(MAKE) dashboard-test
	cargo test --locked --doc
	$(RUN_TESTS)

.PHONY: schemathesis
schemathesis: ## Run schemathesis against the served API document; needs python3
	cargo build --locked
	tests/schemathesis.sh target/debug/agentmap

.PHONY: dashboard-test
dashboard-test: ## Drive the dashboard with Chromium
	cargo build --locked
	tests/dashboard.sh target/debug/agentmap

.PHONY: dashboard-bench
dashboard-bench: ## Measure the dashboard; a minute under load a page: make dashboard-bench SECONDS_A_PAGE=60
	cargo build --locked --release
	tests/dashboard.sh target/release/agentmap bench.js $(SECONDS_A_PAGE)

.PHONY: screenshots
screenshots: ## Picture every page of the dashboard into target/screenshots, and README's two into assets
	cargo build --locked
	tests/dashboard.sh target/debug/agentmap screenshots.js

.PHONY: kill
kill: ## Kill the server under 32 writers again and again and check what is left: make kill KILLS=200
	AGENTMAP_KILLS=$(KILLS) cargo test --locked --release --test crash -- --nocapture kill::

.PHONY: faults
faults: ## Let every operation on storage fail in turn, and damage files: make faults FAULTS=1000 (0: all)
	AGENTMAP_FAULTS=$(FAULTS) AGENTMAP_DAMAGES=$(DAMAGES) \
	  cargo test --locked --test faults -- --nocapture --skip images::

.PHONY: damages
damages: ## Damage data files at random, and let the program meet them: make damages DAMAGES=5000
	AGENTMAP_DAMAGES=$(DAMAGES) cargo test --locked --test crash -- --nocapture damage::

.PHONY: crash-images
crash-images: ## Let the power fail at random moments and open what is left: make crash-images IMAGES=20000
	AGENTMAP_IMAGES=$(IMAGES) cargo test --locked --test faults -- --nocapture images::

.PHONY: tampering
tampering: ## Tamper with audit trails at random, and see each found out: make tampering TAMPERINGS=200
	AGENTMAP_TAMPERINGS=$(TAMPERINGS) cargo test --locked --test crash tampering -- --nocapture

.PHONY: budgets
budgets: ## Let 100 callers at once ask for a budget of 50, and kill the server: make budgets BUDGET_ROUNDS=100
	AGENTMAP_BUDGET_ROUNDS=$(BUDGET_ROUNDS) cargo test --locked --release --test crash -- --nocapture budgets::

.PHONY: siege
siege: ## Attack the server with slow, large and idle clients, and measure those who work meanwhile
	AGENTMAP_SIEGE=1 cargo test --locked --release --test siege -- --nocapture

# Without a sanitizer, which needs a nightly compiler: there is no unsafe code here to find fault with.
.PHONY: fuzz
fuzz: ## Fuzz what reads bytes from outside, each target so long: make fuzz FUZZ_SECONDS=600
	@export PATH="$(TOOLS)/bin:$$PATH"
	if [[ "$$(cargo fuzz --version 2>/dev/null)" != "cargo-fuzz $(CARGO_FUZZ_VERSION)" ]]; then
	  cargo install cargo-fuzz --version $(CARGO_FUZZ_VERSION) --locked --debug --root $(TOOLS)
	fi
	for target in $(FUZZ_TARGETS); do
	  found=target/fuzz/corpus/$$target
	  mkdir -p $$found
	  cargo fuzz run --sanitizer none --target-dir target/fuzz $$target $$found fuzz/corpus/$$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=10 -print_final_stats=1
	done

# The program is built as it is shipped; what measures it is built aside, so that neither is built anew for the other.
BENCH := cargo bench --locked --target-dir target/bench-build
BENCH_ARGS := $(if $(ROWS),--rows $(ROWS))
define run-bench
cargo build --locked --release
AGENTMAP_PROGRAM=$(CURDIR)/target/release/agentmap $(BENCH) --bench bench -- $(BENCH_ARGS)
endef

.PHONY: bench
bench: ## Measure a thousand to a million records, 20 min; or some rows: make bench ROWS=ingest,list
	$(run-bench)

.PHONY: bench-quick
bench-quick: BENCH_ARGS += --quick --sizes 1000,100000
bench-quick: ## Measure a thousand and a hundred thousand records, in short rounds
	$(run-bench)

.PHONY: bench-large
bench-large: BENCH_ARGS += --sizes 100000,10000000
bench-large: ## Measure a hundred thousand and ten million records: 25 GB of disk, an hour
	$(run-bench)

.PHONY: bench-micro
bench-micro: ## Measure single functions: codec, decisions, sums, serialization
	$(BENCH) --bench micro

.PHONY: deny
deny: ## Licences, sources and duplicates of the dependencies; advisories where they can be fetched
	@PATH="$(TOOLS)/bin:$$PATH"
	if [[ "$$(cargo deny --version 2>/dev/null)" != "cargo-deny $(CARGO_DENY_VERSION)" ]]; then
	  cargo install cargo-deny --version $(CARGO_DENY_VERSION) --locked --debug --root $(TOOLS)
	fi
	cargo deny check bans licenses sources
	if timeout 60 cargo deny fetch db >/dev/null 2>&1; then
	  cargo deny check --disable-fetch advisories
	else
	  echo "advisories: not checked, their database cannot be fetched from here"
	fi

.PHONY: release
release: ## Build the statically linked program, and verify that it is one
	RUSTFLAGS='$(RELEASE_FLAGS) $(REMAP)' cargo build --locked --release --target $(TRIPLE)
	ldd $(RELEASE) 2>&1 | grep -q 'statically linked' || { echo "$(RELEASE) is not statically linked"; exit 1; }
	size=$$(stat -c %s $(RELEASE))
	if (( size >= $(MAX_RELEASE_BYTES) )); then
	  echo "$(RELEASE) is $$size bytes; it must stay under $(MAX_RELEASE_BYTES)"
	  exit 1
	fi
	echo "$(RELEASE): statically linked, $$size bytes"

.PHONY: windows-check
windows-check: ## Lint for Windows, where such a target is installed
	@tests/need.sh gcc-mingw-w64-x86-64 'command -v x86_64-w64-mingw32-gcc'
	if [[ -d "$$(rustc --print sysroot)/lib/rustlib/$(WINDOWS)" ]]; then
	  cargo clippy --locked --target $(WINDOWS) --target-dir target/windows -- -D warnings
	else
	  echo "windows: not checked, its target is not installed (rustup target add $(WINDOWS))"
	fi

.PHONY: windows
windows: ## Build agentmap.exe, and verify that it needs nothing that a Windows 10 lacks
	tests/need.sh gcc-mingw-w64-x86-64 'command -v x86_64-w64-mingw32-gcc'
	export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
	export RUSTFLAGS='-C link-arg=-Wl,--no-insert-timestamp $(REMAP)'
	build=(cargo build --locked --release --target $(WINDOWS) --target-dir target/windows)
	if [[ -d "$$(rustc --print sysroot)/lib/rustlib/$(WINDOWS)" ]] || timeout 60 rustup target add $(WINDOWS) 2>/dev/null; then
	  "$${build[@]}"
	else
	  echo "No standard library for Windows can be fetched: it is built of its source"
	  tests/need.sh rustc-web '/usr/bin/rustc --version | grep -E "^rustc 1[.](9[5-9]|[1-9][0-9][0-9])[.]"'
	  tests/need.sh rust-web-src 'test -d "$$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library"'
	  RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 "$${build[@]}" -Zbuild-std=std,panic_abort,panic_unwind
	fi
	x86_64-w64-mingw32-objdump -p $(WINDOWS_RELEASE) | sed -n 's/^.*DLL Name: //p' | tr A-Z a-z | sort -u |
	  diff tests/fixtures/windows/imports.txt - || { echo "$(WINDOWS_RELEASE) imports other libraries than it did"; exit 1; }
	echo "$(WINDOWS_RELEASE): $$(stat -c %s $(WINDOWS_RELEASE)) bytes"

.PHONY: test-windows
test-windows: windows ## Run the end-to-end tests against agentmap.exe, under Wine
	tests/windows.sh $(WINDOWS_RELEASE)

.PHONY: golden
golden: ## Write the data file of this version into tests/fixtures/released, which every later version must open
	AGENTMAP_GOLDEN=1 cargo test --locked --test crash golden

.PHONY: dist
dist: ## Build what is released, into target/dist
	assets/dist/build.sh

.PHONY: test-dist
test-dist: ## Install, upgrade and purge what is in target/dist on a Debian of its own; needs root
	tests/dist.sh target/dist

.PHONY: reproduce
reproduce: ## Build what is released twice, from two clean clones, and compare the bytes
	tests/reproduce.sh

.PHONY: openapi
openapi: ## Accept the served API document as the golden file tests/fixtures/openapi.json
	UPDATE_GOLDEN=1 cargo test --locked --test api openapi
	git --no-pager diff --stat -- tests/fixtures/openapi.json

.PHONY: vendor
vendor: ## Fetch the vendored files of the pages as assets/vendor/vendor.json pins them; needs npm
	assets/vendor/refresh.sh

.ONESHELL:
