package mongodb

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// currentRollout is the _id of the document that names the latest rollout.
const currentRollout = "current"

// rolloutDocument is a rollout's state as stored, folded from its decisions.
type rolloutDocument struct {
	Key           string `bson:"_id"`
	rollout.State `bson:",inline"`
}

// pointerDocument names the latest rollout.
type pointerDocument struct {
	Key       string `bson:"_id"`
	RolloutID string `json:"rolloutId"`
}

// decisionDocument is a rollout's event as stored.
type decisionDocument struct {
	Key           string `bson:"_id"`
	RolloutID     string `json:"rolloutId"`
	rollout.Event `bson:",inline"`
}

func decisionKey(rolloutID string, seq int) string { return fmt.Sprintf("%s/%d", rolloutID, seq) }

// AppendDecision stores an event of a rollout and the state after it. Where an
// event with that number is stored already, it is returned, and the state is
// made again from what is stored; so a call that failed half-way is repeated
// until it succeeds.
func (s *Store) AppendDecision(ctx context.Context, e rollout.Event, after rollout.State) (existing *rollout.Event, err error) {
	doc := decisionDocument{Key: decisionKey(after.ID, e.Seq), RolloutID: after.ID, Event: e}
	isNew, err := insert(ctx, "storing decision "+doc.Key, s.decisions, doc)
	if err != nil {
		return nil, err
	}
	if !isNew {
		if existing, after, err = s.storedDecision(ctx, e, after); err != nil || after.Seq == 0 {
			return existing, err
		}
	}
	if e.Type == rollout.EventStarted {
		if err := s.SetCurrentRollout(ctx, after.ID); err != nil {
			return nil, err
		}
	}
	return existing, s.putRollout(ctx, after)
}

// SetCurrentRollout names the latest rollout.
func (s *Store) SetCurrentRollout(ctx context.Context, id string) error {
	return put(ctx, "storing which rollout is the latest", s.rollouts, currentRollout, pointerDocument{Key: currentRollout, RolloutID: id})
}

// RefoldRollout makes a rollout again from its decisions.
func (s *Store) RefoldRollout(ctx context.Context, id string) error {
	first, err := s.Decisions(ctx, id, 1, 1)
	if err != nil || len(first) == 0 {
		return err
	}
	return s.putRollout(ctx, rollout.Fold(first))
}

// storedDecision is the event that is stored under an event's number, and the state after it, made of what is stored. A
// restored database may lack what was decided before: then it is the state that the caller knows, and zero for an event
// of another moment.
func (s *Store) storedDecision(ctx context.Context, e rollout.Event, after rollout.State) (*rollout.Event, rollout.State, error) {
	events, err := s.Decisions(ctx, after.ID, 1, e.Seq)
	if err == nil && len(events) == e.Seq {
		return &events[e.Seq-1], rollout.Fold(events), nil
	}
	if err == nil {
		events, err = s.Decisions(ctx, after.ID, e.Seq, 1)
	}
	switch {
	case err != nil:
		return nil, after, err
	case len(events) == 0:
		return nil, after, fmt.Errorf("decision %s is gone", decisionKey(after.ID, e.Seq))
	case !events[0].At.Equal(e.At):
		after = rollout.State{}
	}
	return &events[0], after, nil
}

// putRollout stores a rollout's state. Somebody who wrote a later event may have
// stored the state after that meanwhile, so what came later is looked for and
// taken in as well.
func (s *Store) putRollout(ctx context.Context, state rollout.State) error {
	for {
		if err := put(ctx, "storing rollout "+state.ID, s.rollouts, state.ID, rolloutDocument{Key: state.ID, State: state}); err != nil {
			return err
		}
		later, err := s.Decisions(ctx, state.ID, state.Seq+1, laterDecisions)
		if err != nil || len(later) == 0 {
			return err
		}
		for _, e := range later {
			state = state.Apply(e)
		}
	}
}

// laterDecisions is how many later events are taken in at once.
const laterDecisions = 100

// Rollout is the rollout of that id. Without one it is a *trial.Error with
// CodeNotFound.
func (s *Store) Rollout(ctx context.Context, id string) (rollout.State, error) {
	doc, _, err := find[rolloutDocument](ctx, "reading rollout "+id, s.rollouts, byID(id))
	if err == nil && doc.ID == "" {
		err = &trial.Error{Code: trial.CodeNotFound, Field: "id", Message: fmt.Sprintf("there is no rollout %.80q", id)}
	}
	return doc.State, err
}

