package activities

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/rollout"
)

// mostIntervals bounds the intervals of one watch. After a long outage the next watches catch up.
const mostIntervals = 500

const (
	// mostOutcomes bounds the outcomes of a snapshot that has several intervals: to some megabytes, of the 16 that a document may have.
	mostOutcomes = 30_000
	// mostSnapshots bounds the snapshots of one watch, which takes as many as it needs to be up to date.
	mostSnapshots = 1_000
)

// WatchStore is what the watch needs of the database.
type WatchStore interface {
	app.FlagReader
	app.RolloutReader
	app.FeedbackCounter
	// Ledger returns what was seen of a rollout, vendor by vendor; found is false before the first snapshot.
	Ledger(ctx context.Context, id string) (l rollout.Ledger, found bool, err error)
	PutLedger(ctx context.Context, id string, l rollout.Ledger, j rollout.Judgement) error
	TimeSeries(ctx context.Context, id string) (rollout.TimeSeries, error)
	PutTimeSeries(ctx context.Context, id string, t rollout.TimeSeries) error
	AddSnapshot(ctx context.Context, s rollout.Snapshot) (rollout.Snapshot, error)
	Snapshot(ctx context.Context, id string, number int) (rollout.Snapshot, bool, error)
	Observations(ctx context.Context, from, to time.Time, day time.Duration) ([]rollout.Outcome, rollout.Calls, error)
}

// Account is the state of the account at the mail service.
type Account interface {
	// SendingEnabled tells whether the mail service lets the account send.
	SendingEnabled(ctx context.Context) (bool, error)
	// AllRefused is since when the mail service has refused every e-mail, zero if it accepts some.
	AllRefused(now time.Time) time.Time
}

// RolloutSignaler signals the rollout's workflow.
type RolloutSignaler interface {
	// Judged sends a judgement to the running rollout, if one runs.
	Judged(ctx context.Context, j rollout.Judgement) error
}

// Watch takes snapshots of the running rollout, judges them, and signals to its workflow what it must act on.
type Watch struct {
	Store           WatchStore
	Account         Account
	RolloutSignaler RolloutSignaler
	// Canaries is nil if no canaries are configured.
	Canaries CanaryReader
	// Day is the length of a day. After Settled everything observed is stored.
	Day, Settled time.Duration
	Now          func() time.Time
	Log          *zap.Logger
}

// Watched is the result of a watch.
type Watched struct {
	RolloutID string `json:"rolloutId"`
	Snapshot  int    `json:"snapshot"`
	// Signaled says that the judgement was sent to the workflow.
	Signaled bool `json:"signaled"`
}

// Watch watches once. Without a running rollout it does nothing.
func (w *Watch) Watch(ctx context.Context) (Watched, error) {
	defer heartbeat(ctx)()
	state, found, err := w.Store.CurrentRollout(ctx)
	if err != nil || !found || state.Status.Final() {
		return Watched{}, failed("reading the rollout", err)
	}
	ledger, hasLedger, err := w.Store.Ledger(ctx, state.ID)
	if err != nil {
		return Watched{}, failed("reading the ledger", err)
	}
	if !hasLedger {
		ledger = rollout.NewLedger(state.Plan)
		ledger.To = state.StartedAt
	}
	judgement, isNew, err := w.catchUp(ctx, state, &ledger)
	if err != nil {
		return Watched{}, err
	}
	watched := Watched{RolloutID: state.ID, Snapshot: judgement.Snapshot}
	if !isNew || !state.ShouldSignal(judgement, w.Now()) {
		return watched, nil
	}
	watched.Signaled = true
	if err := w.RolloutSignaler.Judged(ctx, judgement); err != nil {
		return watched, failed("signaling the rollout", err)
	}
	return watched, nil
}

// catchUp takes snapshots until the ledger knows what is known by now, and judges each. isNew says that the last is so: a rollout does
// not go on by what was true before an outage.
func (w *Watch) catchUp(ctx context.Context, state rollout.State, l *rollout.Ledger) (judgement rollout.Judgement, isNew bool, err error) {
	settled := w.settled(w.Now()) // what becomes known from now on is for the next watch
	for range mostSnapshots {
		snapshot, err := w.snapshot(ctx, state, *l)
		if err != nil {
			return judgement, false, err
		}
		l.Apply(state.Plan, snapshot, state.Times.Day)
		judgement = rollout.Judge(state.Plan, state.Times, *l, snapshot)
		w.record(ctx, state.ID, judgement)
		if err := w.Store.PutLedger(ctx, state.ID, *l, judgement); err != nil {
			return judgement, false, failed("storing the ledger", err)
		}
		if !settled.After(l.To) {
			return judgement, true, nil
		}
	}
	return judgement, false, nil
}

