//go:build pin

package main

// Keeps the database's version in go.mod. It is never built: the module is read for its data alone.
import _ "golang.org/x/vulndb"
