package migration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// present is when the passes of the tests begin.
var present = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// terms admit everybody who registers.
func terms() Terms {
	current := flags.Initial()
	current.TrialAutomation.RolloutPercentage = 100
	return Terms{
		At: present, Flags: flags.Document{FeatureFlags: current, Salt: "salt", Version: 7},
		Policy: trial.DefaultPolicy(), Day: trial.RealDay,
	}
}

func date(t time.Time) Value   { return Value{Kind: Date, At: t} }
func text(s string) Value      { return Value{Kind: Text, Text: s} }
func number(n float64) Value   { return Value{Kind: Number, Number: n} }
func flag(b bool) Value        { return Value{Kind: Flag, Flag: b} }
func daysAgo(n int) time.Time  { return present.AddDate(0, 0, -n) }
func document() Value          { return Value{Kind: Document} }
func whole(cohort string) Held { return held(cohort, present) }

// held is a trialAutomation as registration leaves it.
func held(cohort string, registered time.Time) Held {
	return Held{
		Cohort: text(cohort), Bucket: number(0.5), RolloutPercentage: number(10), FlagsVersion: number(3),
		Policy: text("standard-14d"), RegisteredAt: date(registered),
	}
}

// vendor is one that is complete; change takes something away.
func vendor(change func(*User)) User {
	u := User{ID: "v-1", IsVendor: flag(true), Start: date(daysAgo(3)), Automation: document(), Held: whole("control")}
	change(&u)
	return u
}

// bare is a vendor that trial automation has not met.
func bare(change func(*User)) User {
	u := User{ID: "v-1", IsVendor: flag(true)}
	change(&u)
	return u
}

