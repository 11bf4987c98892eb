package trial_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestDefaultPolicyIsWhatVendorsArePromised(t *testing.T) {
	t.Parallel()
	p := trial.DefaultPolicy()
	require.NoError(t, p.Validate())
	require.Equal(t, trial.Policy{Name: "standard-14d", LengthDays: 14, ReminderDays: []int{7, 3, 1}, GraceDays: 3, SendHour: 9}, p)
	require.Equal(t, "standard-14d: 14 days, reminders [7 3 1] days before the end, 3 days of grace", p.String())
}

func TestPolicyValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*trial.Policy)
		field   string // empty: valid
		message string
	}{
		{"name missing", func(p *trial.Policy) { p.Name = "" }, "name", "is missing"},
		{"length zero", func(p *trial.Policy) { p.LengthDays = 0 }, "lengthDays", "must be 1 to 365, is 0"},
		{"length negative", func(p *trial.Policy) { p.LengthDays = -14 }, "lengthDays", "must be 1 to 365, is -14"},
		{"length one", func(p *trial.Policy) { p.LengthDays, p.ReminderDays = 1, []int{1} }, "", ""},
		{"length longest", func(p *trial.Policy) { p.LengthDays = 365 }, "", ""},
		{"length too long", func(p *trial.Policy) { p.LengthDays = 366 }, "lengthDays", "must be 1 to 365, is 366"},
		{"grace negative", func(p *trial.Policy) { p.GraceDays = -1 }, "graceDays", "must be 0 to 365, is -1"},
		{"grace none", func(p *trial.Policy) { p.GraceDays = 0 }, "", ""},
		{"grace longest", func(p *trial.Policy) { p.GraceDays = 365 }, "", ""},
		{"grace too long", func(p *trial.Policy) { p.GraceDays = 366 }, "graceDays", "must be 0 to 365, is 366"},
		{"hour negative", func(p *trial.Policy) { p.SendHour = -1 }, "sendHour", "must be 0 to 23, is -1"},
		{"hour first", func(p *trial.Policy) { p.SendHour = 0 }, "", ""},
		{"hour last", func(p *trial.Policy) { p.SendHour = 23 }, "", ""},
		{"hour too late", func(p *trial.Policy) { p.SendHour = 24 }, "sendHour", "must be 0 to 23, is 24"},
		{"no reminders", func(p *trial.Policy) { p.ReminderDays = nil }, "", ""},
		{"reminder at the end", func(p *trial.Policy) { p.ReminderDays = []int{3, 0} }, "reminderDays", "must be 1 to lengthDays, has 0"},
		{"reminder at the start", func(p *trial.Policy) { p.ReminderDays = []int{14} }, "", ""},
		{"reminder before the start", func(p *trial.Policy) { p.ReminderDays = []int{15} }, "reminderDays", "must be 1 to lengthDays, has 15"},
		{"reminder twice", func(p *trial.Policy) { p.ReminderDays = []int{7, 7} }, "reminderDays", "must be in descending order, has 7 after 7"},
		{"reminders rising", func(p *trial.Policy) { p.ReminderDays = []int{7, 1, 3} }, "reminderDays", "must be in descending order, has 3 after 1"},
		{"the first of several", func(p *trial.Policy) { *p = trial.Policy{SendHour: 99, Name: "x"} }, "lengthDays", "must be 1 to 365, is 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := trial.DefaultPolicy()
			tt.change(&p)
			err := p.Validate()
			if tt.field == "" {
				require.NoError(t, err)
				return
			}
			requireRefusal(t, err, trial.CodeInvalid, tt.field, tt.message)
		})
	}
}

// requireRefusal checks the whole error that a caller gets.
func requireRefusal(t *testing.T, err error, code trial.Code, field, message string) {
	t.Helper()
	var refusal *trial.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, trial.Error{Code: code, Field: field, Message: message}, *refusal)
	if field != "" {
		message = field + ": " + message
	}
	require.EqualError(t, err, message)
}
