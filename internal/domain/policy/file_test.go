package policy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

func reminder(days int) policy.Step {
	return policy.Step{ID: string(trial.Reminder(days)), After: "beforeEnd", Days: &days}
}

// definition is one of 30 days, with two reminders.
func definition(name string) policy.Definition {
	return policy.Definition{
		Name: name, LengthDays: new(30), GraceDays: new(5), SendHour: new(8), QuietDays: []trial.QuietDay{"sat", "sun"},
		Steps: []policy.Step{{ID: "welcome"}, reminder(2), reminder(10), {ID: "expiry"}, {ID: "grace-end"}},
	}
}

func file() policy.File {
	return policy.File{
		Policies: []policy.Definition{definition("long"), definition("brazil")}, Default: "long",
		Rules: []policy.Rule{{When: map[string]string{"country": "BR", "plan": "pro"}, Policy: "brazil"}},
	}
}

func TestAFileBecomesPolicies(t *testing.T) {
	t.Parallel()
	s, err := file().Set()
	require.NoError(t, err)
	want := trial.Policy{Name: "long", LengthDays: 30, ReminderDays: []int{10, 2}, GraceDays: 5, SendHour: 8, QuietDays: []trial.QuietDay{"sat", "sun"}}
	brazil := want
	brazil.Name = "brazil"
	require.Equal(t, policy.Set{Default: "long", Policies: []trial.Policy{want, brazil}, Rules: file().Rules}, s)

	f := file()
	f.Rules = nil
	s, err = f.Set()
	require.NoError(t, err)
	require.Equal(t, []policy.Rule{}, s.Rules)
}

