# finseg. Everything that is made goes to build/.
#
#   make demo      builds, starts the sandbox and runs examples/quickstart.lua against it
#   make test      runs every test; the last line counts them (SUITES="core lua5.4" runs some of them)
#   make all       libfinseg, the Lua bindings, the sandbox
#   make deps      installs what building, demo and test need and the machine lacks
#   make lint      checks format and code; `make format` mends the format
#   make asan      every test under AddressSanitizer and UndefinedBehaviorSanitizer, leaks included
#   make hard      asan, valgrind, an aggressive garbage collector, fuzzing (FUZZ_SECONDS a target)
#   make fuzz      the fuzz targets alone; `make bench` the benches
#   make install   PREFIX=/usr/local DESTDIR=
#   make env       prints exports for a shell: eval "$(make -s env)"; LUA=luajit for the other Lua
#   make clean     removes build/
#
# CC, CFLAGS, CPPFLAGS and LDFLAGS are the user's. SANITIZE=1 builds into build/asan, WERROR= lets warnings pass, V=1
# shows the commands.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

ifdef SANITIZE
B := build/asan
CFLAGS ?= -O1 -g
FLAVOUR := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else
B := build
CFLAGS ?= -O2 -g
CPPFLAGS ?= -D_FORTIFY_SOURCE=2
FLAVOUR := -fstack-protector-strong
endif

ifeq ($(origin CC),default)
CC := gcc
endif
PREFIX ?= /usr/local
LUA ?= lua5.4
FUZZ_SECONDS ?= 60
WERROR ?= -Werror

ifdef V
SAY := @:
else
Q := @
SAY := @echo
endif

LUAS := lua5.4 luajit
# Where each Lua looks for modules below share/lua and lib/lua.
ABI_lua5.4 := 5.4
ABI_luajit := 5.1

VERSION := $(shell sed -n 's/^\#define FINSEG_VERSION "\(.*\)"/\1/p' core/finseg.h)
SONAME := libfinseg.so.0

