package trial_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// mailing is a valid one, in days, or in hours where days is 0.
func mailing(id trial.Kind, after trial.Anchor, days, hours int) trial.Mailing {
	return trial.Mailing{ID: id, After: after, Days: days, Hours: hours, Template: string(id), Unless: []trial.Condition{trial.UnlessConverted}}
}

func withMailings(all ...trial.Mailing) func(*trial.Registration) {
	return withPolicy(func(p *trial.Policy) { p.Mailings = all })
}

func TestScheduleOfMailings(t *testing.T) {
	t.Parallel()
	all := withMailings(
		mailing("win-back", trial.AfterExpiry, 7, 0), mailing("half-way", trial.AfterStart, 6, 0), mailing("tips", trial.AfterStart, 0, 4),
		mailing("last-call", trial.BeforeEnd, 2, 0), mailing("last-hours", trial.BeforeEnd, 0, 6),
	)
	for name, c := range map[string]struct {
		registration trial.Registration
		want         string
	}{
		"unknown zone: exact distances": {sample(all), schedule(
			"welcome/0 2026-03-02 10:00", "tips/0 2026-03-02 14:00", "half-way/0 2026-03-08 10:00", "reminder-7d/0 2026-03-09 10:00",
			"reminder-3d/0 2026-03-13 10:00", "last-call/0 2026-03-14 10:00", "reminder-1d/0 2026-03-15 10:00", "last-hours/0 2026-03-16 04:00",
			"expiry/0 2026-03-16 10:00", "grace-end/0 2026-03-19 10:00", "win-back/0 2026-03-26 10:00")},
		"in Berlin: days at nine, hours exactly, over the change of its clocks": {sample(inZone("Europe/Berlin", "2026-03-20 17:00"), all), schedule(
			"welcome/0 2026-03-20 17:00", "tips/0 2026-03-20 21:00", "half-way/0 2026-03-26 08:00", "reminder-7d/0 2026-03-27 08:00",
			"reminder-3d/0 2026-03-31 07:00", "last-call/0 2026-04-01 07:00", "reminder-1d/0 2026-04-02 07:00", "last-hours/0 2026-04-03 10:00",
			"expiry/0 2026-04-03 16:00", "grace-end/0 2026-04-06 16:00", "win-back/0 2026-04-13 07:00")},
		"weekends: before the end earlier, otherwise later, hours at nine": {sample(inZone("UTC", "2026-03-02 10:00"), quietOn("sat", "sun"), withMailings(
			mailing("early", trial.AfterStart, 0, 24), mailing("half-way", trial.AfterStart, 0, 5*24+1),
			mailing("last-hours", trial.BeforeEnd, 0, 30), mailing("win-back", trial.AfterExpiry, 2, 0),
		)), schedule(
			// Half-way is a Saturday, and the Monday after it a reminder's.
			"welcome/0 2026-03-02 10:00", "early/0 2026-03-03 10:00", "reminder-7d/0 2026-03-09 09:00", "half-way/0 2026-03-10 09:00",
			"reminder-3d/0 2026-03-11 09:00", "last-hours/0 2026-03-12 09:00", "reminder-1d/0 2026-03-13 09:00", "expiry/0 2026-03-16 10:00",
			"grace-end/0 2026-03-19 10:00", "win-back/0 2026-03-23 09:00")},
		"without grace: from the end": {sample(withPolicy(noGrace), withMailings(mailing("win-back", trial.AfterExpiry, 7, 0))), schedule(
			"welcome/0 2026-03-02 10:00", "reminder-7d/0 2026-03-09 10:00", "reminder-3d/0 2026-03-13 10:00", "reminder-1d/0 2026-03-15 10:00",
			"expiry/0 2026-03-16 10:00", "win-back/0 2026-03-23 10:00")},
		"not automated: its ends alone": {sample(control, all), schedule("expiry/0 2026-03-16 10:00", "grace-end/0 2026-03-19 10:00")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := trial.NewState(c.registration)
			require.NoError(t, s.Policy.Validate())
			require.Equal(t, c.want, lines(s.Schedule()))
		})
	}
}

func TestScheduleOfMailingsOnCompressedDays(t *testing.T) {
	t.Parallel()
	r := sample(inZone("Europe/Berlin", "2026-03-02 10:00"), quietOn("mon", "tue"), func(r *trial.Registration) { r.Day = 24 * time.Second },
		withMailings(mailing("half-way", trial.AfterStart, 6, 0), mailing("tips", trial.AfterStart, 0, 4), mailing("win-back", trial.AfterExpiry, 1, 0)))
	s := trial.NewState(r)
	require.Equal(t, at("2026-03-02 10:00:04"), named(s, "tips").At)
	require.Equal(t, at("2026-03-02 10:02:24"), named(s, "half-way").At)
	require.Equal(t, at("2026-03-02 10:07:12"), named(s, "win-back").At)
}

