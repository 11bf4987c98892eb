# Every task of this project by name; `make help` lists them. Tools are built into .build/, from
# modules of their own, and only again when those modules change.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

# The patch release that go.mod names, also where the machine's Go is set to use itself only: an
# older one has known vulnerabilities. go.mod asks for 1.26 alone, so that any 1.26 builds without make.
export GOTOOLCHAIN := $(shell awk '$$1 == "toolchain" {print $$2}' go.mod)

# Where properties are tried on examples drawn at random, the same are drawn each time; RAPID_SEED=0 draws others.
export RAPID_SEED ?= 1

BUILD := .build

devstack_sources := $(shell find devstack -name '*.go' -o -name 'go.*' -o -name '*.html' -o -name '*.css' 2>/dev/null)

# A program of test/ takes the place of the recipe's shell: go run would keep signals from it, and leave it behind.
run = go build -o $(BUILD)/$(1) ./test/$(1) && exec $(BUILD)/$(1)

.PHONY: help
help: ## List the tasks
	@awk -F ':.*## ' '/^## / {print "\n" substr($$0, 4)} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## To see it run

.PHONY: demo
demo: $(BUILD)/devstack ## Live through trials and rollouts on the embedded stack with days of seconds, and check them
	$(call run,demo)

.PHONY: simulate
simulate: ## Show how often the judgements of rollouts and experiments err, and how soon they are right, in simulated worlds; minutes
	$(call run,simulate)

.PHONY: bench
bench: $(BUILD)/devstack ## Show that pages and lists cost the API the same at 1,000 and at 100,000 trials; an hour
	$(call run,bench)

.PHONY: chaos
chaos: $(BUILD)/devstack ## Take a hundred rollouts back with the worker running, stopped and killed, and show how soon that acts; minutes
	$(call run,chaos)

.PHONY: bulk
bulk: $(BUILD)/devstack ## Extend ten thousand trials in one operation, the worker killed three times, and undo it; many minutes
	$(call run,bulk)

.PHONY: backfill
backfill: test-tools ## Have a rollout adopt a thousand trials in the middle of their lives, and check that nobody is written to about the past; minutes
	go test -race -timeout 30m ./test -run TestABackfill -v -adopted 1000

.PHONY: dev
dev: $(BUILD)/devstack ## Run the embedded stack, the API and the worker until interrupted; data stays in .dev/
	$(call run,dev)

## To change it

.PHONY: test
test: test-deps test-tools ## Run every test, those on the embedded stack included, and say at the end what failed
	.ci/test

# It makes ten minutes of them half an hour, in which a machine of two cores keeps no time.
.PHONY: race
race: test-deps test-tools ## Run the scenarios with the race detector, as make test runs everything else; half an hour
	go test -race -timeout 90m ./test

.PHONY: fuzz
fuzz: ## Feed every decoder of bytes from outside with bytes made up, each for FUZZTIME (10m)
	.ci/fuzz

.PHONY: pictures
pictures: test-deps ## Make pictures of the dashboard's pages and of the e-mails in .build/pictures/
	go run ./test/pictures -into $(BUILD)/pictures

.PHONY: lighthouse
lighthouse: test-deps $(BUILD)/lighthouse.stamp ## Print what Lighthouse says of the dashboard's pages and of /api/docs; many minutes
	go run ./test/pictures -lighthouse

.PHONY: devstack
devstack: $(BUILD)/devstack ## Build the embedded stack, as tests run it

.PHONY: test-tools
test-tools: devstack $(BUILD)/tctl $(BUILD)/temporal $(BUILD)/ses.stamp $(BUILD)/axe.stamp $(BUILD)/maillint.stamp $(BUILD)/oidc.stamp # Build the programs that tests run

.PHONY: test-deps
test-deps: # Install what tests need beside Go, where it is missing
	@.ci/test-deps

.PHONY: lint
lint: lint-product lint-devstack lint-prometheus lint-vulndb lint-workflows ## Check the code against its rules (.golangci.yml)

.PHONY: lint-product
lint-product: $(BUILD)/golangci-lint
	$(BUILD)/golangci-lint run ./...

.PHONY: lint-devstack
lint-devstack: $(BUILD)/golangci-lint
	cd devstack && ../$(BUILD)/golangci-lint run --config ../.golangci.yml ./...

.PHONY: lint-prometheus
lint-prometheus: $(BUILD)/golangci-lint
	cd tools/prometheus && ../../$(BUILD)/golangci-lint run --config ../../.golangci.yml ./...

