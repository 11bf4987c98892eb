// Package system runs the whole product as its operators would: the embedded
// stack, the API and the worker, each a process of its own, and speaks to them
// over HTTP. The scenarios, `make demo` and `make dev` stand on it.
package system
