package monitoring

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
)

var midday = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func minutesOn(minutes float64) time.Time {
	return midday.Add(time.Duration(minutes * float64(time.Minute)))
}

// builtIn is the built-in one of that id.
func builtIn(id RuleID) Rule {
	rules := Rules()
	return rules[slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })]
}

// observing is an observation of a value; a negative value is unmeasured.
func observing(value float64) Observation {
	if value < 0 {
		return Observation{Text: "nothing"}
	}
	return Observation{Value: &value, Text: "something"}
}

func lookAt(minutes float64) Evaluation {
	return Evaluation{At: minutesOn(minutes), Day: trial.RealDay, Alerting: true}
}

// turn is one look, or what a person does before it.
type turn struct {
	minute float64
	value  float64
	byHand func(*testing.T, Alert, time.Time) (Alert, *AlertEvent)
	off    bool // alerting

	event      AlertEventType // empty: none
	notified   bool
	reason     AlertReason // of the look
	suppressed AlertReason
}

func acknowledged(t *testing.T, a Alert, now time.Time) (Alert, *AlertEvent) {
	t.Helper()
	a, e, err := a.Acknowledge(Note{At: now, By: "admin", Reason: "on it"})
	require.NoError(t, err)
	return a, e
}

func silenced(minutes float64) func(*testing.T, Alert, time.Time) (Alert, *AlertEvent) {
	return func(t *testing.T, a Alert, now time.Time) (Alert, *AlertEvent) {
		t.Helper()
		a, e, err := a.SilenceUntil(now.Add(time.Duration(minutes*float64(time.Minute))), Note{At: now, By: "admin", Reason: "known"})
		require.NoError(t, err)
		return a, e
	}
}

func unsilenced(_ *testing.T, a Alert, now time.Time) (Alert, *AlertEvent) {
	return a.Unsilence(Note{At: now, By: "admin", Reason: "again"})
}