.PHONY: lint-vulndb
lint-vulndb: $(BUILD)/golangci-lint
	cd tools/vulndb && ../../$(BUILD)/golangci-lint run --config ../../.golangci.yml ./...

# Workflows must come out the same each time they are replayed.
.PHONY: lint-workflows
lint-workflows: $(BUILD)/workflowcheck
	$(BUILD)/workflowcheck -config tools/lint/workflowcheck.yaml ./workflows/...

.PHONY: generate
generate: ## Write the generated code anew from api/rest/openapi.yaml
	go generate ./...

.PHONY: vuln
vuln: $(BUILD)/govulncheck $(BUILD)/vulndb/index/modules.json ## Look for known vulnerabilities in what the code calls
	$(BUILD)/govulncheck -db file://$(CURDIR)/$(BUILD)/vulndb ./...

.PHONY: clean
clean: ## Remove what was built; .dev/ and secrets/ stay
	rm -rf $(BUILD) test/ses/node_modules test/axe/node_modules test/maillint/node_modules test/oidc/node_modules test/lighthouse/node_modules

## To run it in production

.PHONY: secrets
secrets: ## Make the secrets of docker-compose.yml in secrets/ that are not there yet
	@deploy/make-secrets secrets

# Programs

# By its whole path, a program is the same one.
$(CURDIR)/$(BUILD)/%: $(BUILD)/% ;

$(BUILD)/devstack: $(devstack_sources)
	cd devstack && go build -o $(CURDIR)/$@ .
	@touch $@

# Temporal's own command line, at the version the embedded stack is made of.
$(BUILD)/temporal: devstack/go.mod devstack/go.sum
	cd devstack && go build -o $(CURDIR)/$@ github.com/temporalio/cli/cmd/temporal
	@touch $@

# Its predecessor, which the requirements' commands are written for.
$(BUILD)/tctl: tools/tctl/go.mod tools/tctl/go.sum
	cd tools/tctl && go build -o $(CURDIR)/$@ go.temporal.io/server/cmd/tools/cli
	@touch $@

$(BUILD)/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	cd tools/lint && go build -o $(CURDIR)/$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

$(BUILD)/workflowcheck: tools/lint/go.mod tools/lint/go.sum
	cd tools/lint && go build -o $(CURDIR)/$@ go.temporal.io/sdk/contrib/tools/workflowcheck
	@touch $@

$(BUILD)/govulncheck: tools/vulndb/go.mod tools/vulndb/go.sum
	cd tools/vulndb && go build -o $(CURDIR)/$@ golang.org/x/vuln/cmd/govulncheck
	@touch $@

# The vulnerabilities that are known, from a module that holds them: no server is asked.
$(BUILD)/vulndb/index/modules.json: tools/vulndb/main.go tools/vulndb/go.mod tools/vulndb/go.sum
	cd tools/vulndb && go mod download golang.org/x/vulndb && \
		go run . "$$(go list -m -f '{{.Dir}}' golang.org/x/vulndb)/data/osv" $(CURDIR)/$(BUILD)/vulndb
	@touch $@

# The SES stand-in that others wrote.
$(BUILD)/ses.stamp: test/ses/package.json test/ses/package-lock.json
	npm ci --prefix test/ses --no-audit --no-fund --loglevel=error
	@mkdir -p $(BUILD) && touch $@

# The rules of accessibility that the dashboard is held to.
$(BUILD)/axe.stamp: test/axe/package.json test/axe/package-lock.json
	npm ci --prefix test/axe --no-audit --no-fund --loglevel=error
	@mkdir -p $(BUILD) && touch $@

# What measures the pages.
$(BUILD)/lighthouse.stamp: test/lighthouse/package.json test/lighthouse/package-lock.json
	npm ci --prefix test/lighthouse --no-audit --no-fund --loglevel=error
	@mkdir -p $(BUILD) && touch $@

# What others know of HTML and of mail programs, which the e-mails are held to.
$(BUILD)/maillint.stamp: test/maillint/package.json test/maillint/package-lock.json
	npm ci --prefix test/maillint --no-audit --no-fund --loglevel=error
	@mkdir -p $(BUILD) && touch $@

# The OpenID Connect provider that others wrote.
$(BUILD)/oidc.stamp: test/oidc/package.json test/oidc/package-lock.json
	npm ci --prefix test/oidc --no-audit --no-fund --loglevel=error
	@mkdir -p $(BUILD) && touch $@