func TestFilesThatMakeNoSenseAreExplainedByField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*policy.File)
		want   string // everything that is wrong, one a line
	}{
		"nothing":                            {func(f *policy.File) { *f = policy.File{} }, "policies: is missing; without a file everybody gets standard-14d\ndefault: is missing"},
		"too many":                           {func(f *policy.File) { f.Policies = make([]policy.Definition, 51) }, "policies: must be at most 50, are 51"},
		"no name":                            {func(f *policy.File) { f.Policies[1].Name, f.Rules = "", nil }, "policies[1].name: must be 1 to 40 small letters, digits and dashes, beginning with a letter or digit"},
		"a name of other letters":            {func(f *policy.File) { f.Policies[1].Name, f.Rules = "Brazil", nil }, "policies[1].name: must be 1 to 40 small letters, digits and dashes, beginning with a letter or digit"},
		"a long name":                        {func(f *policy.File) { f.Policies[1].Name, f.Rules = strings.Repeat("b", 41), nil }, "policies[1].name: must be 1 to 40 small letters, digits and dashes, beginning with a letter or digit"},
		"one name twice":                     {func(f *policy.File) { f.Policies[1].Name, f.Rules = "long", nil }, "policies[1].name: is the name of another policy before"},
		"the built-in name with other terms": {func(f *policy.File) { f.Policies[1].Name, f.Rules = "standard-14d", nil }, "policies[1].name: is the built-in policy's, whose terms are others; give yours another name"},
		"everything missing":                 {func(f *policy.File) { f.Policies[1] = policy.Definition{Name: "brazil"} }, "policies[1].lengthDays: is missing\npolicies[1].graceDays: is missing\npolicies[1].sendHour: is missing"},
		"no length":                          {func(f *policy.File) { f.Policies[0].LengthDays = new(0) }, "policies[0].lengthDays: must be 1 to 365, is 0"},
		"too long":                           {func(f *policy.File) { f.Policies[0].LengthDays = new(366) }, "policies[0].lengthDays: must be 1 to 365, is 366"},
		"too much grace":                     {func(f *policy.File) { f.Policies[0].GraceDays = new(366) }, "policies[0].graceDays: must be 0 to 365, is 366"},
		"no such hour":                       {func(f *policy.File) { f.Policies[0].SendHour = new(24) }, "policies[0].sendHour: must be 0 to 23, is 24"},
		"no such day":                        {func(f *policy.File) { f.Policies[0].QuietDays[1] = "sunday" }, `policies[0].quietDays[1]: "sunday" is neither one of [sun mon tue wed thu fri sat] nor a date like 2026-12-25`},
		"every day quiet": {func(f *policy.File) {
			f.Policies[0].QuietDays = []trial.QuietDay{"sat", "sun", "mon", "tue", "wed", "thu", "fri"}
		}, "policies[0].quietDays: leave no day for reminders"},
		"before the start":             {func(f *policy.File) { f.Policies[0].Steps[1] = reminder(31) }, "policies[0].steps[1].days: lies before the start: the trial lasts 30 days"},
		"on sign-up day":               {func(f *policy.File) { f.Policies[0].QuietDays, f.Policies[0].Steps[1] = nil, reminder(30) }, "policies[0].steps[1].days: can fall on the day of the registration; if that is meant, add onSignUpDay: true"},
		"on sign-up day by quiet days": {func(f *policy.File) { f.Policies[0].Steps[1] = reminder(28) }, "policies[0].steps[1].days: can fall on the day of the registration, moved by the quiet days; if that is meant, add onSignUpDay: true"},
		"at the end":                   {func(f *policy.File) { f.Policies[0].Steps[1] = reminder(0) }, "policies[0].steps[1].days: must be 1 or more, is 0"},
		"two at once":                  {func(f *policy.File) { f.Policies[0].Steps[1] = reminder(10) }, `policies[0].steps[2].id: "reminder-10d" is there twice`},
		"another number of days":       {func(f *policy.File) { f.Policies[0].Steps[1].ID = "reminder-3d" }, "policies[0].steps[1].id: must be reminder-2d, for a reminder"},
		"a reminder after the start":   {func(f *policy.File) { f.Policies[0].Steps[1].After = "start" }, "policies[0].steps[1].after: must be beforeEnd, for a reminder"},
		"no distance":                  {func(f *policy.File) { f.Policies[0].Steps[1].Days = nil }, "policies[0].steps[1].days: is missing"},
		"hours, a template and conditions": {func(f *policy.File) {
			s := &f.Policies[0].Steps[1]
			s.Hours, s.Template, s.Unless = new(3), "x", []trial.Condition{"converted"}
		}, "policies[0].steps[1].hours: is not for a reminder; a step of another name takes it\npolicies[0].steps[1].template: is not for a reminder; a step of another name takes it\npolicies[0].steps[1].unless: is not for a reminder; a step of another name takes it"},
		"a welcome with a distance":    {func(f *policy.File) { f.Policies[0].Steps[0].Days = new(1) }, "policies[0].steps[0]: welcome has its own time: it takes nothing but its id"},
		"no welcome":                   {func(f *policy.File) { f.Policies[0].Steps = f.Policies[0].Steps[1:] }, "policies[0].steps: have no welcome: a trial without it is not yet supported"},
		"no steps":                     {func(f *policy.File) { f.Policies[0].Steps = nil }, "policies[0].steps: have no welcome: a trial without it is not yet supported\npolicies[0].steps: have no expiry: a trial without it is not yet supported\npolicies[0].steps: have no grace-end: a trial without it is not yet supported"},
		"the end of no grace":          {func(f *policy.File) { f.Policies[0].GraceDays = new(0) }, "policies[0].steps: have grace-end, and graceDays is 0"},
		"too many steps":               {func(f *policy.File) { f.Policies[0].Steps = make([]policy.Step, 21) }, "policies[0].steps: must be at most 20, are 21"},
		"no default":                   {func(f *policy.File) { f.Default = "" }, "default: is missing"},
		"an unknown default":           {func(f *policy.File) { f.Default = "standard-14d" }, "default: is none of the policies"},
		"too many rules":               {func(f *policy.File) { f.Rules = make([]policy.Rule, 101) }, "rules: must be at most 100, are 101"},
		"a rule without a policy":      {func(f *policy.File) { f.Rules[0].Policy = "" }, "rules[0].policy: is missing"},
		"a rule for another policy":    {func(f *policy.File) { f.Rules[0].Policy = "gold" }, "rules[0].policy: is none of the policies"},
		"a rule for everybody":         {func(f *policy.File) { f.Rules[0].When = nil }, "rules[0].when: is missing; what everybody else gets is the default"},
		"an attribute that nobody has": {func(f *policy.File) { f.Rules[0].When = map[string]string{"contact": "a@b"} }, "rules[0].when.contact: must hold no personal data, so no @"},
		"a key that nobody has":        {func(f *policy.File) { f.Rules[0].When = map[string]string{"Country": "BR"} }, "rules[0].when: has a key that is not a small letter and up to 31 letters, digits, dashes and underscores"},
		"the same rule twice":          {func(f *policy.File) { f.Rules = append(f.Rules, f.Rules[0]) }, "rules[1].when: can never count: rules[0] fits all its vendors, and comes first"},
		"a narrower rule after a wider one": {func(f *policy.File) {
			f.Rules = append([]policy.Rule{{When: map[string]string{"country": "BR"}, Policy: "long"}}, f.Rules...)
		}, "rules[1].when: can never count: rules[0] fits all its vendors, and comes first"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := file()
			c.change(&f)
			s, err := f.Set()
			require.EqualError(t, err, c.want)
			require.Zero(t, s)
		})
	}
}

// What is refused unless it is meant can be meant.
func TestAReminderOnSignUpDayCanBeMeant(t *testing.T) {
	t.Parallel()
	f := file()
	f.Policies[0].Steps[1] = reminder(30)
	f.Policies[0].Steps[1].OnSignUpDay = true
	s, err := f.Set()
	require.NoError(t, err)
	require.Equal(t, []int{30, 10}, s.Policies[0].ReminderDays)
}
