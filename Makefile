# Sealwax for programs that are not Rust. Needs Rust, a C compiler and Python 3; says what else it would like.
#
#   make lib        the shared library, in build/lib
#   make header     include/sealwax.h and the ABI dump, from the sources
#   make demo       two stories of a relay and four people: in Python, through crashes; in C, and the relay turns hostile
#   make chat       talk by hand, in two terminals or more; NAME=carol chooses who you are
#   make test       every test; what an optional tool is missing for is skipped and said at the end
#   make test-fips  the Rust tests on the FIPS module of AWS-LC, which is not part of make test; needs CMake, Go and Perl
#   make test-asan, make test-tsan   the C programs against a library that is itself built for AddressSanitizer or
#                   ThreadSanitizer, which takes minutes and clang; make prove-tsan breaks the library for it to notice
#   make abuse      what the worst input costs, in time and memory; docs/TESTING.md
#   make fuzz       fuzzes every target for TIME=15 seconds; docs/TESTING.md
#   make bench      how fast it is, beside vodozemac and the primitives; writes docs/PERFORMANCE.md
#   make budgets    memory of handles and size of the library, against their limits
#   make instructions         counts the instructions of the hot paths anew; needs valgrind
#   make instructions-check   fails if one has grown by more than a tenth
#   make abi-accept           takes the ABI as it is for what is promised, before a release
#   make abi-release          promises the ABI as it is for good: what is removed or changed later needs a major number
#   make release    the library as it is handed out, in build/release: where it was built does not show in it
#   make reproducible         builds that twice, in different folders from nothing, and compares the bytes
#   make timing     whether the time of a call tells secrets apart, on both backends; for a quiet machine
#   make mutants    whether the tests notice small changes of the protocol layers; hours; docs/TESTING.md
#   make deny       licences, sources and duplicates of what is linked, against deny.toml; needs cargo-deny
#   make install    library, header, pkg-config and CMake files, under $(DESTDIR)$(PREFIX)
#   make clean

CARGO ?= cargo
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
INSTALL ?= install

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
ABI_MAJOR := $(shell sed -n 's/^pub const SEALWAX_ABI_MAJOR: u32 = \(.*\);/\1/p' src/ffi/version.rs)
ABI_MINOR := $(shell sed -n 's/^pub const SEALWAX_ABI_MINOR: u32 = \(.*\);/\1/p' src/ffi/version.rs)

TARGET := $(or $(CARGO_TARGET_DIR),target)
LIB := build/lib
SKIPS := $(CURDIR)/build/skipped

# The file, what programs record at link time (SONAME), and what the linker looks for.
ifeq ($(shell uname -s),Darwin)
BUILT := $(TARGET)/release/libsealwax.dylib
FILE := libsealwax.$(ABI_MAJOR).$(ABI_MINOR).dylib
SONAME := libsealwax.$(ABI_MAJOR).dylib
LINK := libsealwax.dylib
else
BUILT := $(TARGET)/release/libsealwax.so
FILE := libsealwax.so.$(ABI_MAJOR).$(ABI_MINOR)
SONAME := libsealwax.so.$(ABI_MAJOR)
LINK := libsealwax.so
endif

.PHONY: lib header programs demo chat test test-rust test-artifact test-c test-programs test-demo test-python test-wheel test-interop test-memory test-fips test-asan test-tsan prove-tsan abuse fuzz abi-accept abi-release bench bench-python budgets instructions instructions-check test-benches release reproducible timing mutants deny install clean

# One crate type only: with several, cargo drops link-time optimisation without a word. A program that runs has the
# file in memory, so a new one takes its place instead of being written over it.
lib:
	$(CARGO) rustc --locked --release --lib --crate-type cdylib
	@mkdir -p $(LIB)
	@cmp -s $(BUILT) $(LIB)/$(FILE) || \
	    { echo "$(LIB)/$(FILE)"; cp $(BUILT) $(LIB)/$(FILE).new && mv -f $(LIB)/$(FILE).new $(LIB)/$(FILE); }
	ln -sf $(FILE) $(LIB)/$(SONAME)
	ln -sf $(SONAME) $(LIB)/$(LINK)