// halfWay is a trial with an e-mail in its middle, one an hour before its end, and two after its expiry.
func halfWay() trial.State {
	return trial.NewState(sample(inZone("UTC", "2026-03-02 10:00"), withMailings(
		mailing("half-way", trial.AfterStart, 6, 0), mailing("last-hour", trial.BeforeEnd, 0, 1),
		mailing("win-back", trial.AfterExpiry, 7, 0), mailing("last-try", trial.AfterExpiry, 30, 0))))
}

func TestANewEndLeavesWhatBelongsToTheStart(t *testing.T) {
	t.Parallel()
	s := lived(halfWay(), "2026-03-05 10:00")
	s = asked(s, trial.MessageExtend, "2026-03-05 11:00", trial.Request{Days: 10})
	require.Equal(t, schedule("half-way/0 2026-03-08 09:00", "reminder-7d/1 2026-03-19 09:00", "reminder-3d/1 2026-03-23 09:00", "reminder-1d/1 2026-03-25 09:00",
		"last-hour/1 2026-03-26 09:00", "expiry/1 2026-03-26 10:00", "grace-end/1 2026-03-29 10:00", "win-back/1 2026-04-05 09:00", "last-try/1 2026-04-28 09:00"), lines(s.Pending()))

	moved := s.Apply(*s.Rezone("Asia/Tokyo", at("2026-03-06 10:00")))
	require.Equal(t, trial.Step{Kind: "half-way", At: at("2026-03-08 00:00")}, moved.Pending()[0])

	s = lived(s, "2026-03-08 09:00")
	s = asked(s, trial.MessageShorten, "2026-03-09 11:00", trial.Request{Days: 1})
	require.NotContains(t, kinds(s.Schedule()), trial.Kind("half-way"), "it went out")
	require.Equal(t, 2, named(s, "win-back").Revision)
}

func TestAMailingAfterTheEndOfAShortenedTrialIsOvertaken(t *testing.T) {
	t.Parallel()
	s := asked(lived(halfWay(), "2026-03-02 10:00"), trial.MessageShorten, "2026-03-03 10:00", trial.Request{Days: 9})
	s = lived(s, "2026-03-07 10:00")
	require.Equal(t, trial.Grace, s.Status)
	step, _ := s.Next()
	require.Equal(t, trial.Kind("half-way"), step.Kind)
	require.Equal(t, skip(trial.ReasonOvertaken), trial.Decide(s, step, well("2026-03-08 09:00")))

	s = asked(lived(halfWay(), "2026-03-02 10:00"), trial.MessageShorten, "2026-03-03 10:00", trial.Request{Days: 12})
	s = lived(s, "2026-03-07 10:00")
	require.Equal(t, trial.Expired, s.Status)
	record := s.Steps[len(s.Steps)-1]
	require.Equal(t, trial.Kind("half-way"), record.Step.Kind)
	require.Equal(t, trial.Superseded, record.Outcome)
	require.Equal(t, trial.ReasonExpired, record.Reason)
}

func TestAnExpiredTrialGoesOnToItsLastMailing(t *testing.T) {
	t.Parallel()
	expired := lived(halfWay(), "2026-03-19 10:00")
	require.Equal(t, trial.Expired, expired.Status)
	require.False(t, expired.Over())
	require.True(t, expired.Rezonable())
	require.Equal(t, schedule("win-back/0 2026-03-26 09:00", "last-try/0 2026-04-18 09:00"), lines(expired.Pending()))
	require.Equal(t, "Expired at 2026-03-19 10:00:00 UTC without converting; next is win-back at 2026-03-26 09:00:00 UTC.", expired.Sentence())
	require.True(t, lived(expired, "2026-04-18 09:00").Over())
	require.Equal(t, trial.Expired, lived(expired, "2026-04-18 09:00").Status)

	late := asked(expired, trial.MessageConvert, "2026-03-27 10:00", trial.Request{})
	require.Equal(t, trial.Expired, late.Status)
	require.True(t, late.ConvertedLate)
	require.True(t, late.Over())
	require.Equal(t, trial.ReasonConverted, late.Steps[len(late.Steps)-1].Reason)

	inTime := asked(expired, trial.MessageConvert, "2026-03-20 10:00", trial.Request{At: at("2026-03-19 09:00")})
	require.Equal(t, trial.Converted, inTime.Status)
	require.True(t, inTime.Over())

	cancelled := asked(expired, trial.MessageCancel, "2026-03-20 10:00", trial.Request{})
	require.Equal(t, trial.Expired, cancelled.Status, "it has expired")
	require.Nil(t, cancelled.CancelledAt)
	require.True(t, cancelled.Over())
	_, err := cancelled.Request(trial.MessageCancel, trial.Request{Reason: "again"}, at("2026-03-21 10:00"))
	requireRefusal(t, err, trial.CodeConflict, "", "the trial is expired and cannot be cancelled")

	revived := asked(expired, trial.MessageRevive, "2026-03-20 10:00", trial.Request{Days: 10})
	require.Equal(t, at("2026-04-09 09:00"), named(revived, "win-back").At)
	require.NotContains(t, kinds(revived.Schedule()), trial.Kind("half-way"))

	released := handed(t, expired, trial.MessageRelease, at("2026-03-20 10:00"))
	require.True(t, released.Over(), "nothing more is sent for it")
	adopted, err := released.Request(trial.MessageAdopt, trial.Request{}, at("2026-03-21 10:00"))
	require.NoError(t, err)
	require.Nil(t, adopted)
}

