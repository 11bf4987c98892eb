package activities_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktemporal "go.temporal.io/sdk/temporal"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// What is known of an e-mail is lost with the database, so the error says whether it may be out: a restored
// database is not to send it again, and is to send what has certainly not left.
func TestAnErrorSaysWhetherTheMailMayHaveLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome trial.SendStatus
		broken  error
		before  trial.SendStatus // of a claim that is there already
		deaf    string
		want    bool
	}{
		"nobody knows":                           {outcome: trial.SendUnknown, want: true},
		"an earlier attempt may have":            {before: trial.SendUnknown, want: true},
		"another attempt may be at it":           {before: trial.SendClaimed, want: true},
		"it left, and nobody could note it":      {outcome: trial.SendSent, deaf: "settle", want: true},
		"nobody knows, nor could note it":        {outcome: trial.SendUnknown, deaf: "settle", want: true},
		"it left, and the step is not on record": {outcome: trial.SendSent, deaf: "append", want: true},
		"it was not accepted":                    {outcome: trial.SendReleased},
		"not accepted, and nobody could note it": {outcome: trial.SendReleased, deaf: "settle"},
		"it could not be written":                {broken: errors.New("no such template")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newStepFake()
			b.outcome, b.broken, b.deaf = trial.SendResult{Status: c.outcome}, c.broken, map[string]bool{c.deaf: true}
			if c.before != "" {
				b.sends[key] = trial.Send{Key: key, Status: c.before, Attempt: 1, ClaimedAt: now}
			}
			_, err := b.perform(t)
			require.Error(t, err)
			var app *sdktemporal.ApplicationError
			require.Equal(t, c.want, errors.As(err, &app) && app.Type() == activities.MayHaveLeft)
			if c.deaf != "" {
				require.ErrorIs(t, err, errDeaf)
			}
		})
	}
}

// pause is how long an error asks to wait; false where it is no such error.
func pause(t *testing.T, err error) time.Duration {
	t.Helper()
	var app *sdktemporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.False(t, app.NonRetryable())
	return app.NextRetryDelay()
}

func TestADueMailIsClaimedSentAndRecorded(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	p, err := b.perform(t)
	require.NoError(t, err)
	require.True(t, p.Event.Mailed)
	require.Len(t, b.mails, 1)
	require.Equal(t, trial.SendSent, b.sends[key].Status)
	require.Equal(t, trial.AddressHash("v1@vendors.example.com"), b.sends[key].AddressHash)
}

func TestAMailOfAnEarlierAttemptIsNotSentAgain(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.sends[key] = trial.Send{Key: key, Status: trial.SendSent, Attempt: 1}
	p, err := b.perform(t)
	require.NoError(t, err)
	require.True(t, p.Event.Mailed)
	require.Empty(t, b.mails)
}

func TestAMailThatLeftBeforeAutomationWasDisabledCountsAsRun(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.sends[key] = trial.Send{Key: key, Status: trial.SendSent, Attempt: 1}
	b.flags.TrialAutomation.Enabled = false
	p, err := b.perform(t)
	require.NoError(t, err)
	require.Equal(t, trial.EventStep, p.Event.Type)
	require.True(t, p.Event.Mailed)
}

func TestAnUnknownOutcomeWaitsForAnEventBeforeItIsSentAgain(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.outcome = trial.SendResult{Status: trial.SendUnknown, Reason: "no-answer"}
	_, err := b.perform(t)
	require.Equal(t, unknownWait, pause(t, err))

	b.now = now.Add(4 * time.Minute)
	_, err = b.perform(t)
	require.Equal(t, 6*time.Minute, pause(t, err))
	require.Len(t, b.mails, 1)

	b.now, b.outcome = now.Add(unknownWait), trial.SendResult{Status: trial.SendSent}
	p, err := b.perform(t)
	require.NoError(t, err)
	require.True(t, p.Event.Mailed)
	require.Len(t, b.mails, 2)
	require.Equal(t, 1, b.sends[key].Resends, "sending again blindly is counted")
	require.Equal(t, 2, b.mails[1].Send.Attempt)
}

func TestAnEventSettlesAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.outcome = trial.SendResult{Status: trial.SendUnknown}
	_, err := b.perform(t)
	require.Error(t, err)
	s := b.sends[key]
	s.Status = trial.SendSent
	b.sends[key] = s
	p, err := b.perform(t)
	require.NoError(t, err)
	require.True(t, p.Event.Mailed)
	require.Len(t, b.mails, 1)
}

