package mongodb

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/trial"
)

// of is the store that keeps a vendor's documents, by the vendor's id or a send's key: canaries have collections of their own,
// where nothing is counted or observed. So whatever lists, counts or backs up vendors cannot meet one, and whatever asks for one by
// its id does.
func (s *Store) of(idOrKey string) *Store {
	if id, _, _ := strings.Cut(idOrKey, "/"); s.canaries != nil && trial.IsCanary(id) {
		return s.canaries
	}
	return s
}

// LivingCanaries are the ids of the canaries that are not removed yet.
func (s *Store) LivingCanaries(ctx context.Context) (ids []string, err error) {
	docs, err := list[struct {
		ID string `bson:"_id"`
	}](ctx, "looking for canaries", s.canaries.users, bson.D{}, options.Find().SetProjection(ascending("_id")))
	for _, doc := range docs {
		ids = append(ids, doc.ID)
	}
	return ids, err
}

// ClearCanaries deletes everything that canaries have left, and answers with the collections where something is left after all, as
// where a step was still being carried out.
func (s *Store) ClearCanaries(ctx context.Context) (left []string, err error) {
	db := s.Database()
	names, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return nil, failed("listing the collections of canaries", err)
	}
	slices.Sort(names)
	theirs := slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, recovery.CanaryPrefix) })
	for _, name := range theirs {
		if _, err := db.Collection(name).DeleteMany(ctx, bson.D{}); err != nil {
			return nil, failed("removing canaries from "+name, err)
		}
	}
	for _, name := range theirs {
		_, found, err := find[bson.Raw](ctx, "looking for canaries in "+name, db.Collection(name), bson.D{})
		if err != nil {
			return nil, err
		}
		if found {
			left = append(left, name)
		}
	}
	return left, nil
}

// canaryResults is the one document that holds what canaries have shown, the latest first.
type canaryResults struct {
	Key     string          `bson:"_id"`
	Results []canary.Result `json:"results"`
}

// canariesDue is the document that says since when canaries have come while a rollout runs; none where they do not.
type canariesDue struct {
	Key   string    `bson:"_id"`
	Since time.Time `bson:"since"`
}

const (
	canaryResultsKey = "latest"
	canariesDueKey   = "due"
)

// CanariesDue notes that canaries come from now on, unless they have come before, or that none come.
func (s *Store) CanariesDue(ctx context.Context, due bool, now time.Time) error {
	var err error
	if due {
		set := bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "since", Value: stored(now)}}}}
		_, err = s.canaryLog.UpdateOne(ctx, byID(canariesDueKey), set, options.UpdateOne().SetUpsert(true))
	} else {
		_, err = s.canaryLog.DeleteOne(ctx, byID(canariesDueKey))
	}
	if err != nil {
		return failed("noting whether canaries come", err)
	}
	return nil
}

// Canaries are what the latest canaries have shown, the latest first, at most canary.MostResults.
func (s *Store) Canaries(ctx context.Context) ([]canary.Result, error) {
	doc, _, err := find[canaryResults](ctx, "reading what canaries have shown", s.canaryLog, byID(canaryResultsKey))
	if err != nil {
		return nil, err
	}
	for i := range doc.Results {
		doc.Results[i].BeganAt, doc.Results[i].EndedAt = doc.Results[i].BeganAt.UTC(), doc.Results[i].EndedAt.UTC()
	}
	return doc.Results, nil
}

// LatestCanary is what the latest canary has shown, nil for none, and since when canaries are due: since the running rollout's start,
// or since they were switched on if that is later; zero where none runs, or none come.
func (s *Store) LatestCanary(ctx context.Context) (latest *canary.Result, since time.Time, err error) {
	results, err := s.Canaries(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	if len(results) > 0 {
		latest = &results[0]
	}
	state, found, err := s.CurrentRollout(ctx)
	if err != nil || !found || state.Status.Final() {
		return latest, time.Time{}, err
	}
	due, found, err := find[canariesDue](ctx, "reading whether canaries come", s.canaryLog, byID(canariesDueKey))
	if err != nil || !found {
		return latest, time.Time{}, err
	}
	if since = due.Since.UTC(); state.StartedAt.After(since) {
		since = state.StartedAt
	}
	return latest, since, nil
}

// PutCanary keeps what a canary has shown. Only one canary lives at a time, so that nobody else writes.
func (s *Store) PutCanary(ctx context.Context, r canary.Result) error {
	results, err := s.Canaries(ctx)
	if err != nil {
		return err
	}
	r.BeganAt, r.EndedAt = stored(r.BeganAt), stored(r.EndedAt)
	doc := canaryResults{Key: canaryResultsKey, Results: canary.Insert(results, r)}
	return put(ctx, "keeping what a canary has shown", s.canaryLog, canaryResultsKey, doc)
}
