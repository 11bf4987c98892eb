package backup

import (
	"context"
	"fmt"
	"time"
)

// ClockError says that no backup is taken, since its moment would be wrong, or because that of the newest is.
type ClockError struct {
	// Here is what this machine's clock says, Other what it was compared with, and Against whose that is.
	Here, Other time.Time
	Against     string
	// Action is what to do about it.
	Action string
}

func (e *ClockError) Error() string {
	return fmt.Sprintf("no backup is taken: this machine's clock says %s, and %s says %s; %s",
		e.Here.UTC().Format(time.RFC3339), e.Against, e.Other.UTC().Format(time.RFC3339), e.Action)
}

// checkClock refuses a moment that is not the database's, and one from before the newest good backup: a moment is
// restored by what the backups say of theirs, so a wrong one gives back another state than was asked for.
func (v *Repository) checkClock(ctx context.Context, good []Manifest) error {
	now := v.Now()
	if v.OtherClock != nil {
		other, err := v.OtherClock(ctx)
		if err != nil {
			return fmt.Errorf("comparing this machine's clock with the database's: %w", err)
		}
		if now.Sub(other).Abs() > clocksDiffer {
			return &ClockError{Here: now, Other: other, Against: "the database's", Action: "set the one that is wrong"}
		}
	}
	for _, m := range good {
		if m.Future(now) {
			return &ClockError{
				Here: now, Other: m.Begin, Against: "backup " + m.ID,
				Action: "set this clock, or move that backup's two files away where it was taken by a clock that was wrong",
			}
		}
	}
	return nil
}
