# make demo   the rig, live
# make test   everything that is checked
# make bench  what the data plane costs, beside its peers (bench/README.md); minutes
# Both set up what they need; the second time there is nothing to set up.

SHELL = /bin/sh
B = node_modules/.bin
SETUP = node_modules/.openracing-setup

.DEFAULT_GOAL := build
.PHONY: build demo bench test lint types generate generated native-check typescript-check tools wanted clean

build: $(SETUP)
	@$(MAKE) --no-print-directory -C native
	@$(MAKE) --no-print-directory -C plugins

demo: build
	@npm run --silent demo -- $(ARGS)

bench: build
	@npm run --silent bench:rt -- $(ARGS)

test: wanted lint types generated native-check typescript-check

# ------------------------------------------------------------------ set-up

# What npm cannot bring. Each is named with the Debian package that has it.
tools:
	@missing=; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	command -v $(or $(CC),cc) >/dev/null || missing="$$missing gcc"; \
	command -v openssl >/dev/null || missing="$$missing openssl"; \
	printf '#include <stdio.h>\nint main(void){return 0;}\n' | $(or $(CC),cc) -x c - -o /dev/null 2>/dev/null || missing="$$missing libc6-dev"; \
	if [ -n "$$missing" ]; then \
	  echo "openracing: these Debian packages are missing:$$missing" >&2; \
	  echo "openracing: install them with: apt-get install$$missing" >&2; \
	  exit 1; \
	fi

# What some tests want beside that. Without it they are skipped, and say so.
wanted:
	@echo 'int main(void) { return 0; }' | clang --target=wasm32-wasi --sysroot=/usr -x c - -o /dev/null 2>/dev/null || \
	  echo "openracing: tests of WASI programs in C are skipped; install: apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32" >&2
	@command -v promtool >/dev/null || echo "openracing: tests of metrics and rules are skipped; install: apt-get install prometheus" >&2
	@python3 -c 'import grpc' 2>/dev/null || /usr/bin/python3 -c 'import grpc' 2>/dev/null || \
	  echo "openracing: tests with Python's grpcio are skipped; install: apt-get install python3-grpcio" >&2

# npm ci compiles native/ (install script) and plugins/ (prepare script) as well.
$(SETUP): package.json package-lock.json .npmrc | tools
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

# ------------------------------------------------------------------ checks

lint: build
	npm run --silent lint

types: build
	npm run --silent types

generate: build
	npm run --silent generate

# Generates beside the tree and compares: a checkout is never changed by its tests.
generated: build
	@rm -rf build/generated
	PATH="$(CURDIR)/$(B):$$PATH" buf generate --output build/generated
	native/build/layout > build/generated/gen/layout.ts
	PATH="$(CURDIR)/$(B):$$PATH" rpc/contracts > build/generated/gen/contracts.binpb
	diff -r gen build/generated/gen
	PATH="$(CURDIR)/$(B):$$PATH" docs/api-reference | diff docs/api.md -

native-check: build
	@$(MAKE) --no-print-directory -C native check

typescript-check: build
	npm run --silent test

clean:
	rm -rf node_modules build native/build bench/native/build plugins/*/build
