package recovery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/trial"
)

// at is a moment that tests count from.
var at = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// lived are the events of a trial whose first steps ran each at its moment, and the state after them.
func lived(cohort trial.Cohort, steps int) ([]trial.Event, trial.State) {
	events := []trial.Event{trial.Start(trial.Registration{VendorID: "v1", Cohort: cohort, Policy: trial.DefaultPolicy(), Day: trial.RealDay, At: at}, at)}
	state := trial.Fold(events)
	for range steps {
		step, _ := state.Next()
		facts := trial.StepFacts{Now: step.At, AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
		decision := trial.Decide(state, step, facts)
		e := state.StepEvent(step, decision, facts, decision.Mail)
		events, state = append(events, e), state.Apply(e)
	}
	return events, state
}

func keys(sends []trial.Send) []string {
	var keys []string
	for _, s := range sends {
		keys = append(keys, s.Key)
	}
	return keys
}

// E-mails that may have left are not sent again; those that were not due are.
func TestWhatMayHaveLeftIsPresumedSent(t *testing.T) {
	t.Parallel()
	_, state := lived(trial.Automated, 3)
	next, after := state.Pending()[0], state.Pending()[1]
	old := next
	old.Revision = 7
	for name, c := range map[string]struct {
		atWork    time.Time
		unsettled []trial.Step
		cohort    trial.Cohort
		want      []trial.Step
	}{
		"a worker was at it":          {atWork: next.At, want: []trial.Step{next}},
		"it became due meanwhile":     {atWork: next.At.Add(-10 * time.Second), want: []trial.Step{next}},
		"a worker was at two":         {atWork: after.At, want: []trial.Step{next, after}},
		"nobody was at it":            {},
		"it was not due":              {atWork: next.At.Add(-11 * time.Second)},
		"control gets no e-mail":      {atWork: state.EndsAt, unsettled: []trial.Step{next}, cohort: trial.Control},
		"it was being tried again":    {unsettled: []trial.Step{next}, want: []trial.Step{next}},
		"one of an earlier schedule":  {unsettled: []trial.Step{old}},
		"another was at work as well": {atWork: next.At, unsettled: []trial.Step{after}, want: []trial.Step{next, after}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cohort := trial.Automated
			if c.cohort != "" {
				cohort = c.cohort
			}
			events, _ := lived(cohort, 3)
			var want []trial.Send
			for _, s := range c.want {
				want = append(want, trial.Send{Key: s.Key("v1"), VendorID: "v1", Cohort: cohort, Kind: s.Kind, Revision: s.Revision, ClaimedAt: s.At})
			}
			require.Equal(t, want, recovery.Trial{AtWork: c.atWork, Unsettled: c.unsettled}.PresumedSent("v1", events, false))
		})
	}
}

// An adopted trial gets no e-mail of what was due before, so none can have left.
func TestNoMailAboutThePastIsPresumedSent(t *testing.T) {
	t.Parallel()
	events, state := lived(trial.Control, 0)
	adoption, err := state.Request(trial.MessageAdopt, trial.Request{}, at.Add(8*trial.RealDay))
	require.NoError(t, err)
	events, state = append(events, *adoption), state.Apply(*adoption)
	later := state.Pending()[2]
	require.Equal(t, trial.Reminder(3), later.Kind)
	sends := recovery.Trial{AtWork: later.At}.PresumedSent("v1", events, false)
	require.Equal(t, []string{later.Key("v1")}, keys(sends))
	require.Equal(t, trial.Adopted, sends[0].Cohort)
}

// A worker that was beginning a trial sends the welcome before it says anything.
func TestAWelcomeIsPresumedSent(t *testing.T) {
	t.Parallel()
	require.Empty(t, recovery.Trial{}.PresumedSent("v1", nil, false))
	atWork := recovery.Trial{AtWork: at}
	require.Equal(t, []string{"v1/welcome/0"}, keys(atWork.PresumedSent("v1", nil, false)))
	require.Empty(t, atWork.PresumedSent("v1", nil, true))
}

