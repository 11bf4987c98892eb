// Package bulk decides what an operation on many trials does: its
// items, what to do about each and why, its progress, and its controls.
// It uses no database and no clock; workflows/bulk.go carries it out.
package bulk
