package trial_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// These names are kept by others: by billing, by tctl, by dashboards, in stored
// histories and documents.
func TestNamesAreAContract(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Trial", trial.WorkflowType)
	require.Equal(t, []string{"status", "schedule"}, []string{trial.QueryStatus, trial.QuerySchedule})
	require.Equal(t, []string{"convert", "extend", "shorten", "cancel", "revive", "wake"}, []string{
		trial.MessageConvert, trial.MessageExtend, trial.MessageShorten, trial.MessageCancel, trial.MessageRevive, trial.SignalWake})
	require.Equal(t, []string{"TrialStatus", "TrialCohort", "TrialEndsAt", "TrialPolicy"}, []string{
		trial.AttributeStatus, trial.AttributeCohort, trial.AttributeEndsAt, trial.AttributePolicy})
	require.Equal(t, []trial.Status{"active", "grace", "converted", "expired", "cancelled"}, trial.Statuses())
	require.Equal(t, []trial.Kind{"welcome", "reminder-7d", "expiry", "grace-end"}, []trial.Kind{
		trial.Welcome, trial.Reminder(7), trial.Expiry, trial.GraceEnd})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	require.Equal(t, "trial-v_1-A", trial.WorkflowID("v_1-A"))
	require.Equal(t, "v1/12", trial.EventKey("v1", 12))
	require.Equal(t, "v1/reminder-7d/2", trial.Step{Kind: trial.Reminder(7), Revision: 2}.Key("v1"))
	require.Equal(t, "v1/grace-end/0", trial.Step{Kind: trial.GraceEnd}.Key("v1"))
}

func TestStepDays(t *testing.T) {
	t.Parallel()
	for kind, want := range map[trial.Kind]int{"reminder-7d": 7, "reminder-1d": 1, "reminder-365d": 365, trial.Welcome: 0, trial.Expiry: 0, trial.GraceEnd: 0} {
		require.Equal(t, want, trial.Step{Kind: kind}.Days(), kind)
		require.Equal(t, want != 0, kind.IsReminder(), kind)
	}
}

func TestFinalStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[trial.Status]bool{
		trial.Active: false, trial.Grace: false, trial.Converted: true, trial.Expired: true, trial.Cancelled: true,
	} {
		require.Equal(t, want, status.Final(), status)
	}
}

func TestValidVendorID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", "Z", "0", "-", "_", "3442f8959a84dea7ee197c632cb2df15", strings.Repeat("x", 64)} {
		require.True(t, trial.ValidVendorID(id), id)
	}
	for _, id := range []string{"", strings.Repeat("x", 65), "a b", "a/b", "a.b", "a:b", "ä", "a\n", "\na", "a\x00", "%2e", "a@b"} {
		require.False(t, trial.ValidVendorID(id), "%q", id)
	}
}

func TestErrorsNameTheirField(t *testing.T) {
	t.Parallel()
	requireRefusal(t, trial.Invalid("days", "must be 1 to %d", 9), trial.CodeInvalid, "days", "must be 1 to 9")
	requireRefusal(t, trial.NotFound("v1"), trial.CodeNotFound, "id", `no vendor "v1"`)
	require.EqualError(t, &trial.Error{Code: trial.CodeConflict, Message: "the trial is over"}, "the trial is over")
}
