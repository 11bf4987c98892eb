package migration

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/trial"
)

// anyValue is whatever somebody may have put into a field.
func anyValue() *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		switch Kind(rapid.IntRange(int(Absent), int(Other)).Draw(t, "kind")) {
		case Date:
			return date(anyMoment().Draw(t, "date"))
		case Text:
			return text(rapid.SampledFrom([]string{"", "automated", "control", "standard-14d", "soon", "2026-03-05", "2024-03-05T09:30:00Z", "05/03/2024"}).Draw(t, "text"))
		case Number:
			return number(rapid.SampledFrom([]float64{-1, 0, 0.5, 7, 1709631000, 1709631000000}).Draw(t, "number"))
		case Flag:
			return flag(rapid.Bool().Draw(t, "flag"))
		case Document:
			return document()
		case Other:
			return Value{Kind: Other}
		case Absent:
		}
		return Value{}
	})
}

func anyMoment() *rapid.Generator[time.Time] {
	return rapid.Map(rapid.IntRange(-30, 900), func(hours int) time.Time { return present.Add(-time.Duration(hours) * time.Hour) })
}

// orWhole is mostly a good value, so that most vendors have one fault or two.
func orWhole(t *rapid.T, name string, good Value) Value {
	switch rapid.IntRange(0, 5).Draw(t, name) {
	case 0:
		return anyValue().Draw(t, name+" value")
	case 1:
		return Value{}
	}
	return good
}

func anyUser() *rapid.Generator[User] {
	return rapid.Custom(func(t *rapid.T) User {
		cohort := rapid.SampledFrom([]string{"automated", "control"}).Draw(t, "cohort")
		good := held(cohort, present)
		u := User{
			ID:       rapid.SampledFrom([]string{"v-1", "507f1f77bcf86cd799439011", "a@b.example", ""}).Draw(t, "id"),
			IsVendor: orWhole(t, "isVendor", flag(true)), Start: orWhole(t, "start", date(anyMoment().Draw(t, "started"))),
			CreatedAt: orWhole(t, "createdAt", date(anyMoment().Draw(t, "created"))), Automation: orWhole(t, "automation", document()),
			Zone: rapid.SampledFrom([]string{"", "Asia/Tokyo"}).Draw(t, "zone"),
		}
		if u.Automation.Kind == Document {
			u.Held = Held{
				Cohort: orWhole(t, "cohort", good.Cohort), Bucket: orWhole(t, "bucket", good.Bucket), RolloutPercentage: orWhole(t, "percentage", good.RolloutPercentage),
				FlagsVersion: orWhole(t, "version", good.FlagsVersion), Policy: orWhole(t, "policy", good.Policy),
				RegisteredAt: orWhole(t, "registeredAt", good.RegisteredAt), Status: orWhole(t, "status", Value{}),
			}
		}
		if rapid.Bool().Draw(t, "made") {
			u.MadeAt = anyMoment().Draw(t, "made at")
		}
		if rapid.IntRange(0, 3).Draw(t, "known") == 0 {
			at := present.Add(-time.Duration(rapid.IntRange(0, 900).Draw(t, "known since")) * time.Hour)
			u.Known = &Known{at, trial.Cohort(rapid.SampledFrom([]string{"automated", "control"}).Draw(t, "known cohort"))}
		}
		return u
	})
}

// What is on record is looked up wherever it may settle what is in doubt.
func TestWhatIsNotLookedUpStaysInDoubt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u := User{ID: "v-1", IsVendor: flag(true), CreatedAt: anyValue().Draw(t, "createdAt")} // as whoever replaces a document leaves it
		if rapid.Bool().Draw(t, "begun") {
			u.Start = anyValue().Draw(t, "start")
		}
		without := Decide(u, terms())
		if without.Unrecorded() || without.Verdict == Complete {
			return
		}
		u.Known = &Known{anyMoment().Draw(t, "known since"), trial.Control}
		require.Equal(t, without.Verdict, Decide(u, terms()).Verdict)
	})
}

