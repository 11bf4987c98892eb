package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

const (
	// longestGap is up to how long after a backup the next one shows that the time between has passed. After a longer
	// one nobody knows whether time has passed, or a clock was set.
	longestGap = 26 * time.Hour
	// mostGaps is how many longer ones are believed all the same, so that backups taken now and then expire as well.
	mostGaps = 14
	// leastKept is how many of the newest stay, however old.
	leastKept = 6
)

// Expiry is what need not be kept any more.
type Expiry struct {
	// IDs are the backups to delete.
	IDs []string
	// Doubt says why some are kept that are too old by the clock; empty where none is.
	Doubt string
	// before is when the backup was begun that the horizon is restored from; zero where none is as old.
	before time.Time
}

// Expired decides which backups of one database are not needed any more: those from before the horizon, but for the
// last of them, which the moments right after the horizon are restored from, the newest ones, the last
// full one, and the bases of all that stay.
//
// The horizon is measured along the backups themselves, since a clock may be wrong: the time between two counts
// where it is short, and so does the time since the newest.
func Expired(manifests []Manifest, now time.Time) Expiry {
	chain := WithoutFuture(manifests, now)
	slices.SortFunc(chain, func(a, b Manifest) int { return a.End.Compare(b.End) })
	usable := map[string]bool{}
	for _, m := range complete(chain) {
		usable[m.ID] = true
	}
	var expiry Expiry
	keep := map[string]bool{}
	hold := func(m Manifest) { keep[m.ID], keep[m.Base] = true, true }
	for _, m := range manifests {
		if m.Future(now) {
			hold(m)
		}
	}
	if full, ok := LastFull(chain); ok {
		hold(full)
	}
	var c covered
	after, doubted := now, ""
	for i, m := range slices.Backward(chain) {
		c.add(after.Sub(m.End))
		if c.gaps == 1 && i >= len(chain)-2 {
			doubted = fmt.Sprintf("none was taken between %s and %s, or a clock is wrong", m.End.UTC().Format(time.RFC3339), after.UTC().Format(time.RFC3339))
		}
		after = m.End
		old := c.old()
		if !old && now.Sub(m.End) >= Horizon {
			expiry.Doubt = doubted
		}
		if !old || expiry.before.IsZero() || i >= len(chain)-leastKept {
			hold(m)
		}
		if old && expiry.before.IsZero() && usable[m.ID] {
			expiry.before = m.Begin
		}
	}
	for _, m := range chain {
		if !keep[m.ID] {
			expiry.IDs = append(expiry.IDs, m.ID)
		}
	}
	slices.Sort(expiry.IDs)
	return expiry
}

// covered is how much time is known to have passed, and how often it is not known whether it has.
type covered struct {
	time time.Duration
	gaps int
}

func (c *covered) add(gap time.Duration) {
	if gap > longestGap {
		c.gaps++
		return
	}
	c.time += gap
}

func (c *covered) old() bool { return c.time >= Horizon || c.gaps > mostGaps }

// Expire deletes the backups of a database that are not needed any more, and says which; and files of
// as long ago that never became a backup. The manifest goes first, so that what is half deleted is no backup.
func (v *Repository) Expire(ctx context.Context, origin Origin) (Expiry, error) {
	listed, err := v.List(ctx)
	if err != nil {
		return Expiry{}, err
	}
	expiry := Expired(Of(listed.Good, origin), v.Now())
	for _, id := range listed.abandoned(expiry.before) {
		if v.isOf(ctx, id, origin) {
			expiry.IDs = append(expiry.IDs, id)
		}
	}
	for i, id := range expiry.IDs {
		for _, ending := range []string{manifestEnding, fileEnding} {
			if err := v.Storage.Delete(ctx, id+ending); err != nil {
				expiry.IDs = expiry.IDs[:i]
				return expiry, fmt.Errorf("deleting the expired backup %s: %w", id, err)
			}
		}
	}
	return expiry, nil
}

// abandoned are the ids of files without a manifest that were begun before a moment.
func (l Listed) abandoned(before time.Time) (ids []string) {
	for i := range l.Bad {
		bad := &l.Bad[i]
		if beginTime := bad.beginTime(); !beginTime.IsZero() && errors.Is(bad.Reason, fs.ErrNotExist) && beginTime.Before(before) {
			ids = append(ids, strings.TrimSuffix(bad.File, fileEnding))
		}
	}
	return ids
}

// isOf tells whether a file says of itself that it is of a database. One that cannot be opened may be
// another installation's.
func (v *Repository) isOf(ctx context.Context, id string, origin Origin) (is bool) {
	err := v.open(ctx, id, func(r *Reader, _ Records) error {
		is = r.Header.Origin == origin
		return nil
	})
	return is && err == nil
}
