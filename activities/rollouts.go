package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// RolloutStore is what a rollout's activities need of the database.
type RolloutStore interface {
	app.FlagStore
	app.RolloutReader
	app.DecisionReader
	AppendDecision(ctx context.Context, e rollout.Event, after rollout.State) (existing *rollout.Event, err error)
	// AppendAudit appends an entry to the audit record.
	AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error)
	Rollout(ctx context.Context, id string) (rollout.State, error)
	VendorsWithoutStart(ctx context.Context) (int64, error)
	// Counters are the counters of some periods; those that are 0 may be missing.
	Counters(ctx context.Context, periods []monitoring.Period) (monitoring.Tally, error)
	Trials(ctx context.Context, f trial.Filter, after string, limit int) (page []trial.State, next string, err error)
	RunningTrials(ctx context.Context, automated bool, after string, limit int) ([]trial.State, error)
}

// Handover adopts and releases trials.
type Handover interface {
	// Adopt makes a running trial automated, Release unautomated. Neither changes a trial that has ended.
	Adopt(ctx context.Context, vendorID string, r trial.Request) error
	Release(ctx context.Context, vendorID string, r trial.Request) error
}

// Schedule resumes or pauses the watch and the backups.
type Schedule interface {
	Watching(ctx context.Context, on bool) error
}

// Rollouts carries out what a rollout decides.
type Rollouts struct {
	Store    RolloutStore
	Account  Account
	Handover Handover
	Schedule Schedule
	// Backups is nil if the product takes no backups.
	Backups    BackupRecord
	Dashboards Dashboards
	// Canaries is nil if no canaries are configured.
	Canaries CanaryControl
	// Policy is the one whose trials last longest.
	Policy trial.Policy
	Day    time.Duration
	Now    func() time.Time
	Log    *zap.Logger
}

// EnactInput is an event to enact, and the state before it.
type EnactInput struct {
	State rollout.State `json:"state"`
	Event rollout.Event `json:"event"`
}

// Enacted is the stored event, and the whole state if another run has decided more.
type Enacted struct {
	rollout.Event
	// Stored is set if another decision was stored under the event's number. Then nothing was done.
	Stored *rollout.State `json:"stored,omitempty"`
}

// Enact carries out an event: the flags first, since they decide, then the record. It returns the stored event, which is another one
// if somebody has set the flags by hand. If a decision of another moment is stored under its number, by a run that was reset or
// thought dead, it does nothing: that decision was enacted then.
func (r *Rollouts) Enact(ctx context.Context, d EnactInput) (Enacted, error) {
	defer heartbeat(ctx)()
	stored, err := r.stored(ctx, d)
	if err != nil || stored != nil && stored.Stored != nil {
		return deref(stored, Enacted{Event: d.Event}), err
	}
	var event rollout.Event
	if stored != nil { // by an earlier attempt, after it had set the flags
		event = stored.Event
	} else if event, err = r.decided(ctx, d); err != nil {
		return Enacted{Event: event}, err
	}
	event.HandledSignals = d.State.HandledSignals
	existing, err := r.Store.AppendDecision(ctx, event, d.State.Apply(event))
	if err != nil {
		return Enacted{Event: event}, failed(fmt.Sprintf("recording %s", event.Type), err)
	}
	if existing != nil {
		if stored, err := r.stored(ctx, d); err != nil || stored != nil && stored.Stored != nil {
			return deref(stored, Enacted{Event: d.Event}), err
		}
		event = *existing
	}
	if final := d.State.Apply(event).Status.Final(); final || event.Type == rollout.EventStarted {
		// If this fails, the sweep resumes the watch. No decision waits for it.
		if err := r.Schedule.Watching(ctx, !final); err != nil {
			r.Log.Error("the watch was not scheduled", zap.String("rollout", d.State.ID), zap.Bool("on", !final), zap.Error(err))
		}
	}
	// Last, so that a failed attempt leaves no entry that the next one repeats.
	entry, err := r.Store.AppendAudit(ctx, auditOf(d.State, event, r.Now()))
	if err != nil {
		return Enacted{Event: event}, failed("recording it in the audit record", err)
	}
	r.Log.Info("rollout decided", zap.String("rollout", d.State.ID), zap.Int("seq", event.Seq), zap.String("event", string(event.Type)),
		zap.Int("entry", entry.Seq), zap.String("hash", entry.Hash))
	return Enacted{Event: event}, nil
}

