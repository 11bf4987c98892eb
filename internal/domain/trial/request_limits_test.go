package trial_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestRequestValidate(t *testing.T) {
	t.Parallel()
	with := func(change func(*trial.Request)) trial.Request {
		r := trial.Request{ID: "r1", Days: 3, Reason: "asked for", By: "support"}
		change(&r)
		return r
	}
	days := func(n int) trial.Request { return with(func(r *trial.Request) { r.Days = n }) }
	reason := func(s string) trial.Request { return with(func(r *trial.Request) { r.Reason = s }) }
	id := func(s string) trial.Request { return with(func(r *trial.Request) { r.ID = s }) }
	tests := []struct {
		name    string
		request trial.Request
		field   string // empty: valid
		message string
	}{
		{"plain", days(3), "", ""},
		{"one day", days(1), "", ""},
		{"the most days", days(365), "", ""},
		{"no days", days(0), "days", "must be 1 to 365, is 0"},
		{"negative days", days(-1), "days", "must be 1 to 365, is -1"},
		{"too many days", days(366), "days", "must be 1 to 365, is 366"},
		{"absurdly many days", days(math.MaxInt), "days", fmt.Sprintf("must be 1 to 365, is %d", math.MaxInt)},
		{"absurdly few days", days(math.MinInt), "days", fmt.Sprintf("must be 1 to 365, is %d", math.MinInt)},
		{"no reason", reason(""), "reason", "is missing"},
		{"a blank reason", reason(" \t\n\u00a0"), "reason", "is missing"},
		{"the longest reason", reason(strings.Repeat("ü", 500)), "", ""},
		{"a reason too long", reason(strings.Repeat("ü", 501)), "reason", "must be at most 500 characters"},
		{"no id", id(""), "", ""},
		{"the longest id", id(strings.Repeat("x", 128)), "", ""},
		{"an id too long", id(strings.Repeat("x", 129)), "id", "must be at most 128 bytes"},
		{"an id too long in bytes", id(strings.Repeat("ü", 65)), "id", "must be at most 128 bytes"},
	}
	for _, tt := range tests {
		for _, message := range []string{trial.MessageExtend, trial.MessageShorten, trial.MessageRevive, trial.MessageCancel} {
			t.Run(tt.name+"/"+message, func(t *testing.T) {
				t.Parallel()
				err := tt.request.Validate(message)
				if tt.field == "" || tt.field == "days" && message == trial.MessageCancel {
					require.NoError(t, err)
					return
				}
				requireRefusal(t, err, trial.CodeInvalid, tt.field, tt.message)
				// Refused just so by the trial, and before it looks at its state.
				for _, s := range stands() {
					e, err := s.state.Request(message, tt.request, at(s.now))
					require.Nil(t, e)
					requireRefusal(t, err, trial.CodeInvalid, tt.field, tt.message)
				}
			})
		}
	}
	require.NoError(t, trial.Request{}.Validate(trial.MessageConvert), "billing need not say why")
	requireRefusal(t, id(strings.Repeat("x", 129)).Validate(trial.MessageConvert), trial.CodeInvalid, "id", "must be at most 128 bytes")
}