// Every e-mail that an event tells of is known as sent, and no other.
func TestEventsTellWhatWasSent(t *testing.T) {
	t.Parallel()
	events, _ := lived(trial.Automated, 2)
	require.Equal(t, []string{"v1/welcome/0", "v1/reminder-7d/0"}, keys(recovery.Sent("v1", events)))
	require.Equal(t, events[2].At, recovery.Sent("v1", events)[1].ClaimedAt)
	require.Equal(t, trial.Automated, recovery.Sent("v1", events)[1].Cohort)
	events, _ = lived(trial.Control, 2)
	require.Empty(t, recovery.Sent("v1", events))
}

func TestNothingIsPresumedOfWhatIsSettled(t *testing.T) {
	t.Parallel()
	require.False(t, recovery.IsSettled(nil))
	for status, want := range map[trial.SendStatus]bool{
		trial.SendSent: true, trial.SendRefused: true, trial.SendClaimed: false, trial.SendUnknown: false, trial.SendReleased: false,
	} {
		require.Equal(t, want, recovery.IsSettled(&trial.Send{Status: status}), status)
	}
}

// Who wanted no more e-mail since the backup gets none, whichever way it is known.
func TestSuppressionsThatOnlyTheWorkflowKnows(t *testing.T) {
	t.Parallel()
	unsubscribed := trial.Suppression{Reason: trial.ReasonUnsubscribed, At: at}
	bounced := trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: at}
	bouncedAddress := bounced
	bouncedAddress.AddressHash = trial.AddressHash("v1@example.com")
	later, earlier, finer := bounced, bounced, bounced
	later.At, earlier.At, finer.At = at.Add(time.Hour), at.Add(-time.Hour), at.Add(time.Microsecond)
	noted := func(reason trial.Reason) []trial.Event {
		events, _ := lived(trial.Automated, 2)
		events[2].Facts.NoMail = reason
		return events
	}
	stepUnsubscribed := trial.Suppression{Reason: trial.ReasonUnsubscribed, At: noted("")[2].At}
	lifted := func(hash string, hours int) trial.Suppression {
		return trial.Suppression{Reason: trial.ReasonLifted, At: at.Add(time.Duration(hours) * time.Hour), AddressHash: hash}
	}
	step := noted("")[2].At
	stepSuppressed := trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: step}
	for name, c := range map[string]struct {
		known, history []trial.Suppression
		events         []trial.Event
		want           *trial.Suppression
		lifts          []recovery.Lift
	}{
		"lifted since":                      {history: []trial.Suppression{bounced}, lifts: []recovery.Lift{{Of: at, At: step}}},
		"lifted, and bounced anew":          {history: []trial.Suppression{bounced, later}, lifts: []recovery.Lift{{Of: at, At: at.Add(time.Minute)}}, want: &later},
		"another was lifted":                {history: []trial.Suppression{bounced}, lifts: []recovery.Lift{{Of: at.Add(time.Second), At: step}}, want: &bounced},
		"no lift ends what the vendor said": {history: []trial.Suppression{unsubscribed}, lifts: []recovery.Lift{{Of: at, At: step}}, want: &unsubscribed},
		"noted before the lift":             {events: noted(trial.ReasonSuppressedAddress), lifts: []recovery.Lift{{Of: at, At: step.Add(time.Hour)}}},
		"noted after the lift":              {events: noted(trial.ReasonSuppressedAddress), lifts: []recovery.Lift{{Of: at, At: step.Add(-time.Hour)}}, want: &stepSuppressed},
		"the lift is known":                 {known: []trial.Suppression{bouncedAddress, lifted(bouncedAddress.AddressHash, 1)}, events: noted(trial.ReasonSuppressedAddress), want: &stepSuppressed},
		"a later lift is known":             {known: []trial.Suppression{bouncedAddress, lifted(bouncedAddress.AddressHash, 9999)}, events: noted(trial.ReasonSuppressedAddress)},
		"of any address, lifted, then anew": {known: []trial.Suppression{earlier, lifted("a", 0)}, history: []trial.Suppression{earlier, later}, want: &later},
		"of any address, lifted afterwards": {known: []trial.Suppression{earlier, lifted("a", 2)}, history: []trial.Suppression{earlier, later}},
		"of any, lifted, noted after that":  {known: []trial.Suppression{bounced, lifted("a", 1)}, events: noted(trial.ReasonSuppressedAddress), want: &stepSuppressed},
		"lost, lifted, and then anew":       {known: []trial.Suppression{lifted("a", 0)}, history: []trial.Suppression{earlier, later}, want: &later},
		"nobody":                            {events: noted("")},
		"no address is no suppression":      {events: noted(trial.ReasonNoAddress)},
		"told by signal":                    {history: []trial.Suppression{unsubscribed}, want: &unsubscribed},
		"the weightier counts":              {history: []trial.Suppression{bounced, unsubscribed, bounced}, want: &unsubscribed},
		"noted at a step":                   {events: noted(trial.ReasonUnsubscribed), want: &stepUnsubscribed},
		"known already":                     {known: []trial.Suppression{unsubscribed}, history: []trial.Suppression{unsubscribed, later}, events: noted(trial.ReasonUnsubscribed)},
		"the address is known already":      {known: []trial.Suppression{bouncedAddress}, history: []trial.Suppression{bounced}, events: noted(trial.ReasonSuppressedAddress)},
		"known but for what is not kept":    {known: []trial.Suppression{bouncedAddress}, history: []trial.Suppression{finer}},
		"another address since":             {known: []trial.Suppression{bouncedAddress}, history: []trial.Suppression{later}, want: &later},
		"another address, told late":        {known: []trial.Suppression{bouncedAddress}, history: []trial.Suppression{earlier}, want: &earlier},
		"unsubscribed after it bounced":     {known: []trial.Suppression{bouncedAddress}, history: []trial.Suppression{unsubscribed}, want: &unsubscribed},
		"taken back since":                  {known: []trial.Suppression{{Reason: trial.ReasonResubscribed, At: stepUnsubscribed.At}}, history: []trial.Suppression{unsubscribed}, events: noted(trial.ReasonUnsubscribed)},
		"unsubscribed after that":           {known: []trial.Suppression{{Reason: trial.ReasonResubscribed, At: at.Add(-1)}}, history: []trial.Suppression{unsubscribed}, want: &unsubscribed},
		"noted after it bounced":            {known: []trial.Suppression{bouncedAddress}, events: noted(trial.ReasonUnsubscribed), want: &stepUnsubscribed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, recovery.Trial{Events: c.events, NoMail: c.history, Lifts: c.lifts}.UnknownSuppression(c.known))
		})
	}
}

