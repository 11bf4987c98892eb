package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	// sweepBatch bounds the result of one query, and sweepParallel the concurrent calls to Temporal.
	sweepBatch    = 1000
	sweepParallel = 16
	// startingFor is how long the sweep leaves a registration to the API, which starts the trial in its request's trace.
	startingFor = 5 * time.Second
)

// SweepStore is what the sweep needs of the database.
type SweepStore interface {
	app.FlagReader
	app.LatestExperiment
	app.VendorReader // with what is on record beside its document
	// TakeIn adds what registration would have added to a vendor that the
	// marketplace put straight into its collection.
	TakeIn(ctx context.Context, v trial.Vendor) (trial.Vendor, error)
	// UnstartedVendors are up to limit vendors whose trial has not begun, without those to skip.
	UnstartedVendors(ctx context.Context, limit int, skip func(vendorID string) bool) ([]trial.Vendor, error)
	// ResyncVendor writes into the vendor's document again where its trial stands,
	// and tells whether there is such a trial.
	ResyncVendor(ctx context.Context, vendorID string) (known bool, err error)
	UnrecordedConversions(ctx context.Context, limit int) ([]trial.Vendor, error)
	OverdueTrials(ctx context.Context, before time.Time, limit int) ([]trial.State, error)
	HeldTrials(ctx context.Context, reasons []trial.Reason, after string, limit int) ([]trial.State, error)
	// TrialsElsewhere are those of up to limit running trials after a vendor id whose vendors' documents have another time
	// zone. next is the id for the next page, empty at the end.
	TrialsElsewhere(ctx context.Context, after string, limit int) (found []trial.Whereabouts, next string, err error)
	// CurrentRollout is the latest rollout, running or not, and whether there is one.
	CurrentRollout(ctx context.Context) (rollout.State, bool, error)
	// CanariesDue notes that canaries come from now on, unless they have come before, or that none come.
	CanariesDue(ctx context.Context, due bool, now time.Time) error
	// NoteSweep records the end of a sweep, so that a missing one is noticed.
	NoteSweep(ctx context.Context, at time.Time) error
}

// RepairStore counts repairs.
type RepairStore interface {
	// AddRepairs adds n repaired trials to a slot.
	AddRepairs(ctx context.Context, slot monitoring.Period, n int) error
}

// Sweep is the reconciler: it starts what is missing, delivers what was lost, and wakes what may go on. It changes no trial
// itself.
type Sweep struct {
	Store    SweepStore
	Starter  Starter
	Rollouts RolloutEnsurer
	// Canaries says that canaries are to come while a rollout runs.
	Canaries bool
	Policies policy.Set
	Day      time.Duration
	// Slack is how late a trial's next step may be before the sweep restarts its workflow, which may be lost.
	Slack time.Duration
	Now   func() time.Time
	Log   *zap.Logger
	// Repairs counts repaired trials; nil for no count.
	Repairs RepairStore
	// Found receives the result of each sweep; may be nil.
	Found func(Swept)

	unstarted, undelivered, overdue, held, zones queryThrottle
	// failed are vendors whose trial could not be started, nowhere those with an unknown time zone.
	failed, nowhere backoff
	moves           moves
	// seen is the flags' version in the last sweep.
	seen atomic.Int64
	// releasing is the progress of waking the trials that the latest rollback released.
	releasing releasing
}

// Swept counts what a sweep did. It does not count a trial whose workflow runs: that waits for the mail service or for a worker.
type Swept struct {
	Started int64 `json:"started"`
	// Synced are trials whose vendor's document had lost our fields.
	Synced    int64 `json:"synced"`
	Converted int64 `json:"converted"`
	Restarted int64 `json:"restarted"`
	Woken     int64 `json:"woken"`
	// Moved are trials woken because their vendor is in another time zone.
	Moved int64 `json:"moved"`
	// LeftAlone are vendors who may not be new, or whose time zone is unknown. Each is counted in every sweep that reads it.
	LeftAlone int64 `json:"leftAlone"`
	// Rollouts are rollouts whose workflow was gone; at most one.
	Rollouts int64 `json:"rollouts"`
}

