package trial_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/trial"
)

// said is something that becomes known of a vendor, at minutes from a moment that tests count from.
func said(reason trial.Reason, minute int, hash string, more ...func(*trial.Suppression)) trial.Suppression {
	p := trial.Suppression{Reason: reason, At: minuteOf(minute), AddressHash: hash}
	for _, change := range more {
		change(&p)
	}
	return p
}

func minuteOf(minute int) time.Time {
	return at("2026-03-01 10:00").Add(time.Duration(minute) * time.Minute)
}

func bounce(sent int) func(*trial.Suppression) {
	return func(p *trial.Suppression) { p.Cause, p.SentAt = trial.CauseBounce, minuteOf(sent) }
}

func complaint(p *trial.Suppression) { p.Cause = trial.CauseComplaint }

func TestWhatStopsEmailNow(t *testing.T) {
	t.Parallel()
	const address, here, there = trial.ReasonSuppressedAddress, "here", "there"
	lift := func(minute int) trial.Suppression { return said(trial.ReasonLifted, minute, here) }
	for name, c := range map[string]struct {
		known []trial.Suppression
		want  []trial.Cause
	}{
		"nothing":                              {},
		"a bounce":                             {[]trial.Suppression{said(address, 2, here, bounce(1))}, []trial.Cause{trial.CauseBounce}},
		"a bounce of another address":          {[]trial.Suppression{said(address, 2, there, bounce(1))}, nil},
		"a bounce, lifted":                     {[]trial.Suppression{said(address, 2, here, bounce(1)), lift(3)}, nil},
		"lifted for another address":           {[]trial.Suppression{said(address, 2, here, bounce(1)), said(trial.ReasonLifted, 3, there)}, []trial.Cause{trial.CauseBounce}},
		"an old e-mail bounces after the lift": {[]trial.Suppression{said(address, 2, here, bounce(1)), lift(3), said(address, 9, here, bounce(2))}, nil},
		"a new e-mail bounces after the lift":  {[]trial.Suppression{said(address, 2, here, bounce(1)), lift(3), said(address, 9, here, bounce(4))}, []trial.Cause{trial.CauseBounce}},
		"sent at the moment of the lift":       {[]trial.Suppression{lift(3), said(address, 9, here, bounce(3))}, []trial.Cause{trial.CauseBounce}},
		"nobody knows when it was sent":        {[]trial.Suppression{lift(3), said(address, 4, here, func(p *trial.Suppression) { p.Cause = trial.CauseBounce })}, []trial.Cause{trial.CauseBounce}},
		"lifted twice":                         {[]trial.Suppression{lift(3), said(address, 9, here, bounce(4)), lift(10)}, nil},
		"a complaint, lifted":                  {[]trial.Suppression{said(address, 2, here, complaint), lift(3)}, []trial.Cause{trial.CauseComplaint}},
		"a complaint, asked again":             {[]trial.Suppression{said(address, 2, here, complaint), said(trial.ReasonResubscribed, 3, "")}, []trial.Cause{trial.CauseComplaint}},
		"a complaint, asked again, lifted":     {[]trial.Suppression{said(address, 2, here, complaint), said(trial.ReasonResubscribed, 3, ""), lift(4)}, nil},
		"a complaint after all that":           {[]trial.Suppression{said(trial.ReasonResubscribed, 3, ""), lift(4), said(address, 5, here, complaint)}, []trial.Cause{trial.CauseComplaint}},
		"a complaint after a lifted bounce":    {[]trial.Suppression{said(address, 2, here, bounce(1)), lift(3), said(address, 2, here, complaint)}, []trial.Cause{trial.CauseComplaint}},
		"which of the two is unknown, lifted":  {[]trial.Suppression{said(address, 2, here), lift(3)}, []trial.Cause{trial.CauseUnknown}},
		"an unknown address":                   {[]trial.Suppression{said(address, 2, "", bounce(1))}, []trial.Cause{trial.CauseBounce}},
		"an unknown address, lifted here":      {[]trial.Suppression{said(address, 2, "", bounce(1)), lift(3)}, nil},
		"an unknown address, lifted elsewhere": {[]trial.Suppression{said(address, 2, "", bounce(1)), said(trial.ReasonLifted, 3, there)}, []trial.Cause{trial.CauseBounce}},
		"unsubscribed, lifted":                 {[]trial.Suppression{said(trial.ReasonUnsubscribed, 2, ""), lift(3)}, []trial.Cause{trial.CauseUnsubscribed}},
		"unsubscribed, asked again":            {[]trial.Suppression{said(trial.ReasonUnsubscribed, 2, ""), said(trial.ReasonResubscribed, 3, "")}, nil},
		"unsubscribed, and all else beside it": {[]trial.Suppression{said(address, 2, here, bounce(1)), said(address, 2, here, complaint), said(trial.ReasonUnsubscribed, 2, "")}, []trial.Cause{trial.CauseUnsubscribed, trial.CauseComplaint, trial.CauseBounce}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var causes []trial.Cause
			for _, s := range trial.RecordOf(c.known).Stopping(here) {
				causes = append(causes, s.Why())
			}
			require.Equal(t, c.want, causes)
		})
	}
}

