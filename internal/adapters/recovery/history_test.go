package recovery

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// turn is one thing that happens to a trial: the event it causes in a state,
// nil where it causes none.
type turn func(t *testing.T, s trial.State) *trial.Event

// history is a trial's events after its registration and some turns, and the
// state they lead to.
func history(t *testing.T, r trial.Registration, turns ...turn) ([]trial.Event, trial.State) {
	t.Helper()
	events := []trial.Event{trial.Start(r, r.At.Add(time.Second))}
	state := trial.Fold(events)
	for _, turn := range turns {
		if e := turn(t, state); e != nil {
			events = append(events, *e)
			state = state.Apply(*e)
		}
	}
	return events, state
}

// appendAll stores events that may be stored already.
func appendAll(t *testing.T, s Store, events []trial.Event) {
	t.Helper()
	var state trial.State
	for _, e := range events {
		state = state.Apply(e)
		_, err := s.Append(t.Context(), e, state)
		require.NoError(t, err)
	}
}

// request is an admin's or billing's; one that is refused is no turn.
func request(name string, r trial.Request, now time.Time) turn {
	return func(_ *testing.T, s trial.State) *trial.Event {
		e, err := s.Request(name, r, now)
		if err != nil {
			return nil
		}
		return e
	}
}

// step decides the next step on the facts given, late after its moment.
func step(f trial.StepFacts, late time.Duration) turn {
	return func(_ *testing.T, s trial.State) *trial.Event {
		next, ok := s.Next()
		if !ok {
			return nil
		}
		f.Now = next.At.Add(late)
		d := trial.Decide(s, next, f)
		e := s.StepEvent(next, d, f, d.Mail)
		return &e
	}
}

// steps are the next n steps, each in its time and with everything on.
func steps(n int) []turn { return slices.Repeat([]turn{step(allOn(), 0)}, n) }

func allOn() trial.StepFacts {
	return trial.StepFacts{AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
}

// randomHistory lives through a trial with whatever happens, the same for the
// same seed.
func randomHistory(t *testing.T, id string, seed uint64) ([]trial.Event, trial.State) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 0))
	r := registration14d(id)
	r.Cohort = []trial.Cohort{trial.Automated, trial.Control}[rnd.IntN(2)]
	r.Zone = []string{"", "America/Sao_Paulo", "Asia/Kathmandu"}[rnd.IntN(3)]
	r.Day = []time.Duration{trial.RealDay, 2 * time.Second}[rnd.IntN(2)]
	if rnd.IntN(4) == 0 {
		r.Policy = trial.Policy{Name: "bare", LengthDays: 3}
	}
	names := []string{trial.MessageExtend, trial.MessageShorten, trial.MessageCancel, trial.MessageRevive, trial.MessageConvert}
	turns := make([]turn, 0, 20)
	for i := range 5 + rnd.IntN(15) {
		if rnd.IntN(3) > 0 {
			f := trial.StepFacts{AutomationEnabled: rnd.IntN(5) > 0, EmailReminders: rnd.IntN(5) > 0, AutoExpiration: rnd.IntN(5) > 0}
			if rnd.IntN(6) == 0 {
				f.NoMail = trial.ReasonUnsubscribed
			}
			turns = append(turns, step(f, time.Duration(rnd.IntN(int(3*time.Hour)))))
			continue
		}
		req := trial.Request{ID: fmt.Sprintf("request-%d", i), Days: 1 + rnd.IntN(5), Reason: "Grüße – 試用", By: "admin"}
		name := names[rnd.IntN(len(names))]
		turns = append(turns, func(t *testing.T, s trial.State) *trial.Event {
			t.Helper()
			return request(name, req, s.RevisedAt.Add(time.Duration(rnd.IntN(int(s.Day)))))(t, s)
		})
	}
	return history(t, r, turns...)
}