// Sweep sweeps once. A failure with one vendor is logged, does not stop the others, and is retried by the next sweep.
func (s *Sweep) Sweep(ctx context.Context) (Swept, error) {
	defer heartbeat(ctx)()
	var swept Swept
	var errs []error
	for _, part := range []func(context.Context, *Swept) error{s.keep, s.start, s.convert, s.restart, s.wake, s.release, s.rezone} {
		errs = append(errs, part(ctx, &swept))
	}
	if s.Found != nil {
		s.Found(swept)
	}
	errs = append(errs, s.report(ctx, swept))
	if err := errors.Join(errs...); err != nil {
		return swept, failed("sweeping", err)
	}
	if err := s.Store.NoteSweep(ctx, s.Now()); err != nil {
		return swept, failed("noting the sweep", err)
	}
	if swept != (Swept{}) {
		s.Log.Info("swept", zap.Any("did", swept))
	}
	return swept, nil
}

// report counts the repaired trials. A start is no repair: the marketplace may insert vendors itself.
func (s *Sweep) report(ctx context.Context, swept Swept) error {
	mended := int(swept.Restarted + swept.Converted)
	if s.Repairs == nil || mended == 0 {
		return nil
	}
	return s.Repairs.AddRepairs(ctx, monitoring.SlotOf(s.Now(), s.Day), mended)
}

func (s *Sweep) start(ctx context.Context, swept *Swept) error {
	vendors, err := throttled(&s.unstarted, s.Now, func() ([]trial.Vendor, error) {
		return s.Store.UnstartedVendors(ctx, sweepBatch, s.failed.backingOff(s.Now()))
	})
	if err != nil {
		return fmt.Errorf("looking for vendors without a trial: %w", err)
	}
	doc, err := s.Store.Flags(ctx)
	if err != nil {
		return fmt.Errorf("reading the flags: %w", err)
	}
	running, err := app.Dealing(ctx, s.Store, doc)
	if err != nil {
		return fmt.Errorf("reading the experiment: %w", err)
	}
	vendors = slices.DeleteFunc(vendors, s.starting)
	each(ctx, s, vendors, func(ctx context.Context, v trial.Vendor) (*int64, error) {
		done, err := s.begin(ctx, doc, running, v, swept)
		s.failed.note(v.ID, err, s.Now())
		return done, err
	})
	return nil
}

// starting tells whether the API is about to start the vendor's trial.
func (s *Sweep) starting(v trial.Vendor) bool {
	return v.Automation != nil && s.Now().Sub(v.Automation.RegisteredAt) < startingFor
}

// begin starts a vendor's trial. If the trial is known, the marketplace has replaced the document, and begin restores our fields:
// starting a trial that has ended would not do that, and be repeated by every sweep. A trial that has lost its workflow is
// overdue or held, and is repaired as such.
func (s *Sweep) begin(ctx context.Context, doc flags.Document, e *experiment.Experiment, v trial.Vendor, swept *Swept) (*int64, error) {
	if v.Automation == nil {
		enrolled, doubt := s.enroll(doc, e, v)
		if doubt != "" {
			var done *int64
			var err error
			if enrolled, done, err = s.doubtful(ctx, v.ID, doubt, swept); done != nil || err != nil {
				return done, err
			}
		}
		taken, err := s.Store.TakeIn(ctx, enrolled)
		if err != nil {
			return nil, fmt.Errorf("taking in vendor %s: %w", v.ID, err)
		}
		v = taken
	}
	if known, err := s.Store.ResyncVendor(ctx, v.ID); known || err != nil {
		return &swept.Synced, err
	}
	started, err := s.Starter.Start(ctx, s.Policies.Registration(v, s.Day))
	return where(started, &swept.Started), err
}

// doubtful handles a vendor whose document does not say when its trial began. If the vendor is on record, the marketplace has replaced
// the document, and the vendor continues as decided. Any other vendor is left alone and reported.
func (s *Sweep) doubtful(ctx context.Context, id string, doubt migration.Reason, swept *Swept) (onRecord trial.Vendor, done *int64, err error) {
	known, err := s.Store.ResyncVendor(ctx, id)
	if known || err != nil {
		return onRecord, &swept.Synced, err
	}
	onRecord, err = s.Store.Vendor(ctx, id)
	if err != nil || onRecord.Automation != nil {
		return onRecord, nil, err
	}
	atomic.AddInt64(&swept.LeftAlone, 1)
	return onRecord, nil, fmt.Errorf("vendor %s is left alone, %s: register it over the API, or see starter migrate validate", id, doubt)
}

// enroll decides for a vendor that the marketplace inserted what registration would have decided.
func (s *Sweep) enroll(doc flags.Document, e *experiment.Experiment, v trial.Vendor) (trial.Vendor, migration.Reason) {
	enrolled, doubt := Enroll(doc, v, s.Policies.OfDefault(), s.Day, s.Now())
	if doubt == "" {
		enrolled = app.Deal(e, doc, s.Policies, enrolled)
	}
	return enrolled, doubt
}

