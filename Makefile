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

ifdef ROCK
# One rock, for the Lua whose headers LuaRocks names; objects of two Luas stay apart.
B := build/rock/$(notdir $(lastword $(LUA_INCDIR)))
CFLAGS ?= -O2
WERROR :=
FLAVOUR :=
else ifdef SANITIZE
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
OBJCOPY ?= objcopy
FUZZ_SECONDS ?= 60
WERROR ?= -Werror

ifdef V
SAY := @:
else
Q := @
SAY := @echo
endif

LUAS := $(if $(ROCK),rock,lua5.4 luajit)
LUA_FLAGS_rock = -I"$(LUA_INCDIR)"
LUA_FLAGS_lua5.4 = $(shell pkg-config --cflags lua5.4)
LUA_FLAGS_luajit = $(shell pkg-config --cflags luajit)
# Where each Lua looks for modules below share/lua and lib/lua.
ABI_lua5.4 := 5.4
ABI_luajit := 5.1

VERSION := $(shell sed -n 's/^\#define FINSEG_VERSION "\(.*\)"/\1/p' core/finseg.h)
SONAME := libfinseg.so.0

VALUE := $(wildcard core/value/*.c)
CORE := $(VALUE) $(wildcard $(addsuffix /*.c,$(addprefix core/,protocol result io client)))
# The sandbox shares the lowest floor with the client and nothing else.
SANDBOX := $(VALUE) $(wildcard core/sandbox/*.c core/sandbox/*/*.c)
CORE_TESTS := $(wildcard spec/core/*.c spec/core/*/*.c)
LUA_MODULES := $(shell find lua/finseg -name '*.lua')

C_SOURCES := $(shell find core lua/binding spec -name '*.[ch]')
LUA_SOURCES := lua spec examples
SHELL_SOURCES := .ci/run spec/run spec/tools/deps examples/demo.sh

LIBRARIES := $(B)/libfinseg.a $(B)/libfinseg.so

# The modules in C. All but core are rocks of their own, so that finseg itself does without what they link to.
C_MODULES := core store/sqlite store/hiredis http_server cli/system
SOURCES_core := $(wildcard lua/binding/*.c)
SOURCES_store/sqlite := lua/binding/store/sqlite.c
SOURCES_store/hiredis := lua/binding/store/hiredis.c
SOURCES_http_server := $(wildcard lua/binding/http_server/*.c)
SOURCES_cli/system := lua/binding/cli/system.c
# What of the core each holds: a copy of its own, and invisible.
OBJECTS_core := $(CORE:%.c=$(B)/obj/%.o)
OBJECTS_store/hiredis := $(patsubst %,$(B)/obj/core/%.o,io/clock io/loop io/sigpipe value/random value/shortage)
OBJECTS_store/sqlite := $(B)/obj/core/value/shortage.o
OBJECTS_http_server := $(patsubst %,$(B)/obj/core/%.o,io/clock value/shortage)

# Expanded when a recipe runs, so that `deps` may install pkg-config and its modules first.
CORE_LIBS = $(shell pkg-config --libs libcurl libcjson) -lm
SANDBOX_LIBS = $(shell pkg-config --libs libmicrohttpd sqlite3 libcurl) -lm
LIBS_core = $(CORE_LIBS)
LIBS_store/sqlite = $(shell pkg-config --libs sqlite3)
LIBS_store/hiredis = $(shell pkg-config --libs hiredis) -lm
LIBS_http_server = $(shell pkg-config --libs libmicrohttpd) -lm

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wsign-conversion
INCLUDES := -Icore -Ispec/core
STANDARD := -std=c11 -D_GNU_SOURCE
COMPILE = $(CC) $(STANDARD) $(WARNINGS) $(WERROR) $(INCLUDES) $(FLAVOUR) -pthread -fPIC -MMD -MP $(CPPFLAGS) $(CFLAGS)
LINK = $(CC) $(FLAVOUR) -pthread $(CFLAGS) -Wl,--as-needed $(LDFLAGS)

.PHONY: all demo test lint format asan hard fuzz bench bench-c install rock install-rock env clean help deps deps-lint deps-check deps-hard deps-bench valgrind \
        lint-format lint-tidy lint-cppcheck lint-lua lint-shell

all: $(LIBRARIES) $(B)/finseg.pc $(foreach lua,$(LUAS),$(C_MODULES:%=$(B)/$(lua)/finseg/%.so)) $(B)/finseg-sandbox

# ---- compiling ----------------------------------------------------------------------------------------------

$(B)/obj/%.o: %.c Makefile | deps
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(COMPILE) -fvisibility=hidden -c -o $@ $<

# $(call COMPILE_FOR,LUA): what includes lua.h is compiled once a Lua.
define COMPILE_FOR
$$(B)/obj/$(1)/%.o: %.c Makefile | deps
	@mkdir -p $$(@D)
	$$(SAY) CC $$@
	$$(Q)$$(COMPILE) -fvisibility=hidden $$(LUA_FLAGS_$(1)) -c -o $$@ $$<
endef
$(foreach lua,$(LUAS),$(eval $(call COMPILE_FOR,$(lua))))

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# ---- linking ------------------------------------------------------------------------------------------------

# One object, in which all but finseg_* is local: a program that links it gets no other name of ours.
$(B)/obj/libfinseg.o: $(CORE:%.c=$(B)/obj/%.o)
	$(Q)$(LD) -r -o $@ $^
	$(Q)$(OBJCOPY) --localize-hidden $@

$(B)/libfinseg.a: $(B)/obj/libfinseg.o
	@rm -f $@
	$(SAY) AR $@
	$(Q)$(AR) rcs $@ $^

$(B)/$(SONAME): $(CORE:%.c=$(B)/obj/%.o)
	$(SAY) LINK $@
	$(Q)$(LINK) -shared -Wl,-soname,$(SONAME) -Wl,-z,defs -o $@ $^ $(CORE_LIBS)

$(B)/libfinseg.so: $(B)/$(SONAME)
	$(Q)ln -sf $(SONAME) $@

# Nothing but its opener may be visible in a Lua module.
$(B)/obj/%.map: Makefile
	@mkdir -p $(@D)
	$(Q)echo '{ global: luaopen_finseg_$(subst /,_,$*); local: *; };' > $@

# A module with resolver threads must stay loaded.
FLAGS_core := -Wl,-z,nodelete

# $(call C_MODULE,LUA,MODULE)
define C_MODULE
$$(B)/$(1)/finseg/$(2).so: $$(SOURCES_$(2):%.c=$$(B)/obj/$(1)/%.o) $$(OBJECTS_$(2)) $$(B)/obj/$(2).map
	@mkdir -p $$(@D)
	$$(SAY) LINK $$@
	$$(Q)$$(LINK) -shared $$(FLAGS_$(2)) -Wl,--version-script=$$(B)/obj/$(2).map -o $$@ $$(filter %.o,$$^) $$(LIBS_$(2))
endef
$(foreach lua,$(LUAS),$(foreach module,$(C_MODULES),$(eval $(call C_MODULE,$(lua),$(module)))))

# The description of the service becomes bytes in the program.
$(B)/openapi.c: core/sandbox/http/openapi.json Makefile
	@mkdir -p $(@D)
	$(Q){ echo '#include "sandbox/http/openapi.h"'; echo 'const unsigned char sb_openapi[] = {'; \
	  od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g'; echo '};'; \
	  echo 'const size_t sb_openapi_length = sizeof sb_openapi;'; } > $@

$(B)/obj/openapi.o: $(B)/openapi.c | deps
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(COMPILE) -c -o $@ $<

$(B)/finseg-sandbox: $(SANDBOX:%.c=$(B)/obj/%.o) $(B)/obj/openapi.o
	$(SAY) LINK $@
	$(Q)$(LINK) -o $@ $^ $(SANDBOX_LIBS)

$(B)/core-tests: $(CORE_TESTS:%.c=$(B)/obj/%.o) $(CORE:%.c=$(B)/obj/%.o)
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

# What these say is the whole of `make fuzz` and `make bench`.
include spec/fuzz/Makefile spec/bench/Makefile

# ---- looking after the code ---------------------------------------------------------------------------------

STYLUA := node spec/tools/stylua.cjs

# `make -k lint` goes on after the first complaint.
lint: lint-format lint-tidy lint-cppcheck lint-lua lint-shell

lint-format: deps-lint
	clang-format --dry-run -Werror $(C_SOURCES)

# One file a run: clang-tidy 14 confuses the va_lists of several.
lint-tidy: deps-lint
	printf '%s\n' $(filter %.c,$(C_SOURCES)) | xargs -P 2 -n 1 bash -o pipefail -c \
	  'clang-tidy --quiet "$$1" -- $(STANDARD) $(INCLUDES) -Ispec/bench $(subst -I,-isystem ,$(shell pkg-config --cflags lua5.4)) 2>&1 | \
	   sed "/warnings* generated/d"' tidy

# cppcheck reads no header of the system but this one, whose macros make lists.
QUEUE_H = $(firstword $(wildcard /usr/include/*/sys/queue.h /usr/include/sys/queue.h))