func TestAPassingRefusalIsTriedAgainAfterItsPause(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.outcome = trial.SendResult{Status: trial.SendReleased, Reason: "throttled", RetryAfter: 5 * time.Second}
	_, err := b.perform(t)
	require.Equal(t, 5*time.Second, pause(t, err))
	b.outcome = trial.SendResult{Status: trial.SendSent}
	_, err = b.perform(t)
	require.NoError(t, err)
	require.Zero(t, b.sends[key].Resends, "what was definitely not accepted is not a resend")
}

func TestAPermanentRefusalEndsTheStepWithoutAMail(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.outcome = trial.SendResult{Status: trial.SendRefused, Reason: "rejected"}
	for range 2 { // the second finds the refusal on record
		p, err := b.perform(t)
		require.NoError(t, err)
		require.Equal(t, trial.Decision{Action: trial.Skip, Reason: trial.ReasonAddressRefused}, *p.Event.Decision)
	}
	require.Len(t, b.mails, 1)
}

func TestAMailThatCannotBeRenderedIsReleased(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.broken = errors.New("no such template")
	_, err := b.perform(t)
	require.ErrorContains(t, err, "no such template")
	require.Equal(t, trial.SendReleased, b.sends[key].Status)
}

// A marketplace's own wording that fails must not hold up its trials.
func TestAMailingThatCannotBeRenderedIsRefused(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.broken = errors.New("no such wording")
	due := b.due()
	due.State.Policy.Mailings = []trial.Mailing{{ID: "half-way", After: trial.AfterStart, Days: 2, Template: "middle"}}
	due.Step = trial.Step{Kind: "half-way", At: due.Step.At}
	skipped := trial.Decision{Action: trial.Skip, Reason: trial.ReasonNotRendered}
	for range 2 { // the second attempt finds the claim of the first
		p, err := b.performStep(t, due)
		require.NoError(t, err)
		require.Equal(t, skipped, *p.Event.Decision)
		send := b.sends[due.Step.Key("v1")]
		require.Equal(t, trial.SendRefused, send.Status)
		require.Equal(t, trial.NotRendered, send.Reason)
		b.events = nil
	}
}

func TestTheFlagsAreReadAgainAfterWaitingForTheRate(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.waited, b.during = true, func() { b.flags.TrialAutomation.Enabled = false }
	p, err := b.perform(t)
	require.NoError(t, err)
	require.Equal(t, trial.EventHeld, p.Event.Type)
	require.Empty(t, b.mails)
}

func TestASuppressedAddressIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.vendor.Suppression = &trial.Suppression{Reason: trial.ReasonSuppressedAddress, AddressHash: trial.AddressHash("v1@vendors.example.com")}
	p, err := b.perform(t)
	require.NoError(t, err)
	require.Equal(t, trial.ReasonSuppressedAddress, p.Event.Decision.Reason)
	require.Empty(t, b.mails)

	b.vendor.Email = "new@vendors.example.com"
	_, err = b.perform(t)
	require.NoError(t, err)
	require.Len(t, b.mails, 1, "another address of the same vendor is written to")
}

func TestALateExpiryTellsOfTheWholeGrace(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	due := b.dueAfter(4)
	require.Equal(t, trial.Expiry, due.Step.Kind)
	b.now = due.Step.At.Add(5 * 24 * time.Hour)
	p, err := b.performStep(t, due)
	require.NoError(t, err)
	require.Equal(t, due.State.Apply(*p.Event), b.mails[0].State, "the e-mail tells of what is so after it")
	require.Equal(t, b.now.Add(3*24*time.Hour), b.mails[0].State.GraceEndsAt)
}

func TestNoMailLeavesOnAStateThatHasPassed(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	due := b.due()
	cancelled, err := due.State.Request(trial.MessageCancel, trial.Request{Reason: "asked for"}, now)
	require.NoError(t, err)
	b.events, b.full = []trial.Event{*cancelled}, true
	p, err := b.performStep(t, due)
	require.NoError(t, err)
	require.Equal(t, cancelled, p.Event, "what was recorded meanwhile comes first")
	require.Empty(t, b.mails)
	require.Len(t, b.events, 2, "it is recorded again, in case the trial was not")
}