// The rule of these is emailDeliveryFailed: 20 or more, and a cooldown of 15 minutes.
func TestWhatBecomesOfAnAlert(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string][]turn{
		"below": {{value: 19, reason: ReasonWithin}},
		"at the threshold": {
			{value: 20, event: AlertFired, notified: true, reason: ReasonBeyond},
		},
		"told again once a cooldown": {
			{value: 20, event: AlertFired, notified: true, reason: ReasonBeyond},
			{minute: 1, value: 25, reason: ReasonCooldown},
			{minute: 14.99, value: 25, reason: ReasonCooldown},
			{minute: 15, value: 25, event: AlertRepeated, notified: true, reason: ReasonStill},
			{minute: 29.99, value: 25, reason: ReasonCooldown},
			{minute: 30, value: 20, event: AlertRepeated, notified: true, reason: ReasonStill},
		},
		"clears, and says so": {
			{value: 20, event: AlertFired, notified: true, reason: ReasonBeyond},
			{minute: 1, value: 19, event: AlertCleared, notified: true, reason: ReasonWithin},
			{minute: 2, value: 0, reason: ReasonWithin},
		},
		"flaps within the cooldown": {
			{value: 20, event: AlertFired, notified: true, reason: ReasonBeyond},
			{minute: 1, value: 19, event: AlertCleared, notified: true, reason: ReasonWithin},
			{minute: 2, value: 20, event: AlertFired, reason: ReasonBeyond, suppressed: ReasonCooldown},
			{minute: 3, value: 19, event: AlertCleared, reason: ReasonWithin, suppressed: ReasonNobodyNotified},
			{minute: 4, value: 20, event: AlertFired, reason: ReasonBeyond, suppressed: ReasonCooldown},
			{minute: 15, value: 20, event: AlertRepeated, notified: true, reason: ReasonStill},
			{minute: 16, value: 19, event: AlertCleared, notified: true, reason: ReasonWithin},
		},
		"nothing measured, nothing changed": {
			{value: -1, reason: ReasonUnmeasured},
			{minute: 1, value: 20, event: AlertFired, notified: true, reason: ReasonBeyond},
			{minute: 20, value: -1, reason: ReasonUnmeasured},
			{minute: 21, value: 20, event: AlertRepeated, notified: true, reason: ReasonStill},
			{minute: 22, value: -1, reason: ReasonUnmeasured},
			{minute: 23, value: 19, event: AlertCleared, notified: true, reason: ReasonWithin},
		},
		"lapses after a day without a measurement": {
			{value: 20, event: AlertFired, notified: true, reason: ReasonBeyond},
			{minute: 10, value: -1, reason: ReasonUnmeasured},
			{minute: 10 + 1439.9, value: -1, reason: ReasonUnmeasured},
			{minute: 10 + 1440, value: -1, event: AlertCleared, notified: true, reason: ReasonLapsed},
			{minute: 10 + 1441, value: -1, reason: ReasonUnmeasured},
		},
		"a measurement between begins the day anew": {
			{value: 20, event: AlertFired, notified: true, reason: ReasonBeyond},
			{minute: 10, value: -1, reason: ReasonUnmeasured},
			{minute: 100, value: 20, event: AlertRepeated, notified: true, reason: ReasonStill},
			{minute: 101, value: -1, reason: ReasonUnmeasured},
			{minute: 10 + 1440, value: -1, reason: ReasonUnmeasured},
			{minute: 101 + 1440, value: -1, event: AlertCleared, notified: true, reason: ReasonLapsed},
		},
		"acknowledged": {
			{value: 20, event: AlertFired, notified: true, reason: ReasonBeyond},
			{minute: 5, byHand: acknowledged, value: 20, event: AlertAcknowledged, reason: ReasonCooldown},
			{minute: 15, value: 20, reason: ReasonAcknowledged},
			{minute: 500, value: 20, reason: ReasonAcknowledged},
			{minute: 501, value: 19, event: AlertCleared, notified: true, reason: ReasonWithin},
			{minute: 502, value: 20, event: AlertFired, notified: true, reason: ReasonBeyond},
			{minute: 517, value: 20, event: AlertRepeated, notified: true, reason: ReasonStill},
		},
		"acknowledged while it flapped untold": {
			{value: 20, event: AlertFired, notified: true, reason: ReasonBeyond},
			{minute: 1, value: 19, event: AlertCleared, notified: true, reason: ReasonWithin},
			{minute: 2, value: 20, event: AlertFired, reason: ReasonBeyond, suppressed: ReasonCooldown},
			{minute: 3, byHand: acknowledged, value: 20, event: AlertAcknowledged, reason: ReasonCooldown},
			{minute: 20, value: 20, reason: ReasonAcknowledged},
			{minute: 21, value: 19, event: AlertCleared, reason: ReasonWithin, suppressed: ReasonNobodyNotified},
		},
		"silenced": {
			{minute: 1, byHand: silenced(60), value: 0, event: AlertSilenced, reason: ReasonWithin},
			{minute: 2, value: 20, event: AlertFired, reason: ReasonBeyond, suppressed: ReasonSilenced},
			{minute: 30, value: 20, reason: ReasonSilenced},
			{minute: 31, value: 0, event: AlertCleared, reason: ReasonWithin, suppressed: ReasonSilenced},
			{minute: 32, value: 20, event: AlertFired, reason: ReasonBeyond, suppressed: ReasonSilenced},
			{minute: 60.99, value: 20, reason: ReasonSilenced},
			{minute: 61, value: 20, event: AlertRepeated, notified: true, reason: ReasonStill},
			{minute: 62, value: 0, event: AlertCleared, notified: true, reason: ReasonWithin},
		},
		"silenced after people were told": {
			{value: 20, event: AlertFired, notified: true, reason: ReasonBeyond},
			{minute: 1, byHand: silenced(60), value: 20, event: AlertSilenced, reason: ReasonSilenced},
			{minute: 2, value: 0, event: AlertCleared, notified: true, reason: ReasonWithin},
			{minute: 3, value: 20, event: AlertFired, reason: ReasonBeyond, suppressed: ReasonSilenced},
			{minute: 4, value: 0, event: AlertCleared, reason: ReasonWithin, suppressed: ReasonSilenced},
		},
		"silenced and heard again": {
			{byHand: silenced(60), value: 20, event: AlertFired, reason: ReasonBeyond, suppressed: ReasonSilenced},
			{minute: 5, byHand: unsilenced, value: 20, event: AlertRepeated, notified: true, reason: ReasonStill},
		},
		"alerting off": {
			{off: true, value: 20, event: AlertFired, reason: ReasonBeyond, suppressed: ReasonAlertingOff},
			{minute: 20, off: true, value: 20, reason: ReasonAlertingOff},
			{minute: 21, value: 20, event: AlertRepeated, notified: true, reason: ReasonStill},
			{minute: 22, off: true, value: 0, event: AlertCleared, notified: true, reason: ReasonWithin},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := NewAlert(EmailDeliveryFailed)
			for i, s := range steps {
				before := a
				if s.byHand != nil {
					var e *AlertEvent
					a, e = s.byHand(t, a, minutesOn(s.minute))
					require.NotNil(t, e)
					require.Equal(t, before.Apply(*e), a)
					require.False(t, e.Notified)
					before = a
				}
				l := lookAt(s.minute)
				l.Alerting = !s.off
				var e *AlertEvent
				a, e = Decide(builtIn(EmailDeliveryFailed), a, observing(s.value), l)
				require.Equal(t, s.reason, a.Reason, "step %d", i)
				require.Equal(t, l.At, a.EvaluatedAt)
				if byHand := s.event == AlertAcknowledged || s.event == AlertSilenced; s.event == "" || byHand {
					require.Nil(t, e, "step %d", i)
					require.Equal(t, before.Seq, a.Seq)
					continue
				}
				require.NotNil(t, e, "step %d", i)
				require.Equal(t, AlertEvent{
					Rule: EmailDeliveryFailed, Seq: before.Seq + 1, Type: s.event, At: l.At, Reason: s.reason, Notified: s.notified, SuppressedReason: s.suppressed,
					Observation: observing(s.value), Threshold: 20,
				}, *e, "step %d", i)
			}
		})
	}
}