func TestDecide(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		user    User
		verdict Verdict
		reason  Reason
		field   string
		started time.Time // of those to register
		changed []Change
	}{
		"a buyer":                     {user: User{ID: "b", IsVendor: flag(false)}, verdict: NoVendor},
		"a user who says nothing":     {user: User{ID: "b"}, verdict: NoVendor},
		"a vendor in words":           {user: bare(func(u *User) { u.IsVendor = text("true") }), verdict: Undecided, reason: UnclearFlag, field: "isVendor"},
		"a vendor in numbers":         {user: bare(func(u *User) { u.IsVendor = number(1) }), verdict: Undecided, reason: UnclearFlag, field: "isVendor"},
		"an address for an id":        {user: bare(func(u *User) { u.ID = "a@b.example" }), verdict: Undecided, reason: UnusableID, field: "_id"},
		"a number for an id":          {user: bare(func(u *User) { u.ID = "" }), verdict: Undecided, reason: UnusableID, field: "_id"},
		"complete":                    {user: vendor(func(*User) {}), verdict: Complete, reason: StartAsItIs},
		"complete and over":           {user: vendor(func(u *User) { u.Start = date(daysAgo(400)) }), verdict: Complete, reason: StartAsItIs},
		"complete, would write late":  {user: vendor(func(u *User) { u.Start, u.Held.Cohort = date(daysAgo(15)), text("automated") }), verdict: Complete, reason: WouldMail},
		"complete, runs":              {user: vendor(func(u *User) { u.Held.Cohort = text("automated") }), verdict: Complete, reason: StartAsItIs},
		"complete, over and begun":    {user: vendor(func(u *User) { u.Start, u.Held = date(daysAgo(15)), initial("automated") }), verdict: Complete, reason: StartAsItIs},
		"nothing but a start":         {user: bare(func(u *User) { u.Start = date(daysAgo(3)) }), verdict: Migrate, reason: StartAsItIs, started: daysAgo(3)},
		"a start in words":            {user: bare(func(u *User) { u.Start = text("2026-03-07T12:00:00Z") }), verdict: Migrate, reason: StartReadable, started: daysAgo(3)},
		"a start in milliseconds":     {user: bare(func(u *User) { u.Start = number(float64(daysAgo(3).UnixMilli())) }), verdict: Migrate, reason: StartReadable, started: daysAgo(3)},
		"a start beats the creation":  {user: bare(func(u *User) { u.Start, u.CreatedAt = date(daysAgo(3)), date(daysAgo(9)) }), verdict: Migrate, reason: StartAsItIs, started: daysAgo(3)},
		"only a creation":             {user: bare(func(u *User) { u.CreatedAt = date(daysAgo(9)) }), verdict: Migrate, reason: StartFromCreated, started: daysAgo(9)},
		"a creation in words":         {user: bare(func(u *User) { u.CreatedAt = text("2026-03-01") }), verdict: Migrate, reason: StartFromCreated, started: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)},
		"only an ObjectID":            {user: bare(func(u *User) { u.MadeAt = daysAgo(9) }), verdict: Migrate, reason: StartFromID, started: daysAgo(9)},
		"a creation nobody can read":  {user: bare(func(u *User) { u.CreatedAt, u.MadeAt = text("05/03/2026"), daysAgo(9) }), verdict: Undecided, reason: CreatedUnreadable, field: "createdAt"},
		"a creation of 1970":          {user: bare(func(u *User) { u.CreatedAt = date(time.UnixMilli(0)) }), verdict: Undecided, reason: CreatedUnreadable, field: "createdAt"},
		"no date at all":              {user: bare(func(*User) {}), verdict: Undecided, reason: NoDate, field: "trialStartDate"},
		"known though it has no date": {user: bare(func(u *User) { u.Known = &Known{daysAgo(5), trial.Automated} }), verdict: Migrate, reason: StartOnRecord, started: daysAgo(5)},
		"known, and the document has another start": {
			user:    bare(func(u *User) { u.Start, u.Known = date(daysAgo(9)), &Known{daysAgo(5), trial.Automated} }),
			verdict: Migrate, reason: StartOnRecord, started: daysAgo(5),
		},
		"a start nobody can read":   {user: bare(func(u *User) { u.Start, u.CreatedAt = text("05/03/2026"), date(daysAgo(9)) }), verdict: Undecided, reason: StartUnreadable, field: "trialStartDate"},
		"a start that is a list":    {user: bare(func(u *User) { u.Start = Value{Kind: Other} }), verdict: Undecided, reason: StartUnreadable, field: "trialStartDate"},
		"a start of 1970":           {user: vendor(func(u *User) { u.Start = date(time.UnixMilli(0)) }), verdict: Undecided, reason: StartUnreadable, field: "trialStartDate"},
		"a start to come":           {user: bare(func(u *User) { u.Start = date(daysAgo(-2)) }), verdict: Undecided, reason: StartInFuture, field: "trialStartDate"},
		"a clock that is ahead":     {user: bare(func(u *User) { u.Start = date(present.Add(time.Hour)) }), verdict: Migrate, reason: StartAsItIs, started: present.Add(time.Hour)},
		"automation that is a flag": {user: bare(func(u *User) { u.Automation, u.Start = flag(true), date(daysAgo(3)) }), verdict: Undecided, reason: NoDocument, field: "trialAutomation"},
		"half, without a cohort":    {user: vendor(func(u *User) { u.Held = Held{Policy: text("x")} }), verdict: Migrate, reason: StartAsItIs, started: daysAgo(3)},
		"half, with a cohort": {
			user: vendor(func(u *User) { u.Held = Held{Cohort: text("control"), Bucket: number(0.5)} }), verdict: Migrate, reason: FieldsMissing,
			changed: []Change{{"trialAutomation.rolloutPercentage", 100.0}, {"trialAutomation.flagsVersion", 7}, {"trialAutomation.policy", "standard-14d"}, {"trialAutomation.registeredAt", present}},
		},
		"half, automated and running": {
			user: vendor(func(u *User) { u.Held.Cohort, u.Held.Policy = text("automated"), Value{} }), verdict: Migrate, reason: FieldsMissing,
			changed: []Change{{"trialAutomation.policy", "standard-14d"}},
		},
		"half, automated and over": {
			user:    vendor(func(u *User) { u.Start, u.Held.Cohort, u.Held.Policy = date(daysAgo(15)), text("automated"), Value{} }),
			verdict: Migrate, reason: OverAlready,
			changed: []Change{{"trialAutomation.policy", "standard-14d"}, {"trialAutomation.cohort", trial.Control}},
		},
		"half, automated and over, with a trial on record": {
			user: vendor(func(u *User) {
				u.Start, u.Held.Cohort, u.Held.Policy, u.Known = date(daysAgo(15)), text("automated"), Value{}, &Known{daysAgo(15), trial.Automated}
			}),
			verdict: Migrate, reason: FieldsMissing, changed: []Change{{"trialAutomation.policy", "standard-14d"}},
		},
		"registered in words": {
			user: vendor(func(u *User) { u.Held.RegisteredAt = text("2026-03-07T12:00:00Z") }), verdict: Migrate, reason: FieldsMissing,
			changed: []Change{{"trialAutomation.registeredAt", daysAgo(3)}},
		},
		"complete but for the start": {
			user: vendor(func(u *User) { u.Start, u.CreatedAt = Value{}, date(daysAgo(3)) }), verdict: Migrate, reason: StartFromCreated,
			changed: []Change{{"trialStartDate", daysAgo(3)}},
		},
		"a cohort nobody knows":    {user: vendor(func(u *User) { u.Held.Cohort = text("beta") }), verdict: Undecided, reason: UnclearField, field: "trialAutomation.cohort"},
		"a cohort that is a flag":  {user: vendor(func(u *User) { u.Held.Cohort = flag(true) }), verdict: Undecided, reason: UnclearField, field: "trialAutomation.cohort"},
		"another cohort on record": {user: vendor(func(u *User) { u.Known = &Known{daysAgo(3), trial.Automated} }), verdict: Undecided, reason: CohortDiffers, field: "trialAutomation.cohort"},
		"a bucket in words":        {user: vendor(func(u *User) { u.Held.Bucket = text("half") }), verdict: Undecided, reason: UnclearField, field: "trialAutomation.bucket"},
		"registered one day":       {user: vendor(func(u *User) { u.Held.RegisteredAt = text("one day") }), verdict: Undecided, reason: UnclearField, field: "trialAutomation.registeredAt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := Decide(c.user, terms())
			require.Equal(t, c.verdict, d.Verdict, d.Reason)
			require.Equal(t, c.reason, d.Reason)
			require.Equal(t, c.field, d.Field)
			require.Equal(t, c.changed, d.Changes)
			require.Equal(t, !c.started.IsZero(), d.Register != nil)
			require.True(t, c.started.Equal(d.StartedAt), d.StartedAt)
		})
	}
}