// Enroll gives a vendor its trial's start, cohort and default policy, once. For a vendor who may not be new it returns the reason: nobody is told today
// that a trial ended last year, and existing users belong to a migration.
func Enroll(doc flags.Document, v trial.Vendor, p trial.Policy, day time.Duration, now time.Time) (trial.Vendor, migration.Reason) {
	start, doubt := migration.StartOf(v, now, func(start time.Time) bool {
		r := trial.Registration{VendorID: v.ID, Cohort: trial.Control, Policy: p, Day: day, Zone: v.Zone, At: start}
		return !trial.NewState(r).EndsAt.After(now)
	})
	if doubt != "" {
		return v, doubt
	}
	v.StartedAt = start
	v.Automation = doc.Admit(v.ID, p.Name, now.UTC().Truncate(time.Millisecond))
	v.Automation.PolicyBy = trial.PolicyByDefault
	return v, ""
}

func (s *Sweep) convert(ctx context.Context, swept *Swept) error {
	vendors, err := throttled(&s.undelivered, s.Now, func() ([]trial.Vendor, error) { return s.Store.UnrecordedConversions(ctx, sweepBatch) })
	if err != nil {
		return fmt.Errorf("looking for conversions to deliver: %w", err)
	}
	each(ctx, s, vendors, func(ctx context.Context, v trial.Vendor) (*int64, error) {
		c := v.Automation.Conversion
		return &swept.Converted, s.Starter.Convert(ctx, v.ID, trial.Request{ID: c.RequestID, At: c.At, By: "billing", Reason: "converted"})
	})
	return nil
}

func (s *Sweep) restart(ctx context.Context, swept *Swept) error {
	overdue, err := throttled(&s.overdue, s.Now, func() ([]trial.State, error) {
		return s.Store.OverdueTrials(ctx, s.Now().Add(-s.Slack), sweepBatch)
	})
	if err != nil {
		return fmt.Errorf("looking for overdue trials: %w", err)
	}
	each(ctx, s, overdue, func(ctx context.Context, t trial.State) (*int64, error) {
		started, err := s.Starter.Restart(ctx, t)
		return where(started, &swept.Restarted), err
	})
	return nil
}

// wake wakes every held trial whose reason is gone.
func (s *Sweep) wake(ctx context.Context, swept *Swept) error {
	doc, err := s.Store.Flags(ctx)
	if err != nil {
		return fmt.Errorf("reading the flags: %w", err)
	}
	lifted := liftedReasons(doc.FeatureFlags.TrialAutomation)
	if len(lifted) == 0 {
		return nil
	}
	if s.seen.Swap(int64(doc.Version)) != int64(doc.Version) {
		s.held.now() // held trials may go on
	}
	for after := ""; ; s.held.now() {
		held, err := throttled(&s.held, s.Now, func() ([]trial.State, error) { return s.Store.HeldTrials(ctx, lifted, after, sweepBatch) })
		if err != nil {
			return fmt.Errorf("looking for held trials: %w", err)
		}
		each(ctx, s, held, func(ctx context.Context, t trial.State) (*int64, error) {
			return &swept.Woken, s.Starter.Wake(ctx, t.VendorID)
		})
		if len(held) < sweepBatch {
			return nil
		}
		after = held[len(held)-1].VendorID
	}
}

func liftedReasons(f flags.TrialAutomation) []trial.Reason {
	if !f.Enabled {
		return nil
	}
	lifted := []trial.Reason{trial.ReasonAutomationDisabled}
	if f.AutoExpiration {
		lifted = append(lifted, trial.ReasonExpirationOff)
	}
	return lifted
}

// where is the counter of what was done, nil if nothing was.
func where(done bool, counter *int64) *int64 {
	if !done {
		return nil
	}
	return counter
}

// each calls fn for all items, several at once. It counts a success in the counter that fn returns, nil for none, and logs a failure.
func each[T any](ctx context.Context, s *Sweep, items []T, fn func(context.Context, T) (*int64, error)) {
	var g errgroup.Group
	g.SetLimit(sweepParallel)
	for _, item := range items {
		g.Go(func() error {
			done, err := fn(ctx, item)
			if err != nil {
				s.Log.Warn("sweep: left for the next one", zap.Error(err))
				return nil
			}
			if done != nil {
				atomic.AddInt64(done, 1)
			}
			return nil
		})
	}
	_ = g.Wait() // the functions above report no error
}
