package rollout

import (
	"cmp"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/flags"
)

// Snapshot holds what one watch observed since the one before it. Snapshots are
// stored as observed; judging them again in order gives the same result.
type Snapshot struct {
	RolloutID string `json:"rolloutId"`
	// Number counts a rollout's snapshots from 1.
	Number int       `json:"number"`
	At     time.Time `json:"at"`
	// From and To bound when the observations were recorded: from included, to not.
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Position Position  `json:"position"`
	// Outcomes are those of automated steps and their e-mails, and of vendors
	// admitted, adopted and converted.
	Outcomes []Outcome `json:"outcomes"`
	Calls    Calls     `json:"calls"`
	// Outage is set while a cause affects vendors inside and outside the rollout alike.
	Outage *Outage `json:"outage"`
	// Canary says what canaries have found broken, empty for nothing.
	Canary string `json:"canary,omitempty"`
	// Feedback is what automated vendors have answered in the position's phase; nil if it was not read.
	Feedback *feedback.Tally `json:"feedback,omitempty"`
	// Enabled, Percentage and Version are those of the flags.
	Enabled    bool    `json:"enabled"`
	Percentage float64 `json:"percentage"`
	Version    int     `json:"version"`
	// DisabledVersion is the version in which somebody last switched the automation off, Rollback a requested rollback
	// that the rollout had not carried out; 0 and nil for none.
	DisabledVersion int                    `json:"disabledVersion,omitempty"`
	Rollback        *flags.RollbackRequest `json:"rollback,omitempty"`
}

// Position is the rollout's stage at a time.
type Position struct {
	// Epoch counts the restarts of the evidence, StageSeq the stages entered.
	Epoch    int   `json:"epoch"`
	StageSeq int   `json:"entry"`
	Stage    Stage `json:"stage"`
	// Since is when this stage was entered: what became known earlier belongs to
	// the previous stage.
	Since time.Time `json:"since"`
	// Percentage is the plan's for this stage.
	Percentage float64 `json:"percentage"`
}

// watchesPerDay is one every ten minutes of a day of 24 hours; leastWatch bounds the
// interval from below when a day lasts seconds.
const (
	watchesPerDay = 144
	leastWatch    = time.Second
)

// WatchEvery is how often a rollout is watched, and the length of the intervals
// that outcomes are stored by.
func WatchEvery(day time.Duration) time.Duration { return max(day/watchesPerDay, leastWatch) }

// Interval is the number of the interval that a time falls in.
func Interval(at time.Time, day time.Duration) int64 {
	return at.UnixMilli() / WatchEvery(day).Milliseconds()
}

// IntervalEnd is when the interval ends that a time falls in.
func IntervalEnd(at time.Time, day time.Duration) time.Time {
	return time.UnixMilli((Interval(at, day) + 1) * WatchEvery(day).Milliseconds()).UTC()
}

// OutcomeKind names what became known.
type OutcomeKind string

// The kinds of outcome.
const (
	StepDone      OutcomeKind = "step-done"
	StepFailed    OutcomeKind = "step-failed"
	MailSent      OutcomeKind = "mail-sent"
	MailDelivered OutcomeKind = "mail-delivered"
	MailFailed    OutcomeKind = "mail-failed"
	// MailGeneralBounce is an e-mail that bounced without a clear reason. It may be an automatic
	// reply, so a delivery outweighs it; alone it is a failure.
	MailGeneralBounce OutcomeKind = "mail-returned"
	Admitted          OutcomeKind = "admitted"
	Converted         OutcomeKind = "converted"
	// Untracked is a conversion that the figures leave out, and the trial with it.
	Untracked OutcomeKind = "converted-untracked"
	// Expired is a trial that ended without a conversion. No judgement uses it.
	Expired OutcomeKind = "expired"
	// Adopted is a control trial that a backfill automated. Only reports count it.
	Adopted OutcomeKind = "adopted"
)

// What admins did to trials, automated or not. Conversion leaves out trials that are cancelled; otherwise only reports use it.
const (
	Extended  OutcomeKind = "extended"
	Shortened OutcomeKind = "shortened"
	Cancelled OutcomeKind = "cancelled"
	Revived   OutcomeKind = "revived"
)

// Outcome is one observation of an automated vendor, or of an admin's change to
// any vendor's trial.
type Outcome struct {
	Kind     OutcomeKind `json:"kind"`
	VendorID string      `json:"vendorId"`
	// Key is the step's, which its e-mail shares; for an admin's change the event's;
	// otherwise the vendor's id.
	Key string `json:"key"`
	// At is when it became known.
	At time.Time `json:"at"`
	// Adopted says that the vendor is counted in the adopted cohort: its steps and e-mails count from its adoption on, as all
	// automated vendors' do, but no conversion, since it had not converted by then.
	Adopted bool `json:"adopted,omitempty"`
}

// inOrder sorts outcomes by time and key, so that a batch is judged the same
// in any order of arrival.
func inOrder(outcomes []Outcome) []Outcome {
	sorted := slices.Clone(outcomes)
	slices.SortStableFunc(sorted, func(a, b Outcome) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Kind, b.Kind))
	})
	return sorted
}

// Outage is a cause that affects all vendors alike: a rollback would not help.
type Outage struct {
	// Cause is OutageSESPaused or OutageSESRefusesAll.
	Cause string    `json:"cause"`
	Since time.Time `json:"since"`
}

// The causes of an outage.
const (
	OutageSESPaused     = "ses-paused"
	OutageSESRefusesAll = "ses-refuses-all"
)
