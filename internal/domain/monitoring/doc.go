// Package monitoring defines what is measured and what it means: the counters and
// the figures made from them, the state of each part of the system with advice
// for its operators, and the alerts. Everything here is pure.
package monitoring