// decided sets the flags for an event, and returns the event to store.
func (r *Rollouts) decided(ctx context.Context, d EnactInput) (rollout.Event, error) {
	event, err := r.withFlags(ctx, d)
	if err != nil {
		return event, err
	}
	if event.Type == rollout.EventStarted {
		before, _, err := r.Store.CurrentRollout(ctx)
		if err != nil {
			return event, failed("reading the rollout before", err)
		}
		event.FlagsVersion = before.ReleasedBefore // trials that it has released stay so
	}
	if event.Type == rollout.EventUpdate {
		latest, err := r.Store.LatestJudgement(ctx, d.State.ID)
		if err != nil {
			return event, failed("reading the latest judgement", err)
		}
		event = d.State.UpdatedBy(event, latest)
	}
	return event, nil
}

// stored is the decision stored under the event's number, with the whole state if that is a decision of another moment; nil for none.
func (r *Rollouts) stored(ctx context.Context, d EnactInput) (*Enacted, error) {
	id := d.State.Apply(d.Event).ID
	stored, err := r.Store.Decisions(ctx, id, d.Event.Seq, 1)
	if err != nil {
		return nil, failed("looking for a stored decision", err)
	}
	switch {
	case len(stored) == 0:
		return nil, nil //nolint:nilnil // documented: there is none
	case stored[0].At.Equal(d.Event.At):
		return &Enacted{Event: stored[0]}, nil
	}
	state, err := r.Store.Rollout(ctx, id)
	if err != nil {
		return nil, failed("reading the rollout's state", err)
	}
	r.Log.Warn("a decision is stored already", zap.String("rollout", id), zap.Int("seq", d.Event.Seq), zap.Int("stored", state.Seq))
	return &Enacted{Event: stored[0], Stored: &state}, nil
}

// auditOf is the entry in the audit record for an enacted event.
func auditOf(before rollout.State, e rollout.Event, now time.Time) audit.Entry {
	after := before.Apply(e)
	entry := audit.Entry{
		At: now, Actor: e.By, Action: "rollout/" + string(e.Type), Subject: "rollouts/" + after.ID, Reason: e.Reason, Key: e.RequestID,
		Outcome: audit.Done, After: audit.Document(after.Summary()),
	}
	if before.ID != "" {
		entry.Before = audit.Document(before.Summary())
	}
	return entry
}

// Latest is the latest judgement of a rollout, nil before the first watch.
func (r *Rollouts) Latest(ctx context.Context, id string) (*rollout.Judgement, error) {
	latest, err := r.Store.LatestJudgement(ctx, id)
	return latest, failed("reading the latest judgement", err)
}

// errStored says that the decision is stored already, and must not write the flags any more.
var errStored = errors.New("the decision is stored")

// withFlags sets the flags for an event, unless they have a value that the rollout has not judged, and returns the event to store. It
// replaces exactly the flags that the event was decided on. An attempt thought dead replaces nothing once another one has stored
// the decision.
func (r *Rollouts) withFlags(ctx context.Context, d EnactInput) (rollout.Event, error) {
	event := d.Event
	if event.Type != rollout.EventCompleted && (event.Percentage == nil || event.Enabled == nil) {
		return event, nil
	}
	_, err := r.Store.UpdateFlags(ctx, flags.Automatic, func(c *flags.Change) error {
		stored, err := r.stored(ctx, d)
		if err != nil || stored != nil {
			return cmp.Or(err, errStored)
		}
		event = d.State.ApplyToFlags(d.Event, c)
		return nil
	})
	if errors.Is(err, errStored) {
		return event, nil
	}
	return event, failed("setting the flags", err)
}

// Bounds for reading the trials from before a rollout.
const (
	pastPage  = 500
	mostPages = 40
)

// Learn reads up to 20,000 trials from before a rollout, automated or not, for how conversions come with age.
func (r *Rollouts) Learn(ctx context.Context, times evidence.Times) (evidence.Times, error) {
	defer heartbeat(ctx)()
	now := r.Now()
	var lifetimes []evidence.Lifetime
	after := ""
	for range mostPages {
		page, next, err := r.Store.Trials(ctx, trial.Filter{}, after, pastPage)
		if err != nil {
			return times, failed("reading the trials from before", err)
		}
		for _, t := range page {
			if life, began := lifetime(t, times.TrialDays, now); began {
				lifetimes = append(lifetimes, life)
			}
		}
		if after = next; after == "" {
			break
		}
	}
	return times.WithConversionCurve(lifetimes), nil
}

