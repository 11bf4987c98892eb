package backup

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Horizon is how far back any moment can be restored.
const Horizon = 7 * 24 * time.Hour

// Choice is what to restore a moment from.
type Choice struct {
	// Before is the last backup that was finished by then.
	Before Manifest
	// After is the first that was begun since, and so has every event up to the moment; nil where
	// none was.
	After *Manifest
	// Latest is the one begun last of those that were finished since, which may be After, or have been under way at the
	// moment: it knows best who wants no e-mail. Nil where none was.
	Latest *Manifest
}

// Choose finds what to restore a moment from. Backups whose base is missing are passed over.
func Choose(manifests []Manifest, at time.Time) (Choice, error) {
	usable := complete(manifests)
	var c Choice
	for i, m := range usable {
		if !m.End.After(at) {
			c.Before = m
			continue
		}
		if c.After == nil && !m.Begin.Before(at) {
			c.After = &usable[i]
		}
		if c.Latest == nil || !m.Begin.Before(c.Latest.Begin) {
			c.Latest = &usable[i]
		}
	}
	if c.Before.ID == "" && len(usable) == 0 {
		return c, errors.New("there is no backup")
	}
	if c.Before.ID == "" {
		return c, fmt.Errorf("no backup was finished by %s; the first was at %s", at.UTC().Format(time.RFC3339Nano), WholeSecond(usable[0].End).Format(time.RFC3339))
	}
	return c, nil
}

// WholeSecond is the first one that is not before a moment, so that whoever types what is shown means no earlier one.
func WholeSecond(t time.Time) time.Time { return t.Add(time.Second - 1).Truncate(time.Second) }

// complete are the backups whose base is there, the oldest first.
func complete(manifests []Manifest) []Manifest {
	full := map[string]bool{}
	for _, m := range manifests {
		full[m.ID] = m.Kind == Full
	}
	usable := slices.DeleteFunc(slices.Clone(manifests), func(m Manifest) bool { return m.Kind == Incremental && !full[m.Base] })
	slices.SortFunc(usable, func(a, b Manifest) int { return a.End.Compare(b.End) })
	return usable
}

// Since returns the usable backups that were finished after another, the newest first.
func Since(other Manifest, manifests []Manifest) []Manifest {
	later := slices.DeleteFunc(complete(manifests), func(m Manifest) bool { return !m.End.After(other.End) })
	slices.Reverse(later)
	return later
}

// LastFull is the latest full backup, and whether there is one.
func LastFull(manifests []Manifest) (last Manifest, found bool) {
	for _, m := range manifests {
		if m.Kind == Full && (!found || m.End.After(last.End)) {
			last, found = m, true
		}
	}
	return last, found
}

// rebase is how old a full backup may be before the next incremental one is taken as a full one: what is
// different from it has become much, and much hangs on one file.
const rebase = 24 * time.Hour

// clocksDiffer is by how much the clocks of those who take backups may.
const clocksDiffer = time.Hour

// WithoutFuture are the backups without those that are dated in the future: a clock was wrong as they were taken, so
// their dates say nothing.
func WithoutFuture(manifests []Manifest, now time.Time) []Manifest {
	return slices.DeleteFunc(slices.Clone(manifests), func(m Manifest) bool { return m.Future(now) })
}

// Future tells whether a backup is dated in the future: a clock was wrong as it was taken.
func (m Manifest) Future(now time.Time) bool { return m.Begin.After(now.Add(clocksDiffer)) }

// Due is the kind of backup to take where an incremental one is asked for.
func Due(manifests []Manifest, now time.Time) (kind Kind, base Manifest) {
	full, found := LastFull(WithoutFuture(manifests, now))
	if !found || now.Sub(full.Begin) >= rebase {
		return Full, Manifest{}
	}
	return Incremental, full
}
