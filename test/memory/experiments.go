package memory

import (
	"context"
	"slices"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/trial"
)

// Experiments are the experiments, the latest first.
func (s *Store) Experiments(ctx context.Context) (all []experiment.Experiment, err error) {
	err = s.run(ctx, func() {
		all = slices.Clone(s.Experimented)
		slices.Reverse(all)
	})
	return all, err
}

// LatestExperiment is the latest experiment.
func (s *Store) LatestExperiment(ctx context.Context) (e experiment.Experiment, found bool, err error) {
	err = s.run(ctx, func() {
		if found = len(s.Experimented) > 0; found {
			e = s.Experimented[len(s.Experimented)-1]
		}
	})
	return e, found, err
}

// AddExperiment adds an experiment where none is open.
func (s *Store) AddExperiment(ctx context.Context, e experiment.Experiment) error {
	return s.Do(ctx, func() error {
		if n := len(s.Experimented); n > 0 && s.Experimented[n-1].Ended == nil {
			return trial.Conflict("the experiment %s has not ended", s.Experimented[n-1].Name)
		}
		s.Experimented = append(s.Experimented, e)
		s.Writes++
		return nil
	})
}

// EndExperiment keeps how the latest experiment has ended; the first end counts.
func (s *Store) EndExperiment(ctx context.Context, ended experiment.Experiment) (first experiment.Experiment, err error) {
	err = s.Do(ctx, func() error {
		n := len(s.Experimented) - 1
		if n < 0 || s.Experimented[n].ID != ended.ID {
			return trial.Conflict("another experiment has been started since")
		}
		if s.Experimented[n].Ended == nil {
			s.Experimented[n] = ended
			s.Writes++
		}
		first = s.Experimented[n]
		return nil
	})
	return first, err
}

// ExperimentRows are those that were set.
func (s *Store) ExperimentRows(ctx context.Context, _ experiment.Experiment) (rows []experiment.Row, err error) {
	err = s.run(ctx, func() { rows = slices.Clone(s.Rows) })
	return rows, err
}