func TestARateFiresBelowItsThreshold(t *testing.T) {
	t.Parallel()
	r := builtIn(ConversionRateDropped)
	for value, fires := range map[float64]bool{0: true, 9.99: true, 10: false, 10.01: false, 100: false} {
		_, e := Decide(r, NewAlert(r.ID), observing(value), lookAt(0))
		require.Equal(t, fires, e != nil, value)
	}
}

func TestACooldownScalesWithTheDayAndIsNeverShorterThanTenSeconds(t *testing.T) {
	t.Parallel()
	r := builtIn(MassTrialExpiration) // 60 minutes
	require.Equal(t, time.Hour, r.cooldown(trial.RealDay))
	require.Equal(t, time.Minute, r.cooldown(24*time.Minute))
	require.Equal(t, 10*time.Second, r.cooldown(2*time.Second))
	require.Equal(t, time.Minute, EvaluateEvery(trial.RealDay))
	require.Equal(t, 5*time.Second, EvaluateEvery(2*time.Second))
}

func TestWhatAPersonMayDo(t *testing.T) {
	t.Parallel()
	a, note := NewAlert(SESPaused), Note{At: midday, By: "admin", Reason: "known"}
	_, e, err := a.Acknowledge(note)
	require.Nil(t, e)
	require.ErrorContains(t, err, "does not fire")
	for until, ok := range map[time.Time]bool{
		midday: false, midday.Add(-time.Second): false, midday.Add(time.Second): true,
		midday.Add(longestSilence): true, midday.Add(longestSilence + time.Second): false,
	} {
		_, e, err := a.SilenceUntil(until, note)
		require.Equal(t, ok, err == nil, until)
		require.Equal(t, ok, e != nil)
	}
	_, e = a.Unsilence(note)
	require.Nil(t, e, "no silence holds")

	silent, _, err := a.SilenceUntil(minutesOn(60), note)
	require.NoError(t, err)
	again, e, err := silent.SilenceUntil(minutesOn(60), note)
	require.NoError(t, err)
	require.Nil(t, e, "it was so before")
	require.Equal(t, silent, again)
	_, e = silent.Unsilence(Note{At: minutesOn(60), By: "admin", Reason: "r"})
	require.Nil(t, e, "it has ended by itself")

	firing, _ := Decide(builtIn(SESPaused), a, observing(1), lookAt(0))
	acked, e, err := firing.Acknowledge(note)
	require.NoError(t, err)
	require.NotNil(t, e)
	again, e, err = acked.Acknowledge(Note{At: minutesOn(1), By: "other", Reason: "too"})
	require.NoError(t, err)
	require.Nil(t, e)
	require.Equal(t, acked, again, "the first counts")
}

