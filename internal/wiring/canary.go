package wiring

import (
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/temporal"
)

// Canaries knows what canaries have shown, and starts another one.
type Canaries struct {
	*mongodb.Store
	*temporal.Client
}

// Canaries reaches the canaries, whether or not some are to come.
func (b *Base) Canaries() Canaries { return Canaries{b.Store, b.Client} }