CORE := $(wildcard core/*.c)
BINDING := $(wildcard lua/binding/*.c)
# The sandbox shares the lowest floor with the client and nothing else.
SANDBOX := $(wildcard core/sandbox/*.c) core/buffer.c core/text.c core/money.c core/json.c core/secret.c
CORE_TESTS := $(wildcard spec/core/*.c)
FUZZERS := $(patsubst spec/fuzz/%.c,build/fuzz/%,$(wildcard spec/fuzz/fuzz_*.c)) build/fuzz/fuzz_oracle
BENCHES := $(wildcard spec/bench/*_bench.lua)
# These start both Luas themselves, or measure what is not Lua.
BENCHES_OF_ONE_LUA := $(patsubst %,spec/bench/%_bench.lua,fetch nginx sandbox)
C_BENCHES := $(patsubst spec/bench/%.c,build/bench/%,$(wildcard spec/bench/*_bench.c))
LUA_MODULES := $(shell find lua/finseg -name '*.lua')

C_SOURCES := $(wildcard core/*.[ch] core/sandbox/*.[ch] lua/binding/*.[ch] lua/binding/store/*.c lua/binding/cli/*.c \
             lua/binding/listener/*.[ch] spec/core/*.[ch] spec/fuzz/*.[ch] spec/bench/*.[ch] spec/bench/peers/*.c)
LUA_SOURCES := lua spec examples
SHELL_SOURCES := .ci/run spec/run spec/tools/deps examples/demo.sh

LIBRARIES := $(B)/libfinseg.a $(B)/libfinseg.so
BINDINGS := $(LUAS:%=$(B)/%/finseg/core.so)
# Modules of their own, so that finseg itself does without what they link to.
SQLITE_STORES := $(LUAS:%=$(B)/%/finseg/store/sqlite.so)
REDIS_STORES := $(LUAS:%=$(B)/%/finseg/store/hiredis.so)
RECEIVERS := $(LUAS:%=$(B)/%/finseg/listener/receiver.so)
RECEIVER := $(wildcard lua/binding/listener/*.c)
CLI_SYSTEMS := $(LUAS:%=$(B)/%/finseg/cli/system.so)
MODULES := $(SQLITE_STORES) $(REDIS_STORES) $(RECEIVERS) $(CLI_SYSTEMS)

# Expanded when a recipe runs, so that `deps` may install pkg-config and its modules first.
CORE_LIBS = $(shell pkg-config --libs libcurl libcjson) -lm
SANDBOX_LIBS = $(shell pkg-config --libs libmicrohttpd sqlite3 libcurl) -lm

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wsign-conversion
STANDARD := -std=c11 -D_GNU_SOURCE
COMPILE = $(CC) $(STANDARD) $(WARNINGS) $(WERROR) -Icore $(FLAVOUR) -pthread -fPIC -MMD -MP $(CPPFLAGS) $(CFLAGS)
LINK = $(CC) $(FLAVOUR) -pthread $(CFLAGS) -Wl,--as-needed $(LDFLAGS)

.PHONY: all demo test lint format asan hard fuzz bench bench-c install env clean help deps deps-lint deps-check deps-hard deps-bench valgrind \
        lint-format lint-tidy lint-cppcheck lint-lua lint-shell

all: $(LIBRARIES) $(B)/finseg.pc $(BINDINGS) $(MODULES) $(B)/finseg-sandbox

# ---- compiling ----------------------------------------------------------------------------------------------

$(B)/obj/%.o: %.c Makefile | deps
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(COMPILE) -fvisibility=hidden -c -o $@ $<

$(B)/obj/lua5.4/%.o: %.c Makefile | deps
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(COMPILE) $(VISIBILITY) $(shell pkg-config --cflags lua5.4) -c -o $@ $<

$(B)/obj/luajit/%.o: %.c Makefile | deps
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(COMPILE) $(VISIBILITY) $(shell pkg-config --cflags luajit) -c -o $@ $<

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# ---- linking ------------------------------------------------------------------------------------------------

$(B)/libfinseg.a: $(CORE:%.c=$(B)/obj/%.o)
	@rm -f $@
	$(SAY) AR $@
	$(Q)$(AR) rcs $@ $^

$(B)/$(SONAME): $(CORE:%.c=$(B)/obj/%.o)
	$(SAY) LINK $@
	$(Q)$(LINK) -shared -Wl,-soname,$(SONAME) -Wl,-z,defs -o $@ $^ $(CORE_LIBS)

$(B)/libfinseg.so: $(B)/$(SONAME)
	$(Q)ln -sf $(SONAME) $@

# Nothing but its opener may be visible in a Lua module, and a module with resolver threads must stay loaded.
$(B)/obj/module.map:
	@mkdir -p $(@D)
	$(Q)echo '{ global: luaopen_finseg_core; local: *; };' > $@

$(B)/lua5.4/finseg/core.so: $(BINDING:%.c=$(B)/obj/lua5.4/%.o)
$(B)/luajit/finseg/core.so: $(BINDING:%.c=$(B)/obj/luajit/%.o)
$(BINDINGS): $(B)/libfinseg.a $(B)/obj/module.map
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(LINK) -shared -Wl,-z,nodelete -Wl,--version-script=$(B)/obj/module.map -o $@ \
	  $(filter %.o,$^) $(B)/libfinseg.a $(CORE_LIBS)

$(B)/lua5.4/finseg/store/sqlite.so: $(B)/obj/lua5.4/lua/binding/store/sqlite.o
$(B)/luajit/finseg/store/sqlite.so: $(B)/obj/luajit/lua/binding/store/sqlite.o
$(SQLITE_STORES):
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(LINK) -shared -o $@ $^ $(shell pkg-config --libs sqlite3)

# The parts of the core that it stands on are its own copy: they stay invisible.
$(B)/obj/hiredis.map:
	@mkdir -p $(@D)
	$(Q)echo '{ global: luaopen_finseg_store_hiredis; local: *; };' > $@

$(B)/lua5.4/finseg/store/hiredis.so: $(B)/obj/lua5.4/lua/binding/store/hiredis.o
$(B)/luajit/finseg/store/hiredis.so: $(B)/obj/luajit/lua/binding/store/hiredis.o
$(REDIS_STORES): $(patsubst %,$(B)/obj/core/%.o,clock loop random sigpipe) $(B)/obj/hiredis.map
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(LINK) -shared -Wl,--version-script=$(B)/obj/hiredis.map -o $@ $(filter %.o,$^) \
	  $(shell pkg-config --libs hiredis) -lm

# Its opener is marked visible; the rest stays hidden, as in the core.
$(B)/obj/lua5.4/lua/binding/listener/%.o $(B)/obj/luajit/lua/binding/listener/%.o: VISIBILITY := -fvisibility=hidden
$(B)/lua5.4/finseg/listener/receiver.so: $(RECEIVER:%.c=$(B)/obj/lua5.4/%.o)
$(B)/luajit/finseg/listener/receiver.so: $(RECEIVER:%.c=$(B)/obj/luajit/%.o)
$(RECEIVERS): $(B)/obj/core/clock.o
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(LINK) -shared -o $@ $^ $(shell pkg-config --libs libmicrohttpd) -lm

$(B)/lua5.4/finseg/cli/system.so: $(B)/obj/lua5.4/lua/binding/cli/system.o
$(B)/luajit/finseg/cli/system.so: $(B)/obj/luajit/lua/binding/cli/system.o
$(CLI_SYSTEMS):
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(LINK) -shared -o $@ $^

# The description of the service becomes bytes in the program.
$(B)/openapi.c: core/sandbox/openapi.json Makefile
	@mkdir -p $(@D)
	$(Q){ echo '#include "sandbox/openapi.h"'; echo 'const unsigned char fs_openapi[] = {'; \
	  od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g'; echo '};'; \
	  echo 'const size_t fs_openapi_length = sizeof fs_openapi;'; } > $@

$(B)/obj/openapi.o: $(B)/openapi.c | deps
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(COMPILE) -c -o $@ $<

$(B)/finseg-sandbox: $(SANDBOX:%.c=$(B)/obj/%.o) $(B)/obj/openapi.o
	$(SAY) LINK $@
	$(Q)$(LINK) -o $@ $^ $(SANDBOX_LIBS)

$(B)/core-tests: $(CORE_TESTS:%.c=$(B)/obj/%.o) $(B)/libfinseg.a
	$(SAY) LINK $@
	$(Q)$(LINK) -o $@ $^ $(CORE_LIBS) -lm

$(B)/finseg.pc: core/finseg.pc.in core/finseg.h Makefile
	@mkdir -p $(@D)
	$(Q)$(FILL_PC) $< > $@
FILL_PC = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|'

# ---- running ------------------------------------------------------------------------------------------------

demo: all
	@eval "$$($(MAKE) -s env)" && examples/demo.sh $(LUA)

# A locale with a decimal comma, which must not matter to JSON and money. spec/run finds it by LOCPATH.
build/locale/de_DE.UTF-8: | deps
	@mkdir -p $(@D)
	$(Q)localedef -i de_DE -f UTF-8 $@

test: all $(B)/core-tests build/locale/de_DE.UTF-8 | deps-check
	$(Q)BUILD=$(B) SANITIZE=$(SANITIZE) spec/run $(SUITES)

asan:
	$(Q)$(MAKE) SANITIZE=1 test

valgrind: all $(B)/core-tests build/locale/de_DE.UTF-8 | deps-hard
	$(Q)BUILD=$(B) UNDER=valgrind spec/run core lua5.4

hard:
	$(Q)$(MAKE) asan
	$(Q)$(MAKE) valgrind
	$(Q)FINSEG_SPEC_GC=1 BUILD=$(B) spec/run lua5.4 luajit
	$(Q)$(MAKE) fuzz

# One clang build a target, core included, so that coverage guides through all of it.
FUZZ_FLAGS := -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -D_GNU_SOURCE -Icore

build/fuzz/%: spec/fuzz/%.c $(CORE) $(wildcard core/*.h spec/fuzz/*.h) Makefile | deps-hard
	@mkdir -p $(@D)
	$(SAY) CLANG $@
	$(Q)clang-14 $(STANDARD) $(FUZZ_FLAGS) -o $@ $(filter %.c,$^) $(CORE_LIBS) -lm

# Its oracle, simdjson, is C++. What the reading of a page needs of the core, and no more.
ORACLE_CORE := $(addprefix core/,buffer.c error.c json.c money.c page.c page_index.c page_read.c template.c text.c uuid.c)

build/fuzz/fuzz_oracle: spec/fuzz/fuzz_oracle.cpp $(ORACLE_CORE) $(wildcard core/*.h) Makefile | deps-hard
	@mkdir -p $(@D)/oracle
	$(SAY) CLANG $@
	$(Q)cd $(@D)/oracle && clang-14 $(STANDARD) $(subst -Icore,-I$(CURDIR)/core,$(FUZZ_FLAGS)) -c $(ORACLE_CORE:%=$(CURDIR)/%)
	$(Q)clang++-14 -std=c++17 $(FUZZ_FLAGS) -o $@ $< $(@D)/oracle/*.o -lsimdjson

build/fuzz/fuzz_table: core/sandbox/table.c

# What a target finds goes to build/; its seeds are in spec/fuzz/corpus.
fuzz: $(FUZZERS)
	@set -e; for fuzzer in $(FUZZERS); do \
	  name=$${fuzzer##*/fuzz_}; found=build/fuzz/corpus/$$name; mkdir -p $$found; \
	  seeds=$$(find spec/fuzz/corpus -path "*/$$name" -type d); \
	  echo "== fuzz $$name, $(FUZZ_SECONDS) s"; \
	  $$fuzzer -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
	    -dict=spec/fuzz/json.dict -artifact_prefix=build/fuzz/$$name- $$found $$seeds; \
	done
	$(Q)$(MAKE) SANITIZE=1 build/asan/finseg-sandbox
	@echo "== fuzz http, $(FUZZ_SECONDS) s"; \
	ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
	  FINSEG_SANDBOX=build/asan/finseg-sandbox lua5.4 spec/fuzz/http_fuzz.lua $(FUZZ_SECONDS)