// expected is the rule over all that was ever said, at once: what the record, which keeps the latest, has to come to.
func expected(known []trial.Suppression, hash string) bool {
	after := func(moment time.Time, reason trial.Reason, of string) bool {
		return slices.ContainsFunc(known, func(p trial.Suppression) bool { return p.Reason == reason && p.AddressHash == of && p.At.After(moment) })
	}
	for _, p := range known {
		asked, lifted := after(p.At, trial.ReasonResubscribed, ""), after(p.At, trial.ReasonLifted, hash)
		switch {
		case p.Reason == trial.ReasonUnsubscribed && !asked:
			return true
		case p.Reason != trial.ReasonSuppressedAddress || p.AddressHash != "" && p.AddressHash != hash:
		case p.Cause == trial.CauseBounce && !after(p.SentAt, trial.ReasonLifted, hash):
			return true
		case p.Cause != trial.CauseBounce && (!asked || !lifted):
			return true
		}
	}
	return false
}

func drawSaid(t *rapid.T) trial.Suppression {
	minute := rapid.IntRange(1, 12).Draw(t, "minute")
	hash := rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "hash")
	switch rapid.SampledFrom([]string{"bounce", "bounce", "complaint", "unknown", "unsubscribed", "asked", "asked", "lift", "lift"}).Draw(t, "what") {
	case "bounce":
		return said(trial.ReasonSuppressedAddress, minute, hash, bounce(rapid.IntRange(1, minute).Draw(t, "sent")))
	case "complaint":
		return said(trial.ReasonSuppressedAddress, minute, hash, complaint)
	case "unknown":
		return said(trial.ReasonSuppressedAddress, minute, hash)
	case "unsubscribed":
		return said(trial.ReasonUnsubscribed, minute, "")
	case "asked":
		return said(trial.ReasonResubscribed, minute, "")
	}
	return said(trial.ReasonLifted, minute, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "lifted"))
}

// Whatever is said, in whichever order and however often it becomes known, the same is stopped: what the rule over all of it says.
// What the vendor itself wants no lift ends.
func TestWhatStopsEmailDependsOnNoOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		known := rapid.SliceOfN(rapid.Custom(drawSaid), 0, 9).Draw(t, "known")
		shuffled := rapid.Permutation(known).Draw(t, "shuffled")
		again := append(slices.Clone(shuffled), known[:len(known)/2]...)
		in, other, twice := trial.RecordOf(known), trial.RecordOf(shuffled), trial.RecordOf(again)
		for _, hash := range []string{"a", "b", "c"} {
			stopped := len(in.Stopping(hash)) > 0
			require.Equal(t, expected(known, hash), stopped, hash)
			require.Equal(t, stopped, len(other.Stopping(hash)) > 0, "in another order")
			require.Equal(t, stopped, len(twice.Stopping(hash)) > 0, "and said again")
			lifted := in.With(said(trial.ReasonLifted, 99, hash))
			require.Equal(t, in.OptedOut(), lifted.OptedOut())
			if in.OptedOut() {
				require.NotEmpty(t, lifted.Stopping(hash))
			}
			require.False(t, lifted.StopsMore(in))
		}
		more := drawSaid(t)
		newly := false
		for _, hash := range []string{"a", "b", "c", ""} {
			for _, s := range in.With(more).Stopping(hash) {
				newly = newly || !slices.ContainsFunc(in.Stopping(hash), func(k trial.Stop) bool {
					return k.Why() == s.Why() && k.AddressHash == s.AddressHash
				})
			}
		}
		require.Equal(t, newly, in.With(more).StopsMore(in))
	})
}

