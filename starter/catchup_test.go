package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/adapters/recovery"
)

// Whoever is to do something about a vendor is told of it once, however many runs the trial had.
func TestWhomThePersonIsToSeeToIsListed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := app{out: &out}
	c := newCatching(recovery.Store{}, nil)
	for range 2 {
		c.note("v-1", recovery.CatchUpResult{Unerased: true})
		c.note("v-2", recovery.CatchUpResult{NoVendor: true})
	}
	for _, id := range []string{"v-3", "v-4"} {
		c.note(id, recovery.CatchUpResult{NoVendor: true})
	}
	c.noteRestored(recovery.RestoredVendors{Found: []string{"v-3"}, Refused: []string{"v-4"}})
	a.sayCaughtUp(c, laterBackups{})
	require.Equal(t, `Compared with 0 workflows: 0 trials were behind and caught up, by 0 events; 0 workflows started again.
Vendors whose document came from a backup of after the moment: 1.
Vendors who want no e-mail, of which the database did not know: 0.
Trial v-1: the vendor was erased, and the database refuses its document without an address; erase it by hand
Trial v-2: the vendor's document is not in the database; register the vendor again
Trial v-4: the database refuses the vendor's document as a backup has it; register the vendor again, unless it was erased
`, out.String())
}