// CurrentRollout is the latest rollout, running or not, and whether there is one.
func (s *Store) CurrentRollout(ctx context.Context) (rollout.State, bool, error) {
	pointer, found, err := find[pointerDocument](ctx, "reading which rollout is the latest", s.rollouts, byID(currentRollout))
	if err != nil || !found {
		return rollout.State{}, false, err
	}
	state, err := s.Rollout(ctx, pointer.RolloutID)
	return state, err == nil, err
}

// WatchedAt is when the running rollout was last watched, or began; zero where
// none runs.
func (s *Store) WatchedAt(ctx context.Context) (time.Time, error) {
	state, found, err := s.CurrentRollout(ctx)
	if err != nil || !found || state.Status.Final() {
		return time.Time{}, err
	}
	judged, err := s.LatestJudgement(ctx, state.ID)
	if err != nil || judged == nil {
		return state.StartedAt, err
	}
	return judged.At, nil
}

// Decisions are up to limit of a rollout's events from number fromSeq on, in
// order; none for an unknown rollout.
func (s *Store) Decisions(ctx context.Context, id string, fromSeq, limit int) ([]rollout.Event, error) {
	return findSequence(ctx, "reading the decisions of rollout "+id, s.decisions,
		func(seq int) string { return decisionKey(id, seq) }, fromSeq, limit,
		func(d decisionDocument) rollout.Event { return d.Event })
}

// seriesDocument is how a rollout's judgements have developed. It lies beside the ledger, which is read more often.
type seriesDocument struct {
	Key                string `bson:"_id"`
	rollout.TimeSeries `bson:",inline"`
}

func seriesKey(rolloutID string) string { return rolloutID + "/series" }

// TimeSeries is how a rollout's judgements have developed; empty before the first.
func (s *Store) TimeSeries(ctx context.Context, id string) (rollout.TimeSeries, error) {
	doc, _, err := find[seriesDocument](ctx, "reading the time series of rollout "+id, s.ledgers, byID(seriesKey(id)))
	return doc.TimeSeries, err
}

// PutTimeSeries stores how a rollout's judgements have developed.
func (s *Store) PutTimeSeries(ctx context.Context, id string, t rollout.TimeSeries) error {
	return put(ctx, "storing the time series of rollout "+id, s.ledgers, seriesKey(id), seriesDocument{Key: seriesKey(id), TimeSeries: t})
}

// snapshotDocument is a snapshot as stored.
type snapshotDocument struct {
	Key              string `bson:"_id"`
	rollout.Snapshot `bson:",inline"`
}

// AddSnapshot stores a snapshot. Where one with that number is stored already,
// that one is answered with: each number is one snapshot.
func (s *Store) AddSnapshot(ctx context.Context, snapshot rollout.Snapshot) (rollout.Snapshot, error) {
	doc := snapshotDocument{Key: decisionKey(snapshot.RolloutID, snapshot.Number), Snapshot: snapshot}
	if _, err := insert(ctx, "storing snapshot "+doc.Key, s.snapshots, doc); err != nil {
		return rollout.Snapshot{}, err
	}
	// Read even where it is new, so that it is judged as it is stored.
	kept, found, err := s.Snapshot(ctx, snapshot.RolloutID, snapshot.Number)
	if err == nil && !found {
		return kept, fmt.Errorf("snapshot %s is gone", doc.Key)
	}
	return kept, err
}

// Snapshot is a rollout's snapshot of that number, and whether there is one.
func (s *Store) Snapshot(ctx context.Context, id string, number int) (rollout.Snapshot, bool, error) {
	action := fmt.Sprintf("reading snapshot %d of rollout %s", number, id)
	doc, found, err := find[snapshotDocument](ctx, action, s.snapshots, byID(decisionKey(id, number)))
	return doc.Snapshot, found, err
}

// VendorsWithoutStart counts vendors that have no trial start: the migration's
// second query.
func (s *Store) VendorsWithoutStart(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	filter := bson.D{{Key: "isVendor", Value: true}, {Key: "trialStartDate", Value: bson.D{{Key: "$exists", Value: false}}}}
	n, err := s.users.CountDocuments(ctx, filter)
	if err != nil {
		return 0, failed("counting vendors without a start", err)
	}
	return n, nil
}

// RunningTrials are up to limit trials that are not over, automated or not as
// asked, after the vendor id given, in the order of their ids.
func (s *Store) RunningTrials(ctx context.Context, automated bool, after string, limit int) ([]trial.State, error) {
	filter := bson.D{
		{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}},
		{Key: "status", Value: bson.D{{Key: "$in", Value: bson.A{trial.Active, trial.Grace}}}},
		{Key: "automated", Value: automated},
	}
	return s.findTrials(ctx, "looking for running trials", filter, ascending("_id"), limit)
}