// What comes on top of another stop is new, since the other may end without it; what is known already is not.
func TestWhatStopsMore(t *testing.T) {
	t.Parallel()
	const address = trial.ReasonSuppressedAddress
	for name, c := range map[string]struct {
		known, more trial.Suppression
		want        bool
	}{
		"unsubscribed on top of an unknown address": {said(address, 1, ""), said(trial.ReasonUnsubscribed, 2, ""), true},
		"a complaint on top of a bounce":            {said(address, 1, "here", bounce(0)), said(address, 2, "here", complaint), true},
		"an address on top of every one":            {said(address, 1, "", complaint), said(address, 2, "here", complaint), true},
		"another bounce":                            {said(address, 1, "here", bounce(0)), said(address, 2, "here", bounce(1)), false},
		"another wish for no e-mail":                {said(trial.ReasonUnsubscribed, 1, ""), said(trial.ReasonUnsubscribed, 2, ""), false},
	} {
		before := trial.RecordOf([]trial.Suppression{c.known})
		require.Equal(t, c.want, before.With(c.more).StopsMore(before), name)
	}
}

// A person lifts what an address did, at a moment after all of it, and nobody what the vendor has said.
func TestWhatMayBeLifted(t *testing.T) {
	t.Parallel()
	const address = trial.ReasonSuppressedAddress
	hash := trial.AddressHash("a@example.org")
	erased := minuteOf(1)
	asked := said(trial.ReasonResubscribed, 7, "")
	for name, c := range map[string]struct {
		known   []trial.Suppression
		erased  *time.Time
		refused string
	}{
		"nothing stops it":         {nil, nil, trial.LiftNothing},
		"a bounce":                 {[]trial.Suppression{said(address, 2, hash, bounce(1))}, nil, ""},
		"of an unknown address":    {[]trial.Suppression{said(address, 2, "", bounce(1))}, nil, ""},
		"of an earlier address":    {[]trial.Suppression{said(address, 2, "other", bounce(1))}, nil, trial.LiftNothing},
		"a complaint":              {[]trial.Suppression{said(address, 2, hash, complaint)}, nil, "complaint"},
		"a complaint beside it":    {[]trial.Suppression{said(address, 2, hash, bounce(1)), said(address, 2, "", complaint)}, nil, "complaint"},
		"a complaint, asked again": {[]trial.Suppression{said(address, 2, hash, complaint), asked}, nil, ""},
		"unknown":                  {[]trial.Suppression{said(address, 2, hash)}, nil, "unknown"},
		"unknown, asked again":     {[]trial.Suppression{said(address, 2, hash), asked}, nil, ""},
		"unsubscribed":             {[]trial.Suppression{said(address, 2, hash, bounce(1)), said(trial.ReasonUnsubscribed, 8, ""), asked}, nil, "unsubscribed"},
		"taken back":               {[]trial.Suppression{said(address, 2, hash, bounce(1)), said(trial.ReasonUnsubscribed, 6, ""), asked}, nil, ""},
		"erased":                   {[]trial.Suppression{said(address, 2, hash, bounce(1))}, &erased, trial.LiftErased},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, record := trial.Vendor{ID: "v1", Email: "A@example.org", ErasedAt: c.erased}, trial.RecordOf(c.known)
			v.Stopped(record.Stopping(hash))
			refusal := v.LiftRefusal()
			if c.refused != "" {
				require.NotNil(t, refusal)
				require.Equal(t, c.refused, refusal.Field)
				require.Equal(t, trial.CodeConflict, refusal.Code)
				return
			}
			require.Nil(t, refusal)
			for _, now := range []int{0, 2, 60} {
				lifted := record.With(trial.Suppression{Reason: trial.ReasonLifted, AddressHash: hash, At: v.LiftAt(minuteOf(now))})
				require.Empty(t, lifted.Stopping(hash), "by a clock that is behind too")
			}
		})
	}
}