# Peers for the benches: the C++ one is simdjson.
build/bench/%.o: spec/bench/%.c Makefile | deps-bench
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(COMPILE) -Ispec/bench -c -o $@ $<

build/bench/%.o: spec/bench/%.cpp Makefile | deps-bench
	@mkdir -p $(@D)
	$(SAY) CXX $@
	$(Q)g++ -std=c++17 -Wall -Wextra -Icore -Ispec/bench -MMD -MP $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

-include $(wildcard build/bench/*.d)

build/bench/page_bench: $(addprefix build/bench/,page_bench.o sample.o measure.o peer_cjson.o peer_simdjson.o) $(B)/libfinseg.a
	$(SAY) LINK $@
	$(Q)g++ -o $@ $^ $(CORE_LIBS) -lsimdjson

build/bench/idset_bench: $(addprefix build/bench/,idset_bench.o sample.o measure.o peer_sqlite.o) $(B)/libfinseg.a
	$(SAY) LINK $@
	$(Q)$(LINK) -o $@ $^ $(CORE_LIBS) $(shell pkg-config --libs sqlite3)

# A peer of fetch_bench.lua: libcurl alone.
build/bench/discard: spec/bench/peers/discard.c Makefile | deps-bench
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(LINK) $(STANDARD) $(CPPFLAGS) -o $@ $< $(CORE_LIBS)

# `make bench-c` runs these alone.
bench-c: $(C_BENCHES)
	@set -e; for bench in $(C_BENCHES); do $$bench; done

# $(call RUN_BENCHES,LUA,BENCHES)
RUN_BENCHES = (eval "$$($(MAKE) -s env LUA=$(1))"; for bench in $(2); do $(1) $$bench || exit 1; done)

bench: all deps-bench bench-c build/bench/discard
	@$(call RUN_BENCHES,lua5.4,$(BENCHES))
	@$(call RUN_BENCHES,luajit,$(filter-out $(BENCHES_OF_ONE_LUA),$(BENCHES)))

# ---- looking after the code ---------------------------------------------------------------------------------

STYLUA := node spec/tools/stylua.cjs

# `make -k lint` goes on after the first complaint.
lint: lint-format lint-tidy lint-cppcheck lint-lua lint-shell

lint-format: deps-lint
	clang-format --dry-run -Werror $(C_SOURCES)

# One file a run: clang-tidy 14 confuses the va_lists of several.
lint-tidy: deps-lint
	printf '%s\n' $(filter %.c,$(C_SOURCES)) | xargs -P 2 -n 1 bash -o pipefail -c \
	  'clang-tidy --quiet "$$1" -- $(STANDARD) -Icore -Ispec/bench $(subst -I,-isystem ,$(shell pkg-config --cflags lua5.4)) 2>&1 | \
	   sed "/warnings* generated/d"' tidy

lint-cppcheck: deps-lint
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	  --suppress=missingIncludeSystem -D_GNU_SOURCE -Icore -Ispec/bench $(wildcard core lua/binding spec/core spec/fuzz spec/bench)

lint-lua: deps-lint
	luacheck --quiet $(LUA_SOURCES)
	$(STYLUA) --check $(LUA_SOURCES)
	luarocks lint rockspec/finseg-dev-1.rockspec
	luarocks lint rockspec/sqlite/finseg-sqlite-dev-1.rockspec
	luarocks lint rockspec/redis/finseg-redis-dev-1.rockspec
	luarocks lint rockspec/listener/finseg-listener-dev-1.rockspec
	luarocks lint rockspec/cli/finseg-cli-dev-1.rockspec

lint-shell: deps-lint
	shellcheck $(SHELL_SOURCES)

format: deps-lint
	clang-format -i $(C_SOURCES)
	$(STYLUA) $(LUA_SOURCES)

# ---- installing ---------------------------------------------------------------------------------------------

LUA_SHARE = $(DESTDIR)$(PREFIX)/share/lua/$(ABI_$(1))
LUA_LIB = $(DESTDIR)$(PREFIX)/lib/lua/$(ABI_$(1))

install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/include' '$(DESTDIR)$(PREFIX)/lib/pkgconfig'
	install -m 755 $(B)/finseg-sandbox lua/bin/finseg '$(DESTDIR)$(PREFIX)/bin'
	install -m 644 core/finseg.h '$(DESTDIR)$(PREFIX)/include'
	install -m 644 $(B)/libfinseg.a '$(DESTDIR)$(PREFIX)/lib'
	install -m 755 $(B)/$(SONAME) '$(DESTDIR)$(PREFIX)/lib'
	ln -sf $(SONAME) '$(DESTDIR)$(PREFIX)/lib/libfinseg.so'
	$(FILL_PC) core/finseg.pc.in > '$(DESTDIR)$(PREFIX)/lib/pkgconfig/finseg.pc'
	$(foreach lua,$(LUAS),$(call INSTALL_LUA,$(lua)))

define INSTALL_LUA
install -D -m 755 $(B)/$(1)/finseg/core.so '$(call LUA_LIB,$(1))/finseg/core.so'
install -D -m 755 $(B)/$(1)/finseg/cli/system.so '$(call LUA_LIB,$(1))/finseg/cli/system.so'
install -D -m 755 $(B)/$(1)/finseg/listener/receiver.so '$(call LUA_LIB,$(1))/finseg/listener/receiver.so'
install -D -m 755 $(B)/$(1)/finseg/store/sqlite.so '$(call LUA_LIB,$(1))/finseg/store/sqlite.so'
install -D -m 755 $(B)/$(1)/finseg/store/hiredis.so '$(call LUA_LIB,$(1))/finseg/store/hiredis.so'
for module in $(LUA_MODULES:lua/%=%); do \
  install -D -m 644 lua/$$module '$(call LUA_SHARE,$(1))'/$$module || exit 1; \
done

endef

# ---- the machine --------------------------------------------------------------------------------------------

deps:
	@sh spec/tools/deps build

deps-check: deps
	@sh spec/tools/deps check

deps-lint: deps
	@sh spec/tools/deps lint

deps-bench: deps
	@sh spec/tools/deps bench

deps-hard: deps
	@sh spec/tools/deps hard

# For a shell of one's own. What was inherited for Lua is replaced, so that no other finseg is found.
QUOTED = '$(subst ','\'',$(1))'

env:
	@printf '%s\n' \
	  "export PATH="$(call QUOTED,$(call QUOTED,$(CURDIR)/lua/bin:$(CURDIR)/$(B)))':"$$PATH"' \
	  "export LUA_PATH="$(call QUOTED,$(call QUOTED,$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;)) \
	  "export LUA_CPATH="$(call QUOTED,$(call QUOTED,$(CURDIR)/$(B)/$(LUA)/?.so;;)) \
	  'export LUA=$(LUA)' \
	  'unset LUA_PATH_5_4 LUA_CPATH_5_4'

clean:
	rm -rf build

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile
