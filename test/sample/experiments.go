package sample

import (
	"context"
	"sync"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// experimented is the id of the experiment that the pages show.
const experimented = "experiment-20260110-090000-5d2f0a"

// Experimenting is a world at 100 % with an experiment that deals, and one before that has ended.
func Experimenting() *World {
	w := Busy()
	w.Document.FeatureFlags.TrialAutomation.RolloutPercentage = 100
	first := experiment.Experiment{
		ID: "experiment-20251001-080000-aa0193", Name: "one-reminder", ArmA: "standard-14d", ArmB: "one-reminder", Difference: 0.08,
		Expected: experiment.Expected{PerDay: 24, Conversion: 0.11}, HorizonDays: 17, Day: day, StartedAt: w.Moment.Add(-150 * day), StartedBy: "admin",
	}
	over, err := first.End(experiment.ArmA, "admin", "Nothing speaks for fewer reminders", w.Moment.Add(-70*day))
	if err != nil {
		panic(err) // the world is made wrongly
	}
	running := experiment.Experiment{
		ID: experimented, Name: "shorter-trial", ArmA: "standard-14d", ArmB: "week", Difference: 0.05, Expected: experiment.Expected{PerDay: 24, Conversion: 0.11},
		HorizonDays: 17, Day: day, StartedAt: w.Moment.Add(-63 * day), StartedBy: "owner-paul",
		TermsA: trial.DefaultPolicy(), TermsB: w.OfferedPolicies().Policies[1],
	}
	w.Experimented = []experiment.Experiment{over, running}
	for i := range 63 {
		w.Rows = append(w.Rows, experiment.Row{
			Day: i,
			A:   experiment.Count{Dealt: 11 + i*5%4, Converted: 1 + i*7%3/2},
			B:   experiment.Count{Dealt: 11 + i*3%5, Converted: 1 + i*5%3},
		})
	}
	return w
}

func (w *World) experiment(id string) (e experiment.Experiment, err error) {
	err = w.Do(context.Background(), func() error {
		for _, e = range w.Experimented {
			if e.ID == id || id == app.Latest && e.ID == w.Experimented[len(w.Experimented)-1].ID {
				return nil
			}
		}
		return &trial.Error{Code: trial.CodeNotFound, Field: "experimentId", Message: "there is no such experiment"}
	})
	return e, err
}

// Experiments and the others implement dashboard.Experiments.
func (w *World) Experiments(ctx context.Context) (views []experiment.View, err error) {
	all, err := w.Store.Experiments(ctx)
	for _, e := range all {
		views = append(views, e.Listed())
	}
	return views, err
}

func (w *World) Experiment(_ context.Context, id string) (v experiment.View, err error) {
	e, err := w.experiment(id)
	if err != nil {
		return v, err
	}
	return e.View(w.Rows, w.OfferedPolicies(), w.Moment), nil
}

var outlooks = sync.OnceValue(func() (rows []experiment.OutlookRow) {
	for i, perDay := range []float64{24, 10, 30, 50} {
		request := experiment.Request{Name: "x", ArmA: "a", ArmB: "b", Difference: 0.05, Expected: experiment.Expected{PerDay: perDay, Conversion: 0.11}}
		rows = append(rows, experiment.OutlookRow{Expected: request.Expected, Forecast: request.Forecast(17), Recent: i == 0})
	}
	return rows
})

func (w *World) situation() experiment.Situation {
	s := experiment.Situation{Flags: w.Document, Offered: w.OfferedPolicies().Policies, Day: day}
	if n := len(w.Experimented); n > 0 && w.Experimented[n-1].Ended == nil {
		s.Open = &w.Experimented[n-1]
	}
	return s
}

func request(asked app.NewExperiment) experiment.Request {
	return experiment.Request{Name: asked.Name, ArmA: asked.A, ArmB: asked.B, Difference: asked.Difference, Expected: experiment.Expected{PerDay: 24, Conversion: 0.11}}
}

// ForecastExperiment is for 5 points, whatever is asked.
func (w *World) ForecastExperiment(ctx context.Context, asked app.NewExperiment) (o experiment.Outlook, err error) {
	err = w.Do(ctx, func() error {
		if err := request(asked).Validate(); err != nil {
			return err
		}
		o = experiment.Outlook{HorizonDays: 17, Difference: asked.Difference, Rows: outlooks()}
		if refusal := w.situation().CanStart(); refusal != nil {
			o.NoStart = refusal.Error()
		}
		return nil
	})
	return o, err
}

func (w *World) StartExperimentRecorded(ctx context.Context, key, _ string, asked app.NewExperiment) error {
	return w.Do(ctx, func() error {
		e, err := experiment.Start("experiment-"+key, "salt", "admin", request(asked), w.situation(), w.Moment)
		if err == nil {
			w.Experimented, w.Rows = append(w.Experimented, e), nil
		}
		return err
	})
}

func (w *World) EndExperimentRecorded(ctx context.Context, end app.ExperimentEnd) error {
	shown, err := w.Experiment(ctx, end.ID)
	if err != nil {
		return err
	}
	return w.Do(ctx, func() error {
		if shown.Mark() != end.Seen {
			return trial.Conflict("the experiments have gone on since this page was opened: look again")
		}
		last := &w.Experimented[len(w.Experimented)-1]
		over, err := last.End(end.Picked, "admin", end.Reason, w.Moment)
		if err == nil {
			*last = over
		}
		return err
	})
}

// OfferedPolicies are the built-in one and two others.
func (w *World) OfferedPolicies() policy.Set {
	set := policy.BuiltIn()
	set.Policies = append(set.Policies, trial.Policy{Name: "week", LengthDays: 7, SendHour: 9}, trial.Policy{Name: "month", LengthDays: 30, SendHour: 9})
	return set
}