// done is the user after a decision was carried out.
func done(u User, d Decision) User {
	if r := d.Register; r != nil {
		status := u.Held.Status
		u.Automation, u.Start = document(), date(d.StartedAt)
		u.Held = Held{
			Cohort: text(string(r.Cohort)), Bucket: number(r.Bucket), RolloutPercentage: number(r.RolloutPercentage), FlagsVersion: number(float64(r.FlagsVersion)),
			Policy: text(r.Policy), RegisteredAt: date(r.RegisteredAt), Status: status,
		}
		u.Known = &Known{d.StartedAt, r.Cohort}
	}
	fields := map[string]*Value{
		"trialStartDate": &u.Start, "trialAutomation.cohort": &u.Held.Cohort, "trialAutomation.bucket": &u.Held.Bucket,
		"trialAutomation.rolloutPercentage": &u.Held.RolloutPercentage, "trialAutomation.flagsVersion": &u.Held.FlagsVersion,
		"trialAutomation.policy": &u.Held.Policy, "trialAutomation.registeredAt": &u.Held.RegisteredAt,
	}
	for _, c := range d.Changes {
		switch v := c.Value.(type) {
		case time.Time:
			*fields[c.Field] = date(v)
		case trial.Cohort:
			*fields[c.Field] = text(string(v))
		case string:
			*fields[c.Field] = text(v)
		case float64:
			*fields[c.Field] = number(v)
		case int:
			*fields[c.Field] = number(float64(v))
		}
	}
	return u
}

// Migrating once is enough; what cannot be decided, and what is in order, is
// left alone.
func TestDecidingIsOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u := anyUser().Draw(t, "user")
		d := Decide(u, terms())
		changes := d.Register != nil || len(d.Changes) > 0
		require.Equal(t, d.Verdict == Migrate, changes, "%+v", d)
		require.Equal(t, d.Verdict == Undecided, d.Field != "", "%+v", d)
		if d.Verdict != Migrate {
			return
		}
		again := Decide(done(u, d), terms())
		require.Equal(t, Complete, again.Verdict, "%+v, then %+v", d, again)
		require.NotEqual(t, WouldMail, again.Reason, "what a migration leaves writes to nobody about the past")
	})
}

// A migration makes nobody automated who was not before, and keeps every value
// that makes sense.
func TestMigratingKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u := anyUser().Draw(t, "user")
		d := Decide(u, terms())
		after := done(u, d)
		wasAutomated := u.Held.Cohort == text("automated") || u.Known != nil && u.Known.Cohort == trial.Automated
		if after.Held.Cohort == text("automated") {
			require.True(t, wasAutomated)
		}
		require.Equal(t, u.CreatedAt, after.CreatedAt)
		if _, readable := ParseTime(u.Start); u.Start.Kind == Date && readable && d.Reason != StartOnRecord {
			require.Equal(t, u.Start, after.Start)
		}
		for _, c := range d.Changes {
			require.False(t, c.Field == "trialAutomation.cohort" && d.Reason != OverAlready)
			require.True(t, strings.HasPrefix(c.Field, "trialAutomation.") || c.Field == "trialStartDate", c.Field)
		}
		require.Len(t, slices.CompactFunc(slices.Clone(d.Changes), func(a, b Change) bool { return a.Field == b.Field }), len(d.Changes))
	})
}

// However a pass is cut into pages and interrupted between them, it comes to the same.
func TestProgressAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var want Counts
		p := Begin(Version{Number: 1}, Progress{Seq: 4, Pass: 2}, terms())
		require.Equal(t, 3, p.Pass)
		seq := p.Seq
		for p.FinishedAt == nil {
			page := Page{To: "x", Last: rapid.Bool().Draw(t, "last")}
			for range rapid.IntRange(0, 3).Draw(t, "users") {
				d := Decide(anyUser().Draw(t, "user"), terms())
				page.Counts.Note(d)
				want.Note(d)
			}
			p = p.Turn(page).Turned(present)
			require.Nil(t, p.Page)
			require.Greater(t, p.Seq, seq)
			seq = p.Seq
		}
		require.Equal(t, want.Users, p.Counts.Users)
		require.Equal(t, want.Vendors, p.Counts.Vendors)
		require.Equal(t, want.Vendors, p.Counts.Complete+p.Counts.Migrated+p.Counts.Undecided-p.Counts.Reasons[UnclearFlag])
		for reason, n := range want.Reasons {
			require.Equal(t, n, p.Counts.Reasons[reason], reason)
		}
	})
}
