package activities

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
)

// ReportStore is what making reports needs of the database.
type ReportStore interface {
	CurrentRollout(ctx context.Context) (rollout.State, bool, error)
	app.DecisionReader
	app.FeedbackCounter
	app.FlagReader
	app.ExperimentReader
	Observations(ctx context.Context, from, to time.Time, day time.Duration) ([]rollout.Outcome, rollout.Calls, error)
	// Report is a report, and whether people were notified of it, or that was given up.
	Report(ctx context.Context, rolloutID, id string) (r report.Report, notified, found bool, err error)
	// AddReport stores a report, and returns the stored one: another one if somebody was faster.
	AddReport(ctx context.Context, r report.Report) (report.Report, error)
	SetReportNotified(ctx context.Context, rolloutID, id string) error
}

// Reports makes the reports on the time after a rollout's deployment, and tells
// of them. What is due is found from what is stored, so that it does not matter
// when or how often it comes.
type Reports struct {
	Store    ReportStore
	Notifier Notifier
	// Day is the length of a day. After Settled everything observed is stored.
	Day, Settled time.Duration
	Now          func() time.Time
	Log          *zap.Logger
}

const (
	// mostDecisions bounds the decisions in a report.
	mostDecisions = 10_000
	// reportTimeout is how long a report is sent to everybody, if a day is shorter than that.
	reportTimeout = 10 * time.Minute
)

// Reported is the result of making the reports due.
type Reported struct {
	RolloutID string `json:"rolloutId"`
	// Made are the reports made, and Notified those that people were notified of.
	Made     []string `json:"made"`
	Notified []string `json:"notified"`
}

// Report makes the due reports of the latest rollout, and sends them. A failure with one does not stop the others.
func (r *Reports) Report(ctx context.Context) (Reported, error) {
	defer heartbeat(ctx)()
	state, found, err := r.Store.CurrentRollout(ctx)
	if err != nil || !found {
		return Reported{}, failed("reading the rollout", err)
	}
	done := Reported{RolloutID: state.ID}
	var problems []error
	for _, p := range state.ReportsDue(r.Now().Add(-r.Settled)) {
		problems = append(problems, r.report(ctx, state, p, &done))
		if ctx.Err() != nil {
			break // the next run makes the rest
		}
	}
	return done, errors.Join(problems...)
}

func (r *Reports) report(ctx context.Context, state rollout.State, p rollout.Period, done *Reported) error {
	made, notified, found, err := r.Store.Report(ctx, state.ID, p.ID())
	if err != nil || notified {
		return failed("reading report "+p.ID(), err)
	}
	if !found {
		if made, err = r.make(ctx, state, p); err != nil {
			return err
		}
		done.Made = append(done.Made, p.ID())
	}
	if err := r.Notifier.Notify(ctx, made.Message(state)); err != nil {
		if r.Now().Sub(made.At) < max(r.Day, reportTimeout) {
			return failed("sending report "+p.ID(), err)
		}
		r.Log.Error("not everybody was notified of a report; it is not retried", zap.String("rollout", state.ID), zap.String("report", p.ID()), zap.Error(err))
	}
	done.Notified = append(done.Notified, p.ID())
	return failed("noting that report "+p.ID()+" was sent", r.Store.SetReportNotified(ctx, state.ID, p.ID()))
}

// make reads a period's facts, and stores the report on them.
func (r *Reports) make(ctx context.Context, state rollout.State, p rollout.Period) (report.Report, error) {
	var days []report.Facts
	for from := p.From; from.Before(p.To); from = from.Add(state.Times.Day) {
		facts, err := r.facts(ctx, from, from.Add(state.Times.Day))
		if err != nil {
			return report.Report{}, err
		}
		days = append(days, facts)
	}
	before, err := r.facts(ctx, p.From.Add(-p.To.Sub(p.From)), p.From)
	if err != nil {
		return report.Report{}, err
	}
	decisions, err := r.Store.Decisions(ctx, state.ID, 1, mostDecisions)
	if err != nil {
		return report.Report{}, failed("reading the decisions", err)
	}
	made, err := r.withExperiment(ctx, report.Make(state, p, days, before, decisions, r.Now()))
	if err != nil {
		return report.Report{}, failed("reading the experiment", err)
	}
	made, err = r.Store.AddReport(ctx, made)
	return made, failed("storing report "+p.ID(), err)
}

// withExperiment adds the latest experiment.
func (r *Reports) withExperiment(ctx context.Context, made report.Report) (report.Report, error) {
	latest, found, err := r.Store.LatestExperiment(ctx)
	if err != nil || !found {
		return made, err
	}
	doc, err := r.Store.Flags(ctx)
	if err != nil {
		return made, err
	}
	rows, err := r.Store.ExperimentRows(ctx, latest)
	return made.WithExperiment(latest.Under(doc).View(rows, policy.Set{}, r.Now())), err
}

func (r *Reports) facts(ctx context.Context, from, to time.Time) (report.Facts, error) {
	outcomes, calls, err := r.Store.Observations(ctx, from, to, r.Day)
	if err != nil {
		return report.Facts{}, failed("reading what was observed", err)
	}
	counts, err := r.Store.CountFeedback(ctx, feedback.Filter{From: from, To: to})
	return report.Facts{Outcomes: outcomes, Calls: calls, Feedback: feedback.Automated(counts, nil)}, failed("counting feedback", err)
}
