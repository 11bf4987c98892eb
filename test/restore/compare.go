package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/system"
)

// fewest is the share of trials that have to stand still around a moment, so that comparing them says something.
const fewest = 0.5

// restoreMoment restores a moment into a database of its own, and compares.
func (r *trialRun) restoreMoment(ctx context.Context, i int, n note) error {
	into := fmt.Sprintf("moment_%d", i+1)
	if err := r.starter(ctx, "restore", "--dir", r.folder, "--into", into, "--at", n.at.Format(time.RFC3339Nano)); err != nil {
		return err
	}
	restored, err := read(ctx, r, into)
	if err != nil {
		return err
	}
	same, moving := 0, 0
	for id, after := range n.after {
		switch was := seq(n.before[id]) == seq(after); {
		case was && reflect.DeepEqual(restored[id], after):
			same++
		case was && seq(restored[id]) <= seq(after):
			r.complain("%s, trial %s: is restored as\n%v and was\n%v", n.at, id, restored[id], after)
		default: // something happened to it around the moment, or was about to be written down
			moving++
			if err := r.checkMoving(ctx, n, id, seq(restored[id])); err != nil {
				return err
			}
		}
	}
	for id := range restored {
		if n.after[id] == nil {
			r.complain("%s, trial %s: is restored, and did not exist a second later", n.at, id)
		}
	}
	r.printf("%s: %d trials are restored as they were; %d were just changing, and are restored up to the moment", n.at, same, moving)
	if float64(same) < fewest*float64(same+moving) {
		r.complain("%s: too many trials were changing to say much", n.at)
	}
	return nil
}

// checkMoving checks a trial that something happened to around the moment: it is restored with the events that it had
// before at the least, up to the last whose moment is not after this one.
func (r *trialRun) checkMoving(ctx context.Context, n note, id string, got int64) error {
	if got < seq(n.before[id]) {
		r.complain("%s, trial %s: is restored with %d events, had %d before", n.at, id, got, seq(n.before[id]))
	}
	last, err := r.eventAt(ctx, id, got)
	if err != nil {
		return err
	}
	next, err := r.eventAt(ctx, id, got+1)
	if err != nil {
		return err
	}
	if last.After(n.at) || !next.IsZero() && !next.After(n.at) {
		r.complain("%s, trial %s: is restored with %d events, the last of %s, the next of %s", n.at, id, got, last, next)
	}
	return nil
}

// eventAt is the moment of a trial's event; zero where there is none of that number.
func (r *trialRun) eventAt(ctx context.Context, id string, number int64) (time.Time, error) {
	var event struct {
		At time.Time `bson:"at"`
	}
	err := r.database.Collection("trial_events").FindOne(ctx, bson.M{"_id": fmt.Sprintf("%s/%d", id, number)}).Decode(&event)
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return event.At, fmt.Errorf("reading event %d of trial %s: %w", number, id, err)
	}
	return event.At, nil
}

// seq is how many events a trial had; 0 where there is none.
func seq(trial bson.M) int64 {
	switch n := trial["seq"].(type) {
	case int32:
		return int64(n)
	case int64:
		return n
	}
	return 0
}

// deleteAndRestore deletes the database, a while after the last backup, and sees the trials to their ends.
func (r *trialRun) deleteAndRestore(ctx context.Context) error {
	r.StopWorker()
	r.StopAPI()
	was, err := read(ctx, r, "marketplace")
	if err != nil {
		return err
	}
	resends, err := r.resends(ctx)
	if err != nil {
		return err
	}
	if err := r.database.Drop(ctx); err != nil {
		return fmt.Errorf("deleting the database: %w", err)
	}
	if err := r.starter(ctx, "restore", "--dir", r.folder); err != nil {
		return err
	}
	is, err := read(ctx, r, "marketplace")
	if err != nil {
		return err
	}
	for id := range was {
		if !reflect.DeepEqual(was[id], is[id]) {
			r.complain("trial %s: after the database was lost it is\n%v and was\n%v", id, is[id], was[id])
		}
	}
	if len(was) != len(is) {
		r.complain("%d trials are restored, and %d were there", len(is), len(was))
	}
	r.printf("%d of %d trials are there again", len(is), len(was))
	if err := r.StartAPI(ctx); err != nil {
		return err
	}
	if err := r.StartWorker(ctx); err != nil {
		return err
	}
	if err := r.starter(ctx, "flags", "set", "trialAutomation.enabled=true"); err != nil {
		return err
	}
	return r.seeThrough(ctx, resends)
}

// resends are how often each e-mail was sent again, by what the database knows now, since nothing had been heard of
// the attempt before: on a machine that is busy, days of seconds leave the mail service little time to say.
func (r *trialRun) resends(ctx context.Context) (map[string]int, error) {
	type send struct {
		Key     string `bson:"_id"`
		Attempt struct {
			Resends int `bson:"resends"`
		} `bson:"attempt"`
	}
	docs, err := harness.Find[send](ctx, r.database, "sends", bson.M{"attempt.resends": bson.M{"$gt": 0}})
	if err != nil {
		return nil, err
	}
	times := map[string]int{}
	for _, doc := range docs {
		times[doc.Key] = doc.Attempt.Resends
	}
	return times, nil
}

// lastDays bounds the rest of the trials' lives, in days, and patience what a busy machine adds.
const (
	lastDays = 22
	patience = 2 * time.Minute
)

// seeThrough waits until every trial is over, and counts the e-mails.
func (r *trialRun) seeThrough(ctx context.Context, resends map[string]int) error {
	running := 0
	late := harness.Until(ctx, lastDays*r.day+patience, r.day, func() (bool, error) {
		trials, err := read(ctx, r, "marketplace")
		running = 0
		for _, t := range trials {
			if t["status"] == "active" || t["status"] == "grace" {
				running++
			}
		}
		return running == 0, err
	})
	switch {
	case errors.Is(late, context.DeadlineExceeded):
		r.complain("%d trials are not over", running)
	case late != nil:
		return late
	}
	return r.countMails(ctx, resends)
}

// countMails complains of each e-mail that left more often than it was sent again, before the database was lost or since.
func (r *trialRun) countMails(ctx context.Context, resends map[string]int) error {
	since, err := r.resends(ctx)
	if err != nil {
		return err
	}
	for key, n := range since {
		resends[key] = max(resends[key], n)
	}
	times, all := map[string]int{}, 0
	if err := system.EachMessage(ctx, r.Stack.Mailbox, func(m system.Message) { times[m.Step()]++; all++ }); err != nil {
		return err
	}
	for key, n := range times {
		if n > 1+resends[key] {
			r.complain("e-mail %s left %d times, and was sent again %d times", key, n, resends[key])
		}
	}
	r.printf("%d e-mails left, %d of them sent again", all, len(resends))
	return nil
}