lint-cppcheck: deps-lint
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	  --suppress=missingIncludeSystem $(QUEUE_H:%=--include=%) -D_GNU_SOURCE $(INCLUDES) -Ispec/bench core lua/binding spec/core spec/fuzz spec/bench

lint-lua: deps-lint
	luacheck --quiet $(LUA_SOURCES)
	$(STYLUA) --check $(LUA_SOURCES)
	find rockspec -name '*.rockspec' | xargs -n 1 luarocks lint

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
for module in $(C_MODULES); do \
  install -D -m 755 $(B)/$(1)/finseg/$$module.so '$(call LUA_LIB,$(1))'/finseg/$$module.so || exit 1; \
done
for module in $(LUA_MODULES:lua/%=%); do \
  install -D -m 644 lua/$$module '$(call LUA_SHARE,$(1))'/$$module || exit 1; \
done

endef

# What LuaRocks runs for the rockspecs: `rock` builds the modules of ROCK, `install-rock` puts them where it says.
ROCK_C_finseg := core
ROCK_LUA_finseg = $(filter-out lua/finseg/cli/%,$(LUA_MODULES))
ROCK_C_cli := cli/system
ROCK_LUA_cli = $(filter lua/finseg/cli/%,$(LUA_MODULES))
ROCK_BIN_cli := lua/bin/finseg
ROCK_C_sqlite := store/sqlite
ROCK_C_redis := store/hiredis
ROCK_C_listener := http_server

rock: $(ROCK_C_$(ROCK):%=$(B)/rock/finseg/%.so)

install-rock: rock
	set -e; for module in $(ROCK_C_$(ROCK)); do \
	  install -D -m 755 $(B)/rock/finseg/$$module.so '$(LIBDIR)'/finseg/$$module.so; \
	done; \
	for module in $(patsubst lua/%,%,$(ROCK_LUA_$(ROCK))); do install -D -m 644 lua/$$module '$(LUADIR)'/$$module; done; \
	for program in $(ROCK_BIN_$(ROCK)); do install -D -m 755 $$program '$(BINDIR)'/$${program##*/}; done

# ---- the machine --------------------------------------------------------------------------------------------

deps:
	@$(if $(ROCK),:,sh spec/tools/deps build)

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