func TestDaysAtTheEdge(t *testing.T) {
	t.Parallel()
	initial := trial.NewState(sample()) // ends 2026-03-16 10:00
	long := trial.NewState(sample(withPolicy(func(p *trial.Policy) { p.LengthDays = 365 })))
	long = asked(long, trial.MessageExtend, "2026-03-03 10:00", trial.Request{Days: 365}) // ends 2028-03-01 10:00
	graced := lived(initial, "2026-03-17 00:00")
	cancelled := asked(initial, trial.MessageCancel, "2026-03-05 10:00", trial.Request{})
	tests := []struct {
		name    string
		state   trial.State
		message string
		now     string
		days    int
		end     string // empty: refused
		refused string
	}{
		{"shorten to a moment from now", initial, trial.MessageShorten, "2026-03-15 09:59:59.999", 1, "2026-03-15 10:00", ""},
		{"shorten to now", initial, trial.MessageShorten, "2026-03-15 10:00", 1, "", "the new end, 2026-03-15T10:00:00Z, would not be in the future"},
		{"shorten into the past", initial, trial.MessageShorten, "2026-03-15 10:00", 20, "", "the new end, 2026-02-24T10:00:00Z, would not be in the future"},
		{"shorten before the start", initial, trial.MessageShorten, "2026-03-02 10:00", 15, "", "the new end, 2026-03-01T10:00:00Z, would not be in the future"},
		{"extend in grace", graced, trial.MessageExtend, "2026-03-17 10:00", 1, "2026-03-18 10:00", ""},
		{"extend in the moment of the end", graced, trial.MessageExtend, "2026-03-16 10:00", 1, "2026-03-17 10:00", ""},
		{"extend to three years", long, trial.MessageExtend, "2026-03-04 10:00", 365, "2029-03-01 10:00", ""},
		{"extend beyond three years", asked(long, trial.MessageExtend, "2026-03-04 10:00", trial.Request{Days: 1}), trial.MessageExtend, "2026-03-04 10:00", 365, "", "the trial would last more than 1095 days in all"},
		{"revive up to three years", cancelled, trial.MessageRevive, "2029-02-28 10:00", 1, "2029-03-01 10:00", ""},
		{"revive beyond three years", cancelled, trial.MessageRevive, "2029-02-28 10:00:00.001", 1, "", "the trial would last more than 1095 days in all"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := tt.state.Request(tt.message, trial.Request{Days: tt.days, Reason: "edge"}, at(tt.now))
			if tt.refused != "" {
				require.Nil(t, e)
				requireRefusal(t, err, trial.CodeInvalid, "days", tt.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, at(tt.end), *e.EndsAt)
		})
	}
}

func TestTheLongestTrialIsCountedOnTheVendorsCalendar(t *testing.T) {
	t.Parallel()
	for name, berlin := range map[string]struct{ start, end string }{
		"summer to winter, an hour more": {"2027-10-30 16:00", "2030-10-29 17:00"},
		"winter to summer, an hour less": {"2024-10-28 17:00", "2027-10-28 16:00"},
		"summer to summer":               {"2026-07-01 16:00", "2029-06-30 16:00"},
	} {
		s := trial.NewState(sample(inZone("Europe/Berlin", berlin.start)))
		for _, days := range []int{365, 365, 350} { // and the policy's 14 make 1094
			s = asked(s, trial.MessageExtend, berlin.start, trial.Request{Days: days})
		}
		_, err := s.Request(trial.MessageExtend, trial.Request{Days: 2, Reason: "edge"}, at(berlin.start))
		requireRefusal(t, err, trial.CodeInvalid, "days", "the trial would last more than 1095 days in all")
		s = asked(s, trial.MessageExtend, berlin.start, trial.Request{Days: 1})
		require.Equal(t, at(berlin.end), s.EndsAt, name)
	}
}

func TestACompressedTrialIsLimitedInItsOwnDays(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample(func(r *trial.Registration) { r.Day = 2 * time.Second }))
	s = asked(s, trial.MessageExtend, "2026-03-02 10:00:01", trial.Request{Days: 365})
	s = asked(s, trial.MessageExtend, "2026-03-02 10:00:01", trial.Request{Days: 365})
	_, err := s.Request(trial.MessageExtend, trial.Request{Days: 352, Reason: "edge"}, at("2026-03-02 10:00:01"))
	requireRefusal(t, err, trial.CodeInvalid, "days", "the trial would last more than 1095 days in all")
	s = asked(s, trial.MessageExtend, "2026-03-02 10:00:01", trial.Request{Days: 351})
	require.Equal(t, at("2026-03-02 10:36:30"), s.EndsAt)
}

func TestAScheduleChangesAHundredTimes(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample())
	for n := range trial.MaxRevisions {
		message := trial.MessageExtend
		if n%2 == 1 {
			message = trial.MessageShorten
		}
		s = asked(s, message, "2026-03-05 10:00", trial.Request{Days: 1})
	}
	require.Equal(t, 100, s.Revision)
	const refused = "the schedule has been changed 100 times; no further change is allowed"
	_, err := s.Request(trial.MessageExtend, trial.Request{Days: 1, Reason: "one more"}, at("2026-03-05 10:00"))
	requireRefusal(t, err, trial.CodeConflict, "", refused)
	s = asked(s, trial.MessageCancel, "2026-03-05 10:00", trial.Request{})
	_, err = s.Request(trial.MessageRevive, trial.Request{Days: 1, Reason: "one more"}, at("2026-03-05 10:00"))
	requireRefusal(t, err, trial.CodeConflict, "", refused)
}

func TestARequestIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	initial := trial.NewState(sample())
	once := asked(initial, trial.MessageExtend, "2026-03-05 10:00", trial.Request{ID: "r1", Days: 3})
	require.True(t, once.Knows("r1"))
	require.False(t, initial.Knows("r1"))

	e, err := once.Request(trial.MessageExtend, trial.Request{ID: "r1", Days: 3, Reason: "again"}, at("2026-03-05 10:01"))
	require.NoError(t, err)
	require.Nil(t, e)
	// Even if it would be refused by now, or is no longer valid.
	over := asked(once, trial.MessageCancel, "2026-03-06 10:00", trial.Request{ID: "r2"})
	for _, r := range []trial.Request{{ID: "r1", Days: 3, Reason: "again"}, {ID: "r1"}} {
		e, err = over.Request(trial.MessageExtend, r, at("2026-03-06 10:00"))
		require.NoError(t, err)
		require.Nil(t, e)
	}
	_, err = over.Request(trial.MessageExtend, trial.Request{ID: "r2", Days: 3, Reason: "another"}, at("2026-03-06 10:00"))
	requireRefusal(t, err, trial.CodeConflict, "", `the request id "r2" was used for another message`)
	_, err = over.Request(trial.MessageExtend, trial.Request{ID: "r3", Days: 3, Reason: "new"}, at("2026-03-06 10:00"))
	requireRefusal(t, err, trial.CodeConflict, "", "the trial is cancelled: extend does not apply")
	require.False(t, over.Knows("r3"), "what was refused may be asked again")

	twice := asked(once, trial.MessageExtend, "2026-03-05 10:00", trial.Request{Days: 3})
	twice = asked(twice, trial.MessageExtend, "2026-03-05 10:00", trial.Request{Days: 3})
	require.Equal(t, at("2026-03-25 10:00"), twice.EndsAt, "without an id each arrival counts")
	require.Equal(t, []string{"extended/r1"}, twice.Requests)
	require.False(t, twice.Knows(""))
}

func TestAConversionIsNeverLostToItsRequest(t *testing.T) {
	t.Parallel()
	used := asked(trial.NewState(sample()), trial.MessageExtend, "2026-03-05 10:00", trial.Request{ID: "r1", Days: 3})
	for _, id := range []string{"", "r1", strings.Repeat("x", 5000)} {
		s := asked(used, trial.MessageConvert, "2026-03-06 10:00", trial.Request{ID: id, Days: -5})
		require.Equal(t, trial.Converted, s.Status)
		e, err := s.Request(trial.MessageConvert, trial.Request{ID: "other", At: at("2026-03-01 10:00")}, at("2026-03-07 10:00"))
		require.NoError(t, err)
		require.Nil(t, e, "the first conversion stands")
	}
}

func TestARequestIsCutAsItIsStored(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("east", 3600)
	now := time.Date(2026, 3, 5, 11, 0, 0, 123_456_789, east)
	for _, message := range []string{trial.MessageExtend, trial.MessageCancel, trial.MessageConvert} {
		e, err := trial.NewState(sample()).Request(message, trial.Request{Days: 1, Reason: "cut", At: now.Add(-time.Hour)}, now)
		require.NoError(t, err)
		require.Equal(t, at("2026-03-05 10:00").Add(123*time.Millisecond), e.At)
		require.Equal(t, at("2026-03-05 09:00").Add(123*time.Millisecond), e.Request.At)
		require.Equal(t, time.UTC, e.Request.At.Location())
	}
}

func TestARequestIsKnownByItsIdAndItsEvent(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample())
	s.Requests = []string{"extended/a/b", "cancelled/r2"}
	for id, known := range map[string]bool{"a/b": true, "r2": true, "b": false, "cancelled/r2": false} {
		require.Equal(t, known, s.Knows(id), id)
	}
	e, err := s.Request(trial.MessageExtend, trial.Request{ID: "a/b", Days: 3, Reason: "again"}, at("2026-03-05 10:00"))
	require.NoError(t, err)
	require.Nil(t, e, "it was carried out")
	_, err = s.Request(trial.MessageExtend, trial.Request{ID: "r2", Days: 3, Reason: "another"}, at("2026-03-05 10:00"))
	requireRefusal(t, err, trial.CodeConflict, "", `the request id "r2" was used for another message`)
}