// record adds a judgement to the time series that pages show. It comes before the ledger is stored: a watch that is interrupted in
// between judges the same snapshot again, and adds nothing then. A gap in it is no reason not to judge.
func (w *Watch) record(ctx context.Context, id string, j rollout.Judgement) {
	series, err := w.Store.TimeSeries(ctx, id)
	if err == nil {
		series.Add(j)
		err = w.Store.PutTimeSeries(ctx, id, series)
	}
	if err != nil {
		w.Log.Warn("watch: the time series lacks a judgement", zap.Int("snapshot", j.Snapshot), zap.Error(err))
	}
}

// snapshot is the next snapshot: the one that an interrupted watch stored, or a new one.
func (w *Watch) snapshot(ctx context.Context, state rollout.State, l rollout.Ledger) (rollout.Snapshot, error) {
	stored, found, err := w.Store.Snapshot(ctx, state.ID, l.Number+1)
	if err != nil || found {
		return stored, failed("reading the snapshot", err)
	}
	s, err := w.gather(ctx, state, l)
	if err != nil {
		return s, err
	}
	stored, err = w.Store.AddSnapshot(ctx, s)
	return stored, failed("storing the snapshot", err)
}

func (w *Watch) gather(ctx context.Context, state rollout.State, l rollout.Ledger) (rollout.Snapshot, error) {
	now := w.Now().UTC().Truncate(time.Millisecond)
	s := rollout.Snapshot{RolloutID: state.ID, Number: l.Number + 1, At: now, From: l.To, Position: state.Position()}
	if err := w.observe(ctx, &s); err != nil {
		return s, failed("reading what was observed", err)
	}
	phase := state.FeedbackPhase()
	counts, err := w.Store.CountFeedback(ctx, feedback.Filter{RolloutID: state.ID})
	if err != nil {
		return s, failed("counting feedback", err)
	}
	s.Feedback = new(feedback.Automated(counts, &phase))
	doc, err := w.Store.Flags(ctx)
	if err != nil {
		return s, failed("reading the flags", err)
	}
	flags := doc.FeatureFlags.TrialAutomation
	s.Enabled, s.Percentage, s.Version = flags.Enabled, flags.RolloutPercentage, doc.Version
	s.DisabledVersion = doc.DisabledVersion
	if state.Awaits(doc.Rollback) {
		s.Rollback = doc.Rollback
	}
	s.Outage = w.outage(ctx, l.Outage, now)
	if w.Canaries == nil {
		return s, nil
	}
	latest, since, err := w.Canaries.LatestCanary(ctx)
	if err != nil {
		return s, failed("reading the latest canary", err)
	}
	s.Canary = canary.Assess(latest, since, now, w.Day, canary.Reach{}).Reason
	return s, nil
}

// observe adds what was observed since the last snapshot, in whole intervals.
func (w *Watch) observe(ctx context.Context, s *rollout.Snapshot) error {
	until := w.until(s.From, s.At)
	for s.To = s.From; s.To.Before(until); {
		next := w.begins(rollout.Interval(s.To, w.Day) + 1)
		outcomes, calls, err := w.Store.Observations(ctx, s.To, next, w.Day)
		if err != nil {
			return err
		}
		if n := len(outcomes); n > 0 && len(s.Outcomes) > 0 && len(s.Outcomes)+n > mostOutcomes {
			return nil
		}
		s.Outcomes, s.To = append(s.Outcomes, outcomes...), next
		s.Calls.AddInterval(calls)
	}
	return nil
}

// begins is the beginning of an interval.
func (w *Watch) begins(interval int64) time.Time {
	return time.UnixMilli(interval * rollout.WatchEvery(w.Day).Milliseconds()).UTC()
}

// settled is the beginning of the interval up to which everything is stored at a moment.
func (w *Watch) settled(now time.Time) time.Time {
	return w.begins(rollout.Interval(now.Add(-w.Settled), w.Day))
}

// until is how far a snapshot goes: to what is settled, and over no more than mostIntervals.
func (w *Watch) until(from, now time.Time) time.Time {
	every := rollout.WatchEvery(w.Day)
	until := w.settled(now)
	if longest := from.Add(mostIntervals * every); until.After(longest) {
		until = longest
	}
	if until.Before(from) {
		return from
	}
	return until
}

// outage is the cause that affects all vendors alike, nil for none.
func (w *Watch) outage(ctx context.Context, before *rollout.Outage, now time.Time) *rollout.Outage {
	enabled, err := w.Account.SendingEnabled(ctx)
	since := w.Account.AllRefused(now)
	switch {
	case err == nil && !enabled && before != nil && before.Cause == rollout.OutageSESPaused:
		return before
	case err == nil && !enabled:
		return &rollout.Outage{Cause: rollout.OutageSESPaused, Since: now}
	case !since.IsZero():
		return &rollout.Outage{Cause: rollout.OutageSESRefusesAll, Since: since.UTC()}
	case err != nil:
		w.Log.Warn("watch: the mail service does not say how the account stands", zap.Error(err))
	}
	return nil
}
