package trial_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// stand is a trial in some state, at a time.
type stand struct {
	name  string
	now   string
	state trial.State
}

// stands are all the states that a trial can be in. Expired ones expired on
// 2026-03-19 10:00, cancelled ones were cancelled on 2026-03-05 10:00.
func stands() map[string]stand {
	initial := trial.NewState(sample())
	held := lived(initial, "2026-03-15 10:00")
	held = held.Apply(held.StepEvent(named(held, trial.Expiry), hold(trial.ReasonExpirationOff), well("2026-03-16 10:00"), false))
	expired := lived(initial, "2026-03-19 10:00")
	cancelled := asked(lived(initial, "2026-03-05 10:00"), trial.MessageCancel, "2026-03-05 10:00", trial.Request{})
	all := map[string]stand{}
	for _, s := range []stand{
		{"active", "2026-03-05 12:00", lived(initial, "2026-03-05 12:00")},
		{"not automated", "2026-03-05 12:00", trial.NewState(sample(control))},
		{"held at its end", "2026-03-17 12:00", held},
		{"grace", "2026-03-17 12:00", lived(initial, "2026-03-17 12:00")},
		{"converted", "2026-03-06 12:00", asked(initial, trial.MessageConvert, "2026-03-06 10:00", trial.Request{})},
		{"expired", "2026-03-20 12:00", expired},
		{"expired, converted late", "2026-03-20 12:00", asked(expired, trial.MessageConvert, "2026-03-20 10:00", trial.Request{})},
		{"cancelled", "2026-03-06 12:00", cancelled},
		{"cancelled, converted late", "2026-03-06 12:00", asked(cancelled, trial.MessageConvert, "2026-03-06 10:00", trial.Request{})},
	} {
		all[s.name] = s
	}
	return all
}

// outcome is what a message leads to: an event with the status after it, and
// its end or lateness; nothing at all; or a refusal.
type outcome struct {
	event   trial.EventType
	status  trial.Status
	endsAt  string
	late    bool
	nothing bool
	field   string
	refused string
}

func converts() outcome { return outcome{event: trial.EventConverted, status: trial.Converted} }
func late(s trial.Status) outcome {
	return outcome{event: trial.EventConverted, status: s, late: true}
}
func cancels() outcome { return outcome{event: trial.EventCancelled, status: trial.Cancelled} }
func ends(e trial.EventType, when string) outcome {
	return outcome{event: e, status: trial.Active, endsAt: when}
}
func refused(message string) outcome { return outcome{refused: message} }
func wrong(field, message string) outcome {
	return outcome{field: field, refused: message}
}

// TestEveryRequestInEveryState asks for three days where days are asked for.
func TestEveryRequestInEveryState(t *testing.T) {
	t.Parallel()
	nothing := outcome{nothing: true}
	tests := map[string]map[string]outcome{
		"active": {
			trial.MessageConvert: converts(),
			trial.MessageExtend:  ends(trial.EventExtended, "2026-03-19 10:00"),
			trial.MessageShorten: ends(trial.EventShortened, "2026-03-13 10:00"),
			trial.MessageCancel:  cancels(),
			trial.MessageRevive:  refused("the trial is active: revive does not apply"),
			trial.SignalWake:     refused("the trial is active: wake does not apply"),
		},
		"not automated": {
			trial.MessageConvert: converts(),
			trial.MessageExtend:  ends(trial.EventExtended, "2026-03-19 10:00"),
			trial.MessageShorten: ends(trial.EventShortened, "2026-03-13 10:00"),
			trial.MessageCancel:  cancels(),
			trial.MessageRevive:  refused("the trial is active: revive does not apply"),
		},
		"held at its end": {
			trial.MessageConvert: converts(),
			trial.MessageExtend:  ends(trial.EventExtended, "2026-03-20 12:00"),
			trial.MessageShorten: wrong("days", "the new end, 2026-03-13T10:00:00Z, would not be in the future"),
			trial.MessageCancel:  cancels(),
			trial.MessageRevive:  refused("the trial is active: revive does not apply"),
		},
		"grace": {
			trial.MessageConvert: converts(),
			trial.MessageExtend:  ends(trial.EventExtended, "2026-03-20 12:00"),
			trial.MessageShorten: refused("the trial is grace: shorten does not apply"),
			trial.MessageCancel:  cancels(),
			trial.MessageRevive:  refused("the trial is grace: revive does not apply"),
		},
		"converted": {
			trial.MessageConvert: nothing,
			trial.MessageExtend:  refused("the trial is converted: extend does not apply"),
			trial.MessageShorten: refused("the trial is converted: shorten does not apply"),
			trial.MessageCancel:  refused("the trial is converted and cannot be cancelled"),
			trial.MessageRevive:  refused("the trial is converted: revive does not apply"),
		},
		"expired": {
			trial.MessageConvert: late(trial.Expired),
			trial.MessageExtend:  refused("the trial is expired: extend does not apply"),
			trial.MessageShorten: refused("the trial is expired: shorten does not apply"),
			trial.MessageCancel:  refused("the trial is expired and cannot be cancelled"),
			trial.MessageRevive:  ends(trial.EventRevived, "2026-03-23 12:00"),
		},
		"expired, converted late": {
			trial.MessageConvert: nothing,
			trial.MessageExtend:  refused("the trial is expired: extend does not apply"),
			trial.MessageShorten: refused("the trial is expired: shorten does not apply"),
			trial.MessageCancel:  refused("the trial is expired and cannot be cancelled"),
			trial.MessageRevive:  refused("the vendor has converted: revive does not apply"),
		},
		"cancelled": {
			trial.MessageConvert: late(trial.Cancelled),
			trial.MessageExtend:  refused("the trial is cancelled: extend does not apply"),
			trial.MessageShorten: refused("the trial is cancelled: shorten does not apply"),
			trial.MessageCancel:  refused("the trial is cancelled and cannot be cancelled"),
			trial.MessageRevive:  ends(trial.EventRevived, "2026-03-09 12:00"),
		},
		"cancelled, converted late": {
			trial.MessageConvert: nothing,
			trial.MessageExtend:  refused("the trial is cancelled: extend does not apply"),
			trial.MessageShorten: refused("the trial is cancelled: shorten does not apply"),
			trial.MessageCancel:  refused("the trial is cancelled and cannot be cancelled"),
			trial.MessageRevive:  refused("the vendor has converted: revive does not apply"),
		},
	}
	require.Len(t, tests, len(stands()), "a state is missing from the table")
	for name, byMessage := range tests {
		for message, want := range byMessage {
			t.Run(name+"/"+message, func(t *testing.T) {
				t.Parallel()
				requireOutcome(t, stands()[name], message, trial.Request{ID: "r1", Days: 3, Reason: "asked for", By: "support"}, want)
			})
		}
	}
}

