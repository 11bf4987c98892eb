package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/monitoring"
)

const (
	// latestSweep is the _id of the one document in sweeps.
	latestSweep = "latest"
	// mostProcesses bounds how many processes are read at once; there are a few.
	mostProcesses = 200
)

// sweepDocument is when the reconciler last came to its end.
type sweepDocument struct {
	Key string    `bson:"_id"`
	At  time.Time `json:"at"`
}

// NoteSweep notes that a sweep came to its end.
func (s *Store) NoteSweep(ctx context.Context, at time.Time) error {
	return put(ctx, "noting a sweep", s.sweeps, latestSweep, sweepDocument{Key: latestSweep, At: stored(at)})
}

// LastSweep is when a sweep last came to its end; zero for never.
func (s *Store) LastSweep(ctx context.Context) (time.Time, error) {
	doc, _, err := find[sweepDocument](ctx, "reading when the reconciler came", s.sweeps, byID(latestSweep))
	return doc.At, err
}

// processDocument is a process as it last sampled itself, under role/instance.
type processDocument struct {
	Key string `bson:"_id"`
	// At is when it did, so that those that are gone can be forgotten.
	At                 time.Time `json:"at"`
	monitoring.Process `bson:",inline"`
}

// PutProcess stores what a process measured of itself.
func (s *Store) PutProcess(ctx context.Context, p monitoring.Process, at time.Time) error {
	key := p.Role + "/" + p.Instance
	return put(ctx, "storing the sample of process "+key, s.processes, key, processDocument{Key: key, At: stored(at), Process: p})
}

// Processes are all that have sampled themselves lately, and some that are gone.
func (s *Store) Processes(ctx context.Context) ([]monitoring.Process, error) {
	docs, err := list[processDocument](ctx, "reading the processes", s.processes, bson.D{}, options.Find().SetLimit(mostProcesses))
	return contents(docs, func(d processDocument) monitoring.Process { return d.Process }), err
}

// ForgetProcesses removes those that have not sampled themselves since a moment.
func (s *Store) ForgetProcesses(ctx context.Context, before time.Time) error {
	_, err := s.processes.DeleteMany(ctx, bson.D{{Key: "at", Value: bson.D{{Key: "$lt", Value: stored(before)}}}})
	if err != nil {
		return failed("forgetting processes that are gone", err)
	}
	return nil
}
