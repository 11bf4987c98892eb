// Package sample is made-up data behind the dashboard's pages: for their tests and
// their pictures.
package sample

import (
	"context"
	"sync"
	"time"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/memory"
)

// ErrUnavailable is how the adapters say that the database does not answer.
var ErrUnavailable = memory.ErrUnavailable

// World is what the pages are made from. It implements all ports of the dashboard.
type World struct {
	*memory.Store
	// Moment is now.
	Moment  time.Time
	Figures monitoring.Report
	// Counted are the facts that Figures are made of.
	Counted  monitoring.ReportFacts
	Assessed monitoring.Health
	// Offered are the policies that new vendors get, the built-in one where there are none.
	Offered policy.Set
	// Canaries are what canaries have shown.
	Canaries canary.View
	// Steered are the requests carried out, Controls their names, and Answered
	// those about alerts.
	Steered  []flags.Request
	Controls []string
	Answered []monitoring.AlertRequest
	// BegunFor are the reasons for which rollouts were started.
	BegunFor []string
	// Previews are the e-mails that were sent to stakeholders.
	Previews []notice.Preview
	// Stored and Schedule are the backups, BackupsTaken how many were asked for, and BackupsErr what reaching them fails with.
	Stored       recovery.StoredBackups
	Schedule     recovery.BackupSchedule
	BackupsTaken int
	BackupsErr   error
	// Running are the processes.
	Running []monitoring.Process
	// Unrecorded is why nothing can be put on the audit record about looks at personal data; nil where it can.
	Unrecorded error
	// lifts are the keys of what was lifted.
	lifts map[string]bool
	// faults are what is wrong with the templates.
	faults error
}

// Policies are those that new vendors get.
func (w *World) Policies() policy.Set {
	if len(w.Offered.Policies) == 0 {
		return policy.BuiltIn()
	}
	return w.Offered
}

// SteerRolloutRecorded does what the API does, by the same domain.
func (w *World) SteerRolloutRecorded(ctx context.Context, id, name string, r flags.Request) error {
	return w.Do(ctx, func() error {
		state := rollout.Fold(w.Rollout)
		if state.ID != id {
			return &trial.Error{Code: trial.CodeNotFound, Field: "rolloutId", Message: "there is no such rollout"}
		}
		r.By = access.Of(ctx).Name
		e, err := state.Request(name, r, nil, w.Moment)
		if err != nil || e == nil {
			return err
		}
		w.Rollout = append(w.Rollout, *e)
		w.Steered, w.Controls = append(w.Steered, r), append(w.Controls, name)
		return nil
	})
}

// StopAutomationRecorded rolls the rollout back where one is under way, and switches the automation off.
func (w *World) StopAutomationRecorded(ctx context.Context, r flags.Request) error {
	if err := rollout.ValidateRequest(r, rollout.SignalRollback); err != nil {
		return err
	}
	if state := rollout.Fold(w.Rollout); state.ID != "" && !state.Status.Final() {
		if err := w.SteerRolloutRecorded(ctx, state.ID, rollout.SignalRollback, r); err != nil {
			return err
		}
	}
	_, err := w.UpdateFlags(ctx, access.Of(ctx).Name, func(f *flags.Change) error {
		f.Off, f.TrialAutomation.Enabled = true, false
		return nil
	})
	return err
}

// EndSessionsRecorded does what the API does.
func (w *World) EndSessionsRecorded(ctx context.Context, end app.SessionEnd) error {
	if end.Reason == "" {
		return trial.Invalid("reason", "must be given")
	}
	first, err := w.EndSession(ctx, end.ID, access.Of(ctx).Name, w.Moment)
	if err != nil || !end.Everywhere {
		return err
	}
	others, err := w.SessionsOf(ctx, first.Subject, w.Moment)
	for _, s := range others {
		if err == nil {
			_, err = w.EndSession(ctx, s.ID, access.Of(ctx).Name, w.Moment)
		}
	}
	return err
}

// ChangeTrialRecorded does what the workflow does, by the same domain.
func (w *World) ChangeTrialRecorded(ctx context.Context, message, id string, r trial.Request) error {
	return w.Do(ctx, func() error {
		r.By = access.Of(ctx).Name
		state := w.States[id]
		e, err := state.Request(message, r, w.Moment)
		if err == nil && e != nil {
			w.AddEvent(*e, state)
		}
		return err
	})
}

// Forecast is that of the default plan, at 24 registrations a day in the last four weeks.
func (w *World) Forecast(ctx context.Context, plan *rollout.Plan, _ *float64) (f rollout.Forecast, err error) {
	err = w.Do(ctx, func() error {
		if plan != nil && plan.Name != rollout.DefaultPlan().Name { // without its risk, which takes long
			f = rollout.NewForecast(*plan, evidence.Times{Day: trial.RealDay, TrialDays: 17}, 24)
			return nil
		}
		f, err = forecast()
		return err
	})
	return f, err
}

var forecast = sync.OnceValues(func() (f rollout.Forecast, err error) {
	plan := rollout.DefaultPlan()
	var all []rollout.Forecast
	for _, perDay := range []float64{24, 10, 30, 50} {
		if f, err = rollout.NewForecast(plan, evidence.Times{Day: trial.RealDay, TrialDays: 17}, perDay).WithRisk(context.Background(), plan); err != nil {
			return f, err
		}
		all = append(all, f)
	}
	f = all[0]
	f.Recent, f.Others = true, all[1:]
	return f, nil
})

func (w *World) Report(ctx context.Context) (r monitoring.Report, err error) {
	err = w.Do(ctx, func() error {
		r = w.Figures
		return nil
	})
	return r, err
}

// Trends are made of the facts that the figures are made of.
func (w *World) Trends(ctx context.Context, back int) (h monitoring.Trends, err error) {
	f := monitoring.TrendFacts{ReportFacts: w.Counted, Range: back}
	if f.Feedback, err = w.CountFeedback(ctx, feedback.Filter{}); err != nil {
		return h, err
	}
	err = w.Do(ctx, func() error {
		if w.Counted.Calls.Count() > 0 {
			f.HoursEnd = w.Counted.Now
			for range 24 {
				f.Hours = append(f.Hours, w.Counted.Calls)
			}
		}
		h = monitoring.MakeTrends(f)
		return nil
	})
	return h, err
}

// Health implements dashboard.Health; it does not ask the database alone.
func (w *World) Health(context.Context) (monitoring.Health, error) { return w.Assessed, nil }