// A win-back is not sent together with the e-mail of an expiry that was late.
func TestALateExpiryMovesWhatComesAfterIt(t *testing.T) {
	t.Parallel()
	s := lived(halfWay(), "2026-03-16 10:00")
	s = s.Apply(s.StepEvent(named(s, trial.GraceEnd), due, well("2026-04-10 12:00"), true))
	require.Equal(t, schedule("win-back/0 2026-04-17 09:00", "last-try/0 2026-05-10 09:00"), lines(s.Pending()))
}

func TestDecideOnMailings(t *testing.T) {
	t.Parallel()
	s := lived(halfWay(), "2026-03-07 10:00")
	step := named(s, "half-way")
	const now = "2026-03-08 09:00"
	for name, c := range map[string]struct {
		facts trial.StepFacts
		want  trial.Decision
	}{
		"nothing amiss":        {well(now), due},
		"disabled":             {but(well(now), disabled), hold(trial.ReasonAutomationDisabled)},
		"reminders off":        {but(well(now), noReminders), skip(trial.ReasonRemindersOff)},
		"no expiration":        {but(well(now), noExpiry), due},
		"converted by billing": {but(well(now), billed), skip(trial.ReasonAlreadyConverted)},
		"unsubscribed":         {but(well(now), noMail(trial.ReasonUnsubscribed)), skip(trial.ReasonUnsubscribed)},
		"late, the same day":   {well("2026-03-08 23:59"), due},
		"late, another day":    {well("2026-03-09 08:59"), skip(trial.ReasonOvertaken)},
		"half a day late":      {well("2026-03-08 21:00"), due},
		"a reminder is due":    {well("2026-03-09 09:00"), skip(trial.ReasonOvertaken)},
	} {
		require.Equal(t, c.want, trial.Decide(s, step, c.facts), name)
	}
	require.Equal(t, 8, s.DaysLeft(step, step.At))
	expired := lived(s, "2026-03-19 10:00")
	winBack := named(expired, "win-back")
	require.Equal(t, due, trial.Decide(expired, winBack, well("2026-03-26 09:00")))
	require.Equal(t, skip(trial.ReasonRevised), trial.Decide(expired, named(expired, trial.Reminder(7)), well("2026-03-26 09:00")))
	require.Zero(t, expired.DaysLeft(winBack, winBack.At))
}

func TestAMailingCanBeDroppedOnceTheTrialIsExtended(t *testing.T) {
	t.Parallel()
	m := mailing("half-way", trial.AfterStart, 6, 0)
	m.Unless = trial.Conditions()
	s := lived(trial.NewState(sample(inZone("UTC", "2026-03-20 17:00"), withMailings(m))), "2026-03-21 10:00")
	decided := func(s trial.State) trial.Decision {
		step := named(s, "half-way")
		return trial.Decide(s, step, trial.StepFacts{Now: step.At, AutomationEnabled: true, EmailReminders: true, AutoExpiration: true})
	}
	require.Equal(t, due, decided(s))
	moved := s.Apply(*s.Rezone("Europe/Berlin", at("2026-03-21 11:00"))) // where it would have ended an hour earlier
	require.Equal(t, due, decided(moved), "another zone is no extension")
	extended := asked(s, trial.MessageExtend, "2026-03-21 10:00", trial.Request{Days: 1})
	require.Equal(t, skip(trial.ReasonExtended), decided(extended))
	require.Equal(t, due, decided(asked(extended, trial.MessageShorten, "2026-03-21 10:00", trial.Request{Days: 1})), "undone")
}

