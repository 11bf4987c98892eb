package rest

import (
	"context"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/experiment"
)

// ListExperiments answers with the latest experiments.
func (s *server) ListExperiments(ctx context.Context, _ ListExperimentsRequestObject) (ListExperimentsResponseObject, error) {
	all, err := s.App.Experiments(ctx)
	return ListExperiments200JSONResponse{Experiments: all}, err
}

// GetExperiment answers with an experiment and how its arms compare.
func (s *server) GetExperiment(ctx context.Context, request GetExperimentRequestObject) (GetExperimentResponseObject, error) {
	v, err := s.App.Experiment(ctx, request.ExperimentId)
	return GetExperiment200JSONResponse(v), err
}

// StartExperiment starts an experiment, once a key.
func (s *server) StartExperiment(ctx context.Context, request StartExperimentRequestObject) (StartExperimentResponseObject, error) {
	b := request.Body
	v, err := s.App.StartExperiment(ctx, newExperiment(b.Name, b.ArmA, b.ArmB, b.Difference, b.Expected))
	return StartExperiment200JSONResponse(v), err
}

// ForecastExperiment says how long an experiment would take.
func (s *server) ForecastExperiment(ctx context.Context, request ForecastExperimentRequestObject) (ForecastExperimentResponseObject, error) {
	b, name := request.Body, ""
	set(&name, b.Name)
	f, err := s.App.ForecastExperiment(ctx, newExperiment(name, b.ArmA, b.ArmB, b.Difference, b.Expected))
	return ForecastExperiment200JSONResponse(f), err
}

func newExperiment(name, a, b string, difference float64, expected *ExperimentExpected) app.NewExperiment {
	asked := app.NewExperiment{Name: name, A: a, B: b, Difference: difference}
	if expected != nil {
		asked.PerDay, asked.Conversion = expected.PerDay, expected.Conversion
	}
	return asked
}

// EndExperiment ends an experiment, and keeps which arm was picked.
func (s *server) EndExperiment(ctx context.Context, request EndExperimentRequestObject) (EndExperimentResponseObject, error) {
	var picked experiment.Arm
	if request.Body.Picked != PickNone {
		picked = experiment.Arm(request.Body.Picked)
	}
	v, err := s.App.EndExperiment(ctx, request.ExperimentId, picked, request.Body.Reason)
	return EndExperiment200JSONResponse(v), err
}
