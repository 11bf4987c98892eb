package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// mailing is a step of one's own.
func mailing(id string, after trial.Anchor, days, hours *int) policy.Step {
	return policy.Step{ID: id, After: after, Days: days, Hours: hours, Template: id}
}

// with is file with more steps in its first policy, which has no quiet days unless they are given.
func with(quiet []trial.QuietDay, steps ...policy.Step) policy.File {
	f := file()
	f.Policies[0].QuietDays = quiet
	f.Policies[0].Steps = append(f.Policies[0].Steps, steps...)
	return f
}

func TestAFileHasMailings(t *testing.T) {
	t.Parallel()
	unless := mailing("half-way", trial.AfterStart, new(15), nil)
	unless.Unless = []trial.Condition{trial.UnlessExtended}
	early := mailing("tips", trial.AfterStart, nil, new(2))
	early.OnSignUpDay = true
	s, err := with([]trial.QuietDay{"sat", "sun"}, unless, early, mailing("last-hours", trial.BeforeEnd, nil, new(6)), mailing("win-back", trial.AfterExpiry, new(7), nil)).Set()
	require.NoError(t, err)
	converted := []trial.Condition{trial.UnlessConverted}
	require.Equal(t, []trial.Mailing{
		{ID: "half-way", After: trial.AfterStart, Days: 15, Template: "half-way", Unless: trial.Conditions()},
		{ID: "tips", After: trial.AfterStart, Hours: 2, Template: "tips", Unless: converted},
		{ID: "last-hours", After: trial.BeforeEnd, Hours: 6, Template: "last-hours", Unless: converted},
		{ID: "win-back", After: trial.AfterExpiry, Days: 7, Template: "win-back", Unless: converted},
	}, s.Policies[0].Mailings)
	require.Equal(t, []int{10, 2}, s.Policies[0].ReminderDays)
	require.NoError(t, s.Policies[0].Validate())
	require.Empty(t, s.Policies[1].Mailings)
}

// A weekend moves each of several on subsequent days by two days at most, so the last of these by the 10th.
func TestMailingsOnSubsequentDaysAreMovedByTheSameWeekend(t *testing.T) {
	t.Parallel()
	f := with([]trial.QuietDay{"sat", "sun"})
	f.Policies[0].Steps[2] = mailing("a", trial.AfterStart, new(4), nil)
	for i, id := range []string{"b", "c", "d", "e"} {
		f.Policies[0].Steps = append(f.Policies[0].Steps, mailing(id, trial.AfterStart, new(5+i), nil))
	}
	f.Policies[0].LengthDays = new(11)
	s, err := f.Set()
	require.NoError(t, err)
	require.Equal(t, map[trial.Kind]int{"a": 6, "b": 7, "c": 8, "d": 9, "e": 10, "reminder-2d": 4}, s.Policies[0].Furthest())
	f.Policies[0].LengthDays = new(10)
	_, err = f.Set()
	require.EqualError(t, err, "policies[0].steps[8].days: can fall after the end, moved by the quiet days")
}

func TestMailingsThatMakeNoSenseAreExplainedByField(t *testing.T) {
	t.Parallel()
	weekend := []trial.QuietDay{"sat", "sun"}
	change := func(s policy.Step, change func(*policy.Step)) policy.Step {
		change(&s)
		return s
	}
	tips := mailing("tips", trial.AfterStart, new(5), nil)
	for name, c := range map[string]struct {
		file policy.File
		want string // in steps[5]
	}{
		"no time":                 {with(nil, policy.Step{ID: "tips"}), ".after: is missing: one of [start beforeEnd afterExpiry]; steps without it are welcome, expiry and grace-end"},
		"no id":                   {with(nil, mailing("", trial.AfterStart, new(5), nil)), ".id: must be 1 to 40 small letters, digits and dashes, beginning with a letter or digit"},
		"no distance":             {with(nil, mailing("tips", trial.AfterStart, nil, nil)), ".days: is missing: give days or hours"},
		"two distances":           {with(nil, mailing("tips", trial.AfterStart, new(5), new(5))), ".hours: cannot be combined with days: give one of them"},
		"no hours":                {with(nil, mailing("tips", trial.AfterStart, nil, new(0))), ".hours: must be 1 or more, is 0"},
		"no days":                 {with(nil, mailing("tips", trial.AfterStart, new(0), nil)), ".days: must be 1 or more, is 0"},
		"no such anchor":          {with(nil, mailing("tips", "end", new(5), nil)), ".after: must be one of [start beforeEnd afterExpiry]"},
		"no wording":              {with(nil, change(tips, func(s *policy.Step) { s.Template = "" })), ".template: is missing: the name of its wording"},
		"no such condition":       {with(nil, change(tips, func(s *policy.Step) { s.Unless = []trial.Condition{"opened"} })), `.unless: "opened" is none of [converted extended]`},
		"after the end":           {with(nil, mailing("tips", trial.AfterStart, new(30), nil)), ".days: lies after the end: the trial lasts 30 days; afterExpiry counts from its expiry"},
		"after the end, moved":    {with(weekend, mailing("tips", trial.AfterStart, new(28), nil)), ".days: can fall after the end, moved by the quiet days"},
		"hours too late, moved":   {with(weekend, mailing("tips", trial.AfterStart, nil, new(28*24))), ".hours: can fall after the end, moved by the quiet days"},
		"before the start":        {with(nil, mailing("tips", trial.BeforeEnd, nil, new(720))), ".hours: lies before the start: the trial lasts 30 days"},
		"on sign-up day":          {with(nil, mailing("tips", trial.AfterStart, nil, new(24))), ".hours: can fall on the day of the registration; if that is meant, add onSignUpDay: true"},
		"on sign-up day, hours":   {with(nil, mailing("tips", trial.BeforeEnd, nil, new(700))), ".hours: can fall on the day of the registration; if that is meant, add onSignUpDay: true"},
		"on sign-up day, moved":   {with(weekend, mailing("tips", trial.BeforeEnd, nil, new(28*24))), ".hours: can fall on the day of the registration, moved by the quiet days; if that is meant, add onSignUpDay: true"},
		"too long after":          {with(nil, mailing("tips", trial.AfterExpiry, new(366), nil)), ".days: must be at most 365, is 366"},
		"with a reminder":         {with(nil, mailing("tips", trial.BeforeEnd, new(10), nil)), ".days: is the time of reminder-10d"},
		"with one from the start": {with(nil, mailing("tips", trial.AfterStart, new(20), nil)), ".days: is the time of reminder-10d"},
		"with one in hours":       {with(nil, mailing("tips", trial.BeforeEnd, nil, new(240))), ".hours: is the time of reminder-10d"},
		"the name of a step":      {with(nil, mailing("expiry", trial.AfterStart, new(5), nil)), `.id: "expiry" is there twice`},
		"the name of a resend":    {with(nil, mailing("resend-1", trial.AfterStart, new(5), nil)), ".id: resend-1 is not free for an e-mail of one's own"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.file.Set()
			require.EqualError(t, err, "policies[0].steps[5]"+c.want)
		})
	}
	_, err := with(nil, tips, mailing("again", trial.AfterExpiry, new(5), nil), mailing("more", trial.AfterExpiry, nil, new(120))).Set()
	require.EqualError(t, err, "policies[0].steps[7].hours: is the time of again")
}