# The C examples, in build/programs.
EXAMPLES := bindings/c/examples
PROGRAMS := build/programs
CFLAGS ?= -O1 -g
COMPILE = $(CC) -std=c99 -Wall -Wextra -Wpedantic $(CFLAGS) -Iinclude
LINKED = -L$(LIB) -lsealwax -Wl,-rpath,$(CURDIR)/$(LIB)
WITH_SOURCES = SEALWAX_LIBRARY=$(CURDIR)/$(LIB)/$(FILE) PYTHONPATH=$(CURDIR)/bindings/python PYTHONDONTWRITEBYTECODE=1
# What the relay and the chat need besides, fetched once.
VENV = bindings/python/examples/venv.sh build/venv

programs: $(addprefix $(PROGRAMS)/,relay client direct host)

$(PROGRAMS)/relay: $(addprefix $(EXAMPLES)/,relay.c hostile.c frames.c)
$(PROGRAMS)/client: $(addprefix $(EXAMPLES)/,client.c frames.c)
$(PROGRAMS)/direct: $(EXAMPLES)/direct.c
$(PROGRAMS)/host: $(EXAMPLES)/host.c
$(PROGRAMS)/%: $(wildcard $(EXAMPLES)/*.h) include/sealwax.h | lib
	@mkdir -p $(PROGRAMS)
	$(COMPILE) $(filter %.c,$^) -o $@ $(LINKED)

demo: programs
	@python=$$($(VENV)) && $(WITH_SOURCES) "$$python" bindings/python/examples/demo.py $(PROGRAMS)

chat: programs
	@python=$$($(VENV)) && $(WITH_SOURCES) "$$python" bindings/python/examples/chat.py $(PROGRAMS) build/chat $(NAME)

header:
	SEALWAX_REPLACE=1 $(CARGO) test --locked --test abi

# docs/C_API.md, section 12.
abi-accept:
	SEALWAX_ABI_PROMISE=accept $(CARGO) test --locked --test abi released

abi-release:
	SEALWAX_ABI_PROMISE=release $(CARGO) test --locked --test abi released

test: lib
	@mkdir -p build && : > $(SKIPS)
	@$(MAKE) --no-print-directory test-rust
	@$(MAKE) --no-print-directory test-artifact
	@# Each is one program after another, so that two have room beside each other.
	@$(MAKE) --no-print-directory -j2 $(IN_ORDER) test-c test-programs
	@$(MAKE) --no-print-directory test-pure
	@echo
	@if [ -s $(SKIPS) ]; then \
	    echo "==== ALL TESTS THAT RAN HAVE PASSED. NOT RUN ON THIS MACHINE: ===="; \
	    sed 's/^/====   /' $(SKIPS); \
	else \
	    echo "==== all tests passed, none skipped ===="; \
	fi

IN_ORDER := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

test-programs: lib
	@$(MAKE) --no-print-directory test-demo
	@$(MAKE) --no-print-directory test-python
	@$(MAKE) --no-print-directory test-wheel
	@$(MAKE) --no-print-directory test-interop
	@$(MAKE) --no-print-directory test-memory

test-rust:
	@echo "== Rust =="
	$(CARGO) test --locked
	@echo "== Rust, without AWS-LC =="
	@# Its curve is several times slower, and the simulation decides nothing by the backend.
	SEALWAX_SIM_SEEDS=100 $(CARGO) test --locked --no-default-features

test-artifact: lib
	@echo "== Release artefact =="
	SEALWAX_LIBRARY=$(CURDIR)/$(LIB)/$(FILE) $(CARGO) test --locked --test abi -- --ignored

test-c: lib
	@echo "== C and C++ =="
	@mkdir -p build
	tests/c/run.sh $(LIB) $(SKIPS)

test-demo: lib
	@echo "== The demo, and the programs in it =="
	@mkdir -p build
	tests/demo/run.sh $(LIB) $(SKIPS)

test-python: lib
	@echo "== Python =="
	@python3 -c "import websockets" 2>/dev/null || echo "not here, but in test-wheel: the relay as a process and the clients of asyncio, which need websockets"
	cd bindings/python && SEALWAX_LIBRARY=$(CURDIR)/$(LIB)/$(FILE) PYTHONPATH=. python3 -W error -m unittest discover -s tests

test-wheel: lib
	@echo "== Python wheel and sdist =="
	@mkdir -p build
	bindings/python/tests/wheel.sh $(SKIPS)

test-interop: lib
	@echo "== Interoperability: another implementation of the protocol =="
	@mkdir -p build
	SEALWAX_LIBRARY=$(CURDIR)/$(LIB)/$(FILE) tests/interop/run.sh $(SKIPS)

test-memory: lib
	@echo "== Memory: what is left of keys and plaintexts =="
	@mkdir -p build
	SEALWAX_LIBRARY=$(CURDIR)/$(LIB)/$(FILE) tests/memory/run.sh $(SKIPS)

FIPS := --locked --no-default-features --features fips,store

test-fips:
	@echo "== Rust, on the FIPS module =="
	$(CARGO) clippy $(FIPS) --all-targets -- -D warnings
	$(CARGO) test $(FIPS)

test-asan:
	tests/sanitizers/run.sh address

test-tsan:
	tests/sanitizers/run.sh thread

prove-tsan:
	tests/sanitizers/run.sh prove

# Optimised as the library is, but for the link, which takes minutes.
abuse:
	SEALWAX_ABUSE=1 CARGO_PROFILE_RELEASE_LTO=off $(CARGO) test --locked --release --test abuse -- --test-threads=1 \
	    | sed -n 's/^.*\(| [a-z]*: .*|\)$$/\1/p'

# Builds with and without AWS-LC leave their libraries at the same path, and cargo takes either for fresh.
PURE := $(CURDIR)/build/pure/$(FILE)

test-pure:
	@echo "== C, Python, interoperability and memory, without AWS-LC =="
	rm -f $(TARGET)/debug/deps/$(notdir $(BUILT))
	$(CARGO) build --locked --lib --no-default-features --features store
	@mkdir -p $(dir $(PURE))
	cp $(TARGET)/debug/$(notdir $(BUILT)) $(PURE)
	ln -sf $(FILE) $(dir $(PURE))$(SONAME)
	ln -sf $(SONAME) $(dir $(PURE))$(LINK)
	SEALWAX_ONCE=1 tests/c/run.sh $(dir $(PURE)) $(SKIPS)
	cd bindings/python && SEALWAX_LIBRARY=$(PURE) PYTHONPATH=. python3 -W error -m unittest discover -s tests
	SEALWAX_LIBRARY=$(PURE) tests/interop/run.sh $(SKIPS)
	SEALWAX_LIBRARY=$(PURE) tests/memory/run.sh $(SKIPS)

TIME ?= 15

fuzz:
	@mkdir -p build
	TIME=$(TIME) fuzz/run.sh

# The benches share what is compiled for the library, and open the release artefact at run time.
BENCHES := benches/Cargo.toml
BENCH := $(CARGO) run --locked --release --quiet --manifest-path $(BENCHES) --target-dir $(TARGET)
WITH_LIBRARY := SEALWAX_LIBRARY=$(CURDIR)/$(LIB)/$(FILE)
COUNTED := benches/instructions.tsv

bench: lib
	$(WITH_LIBRARY) $(BENCH) --features peers --bin compare -- docs/PERFORMANCE.md
	$(WITH_LIBRARY) $(BENCH) --bin first_message -- docs/PERFORMANCE.md
	@$(MAKE) --no-print-directory bench-python

BENCH_VENV := build/bench-venv

bench-python: lib
	@mkdir -p build
	@if python3 -m venv $(BENCH_VENV) >build/bench-venv.log 2>&1 && \
	    $(BENCH_VENV)/bin/pip install -q --disable-pip-version-check vodozemac cryptography >>build/bench-venv.log 2>&1; then \
	    $(WITH_LIBRARY) PYTHONPATH=bindings/python PYTHONDONTWRITEBYTECODE=1 \
	        $(BENCH_VENV)/bin/python benches/python/bench.py docs/PERFORMANCE.md; \
	else \
	    echo "SKIPPED  the Python bench: its packages cannot be installed, see build/bench-venv.log"; \
	fi

test-benches: lib
	$(CARGO) test --locked --release --manifest-path $(BENCHES) --target-dir $(TARGET)

budgets: lib
	$(WITH_LIBRARY) $(BENCH) --bin budgets

instructions: lib
	$(WITH_LIBRARY) $(BENCH) --bin instructions -- record $(COUNTED)

# 77: counted on a machine that cannot be compared with this one.
instructions-check: lib
	@mkdir -p build
	@if command -v valgrind >/dev/null 2>&1; then \
	    $(WITH_LIBRARY) $(BENCH) --bin instructions -- check $(COUNTED) || \
	        { [ $$? -eq 77 ] && echo "SKIPPED  instructions: they were recorded on another kind of machine"; }; \
	else \
	    echo "SKIPPED  instructions: there is no valgrind"; \
	fi

# Paths in messages of panics are those of the sources, as seen from nowhere in particular.
CARGO_HOME ?= $(HOME)/.cargo
FROM_NOWHERE := --remap-path-prefix=$(CURDIR)=/sealwax --remap-path-prefix=$(CARGO_HOME)=/cargo
C_FROM_NOWHERE := -fno-asynchronous-unwind-tables -ffile-prefix-map=$(CURDIR)=/sealwax -ffile-prefix-map=$(CARGO_HOME)=/cargo
RELEASE := build/release

release:
	@mkdir -p $(RELEASE)
	RUSTFLAGS="$(FROM_NOWHERE)" AWS_LC_SYS_CFLAGS="$(C_FROM_NOWHERE)" TARGET_CFLAGS="$(C_FROM_NOWHERE)" \
	    HOST_CFLAGS="$(C_FROM_NOWHERE)" $(CARGO) rustc --locked --release --lib --crate-type cdylib --target-dir $(RELEASE)/target
	cp $(RELEASE)/target/release/$(notdir $(BUILT)) $(RELEASE)/$(FILE)
	strip $(RELEASE)/$(FILE)
	cp include/sealwax.h LICENSE-APACHE LICENSE-MIT NOTICE $(RELEASE)/
	cd $(RELEASE) && sha256sum $(FILE) sealwax.h > SHA256SUMS && cat SHA256SUMS

reproducible:
	tests/reproducible.sh

# What is measured is optimised as the library is, but for the link, which takes minutes.
TIMED := CARGO_PROFILE_RELEASE_LTO=off $(CARGO) test --locked --release --test timing
TIMED_RUN := -- --ignored --nocapture --test-threads=1

mutants:
	@cargo mutants --version || { echo 'needs cargo-mutants 27: cargo install --locked cargo-mutants'; exit 1; }
	python3 tests/mutants/mutants.py build/mutants

timing:
	@echo "== AWS-LC =="
	$(TIMED) $(TIMED_RUN)
	@echo "== Pure Rust =="
	$(TIMED) --no-default-features --features store $(TIMED_RUN)

deny:
	$(CARGO) deny --locked check bans licenses sources

# The files for pkg-config and CMake find the rest relative to themselves, so the tree may be moved.
install: lib
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBDIR)/cmake/sealwax $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) -m 755 $(LIB)/$(FILE) $(DESTDIR)$(LIBDIR)/$(FILE)
	ln -sf $(FILE) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/$(LINK)
	$(INSTALL) -m 644 include/sealwax.h $(DESTDIR)$(INCLUDEDIR)/sealwax.h
	sed $(SUBSTITUTE) bindings/c/pkgconfig/sealwax.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/sealwax.pc
	sed $(SUBSTITUTE) bindings/c/cmake/sealwaxConfig.cmake.in \
	    > $(DESTDIR)$(LIBDIR)/cmake/sealwax/sealwaxConfig.cmake
	sed $(SUBSTITUTE) bindings/c/cmake/sealwaxConfigVersion.cmake.in \
	    > $(DESTDIR)$(LIBDIR)/cmake/sealwax/sealwaxConfigVersion.cmake

SUBSTITUTE = -e 's|@VERSION@|$(VERSION)|g' -e 's|@ABI_MAJOR@|$(ABI_MAJOR)|g' -e 's|@FILE@|$(FILE)|g' \
    -e 's|@SONAME@|$(SONAME)|g' -e 's|@INCLUDE@|$(call from,$(LIBDIR),$(INCLUDEDIR))|g'
# Path of $(2) seen from $(1).
from = $(shell python3 -c 'import os,sys; print(os.path.relpath(sys.argv[2], sys.argv[1]))' $(1) $(2))

clean:
	$(CARGO) clean
	rm -rf build
