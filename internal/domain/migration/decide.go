package migration

import (
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Terms are what all users of one pass are decided on, so that a pass that was
// interrupted goes on as it began.
type Terms struct {
	// At is when the pass began; it counts as the present.
	At    time.Time        `json:"at"`
	Flags rollout.Document `json:"flags"`
	// Policy and Day say when a trial that began then would be over.
	Policy trial.Policy  `json:"policy"`
	Day    time.Duration `json:"day"`
}

// Verdict is what to do about a user.
type Verdict string

// The verdicts.
const (
	// NoVendor: it is none of our business.
	NoVendor Verdict = "no-vendor"
	// Complete: nothing is missing.
	Complete Verdict = "complete"
	// Migrate: what is missing is known.
	Migrate Verdict = "migrate"
	// Undecided: somebody has to look at it; it stays as it is.
	Undecided Verdict = "undecided"
)

// Reason names why.
type Reason string

// Why a vendor is migrated: where its start comes from, or what was wanting beside it.
const (
	StartAsItIs      Reason = "start-as-it-is"
	StartReadable    Reason = "start-readable"
	StartOnRecord    Reason = "start-on-record"
	StartFromCreated Reason = "start-from-created-at"
	StartFromID      Reason = "start-from-object-id"
	FieldsMissing    Reason = "fields-missing"
	// OverAlready: it said automated, with nothing on record that it is, and the
	// trial would be over. It becomes control: nobody is told today that a trial
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
	// CreatedUnreadable: its ObjectID may be of when the document was written again.
	CreatedUnreadable Reason = "created-unreadable"
	NoDate            Reason = "no-date-at-all"
)

// ZoneUnknown is why a vendor is in doubt whose document has a time zone that is none. Its trial stays in the one that it is planned in.
const ZoneUnknown Reason = "timezone-unknown"

// WouldMail is the reason of a vendor that is complete and automated, whose
// trial has not begun and would be over: beginning it sends e-mail about the past.
const WouldMail Reason = "would-mail-about-the-past"

// Decision is what to do about one user, and why.
type Decision struct {
	Verdict Verdict
	Reason  Reason
	// Field is the field at fault, with Undecided only.
	Field string
	// Register is set where nothing was decided on the vendor before: what
	// registration would have decided.
	Register *trial.Automation
	// StartedAt goes with Register.
	StartedAt time.Time
	// Changes are the fields to set where something was.
	Changes []Change
}

// Change is one field to set; Value is a time.Time, a string, a float64, an
// int or a trial.Cohort.
type Change struct {
	Field string
	Value any
}

// The fields of a user that are looked at.
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

// Unrecorded tells whether the decision, made without what is on record of the vendor, may be another with it. What is
// complete is not looked up, since there the record counts over the document anyway.
func (d Decision) Unrecorded() bool {
	return d.Verdict == Migrate || slices.Contains([]Reason{NoDate, CreatedUnreadable, CreatedInFuture, WouldMail}, d.Reason)
}

// Decide says what a user lacks. Deciding again after the changes were made
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

// start is when the vendor's trial began and how that is known; the zero time,
// and why, where it is not.
func (u User) start(t Terms) (time.Time, Reason) {
	if u.Start.Kind != Absent {
		at, ok := Moment(u.Start)
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
		at, ok := Moment(u.CreatedAt)
		switch {
		case !ok: // as for the reconciler
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

// isAhead tells whether a moment lies in the future by more than clocks and
// zones explain.
func (t Terms) isAhead(at time.Time) bool { return at.After(t.At.Add(clocksDiffer)) }

// register decides what registration would have, but for the cohort: a
// migration admits nobody, so that no e-mail comes of it. At 100 % the rollout
// takes in those whose trials still run, as it does everybody else.
func (u User) register(t Terms, start time.Time, from Reason) Decision {
	a := t.Flags.Admit(u.ID, t.Policy.Name, t.At)
	a.Cohort = trial.Control
	if u.Known != nil { // what was decided once stands
		a.Cohort, start, from = u.Known.Cohort, u.Known.StartedAt, StartOnRecord
	}
	return Decision{Verdict: Migrate, Reason: from, Register: a, StartedAt: start}
}

// mend completes a vendor on whom a cohort was decided, and keeps whatever is
// there and makes sense.
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
	// It is not as this application leaves them, so nobody knows who said so.
	d.Reason, d.Changes = OverAlready, append(d.Changes, Change{FieldAutomation + ".cohort", trial.Control})
	return d
}

// over tells whether the trial would have ended by now.
func (t Terms) over(u User, start time.Time) bool {
	v := trial.Vendor{ID: u.ID, Zone: u.Zone, StartedAt: start, Automation: &trial.Automation{Cohort: trial.Control}}
	return !trial.NewState(v.Registration(t.Policy, t.Day)).EndsAt.After(t.At)
}

// missing are the fields of trialAutomation that are not there, as registration
// would set them, and one that has no meaning, if any.
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
		at, readable := Moment(f.held)
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