// requireOutcome asks and checks everything about the answer, and that the
// state it was asked of is as it was.
func requireOutcome(t *testing.T, s stand, message string, r trial.Request, want outcome) {
	t.Helper()
	e, err := s.state.Request(message, r, at(s.now))
	require.Empty(t, cmp.Diff(stands()[s.name].state, s.state), "asking changes nothing")
	switch {
	case want.refused != "":
		require.Nil(t, e)
		code := trial.CodeConflict
		if want.field != "" {
			code = trial.CodeInvalid
		}
		requireRefusal(t, err, code, want.field, want.refused)
		return
	case want.nothing:
		require.NoError(t, err)
		require.Nil(t, e)
		return
	}
	require.NoError(t, err)
	if want.event == trial.EventConverted {
		r.At = at(s.now)
	}
	expected := trial.Event{Seq: s.state.Seq + 1, Type: want.event, At: at(s.now), Request: &r, Late: want.late}
	if want.endsAt != "" {
		end := at(want.endsAt)
		expected.EndsAt = &end
	}
	require.Empty(t, cmp.Diff(expected, *e))

	after := s.state.Apply(*e)
	require.Equal(t, want.status, after.Status)
	require.True(t, after.Knows("r1"))
	if want.endsAt != "" {
		require.Equal(t, at(want.endsAt), after.EndsAt)
		require.Equal(t, s.state.Revision+1, after.Revision)
		require.Equal(t, at(s.now), after.RevisedAt)
	}
}

func TestConversionCountsFromBillingsMoment(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		stand  string
		at     string // billing's moment; empty: not given
		wantAt string
		status trial.Status
	}{
		{"before expiry, heard of after", "expired", "2026-03-19 09:59:59.999", "2026-03-19 09:59:59.999", trial.Converted},
		{"in the moment of expiry", "expired", "2026-03-19 10:00", "2026-03-19 10:00", trial.Expired},
		{"after expiry", "expired", "2026-03-19 11:00", "2026-03-19 11:00", trial.Expired},
		{"no moment given counts when heard of", "expired", "", "2026-03-20 12:00", trial.Expired},
		{"a moment to come counts when heard of", "expired", "2027-01-01 00:00", "2026-03-20 12:00", trial.Expired},
		{"before a cancellation, heard of after", "cancelled", "2026-03-05 09:00", "2026-03-05 09:00", trial.Converted},
		{"in the moment of a cancellation", "cancelled", "2026-03-05 10:00", "2026-03-05 10:00", trial.Cancelled},
		{"while active", "active", "2026-03-04 09:00", "2026-03-04 09:00", trial.Converted},
		{"while active, a moment to come", "active", "2026-03-09 09:00", "2026-03-05 12:00", trial.Converted},
		{"in grace, before the end", "grace", "2026-03-15 09:00", "2026-03-15 09:00", trial.Converted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := stands()[tt.stand]
			r := trial.Request{ID: "bill-1", By: "billing"}
			if tt.at != "" {
				r.At = at(tt.at)
			}
			after := asked(s.state, trial.MessageConvert, s.now, r)
			require.Equal(t, tt.status, after.Status)
			require.Equal(t, at(tt.wantAt), *after.ConvertedAt)
			require.Equal(t, tt.status != trial.Converted, after.ConvertedLate)
			require.Equal(t, tt.status == trial.Expired, after.ExpiredAt != nil)
			require.Equal(t, tt.status == trial.Cancelled, after.CancelledAt != nil)
			_, pending := after.Next()
			require.False(t, pending)
		})
	}
}
