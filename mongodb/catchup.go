package mongodb

import (
	"context"
	"errors"
	"fmt"

	"marketplace.example/trials/trial"
)

// Caught is what became of comparing one trial with what its workflow knows.
type Caught struct {
	// Added counts events that the database did not have.
	Added int
	// Differs is the number of the first event that is another here than there, Gap that of the first that
	// neither knows, though later ones are known; 0 for none. From there on nothing is added.
	Differs, Gap int
	// NoVendor says that the vendor's document is not there.
	NoVendor bool
}

// CatchUp adds to a trial the events that its workflow knows and the database does not: those given, in
// order, any of which may be known already. What the database has stays.
func (s *Store) CatchUp(ctx context.Context, vendorID string, events []trial.Event) (Caught, error) {
	var c Caught
	if !trial.ValidVendorID(vendorID) {
		return c, fmt.Errorf("catching up: %.80q cannot name a trial", vendorID)
	}
	have, err := s.Events(ctx, vendorID, 1)
	if err != nil {
		return c, err
	}
	state := trial.Fold(have)
	for _, e := range events {
		if e.Seq <= len(have) {
			if !have[e.Seq-1].Same(e) {
				c.Differs = e.Seq
				return c, nil
			}
			continue
		}
		if e.Seq != state.Seq+1 {
			c.Gap = state.Seq + 1
			return c, nil
		}
		state = state.Apply(e)
		if _, err := s.Append(ctx, e, state); err != nil {
			return c, err
		}
		if err := s.settleMailed(ctx, vendorID, []trial.Event{e}); err != nil {
			return c, err
		}
		have = append(have, e)
		c.Added++
	}
	_, err = s.Vendor(ctx, vendorID)
	var gone *trial.Error
	if c.NoVendor = errors.As(err, &gone) && gone.Code == trial.CodeNotFound; c.NoVendor {
		return c, nil
	}
	return c, err
}
