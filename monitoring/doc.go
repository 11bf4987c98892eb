// Package monitoring says what is measured and what it means: the counters,
// the figures made from them, and what is told of them. Everything here is pure.
package monitoring
