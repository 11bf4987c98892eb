package canary

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/trial"
)

const day = 24 * time.Hour

var (
	began = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	id    = trial.CanaryID("ABCDEFGHIJKLMNOPQRSTUVWX23")
)

// life is what is seen of a canary by now, where every step is carried out a tenth of a second after it was due and reported a second later.
func life(now time.Time) Seen {
	s := Seen{ID: id, BeganAt: began, Day: day, Registered: 20 * time.Millisecond, Mails: map[trial.Kind]Mail{}}
	if now.Before(began) {
		return s
	}
	s.StartedAt = began.Add(50 * time.Millisecond)
	s.State = trial.NewState(trial.Registration{VendorID: id, Cohort: trial.Automated, Policy: Policy(), Day: Day(day), At: began})
	for {
		step, more := s.State.Next()
		at := step.At.Add(100 * time.Millisecond)
		if !more || at.After(now) {
			break
		}
		facts := trial.StepFacts{Now: at, AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
		s.State = s.State.Apply(s.State.StepEvent(step, trial.Decide(s.State, step, facts), facts, true))
		s.Mails[step.Kind] = mailOf(step.Kind, at, now)
	}
	return s
}

func mailOf(kind trial.Kind, at, now time.Time) Mail {
	settled := at.Add(50 * time.Millisecond)
	m := Mail{Send: trial.Send{VendorID: id, Kind: kind, Status: trial.SendSent, ClaimedAt: at, SettledAt: &settled}}
	if reported := settled.Add(time.Second); !reported.After(now) {
		m.Delivery, m.DeliveryAt, m.ReportedAt = trial.DeliveryDone, &reported, reported
	}
	return m
}

// over is after the last report on a canary's trial.
var over = began.Add(17*Day(day) + 5*time.Second)

func TestAHealthyCanaryShowsEveryPart(t *testing.T) {
	t.Parallel()
	s := life(over)
	s.ConversionAt, s.ConvertedAt, s.Removal = over, over.Add(200*time.Millisecond), 30*time.Millisecond
	r, open := Judge(s, over.Add(time.Second))
	require.True(t, r.Well(), r.Reason)
	assert.False(t, open, "nothing is left to wait for")
	assert.Equal(t, trial.Expired, s.State.Status)
	took := map[string]time.Duration{}
	for _, p := range r.Parts {
		assert.Equal(t, Done, p.State, p.Name)
		took[p.Name] = p.Took
	}
	assert.Equal(t, map[string]time.Duration{
		"registration": 20 * time.Millisecond, "start": 50 * time.Millisecond, "conversion": 200 * time.Millisecond, "removal": 30 * time.Millisecond,
		"step/welcome": 100 * time.Millisecond, "mail/welcome": 50 * time.Millisecond, "report/welcome": time.Second,
		"step/reminder-7d": 100 * time.Millisecond, "mail/reminder-7d": 50 * time.Millisecond, "report/reminder-7d": time.Second,
		"step/reminder-3d": 100 * time.Millisecond, "mail/reminder-3d": 50 * time.Millisecond, "report/reminder-3d": time.Second,
		"step/reminder-1d": 100 * time.Millisecond, "mail/reminder-1d": 50 * time.Millisecond, "report/reminder-1d": time.Second,
		"step/expiry": 100 * time.Millisecond, "mail/expiry": 50 * time.Millisecond, "report/expiry": time.Second,
		"step/grace-end": 100 * time.Millisecond, "mail/grace-end": 50 * time.Millisecond, "report/grace-end": time.Second,
	}, took)
}

func TestEachBreakIsNamed(t *testing.T) {
	t.Parallel()
	welcome := func(m Mail) func(*Seen) {
		m.ClaimedAt = began
		return func(s *Seen) { s.State.Steps, s.Mails = nil, map[trial.Kind]Mail{trial.Welcome: m} }
	}
	settled := began.Add(time.Second)
	for name, c := range map[string]struct {
		at     time.Time
		change func(*Seen)
		want   Fault
	}{
		"the database is away":   {began, func(s *Seen) { s.RegistrationError = "the database does not answer" }, RegistrationFailed},
		"Temporal starts no one": {began.Add(2 * time.Minute), func(s *Seen) { *s = Seen{ID: id, BeganAt: began, Day: day} }, TrialNotStarted},
		"a step is overdue":      {began.Add(2 * time.Minute), func(s *Seen) { s.State.Steps = nil }, StepMissing},
		"rendering fails": {began.Add(2 * time.Minute),
			welcome(Mail{Send: trial.Send{Status: trial.SendReleased, Reason: trial.NotRendered}}), RenderingFailed},
		"a reminder is overtaken that no attempt could render": {over, func(s *Seen) {
			s.State.Steps[3].Outcome, s.State.Steps[3].Reason = trial.Skipped, trial.ReasonOvertaken
			s.Mails[s.State.Steps[3].Step.Kind] = Mail{Send: trial.Send{Status: trial.SendReleased, Reason: trial.NotRendered}}
		}, RenderingFailed},
		"SES refuses for now": {began.Add(2 * time.Minute),
			welcome(Mail{Send: trial.Send{Status: trial.SendReleased, Reason: "AccountSuspendedException"}}), MailRefused},
		"SES refuses for good": {over, func(s *Seen) {
			s.State.Steps[0].Mailed, s.State.Steps[0].Reason = false, trial.ReasonAddressRefused
			s.Mails[trial.Welcome] = Mail{Send: trial.Send{Status: trial.SendRefused, Reason: "MessageRejected"}}
		}, MailRefused},
		"SES does not answer": {began.Add(2 * time.Minute), welcome(Mail{Send: trial.Send{Status: trial.SendUnknown}}), MailUnanswered},
		"the subscription is gone": {began.Add(3 * time.Minute), func(s *Seen) {
			for kind, m := range s.Mails {
				m.Delivery = ""
				s.Mails[kind] = m
			}
		}, NoMailEvent},
		"the e-mail bounces": {over, func(s *Seen) {
			s.Mails[trial.Welcome] = Mail{Send: trial.Send{Status: trial.SendSent, SettledAt: &settled, Delivery: trial.DeliveryBounce}}
		}, MailReturned},
		"the conversion is lost": {over.Add(2 * time.Minute), func(s *Seen) { s.ConversionAt = over }, ConversionMissing},
		"something is left":      {over, func(s *Seen) { s.Left = []string{"canary_sends"} }, TracesLeft},
		"a step is left out": {over, func(s *Seen) {
			s.State.Steps[2].Outcome, s.State.Steps[2].Reason = trial.Skipped, trial.ReasonNotAutomated
		}, StepMissing},
		"the first break names it": {over.Add(2 * time.Minute), func(s *Seen) {
			s.State.Steps, s.ConversionAt, s.Left = nil, over, []string{"canary_sends"}
		}, StepMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := life(c.at)
			c.change(&s)
			r, open := Judge(s, c.at)
			assert.Equal(t, c.want, r.Fault, r.Reason)
			assert.False(t, open, "a fault ends the wait")
			assert.Contains(t, r.Reason, advice[c.want])
			assert.NotRegexp(t, `\dm\d+s`, r.Reason, "people read seconds")
		})
	}
}

