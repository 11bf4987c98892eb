// Package monitoring says what is measured and what it means: the counters and
// the figures made from them, how each part of the system is and what whoever runs
// it should do, and what people are told of. Everything here is pure.
package monitoring
