package migration

import (
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// Terms are the same for all users of one pass, so that a pass that was
// interrupted continues as it began.
type Terms struct {
	// At is when the pass began; it counts as the present.
	At    time.Time      `json:"at"`
	Flags flags.Document `json:"flags"`
	// Policy and Day determine when a trial that began then would be over.
	Policy trial.Policy  `json:"policy"`
	Day    time.Duration `json:"day"`
}

// Verdict says what to do about a user.
type Verdict string

// The verdicts.
const (
	// NoVendor: the user is not a vendor.
	NoVendor Verdict = "no-vendor"
	// Complete: nothing is missing.
	Complete Verdict = "complete"
	// Migrate: the missing values are known.
	Migrate Verdict = "migrate"
	// Undecided: somebody must look at it; it stays unchanged.
	Undecided Verdict = "undecided"
)

// Reason names the reason of a verdict.
type Reason string

// Why a vendor is migrated: the source of its start, or what else was missing.
const (
	StartAsItIs      Reason = "start-as-it-is"
	StartReadable    Reason = "start-readable"
	StartOnRecord    Reason = "start-on-record"
	StartFromCreated Reason = "start-from-created-at"
	StartFromID      Reason = "start-from-object-id"
	FieldsMissing    Reason = "fields-missing"
	// OverAlready: the document said automated without any record of it, and the
	// trial would be over. It becomes control, so that no e-mail announces today that a trial
	// ended last year.
	OverAlready Reason = "over-already"
)

// Why a vendor is undecided.
const (
	UnclearFlag     Reason = "isvendor-unclear"
	UnusableID      Reason = "id-unusable"
	NoDocument      Reason = "automation-no-document"
	UnclearField    Reason = "automation-field-unclear"
	CohortDiffers   Reason = "cohort-differs-from-record"
	StartUnreadable Reason = "start-unreadable"
	StartInFuture   Reason = "start-in-future"
	CreatedInFuture Reason = "created-in-future"
	// CreatedUnreadable: its ObjectID may date from a later rewrite of the document.
	CreatedUnreadable Reason = "created-unreadable"
	NoDate            Reason = "no-date-at-all"
)

// ZoneUnknown says that the document's time zone is not a known one. The trial keeps the zone that it is planned in.
const ZoneUnknown Reason = "timezone-unknown"

// WouldMail says that the vendor is complete and automated, but its
// trial has not begun and would be over: beginning it would send e-mail about the past.
const WouldMail Reason = "would-mail-about-the-past"

// Decision says what to do about one user, and why.
type Decision struct {
	Verdict Verdict
	Reason  Reason
	// Field is the wrong field, with Undecided only.
	Field string
	// Register is set if the vendor was never registered: the result
	// of a registration.
	Register *trial.Automation
	// StartedAt belongs to Register.
	StartedAt time.Time
	// Changes are the fields to set for a registered vendor.
	Changes []Change
}

// Change is one field to set; Value is a time.Time, a string, a float64, an
// int or a trial.Cohort.
type Change struct {
	Field string
	Value any
}

// The fields of a user that are read.
const (
	FieldID         = "_id"
	FieldIsVendor   = "isVendor"
	FieldStart      = "trialStartDate"
	FieldCreatedAt  = "createdAt"
	FieldAutomation = "trialAutomation"
)

func undecided(reason Reason, field string) Decision {
	return Decision{Verdict: Undecided, Reason: reason, Field: field}
}

// Unrecorded reports whether the decision, made without the vendor's record, could change with it. Complete
// users need no look-up, since their record overrides the document anyway.
func (d Decision) Unrecorded() bool {
	return d.Verdict == Migrate || slices.Contains([]Reason{NoDate, CreatedUnreadable, CreatedInFuture, WouldMail}, d.Reason)
}

// Decide decides what a user lacks. Deciding again after the changes
// finds it complete.
func Decide(u User, t Terms) Decision {
	switch {
	case u.IsVendor.Kind == Absent || u.IsVendor.Kind == Flag && !u.IsVendor.Flag:
		return Decision{Verdict: NoVendor}
	case u.IsVendor.Kind != Flag:
		return undecided(UnclearFlag, FieldIsVendor)
	case !trial.ValidVendorID(u.ID):
		return undecided(UnusableID, FieldID)
	case u.Automation.Kind != Absent && u.Automation.Kind != Document:
		return undecided(NoDocument, FieldAutomation)
	}
	start, from := u.start(t)
	switch {
	case from == CreatedInFuture || from == CreatedUnreadable:
		return undecided(from, FieldCreatedAt)
	case start.IsZero():
		return undecided(from, FieldStart)
	}
	if u.Held.Cohort.Kind == Absent {
		return u.register(t, start, from)
	}
	return u.mend(t, start, from)
}

// start is when the vendor's trial began and the source of that; the zero time
// and a reason if it is unknown.
func (u User) start(t Terms) (time.Time, Reason) {
	if u.Start.Kind != Absent {
		at, ok := ParseTime(u.Start)
		switch {
		case !ok:
			return time.Time{}, StartUnreadable
		case t.isAhead(at):
			return time.Time{}, StartInFuture
		case u.Start.Kind == Date:
			return at, StartAsItIs
		}
		return at, StartReadable
	}
	if u.Known != nil {
		return u.Known.StartedAt, StartOnRecord
	}
	if u.CreatedAt.Kind != Absent {
		at, ok := ParseTime(u.CreatedAt)
		switch {
		case !ok: // as in the reconciler
			return time.Time{}, CreatedUnreadable
		case t.isAhead(at):
			return time.Time{}, CreatedInFuture
		}
		return at, StartFromCreated
	}
	if at, ok := plausible(u.MadeAt); ok && !t.isAhead(at) {
		return at, StartFromID
	}
	return time.Time{}, NoDate
}

// isAhead reports whether a time lies further in the future than clocks and
// zones explain.
func (t Terms) isAhead(at time.Time) bool { return at.After(t.At.Add(clocksDiffer)) }

// register decides what registration would have, except for the cohort: a
// migration admits nobody, so that it causes no e-mail. At 100 % the rollout
// backfills those whose trials still run, as it does all others.
func (u User) register(t Terms, start time.Time, from Reason) Decision {
	a := t.Flags.Admit(u.ID, t.Policy.Name, t.At)
	a.Cohort, a.PolicyBy = trial.Control, trial.PolicyByDefault
	if u.Known != nil { // what was decided once stands
		a.Cohort, start, from = u.Known.Cohort, u.Known.StartedAt, StartOnRecord
	}
	return Decision{Verdict: Migrate, Reason: from, Register: a, StartedAt: start}
}

// mend completes a vendor that has a cohort, and keeps all
// meaningful values.
func (u User) mend(t Terms, start time.Time, from Reason) Decision {
	cohort := trial.Cohort(u.Held.Cohort.Text)
	switch {
	case u.Held.Cohort.Kind != Text || cohort != trial.Automated && cohort != trial.Control:
		return undecided(UnclearField, FieldAutomation+".cohort")
	case u.Known != nil && u.Known.Cohort != cohort:
		return undecided(CohortDiffers, FieldAutomation+".cohort")
	}
	d := Decision{Verdict: Complete, Reason: from}
	missing, fault := u.missing(t)
	if fault != "" {
		return undecided(UnclearField, fault)
	}
	if len(missing) > 0 {
		d.Verdict, d.Reason, d.Changes = Migrate, FieldsMissing, missing
	}
	if u.Start.Kind != Date {
		d.Verdict, d.Reason = Migrate, from
		d.Changes = append(d.Changes, Change{FieldStart, start})
	}
	if cohort != trial.Automated || u.Known != nil || u.Held.Status.Kind != Absent || !t.over(u, start) {
		return d
	}
	if d.Verdict == Complete {
		d.Reason = WouldMail
		return d
	}
	// This application does not write such documents, so the source of the cohort is unknown.
	d.Reason, d.Changes = OverAlready, append(d.Changes, Change{FieldAutomation + ".cohort", trial.Control})
	return d
}

// over reports whether the trial would have ended by now.
func (t Terms) over(u User, start time.Time) bool {
	v := trial.Vendor{ID: u.ID, Zone: u.Zone, StartedAt: start, Automation: &trial.Automation{Cohort: trial.Control}}
	return !trial.NewState(v.Registration(t.Policy, t.Day)).EndsAt.After(t.At)
}

// missing are the missing fields of trialAutomation, as registration
// would set them, and one with a meaningless value, if any.
func (u User) missing(t Terms) (changes []Change, fault string) {
	admission := t.Flags.Admit(u.ID, t.Policy.Name, t.At)
	for _, f := range []struct {
		name  string
		held  Value
		want  Kind
		value any
	}{
		{"bucket", u.Held.Bucket, Number, admission.Bucket},
		{"rolloutPercentage", u.Held.RolloutPercentage, Number, admission.RolloutPercentage},
		{"flagsVersion", u.Held.FlagsVersion, Number, admission.FlagsVersion},
		{"policy", u.Held.Policy, Text, admission.Policy},
		{"registeredAt", u.Held.RegisteredAt, Date, admission.RegisteredAt},
	} {
		name := FieldAutomation + "." + f.name
		at, readable := ParseTime(f.held)
		switch {
		case f.held.Kind == f.want:
		case f.held.Kind == Absent:
			changes = append(changes, Change{name, f.value})
		case f.want == Date && readable:
			changes = append(changes, Change{name, at})
		default:
			return nil, name
		}
	}
	return changes, ""
}
