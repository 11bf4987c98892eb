package mongodb

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/trial"
)

// mostExperiments bounds how many are listed.
const mostExperiments = 100

// experimentDocument is an experiment as stored. Experiments are numbered without gaps, so that of several that are started at
// the same time the insert lets one in.
type experimentDocument struct {
	Number                int64 `bson:"_id"`
	experiment.Experiment `bson:",inline"`
}

func (d experimentDocument) experiment() experiment.Experiment {
	d.StartedAt = d.StartedAt.UTC()
	if d.DealingEnded != nil {
		d.DealingEnded.At = d.DealingEnded.At.UTC()
	}
	if d.Ended != nil {
		d.Ended.At = d.Ended.At.UTC()
	}
	return d.Experiment
}

// latestFirst is the order of experiments.
var latestFirst = bson.D{{Key: "_id", Value: -1}}

// Experiments are the latest experiments, the latest first.
func (s *Store) Experiments(ctx context.Context) ([]experiment.Experiment, error) {
	docs, err := list[experimentDocument](ctx, "reading the experiments", s.experiments, bson.D{},
		options.Find().SetSort(latestFirst).SetLimit(mostExperiments))
	return contents(docs, experimentDocument.experiment), err
}

// LatestExperiment is the latest experiment, and whether there is one.
func (s *Store) LatestExperiment(ctx context.Context) (experiment.Experiment, bool, error) {
	doc, found, err := s.latestExperiment(ctx)
	return doc.experiment(), found, err
}

func (s *Store) latestExperiment(ctx context.Context) (experimentDocument, bool, error) {
	return find[experimentDocument](ctx, "reading the latest experiment", s.experiments, bson.D{}, options.FindOne().SetSort(latestFirst))
}

// AddExperiment stores a new experiment. While the latest one has not ended, and where another is added at the same time, it is
// a *trial.Error with CodeConflict.
func (s *Store) AddExperiment(ctx context.Context, e experiment.Experiment) error {
	latest, found, err := s.latestExperiment(ctx)
	if err != nil {
		return err
	}
	if found && latest.Ended == nil {
		return trial.Conflict("the experiment %s has not ended", latest.Name)
	}
	isNew, err := insert(ctx, "storing experiment "+e.ID, s.experiments, experimentDocument{Number: latest.Number + 1, Experiment: e})
	if err == nil && !isNew {
		err = trial.Conflict("another experiment was started at the same time")
	}
	return err
}

// EndExperiment stores an experiment as a person has ended it. The first end counts, and is returned.
func (s *Store) EndExperiment(ctx context.Context, ended experiment.Experiment) (experiment.Experiment, error) {
	action := "ending experiment " + ended.ID
	doc, found, err := s.latestExperiment(ctx)
	switch {
	case err != nil:
		return ended, err
	case !found || doc.ID != ended.ID:
		return ended, trial.Conflict("another experiment has been started since")
	}
	filter := append(byID(doc.Number), bson.E{Key: "ended", Value: nil})
	err = s.experiments.FindOneAndUpdate(ctx, filter, bson.D{{Key: "$set", Value: ended}}).Err()
	if errors.Is(err, mongo.ErrNoDocuments) { // somebody was faster
		doc, _, err = s.latestExperiment(ctx)
		return doc.experiment(), err
	}
	if err != nil {
		return ended, failed(action, err)
	}
	return ended, nil
}
