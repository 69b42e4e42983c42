# Two commands matter: `make run` (a running demo on http://127.0.0.1:8080/) and `make test` (all that CI runs).
# Settings are environment variables (docs/operate.md): make run LISTEN=127.0.0.1:9000 DATA=/srv/yixian
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := build

TAGS := nomsgpack
# Packages in which two things race run under the race detector; it costs the others five times their time for nothing.
RACE := ./internal/pg/... ./internal/local ./internal/auth ./internal/cache ./notify ./dispatch
# Tests of dispatch in which nothing races: the decisions of a pure function, by the hundred thousand.
PURE := ^Test(DecideEverything|IllegalProduct|RandomLives)$$
GOLANGCI := v2.15.0
NPM := npm --prefix frontend
PIDFILE := bin/yixian.pid

PAGE_SOURCES = $(shell find frontend/src frontend/public frontend/desk frontend/w frontend/index.html frontend/vite.config.ts frontend/scripts/shell.ts frontend/package-lock.json -type f -not -name '*.test.ts')

## Run

.PHONY: run
run: install-run build ## build everything and start the demo
	@echo $$$$ > $(PIDFILE); exec bin/yixian serve --demo $(ARGS)

.PHONY: stop
stop: ## end what `make run` started
	@pid=$$(cat $(PIDFILE) 2>/dev/null || true); \
	args=$$(tr '\0' ' ' 2>/dev/null < "/proc/$$pid/cmdline" || ps -o args= -p "$$pid" 2>/dev/null || true); \
	case $$args in 'bin/yixian serve'*) ;; *) echo "没有在运行 / not running"; rm -f $(PIDFILE); exit 0 ;; esac; \
	kill -TERM "$$pid"; \
	for _ in $$(seq 150); do kill -0 "$$pid" 2>/dev/null || { rm -f $(PIDFILE); echo "已停止 / stopped"; exit 0; }; sleep 0.1; done; \
	echo "进程 $$pid 没有在 15 秒内结束 / process $$pid did not end within 15 s"; exit 1

## Build

.PHONY: build
build: pages program ## pages and program

.PHONY: program
program:
	CGO_ENABLED=0 go build -tags $(TAGS) -o bin/yixian ./cmd/yixian

.PHONY: pages
pages: frontend/dist/desk/index.html

# The desk is built last, so its shell stands for all three apps.
frontend/dist/desk/index.html: $(PAGE_SOURCES) | modules
	$(NPM) run build

# node_modules is keyed by the content of the lock file, not by its date.
.PHONY: modules
modules: install-tools
	@sum=$$(sha256sum < frontend/package-lock.json); mark=frontend/node_modules/.yixian-lock; \
	if [ "$$sum" != "$$(cat $$mark 2>/dev/null)" ]; then rm -f $$mark; $(NPM) ci --no-audit --no-fund; echo "$$sum" > $$mark; fi

.PHONY: generate
generate: modules ## contract → Go and TypeScript
	go generate ./api
	$(NPM) run api

.PHONY: check-generated
check-generated: modules ## fails when generating again changes anything
	@old=$$(mktemp -d); files='api/api.gen.go frontend/src/shared/api/schema.d.ts'; \
	cp -p --parents $$files "$$old"; \
	trap 'cp -pr "$$old/." .; rm -rf "$$old"' EXIT; \
	$(MAKE) --no-print-directory generate; \
	for f in $$files; do diff -u "$$old/$$f" "$$f" || stale=1; done; \
	[ -z "$${stale:-}" ] || { echo "生成的文件已过时：请运行 make generate / generated files are stale: run make generate"; exit 1; }

## Test

.PHONY: test
test: ## everything that CI runs, with the time of each step
	@.ci/test

.PHONY: test-pages
test-pages: modules
	$(NPM) run typecheck
	$(NPM) run lint
	$(NPM) test
	@$(MAKE) --no-print-directory pages
	$(NPM) run budget