// A vendor who has moved is planned anew before anything is sent, unless the step's e-mail may have left: it
// would be sent again under the new revision's key.
func TestAStepOfAVendorWhoHasMovedIsPlannedAnew(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	due := b.due()
	b.vendor.Zone = "Asia/Tokyo"
	p, err := b.performStep(t, due)
	require.NoError(t, err)
	require.Equal(t, trial.EventRezoned, p.Event.Type)
	require.Equal(t, "Asia/Tokyo", p.Event.Zone)
	require.Empty(t, b.mails)
}

// A trial that is woken looks between two steps.
func TestATrialFollowsItsVendorToAnotherZone(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	due := b.due()
	rezone := func() *trial.Event {
		p, err := b.trials().Rezone(t.Context(), due.State)
		require.NoError(t, err)
		return p.Event
	}
	require.Nil(t, rezone(), "it has not moved")
	b.vendor.Zone = "Asia/Tokyo"
	key := due.Step.Key(due.State.VendorID)
	b.sends[key] = trial.Send{Key: key, Status: trial.SendUnknown}
	require.Nil(t, rezone(), "the next step's e-mail may have left under its present key")
	require.Empty(t, b.events)
	delete(b.sends, key)
	require.Equal(t, &trial.Event{Seq: 3, Type: trial.EventRezoned, At: b.now.Truncate(time.Millisecond), Zone: "Asia/Tokyo"}, rezone())
	cancelled, err := due.State.Request(trial.MessageCancel, trial.Request{Reason: "asked for"}, now)
	require.NoError(t, err)
	b.events, b.full = []trial.Event{*cancelled}, true
	require.Equal(t, cancelled, rezone(), "what was recorded meanwhile comes first")
}

// A rollback that hands trials over is found by the next step, however far the rollout's workflow had come with it.
func TestAStepFindsThatItsTrialWasHandedOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		under, registered, releasedBefore int
		handedOver                        bool
	}{
		"admitted before":               {4, 4, 5, true},
		"admitted before, not kept":     {0, 4, 5, true},
		"admitted after":                {5, 5, 5, false},
		"taken in after":                {5, 4, 5, false},
		"taken in before":               {4, 1, 5, true},
		"nobody was handed over":        {4, 4, 0, false},
		"admitted by flags of no count": {0, 0, 5, true},
	} {
		b := newStepFake()
		b.rollout = rollout.State{ID: "r-1", Status: rollout.Running, ReleasedBefore: c.releasedBefore}
		due := b.due()
		due.State.AutomatedUnder, b.vendor.Automation.FlagsVersion = c.under, c.registered
		p, err := b.performStep(t, due)
		require.NoError(t, err, name)
		require.Equal(t, c.handedOver, p.Event.Type == trial.EventReleased, name)
		require.Equal(t, c.handedOver, len(b.mails) == 0, name)
	}
}

func TestAStepWhoseEMailHasLeftIsFinishedBeforeItsTrialIsHandedOver(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.rollout = rollout.State{ID: "r-1", Status: rollout.Running, ReleasedBefore: 5}
	b.sends[key] = trial.Send{Key: key, Status: trial.SendSent, Attempt: 1}
	p, err := b.perform(t)
	require.NoError(t, err)
	require.Equal(t, trial.EventStep, p.Event.Type)
	require.True(t, p.Event.Mailed)

	b.sends[key] = trial.Send{Key: key, Status: trial.SendReleased, Attempt: 1}
	p, err = b.perform(t)
	require.NoError(t, err)
	require.Equal(t, trial.EventReleased, p.Event.Type)
	require.Empty(t, b.mails)
}

func TestATrialThatIsHandedOverWhileItsEMailWaitsForTheRateGetsNone(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.waited, b.during = true, func() { b.rollout = rollout.State{ID: "r-1", Status: rollout.Running, ReleasedBefore: 5} }
	p, err := b.perform(t)
	require.NoError(t, err)
	require.Equal(t, trial.EventReleased, p.Event.Type)
	require.Empty(t, b.mails)
}

// A rollout is named as the latest before it is stored.
func TestARolloutThatIsNotStoredYetOnlyHasAStepTriedAgain(t *testing.T) {
	t.Parallel()
	b := newStepFake()
	b.unreadable = &trial.Error{Code: trial.CodeNotFound, Message: "there is no rollout"}
	_, err := b.perform(t)
	require.ErrorContains(t, err, "there is no rollout")
	app, ok := errors.AsType[*sdktemporal.ApplicationError](err)
	require.False(t, ok && app.NonRetryable())
	require.Empty(t, b.mails)
}