// lifetime is a trial's contribution to the conversion curve, in its own days, and whether it has begun. A conversion after the
// trial's end does not count.
func lifetime(t trial.State, trialDays float64, now time.Time) (evidence.Lifetime, bool) {
	if t.Day <= 0 || t.StartedAt.After(now) {
		return evidence.Lifetime{}, false
	}
	ended := now
	for _, end := range []*time.Time{t.ExpiredAt, t.CancelledAt} {
		if end != nil {
			ended = *end
		}
	}
	life := evidence.Lifetime{Converted: t.Status == trial.Converted && t.ConvertedAt != nil}
	if life.Converted {
		ended = *t.ConvertedAt
	}
	inDays := func(d time.Duration) float64 { return max(float64(d)/float64(t.Day), 0) }
	life.Age, life.Whole = inDays(ended.Sub(t.StartedAt)), inDays(now.Sub(t.StartedAt)) >= trialDays
	return life, true
}

// HandedOver is the progress of adopting or releasing trials.
type HandedOver struct {
	After string `json:"after"`
	Count int    `json:"count"`
	Done  bool   `json:"done"`
}

// Batch is the number of trials to hand over at once, after a vendor id.
type Batch struct {
	RolloutID string `json:"rolloutId"`
	After     string `json:"after"`
	Size      int    `json:"size"`
	// Seq is how many decisions the workflow knows. If more are stored, no trial is adopted.
	Seq int `json:"seq,omitempty"`
}

// Backfill adopts the next unautomated trials, unless somebody has disabled the automation or lowered its percentage.
func (r *Rollouts) Backfill(ctx context.Context, b Batch) (HandedOver, error) {
	stored, err := r.Store.Rollout(ctx, b.RolloutID)
	if err != nil {
		return HandedOver{}, failed("reading the rollout's state", err)
	}
	if b.Seq > 0 && stored.Seq > b.Seq {
		return HandedOver{After: b.After}, nil // the workflow notices when it records this
	}
	doc, err := r.Store.Flags(ctx)
	if err != nil {
		return HandedOver{}, failed("reading the flags", err)
	}
	if f := doc.FeatureFlags.TrialAutomation; !f.Enabled || f.RolloutPercentage < 100 {
		return HandedOver{After: b.After}, nil
	}
	return r.handOver(ctx, b, false, func(ctx context.Context, t trial.State) error {
		request := handover(b.RolloutID, t.VendorID)
		request.FlagsVersion = doc.Version
		return r.Handover.Adopt(ctx, t.VendorID, request)
	})
}

// Release releases the next automated trials, except those automated after the rollback, which were admitted at the percentage that
// it went back to.
func (r *Rollouts) Release(ctx context.Context, b Batch) (HandedOver, error) {
	stored, err := r.Store.Rollout(ctx, b.RolloutID)
	if err != nil {
		return HandedOver{}, failed("reading the rollout's state", err)
	}
	return r.handOver(ctx, b, true, func(ctx context.Context, t trial.State) error {
		if stored.ReleasedBefore > 0 && t.AutomatedUnder >= stored.ReleasedBefore {
			return nil
		}
		return r.Handover.Release(ctx, t.VendorID, handover(b.RolloutID, t.VendorID))
	})
}

func (r *Rollouts) handOver(ctx context.Context, b Batch, automated bool, signal func(context.Context, trial.State) error) (HandedOver, error) {
	defer heartbeat(ctx)()
	running, err := r.Store.RunningTrials(ctx, automated, b.After, b.Size)
	if err != nil {
		return HandedOver{}, failed("looking for running trials", err)
	}
	m := HandedOver{After: b.After, Done: len(running) < b.Size}
	for _, t := range running {
		if err := signal(ctx, t); err != nil {
			return HandedOver{}, failed("handing over trial "+t.VendorID, err)
		}
		m.After, m.Count = t.VendorID, m.Count+1
	}
	return m, nil
}