# Plain `go test`: its own lines show what ran. Packages without races are built once, like the program, without cgo.
.PHONY: test-go
test-go: check-generated
	CGO_ENABLED=0 go vet -tags $(TAGS) ./...
	race=$$(go list $(RACE)); CGO_ENABLED=0 go test -tags $(TAGS) -timeout 15m $$(go list -tags $(TAGS) ./... | grep -vxF "$$race")
	CGO_ENABLED=0 go test -tags $(TAGS) -timeout 15m -run '$(PURE)' ./dispatch
	CGO_ENABLED=1 go test -tags $(TAGS) -race -timeout 15m -skip '$(PURE)' $(RACE)

.PHONY: e2e
e2e: build ## the browser test against bin/yixian serve --sandbox
	.ci/e2e

.PHONY: e2e-full
e2e-full: build ## the browser test in every size and language
	E2E_FULL=1 .ci/e2e

.PHONY: measure
measure: build ## what a phone feels: bytes, LCP, CLS, Lighthouse, photos; needs a quiet machine and the npm registry
	.ci/sandbox npm run -s measure

.PHONY: screenshots
screenshots: build ## the pictures of docs/img, taken by the browser test
	SCREENSHOTS=$(CURDIR)/docs/img .ci/e2e loop.spec.ts gallery.spec.ts

# fault and soak tests lie behind a build tag of that name; a run that finds none must not look like success.
.PHONY: fault soak
fault soak:
	@go test -tags $(TAGS),$@ -list '^Test$(if $(filter fault,$@),Fault,Soak)' ./... | grep -q '^Test' || { echo "没有 $@ 测试 / there is no $@ test"; exit 1; }
	go test -tags $(TAGS),$@ -p 1 -count=1 -v -timeout 120m -run '^Test$(if $(filter fault,$@),Fault,Soak)' ./...

.PHONY: fault-engine
fault-engine: ## three engines, 9,000 clocks, 24 kills and stops of engines and PostgreSQL (part of make fault)
	go test -tags $(TAGS),fault -count=1 -v -timeout 20m -run '^TestFaultEngine$$' ./cmd/yixian

.PHONY: fault-notify
fault-notify: ## 10,000 messages, gateways that fail, 20 kills of senders (part of make fault)
	go test -tags $(TAGS),fault -count=1 -v -timeout 30m -run '^TestFaultNotify$$' ./cmd/yixian

.PHONY: fault-intake
fault-intake: ## 50,000 reports under 100 kills of the program and PostgreSQL, equal posts at once, Redis away (part of make fault)
	go test -tags $(TAGS),fault -count=1 -v -timeout 60m -run '^TestFaultIntake' ./cmd/yixian

NAME ?= submit
.PHONY: bench
bench: install-run build ## make bench NAME=submit
	bin/yixian bench $(NAME) --data data/bench

## Lint

.PHONY: lint
lint: modules bin/golangci-lint-$(GOLANGCI) ## golangci-lint, gofmt, eslint, shell syntax
	bin/golangci-lint-$(GOLANGCI) run
	bin/golangci-lint-$(GOLANGCI) fmt --diff
	$(NPM) run lint
	for f in .ci/*; do bash -n $$f; done

bin/golangci-lint-$(GOLANGCI):
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)
	mv bin/golangci-lint $@

## What must be there

.PHONY: install-tools install-run install-test
install-tools:
	@.ci/need tools
install-run: install-tools
	@.ci/need postgres redis
install-test: install-tools
	@.ci/need postgres redis chromium fonts race
	go mod download
	@$(MAKE) --no-print-directory modules

## The rest

.PHONY: clean
clean: ## what was built; never data/
	rm -rf bin frontend/node_modules frontend/test-results frontend/playwright-report
	find frontend/dist -mindepth 1 -not -name .keep -delete

.PHONY: help
help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 20
