package trial_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestSentence(t *testing.T) {
	t.Parallel()
	all := stands()
	for name, want := range map[string]string{
		"active":                    "active; next is reminder-7d at 2026-03-09 10:00:00 UTC.",
		"not automated":             "active; next is expiry at 2026-03-16 10:00:00 UTC.",
		"held at its end":           "Held at expiry since 2026-03-16 10:00:00 UTC: auto-expiration-off.",
		"grace":                     "grace; next is grace-end at 2026-03-19 10:00:00 UTC.",
		"converted":                 "Converted at 2026-03-06 10:00:00 UTC.",
		"expired":                   "Expired at 2026-03-19 10:00:00 UTC without converting.",
		"expired, converted late":   "Expired at 2026-03-19 10:00:00 UTC; converted late, at 2026-03-20 10:00:00 UTC.",
		"cancelled":                 "Cancelled at 2026-03-05 10:00:00 UTC.",
		"cancelled, converted late": "Cancelled at 2026-03-05 10:00:00 UTC; converted late, at 2026-03-06 10:00:00 UTC.",
	} {
		require.Equal(t, want, all[name].state.Sentence(), name)
		require.Equal(t, want, all[name].state.Overview().Summary, name)
		delete(all, name)
	}
	require.Empty(t, all, "states without a sentence")

	// Billing's word was on record when each end fell due, and is yet to arrive.
	s := trial.NewState(sample(control))
	for _, kind := range []trial.Kind{trial.Expiry, trial.GraceEnd} {
		s = s.Apply(s.StepEvent(named(s, kind), skip(trial.ReasonAlreadyConverted), well("2026-03-19 10:00"), false))
	}
	require.Equal(t, "active; only a conversion can still arrive.", s.Sentence())
}

func TestOverview(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{
		"vendorId": "v1", "status": "active", "cohort": "automated", "automated": true, "policy": "standard-14d", "revision": 0,
		"startedAt": "2026-03-02T10:00:00Z", "endsAt": "2026-03-16T10:00:00Z", "graceEndsAt": "2026-03-19T10:00:00Z",
		"next": {"kind": "welcome", "revision": 0, "at": "2026-03-02T10:00:00Z"},
		"held": null, "convertedAt": null, "convertedLate": false, "steps": [],
		"summary": "active; next is welcome at 2026-03-02 10:00:00 UTC."
	}`, encoded(t, trial.NewState(sample()).Overview()))

	held := stands()["held at its end"].state
	require.JSONEq(t, `{"step": {"kind": "expiry", "revision": 0, "at": "2026-03-16T10:00:00Z"}, "reason": "auto-expiration-off", "since": "2026-03-16T10:00:00Z"}`,
		encoded(t, held.Overview().Held))
	require.Equal(t, held.Steps, held.Overview().Steps)

	over := stands()["expired, converted late"].state.Overview()
	require.Nil(t, over.Next)
	require.True(t, over.ConvertedLate)
	require.Equal(t, at("2026-03-20 10:00"), *over.ConvertedAt)
	require.Equal(t, trial.Control, trial.NewState(sample(control)).Overview().Cohort)
	require.False(t, trial.NewState(sample(control)).Overview().Automated)
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

func TestTimetable(t *testing.T) {
	t.Parallel()
	s := lived(trial.NewState(sample(inZone("Europe/Berlin", "2026-03-20 17:00"))), "2026-03-20 17:00")
	require.JSONEq(t, `{"vendorId": "v1", "zone": "Europe/Berlin", "revision": 0, "steps": [
		{"kind": "reminder-7d", "at": "2026-03-27T08:00:00Z", "local": "Fri 2026-03-27 09:00 CET"},
		{"kind": "reminder-3d", "at": "2026-03-31T07:00:00Z", "local": "Tue 2026-03-31 09:00 CEST"},
		{"kind": "reminder-1d", "at": "2026-04-02T07:00:00Z", "local": "Thu 2026-04-02 09:00 CEST"},
		{"kind": "expiry", "at": "2026-04-03T16:00:00Z", "local": "Fri 2026-04-03 18:00 CEST"},
		{"kind": "grace-end", "at": "2026-04-06T16:00:00Z", "local": "Mon 2026-04-06 18:00 CEST"}
	]}`, encoded(t, s.Timetable()))

	require.JSONEq(t, `{"vendorId": "v1", "zone": "", "revision": 0, "steps": []}`, encoded(t, stands()["expired"].state.Timetable()))
	for _, zone := range []string{"", "Local", "Mars/Olympus"} {
		for _, entry := range trial.NewState(sample(inZone(zone, "2026-03-20 17:00"))).Timetable().Steps {
			require.Empty(t, entry.Local, zone)
		}
	}
	compressed := trial.NewState(sample(inZone("Asia/Kathmandu", "2026-03-20 17:00"), func(r *trial.Registration) { r.Day = time.Second }))
	require.Equal(t, "Fri 2026-03-20 22:45 +0545", compressed.Timetable().Steps[0].Local)
}

func TestDetails(t *testing.T) {
	t.Parallel()
	s := lived(trial.NewState(sample()), "2026-03-09 10:00")
	s = asked(s, trial.MessageExtend, "2026-03-10 12:00", trial.Request{Days: 7})
	reminder := named(s, "reminder-7d")
	s = s.Apply(s.StepEvent(reminder, skip(trial.ReasonUnsubscribed), well("2026-03-16 10:00"), false))
	require.Equal(t, `**active; next is reminder-3d at 2026-03-20 10:00:00 UTC.**

automated cohort, policy standard-14d, revision 1, ends 2026-03-23 10:00:00 UTC

| step | outcome | reason | when |
| --- | --- | --- | --- |
| welcome (revision 0) | ran | due | 2026-03-02 10:00:00 UTC |
| reminder-7d (revision 0) | ran | due | 2026-03-09 10:00:00 UTC |
| reminder-3d (revision 0) | superseded | schedule-revised | 2026-03-10 12:00:00 UTC |
| reminder-1d (revision 0) | superseded | schedule-revised | 2026-03-10 12:00:00 UTC |
| expiry (revision 0) | superseded | schedule-revised | 2026-03-10 12:00:00 UTC |
| grace-end (revision 0) | superseded | schedule-revised | 2026-03-10 12:00:00 UTC |
| reminder-7d (revision 1) | skipped | unsubscribed | 2026-03-16 10:00:00 UTC |

To come:
- reminder-3d at 2026-03-20 10:00:00 UTC
- reminder-1d at 2026-03-22 10:00:00 UTC
- expiry at 2026-03-23 10:00:00 UTC
- grace-end at 2026-03-26 10:00:00 UTC
`, s.Details())

	require.Equal(t, `**active; next is expiry at 2026-03-16 10:00:00 UTC.**

control cohort, policy standard-14d, revision 0, ends 2026-03-16 10:00:00 UTC

To come:
- expiry at 2026-03-16 10:00:00 UTC
- grace-end at 2026-03-19 10:00:00 UTC
`, trial.NewState(sample(control)).Details(), "without steps there is no table")
	require.NotContains(t, stands()["expired"].state.Details(), "To come")
}