// A lift that only the workflow knows is of the address that the database knows by its moment, and of no other.
func TestLiftsThatOnlyTheWorkflowKnows(t *testing.T) {
	t.Parallel()
	of := func(reason trial.Reason, hash string, minutes int) trial.Suppression {
		return trial.Suppression{Reason: reason, At: at.Add(time.Duration(minutes) * time.Minute), AddressHash: hash}
	}
	lifts := []recovery.Lift{{Of: at, At: at.Add(time.Hour)}}
	const address = trial.ReasonSuppressedAddress
	for name, c := range map[string]struct{ known, want []trial.Suppression }{
		"known by its moment":        {[]trial.Suppression{of(address, "a", 0), of(address, "b", 1)}, []trial.Suppression{of(trial.ReasonLifted, "a", 60)}},
		"known already":              {[]trial.Suppression{of(address, "a", 0), of(trial.ReasonLifted, "a", 59)}, nil},
		"of an address nobody knows": {[]trial.Suppression{of(address, "", 0)}, nil},
		"the vendor's own word":      {[]trial.Suppression{of(trial.ReasonUnsubscribed, "", 0)}, nil},
	} {
		require.Equal(t, c.want, recovery.Trial{Lifts: lifts}.UnknownLifts(c.known), name)
	}
}
