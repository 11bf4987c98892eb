package trial_test

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/trial"
)

// modelled is where the model expects the e-mails of one anchor: each at its own time, or at the hour of the first day from
// there on, away from base, that is free.
func modelled(s trial.State, loc *time.Location, after trial.Anchor, base time.Time, taken []time.Time, quiet func(time.Time) bool) map[trial.Kind]time.Time {
	type mail struct {
		kind trial.Kind
		own  time.Time
	}
	sign := 1
	if after == trial.BeforeEnd {
		sign = -1
	}
	onDay := func(n int) time.Time {
		year, month, day := base.In(loc).Date()
		return time.Date(year, month, day+sign*n, s.Policy.SendHour, 0, 0, 0, loc)
	}
	var mails []mail
	for _, days := range s.Policy.ReminderDays {
		if after == trial.BeforeEnd {
			mails = append(mails, mail{trial.Reminder(days), onDay(days)})
		}
	}
	for _, m := range s.Policy.Mailings {
		own := onDay(m.Days)
		if m.Hours > 0 {
			own = base.Add(time.Duration(sign*m.Hours) * time.Hour)
		}
		if m.After == after {
			mails = append(mails, mail{m.ID, own})
		}
	}
	slices.SortStableFunc(mails, func(a, b mail) int { return cmp.Compare(int64(sign)*a.own.UnixMilli(), int64(sign)*b.own.UnixMilli()) })
	expected, last := map[trial.Kind]time.Time{}, base
	for _, m := range mails {
		candidates := []time.Time{m.own}
		for n := range 1500 {
			if on := onDay(n); on.Sub(m.own)*time.Duration(sign) > 0 {
				candidates = append(candidates, on)
			}
		}
		free := slices.IndexFunc(candidates, func(at time.Time) bool {
			return !quiet(at) && at.Sub(last)*time.Duration(sign) > 0 && !slices.ContainsFunc(taken, at.Equal)
		})
		last = candidates[free]
		expected[m.kind] = last
	}
	return expected
}

// Whatever the policy and its quiet days are, every e-mail is where the model expects it, also after an extension and a move.
func TestEachMailIsPlannedOnItsFirstFreeDay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, start := policies().Draw(t, "policy"), years().Draw(t, "start")
		p.SendHour, p.QuietDays = rapid.IntRange(4, 23).Draw(t, "hour"), quietDays(t, start) // no clock goes forward so late
		require.NoError(t, p.Validate())
		zone := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Chatham"})
		s := trial.NewState(trial.Registration{VendorID: "v1", Cohort: trial.Automated, Policy: p, Day: trial.RealDay, Zone: zone.Draw(t, "zone"), At: start})
		if rapid.Bool().Draw(t, "extended") {
			e, err := s.Request(trial.MessageExtend, trial.Request{Days: rapid.IntRange(1, 30).Draw(t, "days"), Reason: "asked for"}, start)
			require.NoError(t, err)
			s = s.Apply(*e)
		}
		if e := s.Rezone(zone.Draw(t, "new zone"), start); e != nil {
			s = s.Apply(*e)
		}
		loc, err := time.LoadLocation(s.Zone)
		require.NoError(t, err)
		quiet := func(at time.Time) bool {
			at = at.In(loc)
			weekday := trial.QuietDay([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}[at.Weekday()])
			return slices.Contains(p.QuietDays, weekday) || slices.Contains(p.QuietDays, trial.QuietDay(at.Format(time.DateOnly)))
		}
		want := modelled(s, loc, trial.BeforeEnd, s.EndsAt, nil, quiet)
		taken := []time.Time{s.EndsAt, s.GraceEndsAt}
		for _, at := range want {
			taken = append(taken, at)
		}
		anchors := map[trial.Anchor]time.Time{trial.BeforeEnd: s.EndsAt, trial.AfterStart: s.StartedAt, trial.AfterExpiry: s.GraceEndsAt}
		maps.Copy(want, modelled(s, loc, trial.AfterStart, s.StartedAt, taken, quiet))
		maps.Copy(want, modelled(s, loc, trial.AfterExpiry, s.GraceEndsAt, nil, quiet))
		seen := map[int64]trial.Kind{}
		for _, step := range s.Schedule() {
			if slices.Contains([]trial.Kind{trial.Welcome, trial.Expiry, trial.GraceEnd}, step.Kind) {
				continue
			}
			require.True(t, want[step.Kind].Equal(step.At), "%s is planned at %s, not %s", step.Kind, step.At.In(loc), want[step.Kind])
			require.False(t, quiet(step.At))
			after := trial.BeforeEnd
			if m, own := p.Mailing(step.Kind); own {
				after = m.After
			}
			if after != trial.AfterExpiry { // then nothing else goes out any more
				require.Empty(t, seen[step.At.UnixNano()], "two at once")
				seen[step.At.UnixNano()] = step.Kind
			}
			day := func(at time.Time) time.Time {
				at = at.In(loc)
				return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
			}
			if len(p.QuietDays) > 0 && after != trial.AfterStart { // which reminders push on
				require.LessOrEqual(t, int(day(step.At).Sub(day(anchors[after])).Abs()/trial.RealDay), p.Furthest()[step.Kind], step.Kind)
			}
			delete(want, step.Kind)
		}
		require.Empty(t, want, "all are planned")
	})
}
