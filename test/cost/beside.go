package cost

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/sample"
)

// How many trials come for one of each: more than a marketplace would have, so that every list fills its page with a thousand.
const (
	experimented = 4  // for a vendor in the experiment
	answered     = 2  // for an answer about an e-mail
	suppressed   = 3  // for a vendor that no e-mail goes to
	signedIn     = 4  // for a session, of which every second is over
	operated     = 10 // for a bulk operation, of one item each
)

const (
	experimentID = "experiment-20260110-090000-5d2f0a"
	rolloutID    = "rollout-20260308-082000"
	tokenText    = "of-the-comparison"
)

func operationID(i int) string { return fmt.Sprintf("bulk-20260101-000000-%08x", i) }

func tokenID() string { return access.KeyOf(tokenText).ID() }

func sessionKey(i int) access.Key { return access.KeyOf(fmt.Sprintf("session %d", i)) }

// addBeside adds what else there is because of the i-th vendor.
func addBeside(some rows, i int, now time.Time) {
	id := vendorID(i)
	if i%answered == 0 {
		cohort := []trial.Cohort{trial.Automated, trial.Control}[i/answered%2]
		a := feedback.Answer{Kind: "welcome", Helpful: i%3 > 0, At: now.Add(-time.Duration(i%spanDays) * trial.RealDay), Cohort: cohort, Phase: feedback.Phase{RolloutID: rolloutID, Phase: i % 4}}
		some.add("feedback", struct {
			Key             string `bson:"_id"`
			VendorID        string `json:"vendorId"`
			feedback.Answer `bson:",inline"`
		}{id + "/" + a.Kind, id, a})
	}
	if i%suppressed == 0 {
		addSuppression(some, i, now)
	}
	if i%signedIn == 0 {
		addSession(some, i/signedIn, now)
	}
	if i%operated == 0 {
		addOperation(some, i/operated, now)
	}
}

func addSuppression(some rows, i int, now time.Time) {
	id, n := vendorID(i), i/suppressed
	hash := trial.AddressHash(id + "@example.com")
	s := trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: now.Add(-time.Duration(n) * time.Minute), AddressHash: hash, Cause: []trial.Cause{trial.CauseBounce, trial.CauseComplaint, ""}[n%4%3]}
	doc := bson.M{"_id": "vendor/" + id, "latest": bson.M{string(s.Why()): s.At, "any": s.At}}
	if n%4 == 3 {
		s = trial.Suppression{Reason: trial.ReasonUnsubscribed, At: s.At}
		doc["latest"] = bson.M{string(s.Why()): s.At, "any": s.At}
		doc["everywhere"] = bson.M{"rank": s.Rank(), "reason": s.Reason, "at": s.At, "addressHash": ""}
	} else {
		known := bson.M{string(s.Why()): s.Latest()}
		doc["addresses"], doc["known"] = bson.M{hash: s}, bson.M{hash: known}
		some.add("suppressions", bson.M{"_id": "address/" + hash, "value": s, "known": known})
	}
	some.add("suppressions", doc)
}

func addSession(some rows, n int, now time.Time) {
	key := sessionKey(n)
	since := now
	if n%2 == 0 && n > 0 {
		since = now.Add(-access.SessionLimit - time.Hour)
	}
	s := access.NewSession(key, access.Person{Name: fmt.Sprintf("oidc:person-%05d", n), Role: access.Viewer, Subject: access.SubjectHash(string(key))}, since)
	if s.EndsAt.After(now) {
		s.ExpiresAt = s.EndsAt // so that it lasts longer than the comparison
	}
	some.add("sessions", struct {
		Key            string `bson:"_id"`
		access.Session `bson:",inline"`
	}{string(key), s})
}

func addOperation(some rows, n int, now time.Time) {
	o := bulk.Operation{ID: operationID(n), Action: bulk.Extend, Days: 3, Reason: "a public holiday", By: "support-ines", AskedAt: now, PerMinute: bulk.DefaultPerMinute, Listed: 1}
	some.add("bulk_operations", bson.M{"_id": o.ID, "operation": o, "state": bulk.State{Status: bulk.Done}})
	r := bulk.NewResult(bulk.Succeeded, "", "", now)
	some.add("bulk_items", bson.M{"_id": bulk.ItemKey(o.ID, 1), "operation": o.ID, "number": 1, "vendorId": vendorID(n), "days": 0, "left": nil, "result": r})
}

// steer stores what there is once, however many trials: a rollout with the ledger of all of them, an experiment, a token; and the
// audit record, an entry a trial.
func steer(ctx context.Context, uri, database string, trials int, now time.Time) error {
	store, err := mongodb.Connect(ctx, uri, database)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close(context.WithoutCancel(ctx)) }()
	w := sample.Busy()
	for i, e := range w.Rollout {
		if _, err := store.AppendDecision(ctx, e, rollout.Fold(w.Rollout[:i+1])); err != nil {
			return err
		}
	}
	ledger := rollout.NewLedger(rollout.DefaultPlan())
	for i := range trials {
		ledger.DayOf[vendorID(i)] = i % spanDays
	}
	if err := store.PutLedger(ctx, rolloutID, ledger, *w.Judged); err != nil {
		return err
	}
	if err := store.PutTimeSeries(ctx, rolloutID, w.Series); err != nil {
		return err
	}
	e := experiment.Experiment{
		ID: experimentID, Name: "shorter-trial", ArmA: "standard-14d", ArmB: "standard-14d", TermsA: trial.DefaultPolicy(), TermsB: trial.DefaultPolicy(), Difference: 0.05,
		Expected: experiment.Expected{PerDay: 24, Conversion: 0.11}, HorizonDays: 17, Day: trial.RealDay, StartedAt: now.Add(-spanDays * trial.RealDay), StartedBy: "owner-paul",
	}
	if err := store.AddExperiment(ctx, e); err != nil {
		return err
	}
	key := access.KeyOf(tokenText)
	token, err := access.Issue(key, access.Request{Name: "on-call", Role: access.Operator, ExpiresAt: now.Add(trial.RealDay)}, "admin", now)
	if err == nil {
		err = store.AddToken(ctx, key, token)
	}
	if err != nil {
		return fmt.Errorf("storing a token: %w", err)
	}
	return record(ctx, store, trials, now)
}

// record puts an entry for each trial on the audit record.
func record(ctx context.Context, store *mongodb.Store, trials int, now time.Time) error {
	last := audit.Entry{}
	for from := 0; from < trials; from += batch {
		var entries []audit.Entry
		for i := from; i < min(from+batch, trials); i++ {
			last = audit.Next(last, audit.Entry{
				At: now, Actor: fmt.Sprintf("support-%d", i%5), Action: "extendTrial", Subject: "trials/" + vendorID(i), Reason: "asked for a week",
				Outcome: []audit.Outcome{audit.Done, audit.Done, audit.Refused, audit.Failed}[i%4],
			})
			entries = append(entries, last)
		}
		if _, err := store.InsertAudit(ctx, entries); err != nil {
			return err
		}
	}
	return nil
}
