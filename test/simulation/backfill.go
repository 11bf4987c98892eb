package simulation

import (
	"fmt"
	"strconv"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// backfill adopts what is due of the world's control trials until a moment.
func (r *run) backfill(from, until time.Time) {
	if r.nextBatch.Before(from) {
		r.nextBatch = from
	}
	for r.Backfilled > 0 && r.state.BackfillDue() && r.nextBatch.Before(until) {
		batch, pause := r.state.BackfillBatch()
		n := min(batch.Size, r.Backfilled-r.tried)
		for range n {
			r.tried++
			r.adopt("c"+strconv.Itoa(r.tried), r.nextBatch)
		}
		r.apply(r.state.BackfilledEvent("", n, r.tried == r.Backfilled, r.nextBatch))
		r.nextBatch = r.nextBatch.Add(pause)
	}
}

// adopt draws a control trial in the middle of its life and all that becomes of it. What a slow worker has not come to yet is
// still due.
func (r *run) adopt(id string, now time.Time) {
	age := time.Duration(r.random.Float64() * float64((withGrace-1)*day))
	s := trial.NewState(trial.Registration{VendorID: id, Cohort: trial.Control, Policy: trial.DefaultPolicy(), Day: day, At: now.Add(-age)})
	for step, ok := s.Next(); ok && step.At.Before(now.Add(-r.late())); step, ok = s.Next() {
		s = s.Apply(s.StepEvent(step, trial.Decide(s, step, trial.StepFacts{Now: step.At}), trial.StepFacts{Now: step.At}, false))
	}
	adoption, err := s.Request(trial.MessageAdopt, trial.Request{By: "simulation"}, now)
	if err != nil || adoption == nil {
		return // the row shows that one was not adopted
	}
	r.result.Adopted++
	s = s.Apply(*adoption)
	r.observe(*adoption, s, now)
	converts := never
	if r.random.Float64() < r.Conversion {
		converts = r.ripens() // those who would have converted by now are no control trials any more
	}
	for step, ok := s.Next(); ok; step, ok = s.Next() {
		at := step.At
		if at.Before(now) {
			at = now
		}
		at = at.Add(r.late())
		if converted := s.StartedAt.Add(time.Duration(min(converts, 1000) * float64(day))); converted.After(now) && converted.Before(at) {
			if e, err := s.Request(trial.MessageConvert, trial.Request{At: converted}, converted); err == nil && e != nil {
				s = s.Apply(*e)
				r.observe(*e, s, converted)
			}
			return
		}
		s = r.step(s, step, at)
	}
}

// step has an adopted trial's step decided and carried out.
func (r *run) step(s trial.State, step trial.Step, at time.Time) trial.State {
	facts := trial.StepFacts{Now: at, AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
	d := trial.Decide(s, step, facts)
	truth, key := r.truth(at), step.Key(s.VendorID)
	sent := d.Mail && r.random.Float64() >= truth.Failing
	if d.Mail && !sent {
		d = trial.Decision{Action: trial.Skip, Reason: trial.ReasonAddressRefused}
		if step.Kind == trial.Expiry || step.Kind == trial.GraceEnd {
			d.Action = trial.Run
		}
	}
	e := s.StepEvent(step, d, facts, sent)
	after := s.Apply(e)
	r.observe(e, after, at)
	if sent {
		if !step.At.After(*s.AdoptedAt) {
			r.result.PastMails++
		}
		r.will(rollout.Outcome{Kind: rollout.MailSent, VendorID: s.VendorID, Key: key, At: at, Adopted: true})
		r.report(s.VendorID, key, at, r.random.Float64() >= truth.Delivered)
	}
	return after
}

// observe keeps what an event says of the rollout.
func (r *run) observe(e trial.Event, after trial.State, at time.Time) {
	for _, o := range rollout.OutcomesOf(e, after) {
		o.At = at
		r.will(o)
	}
}

// late draws how late the worker is.
func (r *run) late() time.Duration { return time.Duration(r.random.Float64() * float64(r.Lag)) }

func backfillCases() []Case {
	const trials = 1000
	var cases []Case
	for _, lag := range []time.Duration{0, 36 * time.Hour} {
		worker := "a worker on time"
		if lag > 0 {
			worker = "a worker up to 36 hours late"
		}
		var cells []Cell
		for _, rate := range rates {
			cells = append(cells, alone(rate, 45, func(w *World) { w.Backfilled, w.Lag = trials, lag })...)
		}
		cases = append(cases, Case{
			Name: "default plan left to itself, healthy, backfill of 1,000 trials in their middle, " + worker, Cells: cells,
			Must: "never rolled back, no mail of the past", show: adoptedAll(trials),
		})
	}
	return cases
}

// adoptedAll shows whether a backfill that began came to so many trials, was never rolled back, and sent no e-mail of a step
// that was due before. What happens before it begins says nothing about it.
func adoptedAll(trials int) func([]tally) (string, bool) {
	return func(tallies []tally) (string, bool) {
		results, past := every(tallies), 0
		for _, r := range results {
			past += r.PastMails
		}
		began := count(results, func(r Result) bool { return r.Adopted > 0 })
		back := count(results, func(r Result) bool { return r.Adopted > 0 && r.rolledBack() })
		before := count(results, func(r Result) bool { return r.Adopted == 0 && r.rolledBack() })
		done := count(results, func(r Result) bool { return r.Adopted == trials })
		return fmt.Sprintf("began in %d runs, rolled back in %d of them, all adopted in %d, %d e-mails of the past; rolled back before it in %d", began, back, done, past, before),
			began > 0 && back == 0 && past == 0 && done == began
	}
}