func TestWhatIsConfiguredIsChecked(t *testing.T) {
	t.Parallel()
	for _, r := range Rules() {
		require.NoError(t, r.Validate(), r.ID)
		require.NotEmpty(t, r.Roles, r.ID)
		require.NotEmpty(t, r.Title+r.Value+r.Window+r.Todo)
	}
	for name, c := range map[string]struct {
		id     RuleID
		change func(*Rule)
		field  string
	}{
		"no rate":            {ConversionRateDropped, func(r *Rule) { r.Threshold = 0 }, "threshold"},
		"more than all":      {ConversionRateDropped, func(r *Rule) { r.Threshold = 100.1 }, "threshold"},
		"all":                {ConversionRateDropped, func(r *Rule) { r.Threshold = 100 }, ""},
		"half a count":       {EmailDeliveryFailed, func(r *Rule) { r.Threshold = 1.5 }, "threshold"},
		"always":             {EmailDeliveryFailed, func(r *Rule) { r.Threshold = 0 }, "threshold"},
		"one":                {EmailDeliveryFailed, func(r *Rule) { r.Threshold = 1 }, ""},
		"half an hour":       {BackupLate, func(r *Rule) { r.Threshold = .5 }, ""},
		"no hours":           {BackupLate, func(r *Rule) { r.Threshold = 0 }, "threshold"},
		"unknown severity":   {BackupLate, func(r *Rule) { r.Severity = "bad" }, "severity"},
		"critical":           {BackupLate, func(r *Rule) { r.Severity = Critical }, ""},
		"no cooldown":        {BackupLate, func(r *Rule) { r.Cooldown = 0 }, "cooldown"},
		"a week":             {BackupLate, func(r *Rule) { r.Cooldown = longestCooldown }, ""},
		"more than a week":   {BackupLate, func(r *Rule) { r.Cooldown = longestCooldown + 1 }, "cooldown"},
		"negative threshold": {EmailDeliveryRateLow, func(r *Rule) { r.Threshold = -1 }, "threshold"},
	} {
		r := builtIn(c.id)
		c.change(&r)
		err := r.Validate()
		if c.field == "" {
			require.NoError(t, err, name)
			continue
		}
		var wrong *trial.Error
		require.ErrorAs(t, err, &wrong, name)
		require.Equal(t, c.field, wrong.Field, name)
	}
}

// For any observations and requests: nobody is notified twice within a cooldown that an alert
// fires, each firing ends once before the next, what a silence covers is in the history
// without a notice, and the history determines the state.
func TestPropertiesOfDecisions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := builtIn(EmailDeliveryFailed)
		l := Evaluation{At: midday, Day: trial.RealDay}
		a, folded := NewAlert(r.ID), NewAlert(r.ID)
		var history []AlertEvent
		keep := func(e *AlertEvent) {
			if e == nil {
				return
			}
			history, folded = append(history, *e), folded.Apply(*e)
		}
		for range rapid.IntRange(1, 80).Draw(t, "looks") {
			l.At = l.At.Add(time.Duration(rapid.IntRange(1, 40*60).Draw(t, "seconds")) * time.Second)
			l.Alerting = rapid.IntRange(0, 9).Draw(t, "alerting") > 0
			note := Note{At: l.At, By: "admin", Reason: "r"}
			var e *AlertEvent
			switch rapid.IntRange(0, 12).Draw(t, "by hand") {
			case 0:
				var err error
				if a, e, err = a.Acknowledge(note); err != nil && a.Status == AlertFiring {
					t.Fatal(err)
				}
			case 1:
				a, e, _ = a.SilenceUntil(l.At.Add(time.Duration(rapid.IntRange(1, 90).Draw(t, "silence"))*time.Minute), note)
			case 2:
				a, e = a.Unsilence(note)
			}
			keep(e)
			firing, mute := a.Status == AlertFiring, a.SilencedAt(l.At) || !l.Alerting
			value := rapid.SampledFrom([]float64{-1, 0, 19, 20, 100}).Draw(t, "value")
			a, e = Decide(r, a, observing(value), l)
			keep(e)
			if e != nil && e.Type != AlertCleared && mute && e.Notified {
				t.Fatal("told although nobody is to be told")
			}
			if value >= 0 && (a.Status == AlertFiring) != (value >= 20) {
				t.Fatalf("%v is %s", value, a.Status)
			}
			if value < 0 && !firing && a.Status == AlertFiring {
				t.Fatal("fires without a value")
			}
		}
		if folded.Status != a.Status || folded.Seq != a.Seq || folded.Known != a.Known {
			t.Fatalf("the history makes %+v, not %+v", folded, a)
		}
		var alarmed time.Time
		firing, known := false, false
		for i, e := range history {
			if e.Seq != i+1 || e.Notified && e.SuppressedReason != "" {
				t.Fatalf("event %d is %+v", i, e)
			}
			switch e.Type {
			case AlertFired, AlertRepeated:
				if firing == (e.Type == AlertFired) {
					t.Fatalf("%s while firing is %v", e.Type, firing)
				}
				if e.Notified && !alarmed.IsZero() && e.At.Sub(alarmed) < 15*time.Minute {
					t.Fatalf("told after %s", e.At.Sub(alarmed))
				}
				if e.Notified {
					alarmed, known = e.At, true
				}
				firing = true
			case AlertCleared:
				if !firing || e.Notified != known {
					t.Fatalf("cleared: %+v", e)
				}
				firing, known = false, false
			case AlertAcknowledged, AlertSilenced, AlertUnsilenced:
				if e.Notified {
					t.Fatal("people were told of what a person did")
				}
			}
		}
	})
}