// The mark of what is shown changes with whatever a lift depends on, and tells no address.
func TestTheMarkOfWhatStopsEmail(t *testing.T) {
	t.Parallel()
	const address = trial.ReasonSuppressedAddress
	mark := func(email string, known ...trial.Suppression) string {
		v := trial.Vendor{ID: "v1", Email: email}
		v.Stopped(trial.RecordOf(known).Stopping(trial.AddressHash(email)))
		return v.StopMark()
	}
	first := said(address, 2, "", bounce(1))
	require.Equal(t, mark("a@example.org", first), mark("A@example.org", first, first))
	others := []string{
		mark("a@example.org"), mark("b@example.org", first), mark("a@example.org", first, said(address, 9, "", bounce(8))),
		mark("a@example.org", first, said(address, 2, "", complaint)), mark("a@example.org", first, said(trial.ReasonResubscribed, 3, "")), mark("a@example.org", first),
	}
	slices.Sort(others)
	require.Len(t, slices.Compact(others), 6)
}

// A vendor's wish for e-mail is later than all that it takes back, and none is kept where there is nothing to take back.
func TestAskingAgain(t *testing.T) {
	t.Parallel()
	const address = trial.ReasonSuppressedAddress
	for name, c := range map[string]struct {
		known []trial.Suppression
		asks  bool
	}{
		"nothing to take back": {},
		"a bounce is no wish":  {[]trial.Suppression{said(address, 2, "h", bounce(1))}, false},
		"unsubscribed":         {[]trial.Suppression{said(trial.ReasonUnsubscribed, 2, "")}, true},
		"a complaint":          {[]trial.Suppression{said(address, 2, "h", complaint)}, true},
		"perhaps a complaint":  {[]trial.Suppression{said(address, 2, "h")}, true},
		"asked already":        {[]trial.Suppression{said(address, 2, "h", complaint), said(trial.ReasonResubscribed, 3, "")}, false},
	} {
		for _, now := range []int{1, 2, 9} {
			record := trial.RecordOf(c.known)
			moment, asks := record.AskAgainAt(minuteOf(now))
			require.Equal(t, c.asks, asks, name)
			if asks {
				_, again := record.With(trial.Suppression{Reason: trial.ReasonResubscribed, At: moment}).AskAgainAt(minuteOf(now))
				require.False(t, again, name)
			}
		}
	}
}

// Of two stops of a cause at the address, as of two vendors that share it, the later is lifted, and asked to be.
func TestTheLaterOfTwoStopsCounts(t *testing.T) {
	t.Parallel()
	const address = trial.ReasonSuppressedAddress
	hash := trial.AddressHash("a@example.org")
	own, shared := trial.RecordOf([]trial.Suppression{said(address, 2, hash, complaint), said(trial.ReasonResubscribed, 3, "")}),
		trial.RecordOf([]trial.Suppression{said(address, 5, hash, complaint)})
	v := trial.Vendor{ID: "v1", Email: "a@example.org"}
	v.Stopped(append(own.Stopping(hash), shared.Stopping(hash)...))
	require.Len(t, v.Stops, 1)
	require.Equal(t, minuteOf(5), v.Stops[0].From)
	require.Equal(t, minuteOf(5).Add(time.Millisecond), v.LiftAt(minuteOf(4)))
	_, asks := own.AskAgainAt(minuteOf(4))
	require.False(t, asks)
	moment, asks := v.AskAgainAt(own, minuteOf(4))
	require.True(t, asks)
	require.True(t, moment.After(minuteOf(5)))
}