func TestALateReminderIsNoBreak(t *testing.T) {
	t.Parallel()
	s := life(over)
	s.State.Steps[2].Outcome, s.State.Steps[2].Reason = trial.Skipped, trial.ReasonOvertaken
	r, _ := Judge(s, over)
	require.True(t, r.Well(), r.Reason)
}

// Whatever the moment, a healthy canary is never taken for broken, and is waited for until its last report.
func TestAHealthyCanaryIsWellAtEveryMoment(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := began.Add(time.Duration(rapid.Int64Range(0, int64(over.Sub(began))).Draw(t, "at")))
		r, open := Judge(life(at), at)
		require.True(t, r.Well(), r.Reason)
		require.Equal(t, at.Before(over.Add(-3850*time.Millisecond)), open)
	})
}

// The days of tests and demos are short; the canary's parts still fit into its longest duration.
func TestACanaryShowsABreakWithinAnHour(t *testing.T) {
	t.Parallel()
	assert.LessOrEqual(t, Every(day)+2*Longest(day), time.Hour)
	assert.Less(t, Longest(day), Every(day), "one ends before the next begins")
	assert.Equal(t, 10*time.Second, Day(day))
	assert.Equal(t, time.Second, Day(12*time.Second))
	assert.Less(t, Longest(12*time.Second), Every(12*time.Second))
}