func TestMailingsAreValidated(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change         func(*trial.Mailing)
		field, message string
	}{
		"no id":             {func(m *trial.Mailing) { m.ID = "" }, "id", "must be 1 to 40 small letters, digits and dashes, beginning with a letter or digit"},
		"other letters":     {func(m *trial.Mailing) { m.ID = "Win_back" }, "id", "must be 1 to 40 small letters, digits and dashes, beginning with a letter or digit"},
		"a built-in step":   {func(m *trial.Mailing) { m.ID = trial.GraceEnd }, "id", "grace-end is not free for an e-mail of one's own"},
		"a reminder":        {func(m *trial.Mailing) { m.ID = "reminder-x" }, "id", "reminder-x is not free for an e-mail of one's own"},
		"a resent e-mail":   {func(m *trial.Mailing) { m.ID = "resend-1" }, "id", "resend-1 is not free for an e-mail of one's own"},
		"no such anchor":    {func(m *trial.Mailing) { m.After = "end" }, "after", "must be one of [start beforeEnd afterExpiry]"},
		"both":              {func(m *trial.Mailing) { m.Hours = 2 }, "hours", "cannot be combined with days: give one of them"},
		"neither":           {func(m *trial.Mailing) { m.Days = 0 }, "days", "must be 1 or more, is 0"},
		"no hours":          {func(m *trial.Mailing) { m.Days, m.Hours = 0, -1 }, "hours", "must be 1 or more, is -1"},
		"at the end":        {func(m *trial.Mailing) { m.Days = 14 }, "days", "lies after the end: the trial lasts 14 days; afterExpiry counts from its expiry"},
		"hours at the end":  {func(m *trial.Mailing) { m.Days, m.Hours = 0, 336 }, "hours", "lies after the end: the trial lasts 14 days; afterExpiry counts from its expiry"},
		"before the start":  {func(m *trial.Mailing) { m.After, m.Days = trial.BeforeEnd, 15 }, "days", "lies before the start: the trial lasts 14 days"},
		"hours at start":    {func(m *trial.Mailing) { m.After, m.Days, m.Hours = trial.BeforeEnd, 0, 336 }, "hours", "lies before the start: the trial lasts 14 days"},
		"far away":          {func(m *trial.Mailing) { m.After, m.Days = trial.AfterExpiry, 366 }, "days", "must be at most 365, is 366"},
		"many hours away":   {func(m *trial.Mailing) { m.After, m.Days, m.Hours = trial.AfterExpiry, 0, 8761 }, "hours", "must be at most 8760, is 8761"},
		"no wording":        {func(m *trial.Mailing) { m.Template = "" }, "template", "is missing: the name of its wording"},
		"no such name":      {func(m *trial.Mailing) { m.Template = "../x" }, "template", "must be 1 to 40 small letters, digits and dashes"},
		"unknown condition": {func(m *trial.Mailing) { m.Unless = []trial.Condition{"opened"} }, "unless", `"opened" is none of [converted extended]`},
		"condition twice":   {func(m *trial.Mailing) { m.Unless = append(m.Unless, m.Unless...) }, "unless", "has converted twice"},
		"far, and right":    {func(m *trial.Mailing) { m.After, m.Days = trial.AfterExpiry, 365 }, "", ""},
		"the last hour":     {func(m *trial.Mailing) { m.Days, m.Hours = 0, 335 }, "", ""},
		"right":             {func(*trial.Mailing) {}, "", ""},
	} {
		p := trial.DefaultPolicy()
		m := mailing("tips", trial.AfterStart, 2, 0)
		c.change(&m)
		p.Mailings = []trial.Mailing{m}
		if c.field == "" {
			require.NoError(t, p.Validate(), name)
			continue
		}
		requireRefusal(t, p.Validate(), trial.CodeInvalid, c.field, c.message)
	}
	p := trial.DefaultPolicy()
	p.Mailings = []trial.Mailing{mailing("tips", trial.AfterStart, 2, 0), mailing("tips", trial.AfterStart, 3, 0)}
	requireRefusal(t, p.Validate(), trial.CodeInvalid, "mailings", "have tips twice")
}

// What is stored of a trial without mailings is what was stored before there were any.
func TestAPolicyWithoutMailingsIsStoredWithoutThem(t *testing.T) {
	t.Parallel()
	stored, err := json.Marshal(trial.DefaultPolicy())
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"standard-14d","lengthDays":14,"reminderDays":[7,3,1],"graceDays":3,"sendHour":9}`, string(stored))
}
