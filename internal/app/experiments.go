package app

import (
	"context"
	"crypto/rand"
	"slices"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// NewExperiment asks for an experiment.
type NewExperiment struct {
	Name string
	// A and B are the names of the arms' policies.
	A, B string
	// Difference is the smallest one that matters.
	Difference float64
	// PerDay and Conversion are what is expected; nil is what was measured.
	PerDay, Conversion *float64
}

// Experiments are the latest experiments as lists show them, the latest first.
func (a *App) Experiments(ctx context.Context) ([]experiment.View, error) {
	all, err := a.experiments(ctx)
	views := make([]experiment.View, 0, len(all))
	for _, e := range all {
		views = append(views, e.Listed())
	}
	return views, err
}

func (a *App) experiments(ctx context.Context) ([]experiment.Experiment, error) {
	all, err := a.Store.Experiments(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	doc, err := a.Store.Flags(ctx)
	all[0] = all[0].Under(doc)
	return all, err
}

// experiment is an experiment by its id, or the latest.
func (a *App) experiment(ctx context.Context, id string) (experiment.Experiment, error) {
	all, err := a.experiments(ctx)
	if err != nil {
		return experiment.Experiment{}, err
	}
	i := slices.IndexFunc(all, func(e experiment.Experiment) bool { return e.ID == id || id == Latest })
	if i < 0 {
		message := "there is no such experiment"
		if id == Latest {
			message = "there was no experiment yet"
		}
		return experiment.Experiment{}, &trial.Error{Code: trial.CodeNotFound, Field: "experimentId", Message: message}
	}
	return all[i], nil
}

// Experiment is an experiment, by its id or Latest, and how its arms compare now.
func (a *App) Experiment(ctx context.Context, id string) (experiment.View, error) {
	e, err := a.experiment(ctx, id)
	if err != nil {
		return experiment.View{}, err
	}
	return a.viewExperiment(ctx, e)
}

func (a *App) viewExperiment(ctx context.Context, e experiment.Experiment) (experiment.View, error) {
	rows, err := a.Store.ExperimentRows(ctx, e)
	return e.View(rows, a.Policies, a.Present()), err
}

// experimentID is the id of the experiment that the key of the request at hand starts.
func experimentID(ctx context.Context) string {
	const digest = 3
	k := keyOf(ctx)
	return k.claim.ID("experiment", k.key, digest)
}

// StartExperiment starts an experiment, once a key.
func (a *App) StartExperiment(ctx context.Context, asked NewExperiment) (experiment.View, error) {
	id := experimentID(ctx)
	noteChange(ctx, nil, map[string]string{"experimentId": id})
	all, err := a.Store.Experiments(ctx)
	if err != nil {
		return experiment.View{}, err
	}
	i := slices.IndexFunc(all, func(e experiment.Experiment) bool { return e.ID == id })
	if i < 0 {
		e, err := a.newExperiment(ctx, id, asked)
		if err != nil {
			return experiment.View{}, err
		}
		if err := a.Store.AddExperiment(ctx, e); err != nil {
			return experiment.View{}, err
		}
		all, i = []experiment.Experiment{e}, 0
	}
	if i == 0 && all[0].Ended == nil {
		if err := a.setDealing(ctx, func(before *flags.Dealing) *flags.Dealing {
			if before != nil && before.Experiment == id {
				return before
			}
			return &flags.Dealing{Experiment: id} // and ended at once, where the flags were lowered meanwhile
		}); err != nil {
			return experiment.View{}, err
		}
		a.Log.Info("experiment started", zap.String("requestId", requestID(ctx)), zap.String("experiment", id))
	}
	return a.Experiment(ctx, id)
}

func (a *App) setDealing(ctx context.Context, change func(*flags.Dealing) *flags.Dealing) error {
	_, err := a.Store.UpdateFlags(ctx, actor(ctx), func(f *flags.Change) error {
		f.Dealing = change(f.Dealing)
		return nil
	})
	return err
}

// newExperiment is the record of an experiment that may start now.
func (a *App) newExperiment(ctx context.Context, id string, asked NewExperiment) (experiment.Experiment, error) {
	situation, err := a.situation(ctx)
	if err != nil {
		return experiment.Experiment{}, err
	}
	expected, err := a.expected(ctx, asked.PerDay, asked.Conversion)
	if err != nil {
		return experiment.Experiment{}, err
	}
	request := experiment.Request{Name: asked.Name, ArmA: asked.A, ArmB: asked.B, Difference: asked.Difference, Expected: expected}
	return experiment.Start(id, rand.Text(), actor(ctx), request, situation, a.Present())
}

// situation is what a start depends on.
func (a *App) situation(ctx context.Context) (experiment.Situation, error) {
	s := experiment.Situation{Offered: a.Policies.Policies, Day: a.Day}
	latest, found, err := a.Store.LatestExperiment(ctx)
	if err != nil {
		return s, err
	}
	if s.Flags, err = a.Store.Flags(ctx); err != nil {
		return s, err
	}
	if found && latest.Ended == nil {
		s.Open = new(latest.Under(s.Flags))
	}
	return s, nil
}

// EndExperiment has a person end an experiment and pick an arm, or none. The first end counts; another one is a *trial.Error with
// CodeConflict.
func (a *App) EndExperiment(ctx context.Context, id string, picked experiment.Arm, reason string) (experiment.View, error) {
	e, err := a.experiment(ctx, id)
	if err != nil {
		return experiment.View{}, err
	}
	if repeatsEnd(ctx, e.Ended, picked, reason) {
		noteRepeated(ctx)
		return a.viewExperiment(ctx, e)
	}
	noteChange(ctx, endNoted{e.ID, e.Status(), ""}, nil)
	over, err := e.End(picked, actor(ctx), reason, a.Present())
	if err != nil {
		return experiment.View{}, err
	}
	if err := a.setDealing(ctx, func(before *flags.Dealing) *flags.Dealing {
		if before == nil || before.Experiment != e.ID || before.End != nil {
			return before
		}
		return before.Ended(flags.DealingEnd{At: over.Ended.At, By: over.Ended.By, Reason: "a person ended the experiment"})
	}); err != nil {
		return experiment.View{}, err
	}
	kept, err := a.Store.EndExperiment(ctx, over)
	if err != nil {
		return experiment.View{}, err
	}
	if !kept.Ended.Same(*over.Ended) { // somebody was faster
		return experiment.View{}, trial.Conflict("the experiment %s has ended", e.Name)
	}
	over = kept
	noteChange(ctx, endNoted{e.ID, e.Status(), ""}, endNoted{over.ID, over.Status(), over.Ended.Picked})
	a.Log.Info("experiment ended", zap.String("requestId", requestID(ctx)), zap.String("experiment", e.ID))
	return a.viewExperiment(ctx, over)
}

// repeatsEnd tells whether the request at hand repeats the one that ended an experiment so, although nobody may know it: its answer
// can have been lost.
func repeatsEnd(ctx context.Context, ended *experiment.End, picked experiment.Arm, reason string) bool {
	k := keyOf(ctx)
	again := k.key != "" && !k.first
	return k.done() || again && ended != nil && ended.Same(experiment.End{By: actor(ctx), Picked: picked, Reason: reason})
}

// endNoted is what the audit record says of an experiment.
type endNoted struct {
	Experiment string            `json:"experiment"`
	Status     experiment.Status `json:"status"`
	Picked     experiment.Arm    `json:"picked,omitempty"`
}

// OfferedPolicies are those that new vendors may get.
func (a *App) OfferedPolicies() policy.Set { return a.Policies }

// errGoneOn refuses what was asked for on a page that is out of date.
var errGoneOn = trial.Conflict("the experiments have gone on since this page was opened: look again")

// StartExperimentRecorded is StartExperiment with an entry on the audit record, under a key. seen is the id of the latest
// experiment that was shown, any other text for none.
func (a *App) StartExperimentRecorded(ctx context.Context, key, seen string, asked NewExperiment) error {
	entry := audit.Entry{Action: "startExperiment", Subject: "experiments", Key: key, Asked: audit.Document(map[string]any{
		"name": asked.Name, "armA": asked.A, "armB": asked.B, "difference": asked.Difference,
	})}
	return a.Record(ctx, entry, asked, func(ctx context.Context) error {
		latest, found, err := a.Store.LatestExperiment(ctx)
		if err != nil {
			return err
		}
		if !keyOf(ctx).done() && found && latest.ID != seen && latest.ID != experimentID(ctx) {
			return errGoneOn
		}
		_, err = a.StartExperiment(ctx, asked)
		return err
	})
}

// ExperimentEnd is what a person decides on a page.
type ExperimentEnd struct {
	ID, Key string
	// Seen is the mark of what was shown.
	Seen   string
	Picked experiment.Arm
	Reason string
}

// EndExperimentRecorded is EndExperiment with an entry on the audit record.
func (a *App) EndExperimentRecorded(ctx context.Context, end ExperimentEnd) error {
	if err := checkReason(end.Reason); err != nil {
		return err
	}
	entry := audit.Entry{Action: "endExperiment", Subject: "experiments/" + end.ID, Reason: end.Reason, Key: end.Key,
		Asked: audit.Document(map[string]any{"picked": end.Picked})}
	return a.Record(ctx, entry, end, func(ctx context.Context) error {
		now, err := a.Experiment(ctx, end.ID)
		if err != nil {
			return err
		}
		if !repeatsEnd(ctx, now.Ended, end.Picked, end.Reason) && now.Mark() != end.Seen {
			return errGoneOn
		}
		_, err = a.EndExperiment(ctx, end.ID, end.Picked, end.Reason)
		return err
	})
}
