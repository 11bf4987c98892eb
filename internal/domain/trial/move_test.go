package trial_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// month is a policy of 30 days with an e-mail in its middle and one early on.
func month() trial.Policy {
	return trial.Policy{
		Name: "month", LengthDays: 30, ReminderDays: []int{7, 1}, GraceDays: 5, SendHour: 8,
		Mailings: []trial.Mailing{mailing("half-way", trial.AfterStart, 15, 0), mailing("tips", trial.AfterStart, 3, 0), mailing("win-back", trial.AfterExpiry, 7, 0)},
	}
}

func to(p trial.Policy) trial.Request { return trial.Request{Policy: &p} }

// pending are the steps to come, as lines.
func pending(s trial.State) string { return lines(s.Pending()) }

func TestAMovePlansFromTheStartByTheNewPolicy(t *testing.T) {
	t.Parallel()
	s := lived(trial.NewState(sample(inZone("UTC", "2026-03-02 10:00"))), "2026-03-07 12:00")
	s = asked(s, trial.MessagePolicy, "2026-03-07 12:00", to(month()))
	require.Equal(t, at("2026-04-01 10:00"), s.EndsAt, "as if it had always had 30 days")
	require.Equal(t, "month", s.Policy.Name)
	require.Equal(t, "standard-14d", s.RegisteredPolicy())
	require.Equal(t, schedule(
		"tips/1 2026-03-05 08:00", "half-way/1 2026-03-17 08:00", "reminder-7d/1 2026-03-25 08:00", "reminder-1d/1 2026-03-31 08:00",
		"expiry/1 2026-04-01 10:00", "grace-end/1 2026-04-06 10:00", "win-back/1 2026-04-13 08:00"), pending(s))
	d := trial.Decide(s, named(s, "tips"), trial.StepFacts{Now: at("2026-03-07 12:00"), AutomationEnabled: true, EmailReminders: true, AutoExpiration: true})
	require.Equal(t, trial.Decision{Action: trial.Skip, Reason: trial.ReasonOvertaken}, d, "it is past")

	back := asked(s, trial.MessagePolicy, "2026-03-07 12:01", to(trial.DefaultPolicy()))
	require.Equal(t, at("2026-03-16 10:00"), back.EndsAt)
	require.Equal(t, "standard-14d", back.RegisteredPolicy())
}

func TestAMoveKeepsTheDaysThatWereGivenByHand(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample(inZone("Europe/Berlin", "2026-03-20 17:00")))
	s = asked(s, trial.MessageExtend, "2026-03-21 12:00", trial.Request{Days: 5})
	end := s.EndsAt
	s = asked(s, trial.MessagePolicy, "2026-03-22 12:00", to(month()))
	require.Equal(t, end.AddDate(0, 0, 16), s.EndsAt)
	s = asked(s, trial.MessagePolicy, "2026-03-22 12:00", to(trial.DefaultPolicy()))
	require.Equal(t, end, s.EndsAt, "a move there and back changes nothing")
}

func TestWhatHasGoneOutDoesNotAgain(t *testing.T) {
	t.Parallel()
	a := month()
	a.LengthDays, a.ReminderDays = 14, []int{7, 3}
	b := a
	b.Name, b.SendHour = "later", 18
	b.Mailings = []trial.Mailing{mailing("half-way", trial.AfterStart, 6, 0), mailing("tips", trial.AfterStart, 12, 0)}
	a.Mailings = []trial.Mailing{mailing("half-way", trial.AfterStart, 9, 0), mailing("tips", trial.AfterStart, 2, 0), mailing("more", trial.AfterStart, 10, 0)}
	s := trial.NewState(sample(inZone("UTC", "2026-03-02 10:00"), func(r *trial.Registration) { r.Policy = a }))
	s = lived(s, "2026-03-09 12:00") // tips on the 4th and the reminder of seven days have gone out
	moved := asked(s, trial.MessagePolicy, "2026-03-09 12:00", to(b))
	require.Equal(t, s.EndsAt, moved.EndsAt)
	require.Equal(t, schedule("half-way/0 2026-03-08 18:00", "reminder-3d/1 2026-03-13 18:00", "expiry/1 2026-03-16 10:00", "grace-end/1 2026-03-21 10:00"),
		pending(moved), "half-way keeps its key, and a reminder of seven days at 18 would be a second one")

	back := asked(moved, trial.MessagePolicy, "2026-03-09 12:01", to(a))
	require.Equal(t, schedule("half-way/0 2026-03-11 08:00", "more/2 2026-03-12 08:00", "reminder-3d/2 2026-03-13 08:00", "expiry/2 2026-03-16 10:00", "grace-end/2 2026-03-21 10:00"),
		pending(back), "what the other policy did not have comes again")
}

// Its e-mail may have left: under another key it would leave again. One that is held has not.
func TestAMoveDoesNotPlanWhatIsDueAgain(t *testing.T) {
	t.Parallel()
	later := trial.DefaultPolicy()
	later.Name, later.SendHour = "later", 18
	s := lived(trial.NewState(sample(inZone("UTC", "2026-03-02 10:00"))), "2026-03-13 08:00")
	next, _ := s.Next()
	require.Equal(t, trial.Step{Kind: "reminder-3d", At: at("2026-03-13 09:00")}, next)
	moved := asked(s, trial.MessagePolicy, "2026-03-13 09:04", to(later))
	require.Equal(t, schedule("reminder-1d/1 2026-03-15 18:00", "expiry/1 2026-03-16 10:00", "grace-end/1 2026-03-19 10:00"), pending(moved))

	held := s.Apply(s.StepEvent(next, trial.Decision{Action: trial.Hold, Reason: trial.ReasonAutomationDisabled}, well("2026-03-13 09:00"), false))
	moved = asked(held, trial.MessagePolicy, "2026-03-13 09:04", to(later))
	require.Equal(t, schedule(
		"reminder-3d/1 2026-03-13 18:00", "reminder-1d/1 2026-03-15 18:00", "expiry/1 2026-03-16 10:00", "grace-end/1 2026-03-19 10:00"), pending(moved))
}

// What both policies have is late, not past: the kill switch loses none of it to a move.
func TestAMoveKeepsAMailingThatIsDue(t *testing.T) {
	t.Parallel()
	a := month()
	a.Name = "a"
	b := month()
	b.GraceDays = 6
	s := lived(trial.NewState(sample(inZone("UTC", "2026-03-02 10:00"), func(r *trial.Registration) { r.Policy = a })), "2026-03-17 07:00")
	step, _ := s.Next()
	require.Equal(t, trial.Step{Kind: "half-way", At: at("2026-03-17 08:00")}, step)
	for range 2 { // as often as it is moved
		b.GraceDays++
		s = asked(s, trial.MessagePolicy, "2026-03-17 12:00", to(b))
		require.Equal(t, due, trial.Decide(s, step, well("2026-03-17 13:00")))
	}

	early := b
	early.Name, early.Mailings = "early", []trial.Mailing{mailing("half-way", trial.AfterStart, 13, 0)}
	s = asked(s, trial.MessagePolicy, "2026-03-17 12:00", to(early))
	require.Equal(t, skip(trial.ReasonOvertaken), trial.Decide(s, named(s, "half-way"), well("2026-03-17 13:00")), "it is of another day")
	s = trial.NewState(sample(inZone("UTC", "2026-03-02 10:00"), func(r *trial.Registration) { r.Policy = a }))
	s = lived(s, "2026-03-16 12:00")
	early.Mailings = []trial.Mailing{mailing("half-way", trial.AfterStart, 14, 0)}
	s = asked(s, trial.MessagePolicy, "2026-03-16 12:00", to(early))
	require.Equal(t, skip(trial.ReasonOvertaken), trial.Decide(s, named(s, "half-way"), well("2026-03-16 12:00")), "it was not due under the policy before")
	early.GraceDays = 1
	s = asked(s, trial.MessagePolicy, "2026-03-16 12:00", to(early))
	require.Equal(t, skip(trial.ReasonOvertaken), trial.Decide(s, named(s, "half-way"), well("2026-03-16 12:00")), "nor under the one before that")
}