func initial(cohort string) Held {
	h := whole(cohort)
	h.Status = text("expired")
	return h
}

// A migration admits nobody, whatever the flags say and however young the trial is.
func TestMigratedVendorIsControl(t *testing.T) {
	t.Parallel()
	d := Decide(bare(func(u *User) { u.Start = date(daysAgo(1)) }), terms())
	require.Equal(t, &trial.Automation{
		Cohort: trial.Control, Bucket: terms().Flags.Admit("v-1", "", present).Bucket, RolloutPercentage: 100, FlagsVersion: 7,
		Policy: "standard-14d", RegisteredAt: present, PolicyBy: trial.PolicyByDefault,
	}, d.Register)
	require.Equal(t, trial.Automated, terms().Flags.Admit("v-1", "", present).Cohort, "registering, it would be automated")
}

func TestMoment(t *testing.T) {
	t.Parallel()
	want := time.Date(2024, 3, 5, 9, 30, 0, 0, time.UTC)
	for _, v := range []Value{
		date(want), number(1709631000), number(1709631000000), text("1709631000"), text("1709631000000"),
		text("2024-03-05T09:30:00Z"), text("2024-03-05T10:30:00.000+01:00"), text(" 2024-03-05T09:30:00\n"), text("2024-03-05T09:30"),
		text("2024-03-05 09:30:00"), text("2024-03-05 10:30:00+01:00"), text("Tue Mar 05 2024 10:30:00 GMT+0100 (Central European Standard Time)"),
		text("Tue, 05 Mar 2024 09:30:00 GMT"), text("Tue, 05 Mar 2024 10:30:00 +0100"),
	} {
		at, ok := ParseTime(v)
		require.True(t, ok, "%+v", v)
		require.Equal(t, want, at, "%+v", v)
	}
	quarter := time.Date(2024, 3, 5, 10, 15, 0, 0, time.UTC)
	for _, s := range []string{
		"2024-03-05T10:15:00+0000", "2024-03-05T10:15:00 UTC", "2024-03-05 10:15:00 UTC", "2024-03-05 10:15", "2024-03-05 10:15Z", "2024-03-05T10:15:00Z",
		"2024-03-05 10:15:00+00", "2024-03-05 12:15:00 +0200", "2024-03-05 12:15:00.000 +02:00", "2024-03-05 12:15 +02", "2024-03-05 10:15:00 +0000 UTC", "2024-03-05t10:15:00z",
		"2024-03-05T10:15Z[UTC]", "2024-03-05T10:15:00+00:00[UTC]", "Tue Mar  5 10:15:00 UTC 2024", "Tue Mar 05 10:15:00 GMT 2024", "Tue, 05 Mar 2024 10:15:00 UTC",
		"20240305T101500Z", "20240305T121500+0200", "2024-03-05T10:15:00.000000Z", "2024-03-05 10:15:00 Z", "2024-03-05  10:15:00  +00:00",
		"2024-03-05 10:15:00 GMT", "2024-03-05T10:15:00,000Z", "2024-03-05T10:15UTC", "Tue, 5 Mar 2024 10:15:00 GMT", "1709633700.0", "1709633700000",
	} {
		at, ok := ParseTime(text(s))
		require.True(t, ok, s)
		require.Equal(t, quarter, at, s)
	}
	for _, s := range []string{
		"2024-03-05T10:15:00+01:00[Europe/Berlin]", "Tue Mar  5 10:15:00 CST 2024", "20240305T101500", "Wed Mar  6 25:15:00 UTC 2024",
		"2024-03-05 10:15 CST", "2024-03-05 10:15:00 +2 hours", "2024-03-05T", "2024-03-05 25:00", "2024-03-05 10:15:61", "2024-03-05Z", "2024-03-05 UTC", "2031", "2024-02-30 10:00",
		"2024-03-05 10:15:00 UTC UTC", "2024-03-05T10:15:00Z trailing", "NaN", "Inf", "1e400",
	} {
		at, ok := ParseTime(text(s))
		require.False(t, ok, "%s %s", s, at)
	}
	at, ok := ParseTime(text("2024-03-05"))
	require.True(t, ok)
	require.Equal(t, time.Date(2024, 3, 5, 0, 0, 0, 0, time.UTC), at)
	for _, v := range []Value{
		{}, flag(true), document(), {Kind: Other}, text(""), text("yesterday"), text("05/03/2024"), text("03-05-2024"), text("20240305"), text("2024-13-05"),
		text("Tue, 05 Mar 2024 09:30:00 EST"), number(0), number(-1), number(20240305), number(1e18), date(time.Time{}), date(time.UnixMilli(0)),
	} {
		_, ok := ParseTime(v)
		require.False(t, ok, "%+v", v)
	}
}
