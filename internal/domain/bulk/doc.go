// Package bulk decides what an operation on many trials does: which items it
// has, what is done about each and why, how far it is, and what an admin may ask of
// it. It knows no database and no clock; workflows/bulk.go carries it out.
package bulk
