package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/test/harness"
)

const (
	// backupDays are from one backup to the next.
	backupDays = 4
	// noteDays are from one note to the next, on average.
	noteDays = 0.75
	// settled is how long after a moment a step that was decided before it may still be written.
	settled = time.Second
)

// known is what the system knew of every trial: its document, but for when that was written.
type known map[string]bson.M

// note is what the system knew right before a moment, and a little after it.
type note struct {
	at            time.Time
	before, after known
}

// live registers the vendors, takes backups, and notes what the system knows, until the days are over. The
// notes are those from which a backup was finished before and another begun after.
func (r *trialRun) live(ctx context.Context) ([]note, error) {
	if err := r.starter(ctx, "backup", "full", "--dir", r.folder); err != nil {
		return nil, err
	}
	importing, stop := context.WithCancel(ctx)
	imported := make(chan struct{})
	go func() {
		defer close(imported)
		// It is ended with the run: conversions come for months. What it did not do, the notes show.
		_, _ = r.Starter(importing, "import", "--csv", r.csv, "--from", r.from, "--limit", fmt.Sprint(r.vendors),
			"--resume", filepath.Join(r.folder, "..", "import.jsonl"))
	}()
	defer func() { stop(); <-imported }()

	began, backups := time.Now(), 1
	var notes []note
	for ago := time.Duration(0); ago < time.Duration(r.run)*r.day; ago = time.Since(began) {
		if ago > time.Duration(backups*backupDays)*r.day {
			backups++
			if err := r.starter(ctx, "backup", "incremental", "--dir", r.folder); err != nil {
				return nil, err
			}
		}
		if err := harness.Sleep(ctx, time.Duration(r.random.ExpFloat64()*noteDays*float64(r.day))); err != nil {
			return nil, err
		}
		n, err := r.take(ctx)
		if err != nil {
			return nil, err
		}
		notes = append(notes, n)
	}
	if err := r.starter(ctx, "backup", "incremental", "--dir", r.folder); err != nil {
		return nil, err
	}
	r.printf("%d moments noted in %d days, %d backups taken, %d trials", len(notes), r.run, backups+1, len(notes[len(notes)-1].after))
	return notes, nil
}

// take notes what the system knows now.
func (r *trialRun) take(ctx context.Context) (n note, err error) {
	if n.before, err = read(ctx, r, "marketplace"); err != nil {
		return n, err
	}
	n.at = time.Now().UTC().Truncate(time.Millisecond)
	if err := harness.Sleep(ctx, settled); err != nil {
		return n, err
	}
	n.after, err = read(ctx, r, "marketplace")
	return n, err
}

// read reads all trials of a database.
func read(ctx context.Context, r *trialRun, database string) (known, error) {
	docs, err := harness.Find[bson.M](ctx, r.database.Client().Database(database), "trials", bson.M{})
	if err != nil {
		return nil, err
	}
	all := known{}
	for _, doc := range docs {
		delete(doc, "updatedAt")
		id, _ := doc["_id"].(string)
		all[id] = doc
	}
	return all, nil
}

// drawn are some of the notes, by chance, in their order; not the empty beginning.
func drawn(notes []note, n int, random *rand.Rand) []note {
	notes = slices.DeleteFunc(slices.Clone(notes), func(n note) bool { return len(n.before) == 0 })
	random.Shuffle(len(notes), func(i, j int) { notes[i], notes[j] = notes[j], notes[i] })
	chosen := notes[:min(n, len(notes))]
	slices.SortFunc(chosen, func(a, b note) int { return a.at.Compare(b.at) })
	return chosen
}
