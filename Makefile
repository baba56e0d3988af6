# SPDX-License-Identifier: GPL-2.0
#
# What can be made: make help

# this file is not what the kernel's build reads: that is Kbuild
ifneq ($(KERNELRELEASE),)
include Kbuild
else

KDIR ?= /lib/modules/$(shell uname -r)/build
BUILD := build
BIN := $(BUILD)/bin
UNIT := $(BUILD)/unit

CORE := $(wildcard core/*.c)
HEADERS := $(wildcard core/*.h include/uapi/linux/*.h userspace-demo/*.h) tests/random.h
PROGRAMS := $(patsubst userspace-demo/%.c,$(BIN)/%,$(wildcard userspace-demo/tern-*.c))
COMMON := $(wildcard userspace-demo/common*.c)
VM_PROGRAMS := $(patsubst tests/vm/%.c,$(BIN)/%,$(wildcard tests/vm/vm-*.c))
SCRIPTS := $(wildcard tests/scripts/*.c) tests/host/host.c tests/host/laws.c
SCRIPTS_SIZES := -DHOST_BUF=131072 -DHOST_MTU=2048
VM_PROGRAMS += $(BIN)/vm-scripts
DIFFER := $(wildcard tests/differ/*.c) tests/scripts/packet.c
VM_PROGRAMS += $(BIN)/vm-differ
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(UNIT)/%,$(wildcard tests/unit/test_*.c))
UNIT_COMMON := $(filter-out $(wildcard tests/unit/test_*.c),$(wildcard tests/unit/*.c)) \
	tests/host/laws.c

SIM_SOURCES := $(wildcard tests/sim/*.c tests/host/*.c)
# sockets and TIME_WAIT entries of a host of the simulator
SIM_SIZES := -DHOST_SOCKS=12 -DHOST_WAITS=32

# the explorer chooses the sizes of tests/host for its small worlds
EXPLORE := $(wildcard tests/explore/*.c tests/host/*.c) \
	userspace-demo/ladder-draw.c userspace-demo/ladder-story.c
EXPLORE_SIZES := -DHOST_SOCKS=3 -DHOST_WAITS=1 -DHOST_BUF=4 -DHOST_MTU=64 -DHOST_OUT=8

USER_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE= -I. -Iinclude/uapi
UNIT_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror -D_GNU_SOURCE= -I. -Iinclude/uapi \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# A fuzzer is replay.c's program with a compiler's sanitizers, or what drives it: libFuzzer
# or AFL++, and with clang's coverage.  The small sizes of tests/host make many runs.
FUZZ := $(BUILD)/fuzz
FUZZERS := $(patsubst %,$(FUZZ)/%,wire engine pair)
FUZZ_HEADERS := $(wildcard tests/fuzz/*.h tests/host/*.h)
FUZZ_CFLAGS := $(UNIT_CFLAGS) -O2 -DHOST_SOCKS=4 -DHOST_WAITS=4 -DHOST_BUF=4096 \
	-DHOST_MTU=288 -DHOST_OUT=64
FUZZ_engine := tests/fuzz/engine.c $(wildcard tests/fuzz/end*.c) tests/host/laws.c
FUZZ_pair := tests/fuzz/pair.c tests/host/host.c tests/host/laws.c
FUZZ_wire := tests/fuzz/wire.c
fuzz_sources = $(FUZZ_$(1)) tests/fuzz/fuzz.c $(CORE)

.DELETE_ON_ERROR:
.PHONY: all module userspace unit vm-module vm-programs demo test test-unit \
	test-vm matrix test-debug storm sysfuzz sim sim-programs explore why-three fuzz \
	fuzzers coverage differ lint scripts clean help deps-build

all: module userspace ## the module for the running kernel and the programs

# A system that lacks the running kernel's headers (a container, say) can still
# build the programs, and the module for the VM.
module: ## tern.ko for the running kernel, or KDIR=/path/to/its/build
	@if [ -e $(KDIR)/Makefile ]; then \
		$(MAKE) -C $(KDIR) M=$(CURDIR) modules; \
	else \
		echo "module: not built: no kernel headers in $(KDIR)"; \
		echo "module: install linux-headers-$$(uname -r), or make vm-module for the VM"; \
	fi

userspace: $(PROGRAMS) ## the programs of userspace-demo/, in build/bin/

vm-module: ## tern.ko for the kernel that scripts/vm.sh boots, in build/RELEASE/
	@scripts/vm/module.sh

vm-programs: $(VM_PROGRAMS) $(PROGRAMS) ## every program that the VM tests run

demo: vm-module vm-programs ## watch connections live and die; SCENARIO=list names the scenarios
	@scripts/demo.sh $(SCENARIO)

test: ## all tests; the last line counts them
	@tests/run.sh

test-unit: ## the unit tests and the purity check of core/
	@tests/run.sh unit purity

test-vm: ## the tests that boot a kernel
	@tests/run.sh vm

differ: ## Tern against Linux TCP, on SEEDS=n random sequences from FIRST=n on
	@scripts/vm.sh --timeout 0 --add tests/differ/known:tests/differ/known \
		--add doc/differences.md:doc/differences.md \
		'SEEDS=$(or $(SEEDS),5000) FIRST=$(or $(FIRST),1) tests/vm/t-differ.sh'

fuzz: ## the fuzzers, SECONDS=n each; FUZZER=wire, engine or pair; ENGINE=libfuzzer or afl
	@scripts/fuzz.sh --engine $(or $(ENGINE),libfuzzer) $(or $(SECONDS),60) $(FUZZER)

coverage: ## lines and branches of core/ that the tests on this machine reach
	@scripts/coverage.sh

sim: $(BUILD)/sim/sim ## the simulator; SEEDS=1000 how many, SEED=1 the first one
	@$(BUILD)/sim/sim --out $(BUILD)/sim --seeds $(or $(SEEDS),1000) --seed $(or $(SEED),1)

explore: $(BIN)/explore ## every run of two small hosts; writes doc/transitions.md
	@$(BIN)/explore all

why-three: $(BIN)/explore ## what the third message is for, found and drawn
	@$(BIN)/explore why-three

storm: ## many things at once on two CPUs for MINUTES=n, SEED=n; nothing may be left
	@scripts/storm.sh storm $(or $(MINUTES),5) $(SEED)

sysfuzz: ## CALLS=n system calls with any arguments, and segments, from SEED=n
	@scripts/storm.sh sysfuzz $(or $(CALLS),1000000) $(SEED)

test-debug: ## the tests of tern.ko on kernels with KASAN, lockdep, KCSAN, failing allocations
	@tests/debug.sh

matrix: ## the VM tests on every kernel that Tern is for; KERNELS="6.12 rt" names some
	@scripts/matrix.sh $(KERNELS)

lint: ## checkpatch, kernel-doc, spelling, shellcheck
	@scripts/lint.sh

unit: $(UNIT_PROGRAMS)

scripts: $(UNIT)/scripts

fuzzers: $(FUZZERS)

sim-programs: $(BUILD)/sim/sim $(BUILD)/sim/sim-checked

clean: ## remove everything that was built (the cache of kernels stays)
	rm -rf $(BUILD)
	@if [ -e $(KDIR)/Makefile ] && [ -e Module.symvers ]; then \
		$(MAKE) -C $(KDIR) M=$(CURDIR) clean; \
	fi

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1@\2/p' $(MAKEFILE_LIST) | \
		while IFS=@ read -r name text; do printf '%-14s %s\n' "$$name" "$$text"; done

deps-build:
	@scripts/deps.sh build

# tern-client has parts of its own, client-*.c, and so may the others
.SECONDEXPANSION:
$(BIN)/%: userspace-demo/%.c $$(wildcard userspace-demo/$$(subst tern-,,$$*)-*.c) $(COMMON) $(CORE) $(HEADERS) Makefile | deps-build
	@mkdir -p $(BIN)
	@echo "  CC      $@"
	@$(CC) $(USER_CFLAGS) -o $@ $(filter %.c,$^) $(if $(filter tern-ladder,$*),-lpcap)

$(BIN)/explore: $(EXPLORE) $(COMMON) $(CORE) $(HEADERS) $(wildcard tests/explore/*.h tests/host/*.h) Makefile | deps-build
	@mkdir -p $(BIN)
	@echo "  CC      $@"
	@$(CC) $(USER_CFLAGS) $(EXPLORE_SIZES) -o $@ $(filter %.c,$^)

# vm-storm has parts of its own, storm-*.c, and so may the others
$(BIN)/%: tests/vm/%.c $$(wildcard tests/vm/$$(subst vm-,,$$*)-*.c) $(wildcard tests/vm/*.h) $(HEADERS) Makefile | deps-build
	@mkdir -p $(BIN)
	@echo "  CC      $@"
	@$(CC) $(USER_CFLAGS) -o $@ $(filter %.c,$^)

# the runner of tests/scripts/, once for each of its targets
$(BIN)/vm-scripts: USER_CFLAGS += $(SCRIPTS_SIZES)
$(UNIT)/scripts: UNIT_CFLAGS += $(SCRIPTS_SIZES)
$(BIN)/vm-scripts: $(SCRIPTS) $(CORE) $(HEADERS) $(wildcard tests/scripts/*.h tests/host/*.h) Makefile | deps-build
	@mkdir -p $(BIN)
	@echo "  CC      $@"
	@$(CC) $(USER_CFLAGS) -o $@ $(filter %.c,$^)

$(BIN)/vm-differ: $(DIFFER) $(CORE) $(HEADERS) $(wildcard tests/differ/*.h tests/scripts/*.h) Makefile | deps-build
	@mkdir -p $(BIN)
	@echo "  CC      $@"
	@$(CC) $(USER_CFLAGS) -o $@ $(filter %.c,$^)

$(UNIT)/scripts: $(SCRIPTS) $(CORE) $(HEADERS) $(wildcard tests/scripts/*.h tests/host/*.h) Makefile | deps-build
	@mkdir -p $(UNIT)
	@echo "  CC      $@"
	@$(CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^)

# the simulator, fast and with sanitizers
$(BUILD)/sim/sim: SIM_CFLAGS = $(USER_CFLAGS)
$(BUILD)/sim/sim-checked: SIM_CFLAGS = $(UNIT_CFLAGS)
$(BUILD)/sim/sim $(BUILD)/sim/sim-checked: $(SIM_SOURCES) $(CORE) $(HEADERS) $(wildcard tests/sim/*.h tests/host/*.h) Makefile | deps-build
	@mkdir -p $(@D)
	@echo "  CC      $@"
	@$(CC) $(SIM_CFLAGS) $(SIM_SIZES) -o $@ $(filter %.c,$^)

$(UNIT)/%: tests/unit/%.c $(UNIT_COMMON) $(CORE) $(HEADERS) $(wildcard tests/unit/*.h tests/host/*.h) Makefile | deps-build
	@mkdir -p $(UNIT)
	@echo "  CC      $@"
	@$(CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^)

$(FUZZ)/%-libfuzzer: $$(call fuzz_sources,$$*) $(HEADERS) $(FUZZ_HEADERS) Makefile
	@mkdir -p $(FUZZ)
	@echo "  CLANG   $@"
	@clang $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $(filter %.c,$^)

$(FUZZ)/%-cover: $$(call fuzz_sources,$$*) $(HEADERS) $(FUZZ_HEADERS) Makefile
	@mkdir -p $(FUZZ)
	@echo "  CLANG   $@"
	@clang $(filter-out -fsanitize=% -fno-sanitize%,$(FUZZ_CFLAGS)) -fsanitize=fuzzer \
		-fprofile-instr-generate -fcoverage-mapping -o $@ $(filter %.c,$^)

$(FUZZ)/%-afl: $$(call fuzz_sources,$$*) $(HEADERS) $(FUZZ_HEADERS) Makefile
	@mkdir -p $(FUZZ)
	@echo "  AFL     $@"
	@AFL_QUIET=1 afl-clang-fast $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $(filter %.c,$^)

$(FUZZ)/%: $$(call fuzz_sources,$$*) tests/fuzz/replay.c $(HEADERS) $(FUZZ_HEADERS) Makefile | deps-build
	@mkdir -p $(FUZZ)
	@echo "  CC      $@"
	@$(CC) $(FUZZ_CFLAGS) -o $@ $(filter %.c,$^)

endif
