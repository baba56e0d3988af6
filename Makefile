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
HEADERS := $(wildcard core/*.h include/uapi/linux/*.h userspace-demo/*.h)
PROGRAMS := $(patsubst userspace-demo/%.c,$(BIN)/%,$(wildcard userspace-demo/tern-*.c))
COMMON := $(wildcard userspace-demo/common*.c)
VM_PROGRAMS := $(patsubst tests/vm/%.c,$(BIN)/%,$(wildcard tests/vm/*.c))
SCRIPTS := $(wildcard tests/scripts/*.c)
VM_PROGRAMS += $(BIN)/vm-scripts
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(UNIT)/%,$(wildcard tests/unit/test_*.c))
UNIT_COMMON := $(filter-out $(wildcard tests/unit/test_*.c),$(wildcard tests/unit/*.c)) \
	tests/host/laws.c

USER_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE= -I. -Iinclude/uapi
UNIT_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror -D_GNU_SOURCE= -I. -Iinclude/uapi \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.DELETE_ON_ERROR:
.PHONY: all matrix module userspace unit vm-module vm-programs demo test test-unit \
	test-vm test-debug lint scripts clean help deps-build

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

test-debug: ## the tests of tern.ko on kernels with KASAN, lockdep, KCSAN, failing allocations
	@tests/debug.sh

matrix: ## the VM tests on every kernel that Tern is for; KERNELS="6.12 rt" names some
	@scripts/matrix.sh $(KERNELS)

lint: ## checkpatch, kernel-doc, spelling, shellcheck
	@scripts/lint.sh

unit: $(UNIT_PROGRAMS)

scripts: $(UNIT)/scripts

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

$(BIN)/%: tests/vm/%.c $(wildcard tests/vm/*.h) $(HEADERS) Makefile | deps-build
	@mkdir -p $(BIN)
	@echo "  CC      $@"
	@$(CC) $(USER_CFLAGS) -o $@ $(filter %.c,$^)

# the runner of tests/scripts/, once for each of its targets
$(BIN)/vm-scripts: $(SCRIPTS) $(CORE) $(HEADERS) $(wildcard tests/scripts/*.h) Makefile | deps-build
	@mkdir -p $(BIN)
	@echo "  CC      $@"
	@$(CC) $(USER_CFLAGS) -o $@ $(filter %.c,$^)

$(UNIT)/scripts: $(SCRIPTS) $(CORE) $(HEADERS) $(wildcard tests/scripts/*.h) Makefile | deps-build
	@mkdir -p $(UNIT)
	@echo "  CC      $@"
	@$(CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^)

$(UNIT)/%: tests/unit/%.c $(UNIT_COMMON) $(CORE) $(HEADERS) $(wildcard tests/unit/*.h tests/host/*.h) Makefile | deps-build
	@mkdir -p $(UNIT)
	@echo "  CC      $@"
	@$(CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^)

endif
