# SPDX-License-Identifier: Apache-2.0
# Thin: every target calls a script of tools/ or a CMake preset.
.PHONY: all help deps build demo test lint bench sanitize test-unit test-python test-web test-functional test-parity wheel clean install

all: build

help:
	@echo "make demo    install what is missing, build, train and infer on the best device, leave the page up"
	@echo "make test    install what is missing, build, run every test"
	@echo "make build | lint | bench | sanitize | test-parity | install | clean"

deps:
	@tools/install_dependencies.sh build

build: deps
	@tools/build.sh

demo: deps
	@tools/build.sh programs
	@tools/demo.sh

test: build test-unit test-python test-web test-functional

test-unit:
	@tools/test_unit.sh

test-python:
	@tools/test_python.sh

test-web:
	@tools/install_dependencies.sh web
	@tools/test_web.sh

wheel:
	@tools/build_wheel.sh

test-functional:
	@tools/test_functional.sh

test-parity: build
	@tools/install_dependencies.sh parity
	@tools/test_parity.sh

sanitize: deps
	@tools/sanitize.sh

lint:
	@tools/install_dependencies.sh lint
	@tools/lint.sh

bench: build
	@tools/bench.sh

install: build
	@tools/install.sh

clean:
	rm -rf build
