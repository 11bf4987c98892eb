package sample

import (
	"context"
	"time"

	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/trial"
)

// canaries are two: the delivery of an e-mail of the latest was not reported.
func canaries() canary.View {
	latest, before := canaryOf(Now.Add(-12*time.Minute), 2), canaryOf(Now.Add(-42*time.Minute), 9)
	return canary.View{Configured: true, EverySeconds: canary.Every(day).Seconds(), Fault: latest.Fault, Reason: latest.Reason, Results: []canary.Result{latest, before}}
}

// canaryOf is what a canary has shown of which so many e-mails were reported.
func canaryOf(began time.Time, reported int) canary.Result {
	start := trial.Start(trial.Registration{VendorID: "canary-of-the-pictures", Cohort: trial.Automated, Policy: canary.Policy(), Day: canary.Day(day), At: began}, began)
	s := canary.Seen{
		ID: "canary-" + began.Format("1504"), BeganAt: began, Day: day, Registered: 21 * time.Millisecond, StartedAt: began.Add(340 * time.Millisecond),
		State: trial.Fold([]trial.Event{start}), Mails: map[trial.Kind]canary.Mail{},
	}
	ends := began
	for step, more := s.State.Next(); more; step, more = s.State.Next() {
		facts := trial.StepFacts{Now: step.At.Add(600 * time.Millisecond), AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
		decision := trial.Decide(s.State, step, facts)
		s.State = s.State.Apply(s.State.StepEvent(step, decision, facts, decision.Mail))
		mail := canary.Mail{Send: trial.Send{Status: trial.SendSent, ClaimedAt: facts.Now, SettledAt: new(facts.Now.Add(180 * time.Millisecond))}}
		switch {
		case len(s.Mails) < reported:
			mail.Delivery, mail.ReportedAt, ends = trial.DeliveryDone, facts.Now.Add(2400*time.Millisecond), facts.Now.Add(5*time.Second)
		case len(s.Mails) == reported: // that is waited for
			ends = facts.Now.Add(2*time.Minute + time.Second)
		}
		s.Mails[step.Kind] = mail
	}
	s.ConversionAt, s.ConvertedAt, s.Removal = ends.Add(-time.Second), ends.Add(-700*time.Millisecond), 35*time.Millisecond
	r, _ := canary.Judge(s, ends)
	return r
}

// CanaryView implements dashboard.Canaries.
func (w *World) CanaryView(ctx context.Context) (view canary.View, err error) {
	err = w.Do(ctx, func() error {
		view = w.Canaries
		return nil
	})
	return view, err
}

// StartCanaryRecorded implements dashboard.Canaries; none comes.
func (w *World) StartCanaryRecorded(ctx context.Context) error {
	return w.Do(ctx, func() error { return nil })
}