func TestMessages(t *testing.T) {
	t.Parallel()
	r := builtIn(EmailDeliveryRateLow)
	o := observed(88, 25, "88.0 %% : 22 of 25")
	a, fired := Decide(r, NewAlert(r.ID), o, lookAt(0))
	m := AlertMessage(r, *fired)
	require.Equal(t, "alert/emailDeliveryRateLow/1", m.Key)
	require.Equal(t, notice.NoticeAlert, m.Kind)
	require.Equal(t, "Trial alert, medium: e-mail delivery rate is low", m.Subject)
	require.Equal(t, []notice.Role{notice.LeadDeveloper, notice.DevOps, notice.Support}, m.Roles())
	require.Contains(t, m.Lines, "Threshold: fires below 95 %.")

	a, repeated := Decide(r, a, o, lookAt(60))
	require.Equal(t, "Trial alert, medium: still firing, e-mail delivery rate is low", AlertMessage(r, *repeated).Subject)
	_, cleared := Decide(r, a, observing(96), lookAt(61))
	m = AlertMessage(r, *cleared)
	require.Equal(t, notice.NoticeAlertOver, m.Kind)
	require.Equal(t, "Trial alert over: e-mail delivery rate is low", m.Subject)

	cleared.Notified = false
	require.Nil(t, AlertMessage(r, *cleared))
	for _, r := range Rules() {
		require.NotContains(t, lower(r.Title)[1:], "|")
		require.LessOrEqual(t, len("Trial alert, critical: still firing, "+r.Title), 100, r.ID)
	}
	require.Equal(t, "SES is away", lower("SES is away"))
	require.Equal(t, "a worker is missing", lower("A worker is missing"))
}

func TestWhatIsShownOfAlerts(t *testing.T) {
	t.Parallel()
	rules := []Rule{builtIn(SESPaused), builtIn(BackupLate)}
	firing, _ := Decide(rules[0], NewAlert(SESPaused), observing(1), lookAt(0))
	silent, _, err := NewAlert(BackupLate).SilenceUntil(minutesOn(10), Note{At: midday, By: "admin", Reason: "r"})
	require.NoError(t, err)
	view := func(minutes float64, flags flags.Monitoring) AlertsView {
		return ViewOfAlerts(flags, rules, []Alert{firing, silent}, minutesOn(minutes), trial.RealDay)
	}
	on := flags.Initial().Monitoring
	v := view(3.5, on)
	require.False(t, v.Late)
	require.Equal(t, midday, *v.EvaluatedAt)
	require.Equal(t, AlertFiring, v.Alerts[0].Status)
	require.NotNil(t, v.Alerts[1].Silence)
	require.True(t, view(3.6, on).Late, "three looks did not come")
	require.False(t, view(3.6, flags.Monitoring{}).Late, "nobody is to look")
	require.Nil(t, view(10, on).Alerts[1].Silence, "it is over")
	require.True(t, ViewOfAlerts(on, rules[:1], []Alert{NewAlert(SESPaused)}, midday, trial.RealDay).Late, "nobody has ever looked")
}