// Nor where the trial was released at the move, or where the new policy counts it from the end.
func TestWhatHasGoneOutDoesNotAgainWhateverTheMove(t *testing.T) {
	t.Parallel()
	moved := "2026-03-10 12:00"
	s := lived(trial.NewState(sample(inZone("UTC", "2026-03-02 10:00"), func(r *trial.Registration) { r.Policy = month() })), moved)
	b := month()
	b.Name, b.SendHour, b.Mailings = "b", 18, []trial.Mailing{mailing("tips", trial.AfterStart, 20, 0)}
	again := func(s trial.State) []trial.Step {
		return slices.DeleteFunc(s.Pending(), func(step trial.Step) bool { return step.Kind != "tips" })
	}
	released := asked(handed(t, s, trial.MessageRelease, at(moved)), trial.MessagePolicy, moved, to(b))
	require.Empty(t, again(handed(t, released, trial.MessageAdopt, at("2026-03-11 12:00"))))

	b.Mailings[0].After = trial.BeforeEnd
	require.Empty(t, again(asked(s, trial.MessagePolicy, moved, to(b))), "with the same end")
	b.LengthDays++
	require.Empty(t, again(asked(s, trial.MessagePolicy, moved, to(b))), "with another")

	s = lived(s, "2026-03-25 12:00") // the reminder of seven days has gone out
	b.LengthDays = 30
	released = asked(handed(t, s, trial.MessageRelease, at("2026-03-25 12:00")), trial.MessagePolicy, "2026-03-25 12:00", to(b))
	adopted := handed(t, released, trial.MessageAdopt, at("2026-03-25 13:00"))
	require.Equal(t, schedule("reminder-1d/1 2026-03-31 18:00", "expiry/1 2026-04-01 10:00", "grace-end/1 2026-04-06 10:00"), pending(adopted))

	b.LengthDays, b.Mailings = 14, nil
	require.Len(t, asked(trial.NewState(sample(control)), trial.MessagePolicy, moved, to(b)).Steps, 2, "a control trial has only ends")
}

func TestAMoveFollowsItsVendorToAnotherZone(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample(inZone("Europe/Berlin", "2026-03-02 10:00")))
	e, err := s.Request(trial.MessagePolicy, trial.Request{Policy: new(month()), Reason: "a test"}, at("2026-03-03 12:00"))
	require.NoError(t, err)
	e.Zone = "Asia/Tokyo"
	s = s.Apply(*e)
	require.Equal(t, "Asia/Tokyo", s.Zone)
	require.Equal(t, at("2026-03-30 23:00"), named(s, "reminder-1d").At, "at 8 there")
	require.Equal(t, *e.EndsAt, s.EndsAt)
}

func TestAMoveInGraceGoesOn(t *testing.T) {
	t.Parallel()
	s := lived(trial.NewState(sample()), "2026-03-17 12:00")
	require.Equal(t, trial.Grace, s.Status)
	moved := asked(s, trial.MessagePolicy, "2026-03-17 12:00", to(month()))
	require.Equal(t, trial.Active, moved.Status)
	require.Equal(t, at("2026-04-01 10:00"), moved.EndsAt)
}

func TestMovesThatAreRefused(t *testing.T) {
	t.Parallel()
	active := trial.NewState(sample())
	moved := asked(active, trial.MessagePolicy, "2026-03-03 12:00", to(month()))
	week, wrong := month(), month()
	week.LengthDays, week.ReminderDays, week.Mailings = 7, nil, nil
	wrong.GraceDays = -1
	for name, c := range map[string]struct {
		state trial.State
		now   string
		r     trial.Request
		code  trial.Code
		field string
	}{
		"no policy":         {active, "2026-03-03 12:00", trial.Request{}, trial.CodeInvalid, "policy"},
		"one that is wrong": {active, "2026-03-03 12:00", to(wrong), trial.CodeInvalid, "policy.graceDays"},
		"the same":          {active, "2026-03-03 12:00", to(trial.DefaultPolicy()), trial.CodeConflict, "policy"},
		"the same again":    {moved, "2026-03-03 12:00", to(month()), trial.CodeConflict, "policy"},
		"over by then":      {moved, "2026-03-09 12:00", to(week), trial.CodeInvalid, "policy"},
		"in grace, too":     {lived(active, "2026-03-17 12:00"), "2026-03-17 12:00", to(week), trial.CodeInvalid, "policy"},
		"expired":           {lived(active, "2026-03-20 12:00"), "2026-03-20 12:00", to(month()), trial.CodeConflict, ""},
		"cancelled":         {asked(active, trial.MessageCancel, "2026-03-03 12:00", trial.Request{}), "2026-03-03 12:00", to(month()), trial.CodeConflict, ""},
		"converted":         {asked(active, trial.MessageConvert, "2026-03-03 12:00", trial.Request{}), "2026-03-03 12:00", to(month()), trial.CodeConflict, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.r.ID, c.r.Reason = "k", "r"
			_, err := c.state.Request(trial.MessagePolicy, c.r, at(c.now))
			var refused *trial.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.code, refused.Code)
			require.Equal(t, c.field, refused.Field)
		})
	}
}
