package mongodb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// flushEvery is how long observations are gathered in memory before they are
// written together. A process that is killed loses that much of them; what they
// tell of stays in trial_events and sends.
const flushEvery = 400 * time.Millisecond

// ObservedAfter is how long after an interval's end all that belongs to it is
// written, unless a single write takes longer.
const ObservedAfter = 4 * flushEvery

// observations gathers what becomes known of the rollout.
type observations struct {
	day time.Duration
	*batchWriter[*observed]
}

// observed is what an interval's document will be changed by.
type observed struct {
	outcomes map[string]time.Time
	calls    rollout.Calls
}

// observationDocument is an interval as stored. An outcome is a field of its
// own, so that one noted twice before it is written is there once.
type observationDocument struct {
	Interval  string                    `bson:"_id"`
	Outcomes  map[string]time.Time      `bson:"outcomes"`
	Failed    int                       `bson:"failed"`
	Took      map[string]int            `bson:"took"`
	Routes    map[string]map[string]int `bson:"routes"`
	Automated rollout.CallCount         `bson:"automated"`
	Control   rollout.CallCount         `bson:"control"`
}

// intervalKey is text: the embedded database finds numbers by reading everything.
func intervalKey(interval int64) string { return strconv.FormatInt(interval, 10) }

// WithObservations has a Store keep what becomes known of automated vendors and
// of API calls, by intervals of a day that lasts so long. Without it, nothing is kept.
func WithObservations(day time.Duration) Option {
	return func(s *Store) {
		empty := func() *observed { return &observed{outcomes: map[string]time.Time{}} }
		s.observations = &observations{day: day, batchWriter: newBatchWriter(flushEvery, empty, s.writeObservations)}
	}
}

// ObserveCall notes an API call.
func (s *Store) ObserveCall(c rollout.Call) {
	s.observe(func(o *observed) { o.calls.Observe(c) })
}

// adoptedMark follows the key of an adopted vendor's outcome.
const adoptedMark = " " + string(trial.Adopted)

// observeOutcome notes what became known of an automated vendor. key is the
// step's, the event's or the vendor's id.
func (s *Store) observeOutcome(kind rollout.OutcomeKind, key string, adopted bool) {
	at, field := stored(time.Now()), string(kind)+" "+key
	if adopted {
		field += adoptedMark
	}
	s.observe(func(o *observed) { o.outcomes[field] = at })
}

func (s *Store) observe(change func(*observed)) {
	if s.observations != nil {
		s.observations.note(change)
	}
}

// writeObservations puts what was gathered into the interval of now. The one it
// became known in may have been read already, where the database is slow or was away.
func (s *Store) writeObservations(ctx context.Context, o *observed) {
	interval := rollout.Interval(time.Now(), s.observations.day)
	// Not UpdateOne, which reads the whole collection on the embedded database.
	err := s.observed.FindOneAndUpdate(ctx, byID(intervalKey(interval)), o.update(), options.FindOneAndUpdate().SetUpsert(true)).Err()
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		s.log.Warn("observations not written yet", zap.Int64("interval", interval), zap.Error(err))
		s.observe(o.addTo)
	}
}

func (o *observed) addTo(other *observed) {
	maps.Copy(other.outcomes, o.outcomes)
	other.calls.Add(o.calls)
}

func (o *observed) update() bson.D {
	set, inc := bson.D{}, bson.D{}
	for key, at := range o.outcomes {
		set = append(set, bson.E{Key: "outcomes." + key, Value: at})
	}
	for field, n := range map[string]int{
		"failed": o.calls.Failed, "automated.seen": o.calls.Automated.Seen, "automated.failed": o.calls.Automated.Failed,
		"control.seen": o.calls.Control.Seen, "control.failed": o.calls.Control.Failed,
	} {
		if n > 0 {
			inc = append(inc, bson.E{Key: field, Value: n})
		}
	}
	count := func(field string, took rollout.Durations) {
		for bucket, n := range took {
			inc = append(inc, bson.E{Key: field + "." + strconv.Itoa(bucket), Value: n})
		}
	}
	count("took", o.calls.Took)
	for route, took := range o.calls.Routes {
		count("routes."+strings.ReplaceAll(route, ".", "_"), took) // a dot would begin a field of a field
	}
	return changes(bson.E{Key: "$set", Value: set}, bson.E{Key: "$inc", Value: inc})
}

// Observations are what was written down in the intervals that lie between two
// moments; both are rounded down to an interval's beginning.
func (s *Store) Observations(ctx context.Context, from, to time.Time, day time.Duration) ([]rollout.Outcome, rollout.Calls, error) {
	var outcomes []rollout.Outcome
	var calls rollout.Calls
	for i := rollout.Interval(from, day); i < rollout.Interval(to, day); i++ {
		doc, _, err := find[observationDocument](ctx, fmt.Sprintf("reading the observations of interval %d", i), s.observed, byID(intervalKey(i)))
		if err != nil {
			return nil, calls, err
		}
		for key, at := range doc.Outcomes {
			outcomes = append(outcomes, outcomeOf(key, at))
		}
		calls.AddInterval(doc.calls())
	}
	return outcomes, calls, nil
}

// Calls are the API calls of the intervals that lie between two moments, the
// one that to lies in included.
func (s *Store) Calls(ctx context.Context, from, to time.Time, day time.Duration) (calls rollout.Calls, err error) {
	callsOnly := options.FindOne().SetProjection(bson.D{{Key: "failed", Value: 1}, {Key: "took", Value: 1}, {Key: "routes", Value: 1}})
	for i := rollout.Interval(from, day); i <= rollout.Interval(to, day); i++ {
		doc, _, err := find[observationDocument](ctx, fmt.Sprintf("reading the API calls of interval %d", i), s.observed, byID(intervalKey(i)), callsOnly)
		if err != nil {
			return calls, err
		}
		calls.Add(doc.calls())
	}
	return calls, nil
}

func outcomeOf(field string, at time.Time) rollout.Outcome {
	kind, marked, _ := strings.Cut(field, " ")
	key, adopted := strings.CutSuffix(marked, adoptedMark)
	vendorID, _, _ := strings.Cut(key, "/")
	return rollout.Outcome{Kind: rollout.OutcomeKind(kind), VendorID: vendorID, Key: key, At: at.UTC(), Adopted: adopted}
}

func (d observationDocument) calls() rollout.Calls {
	c := rollout.Calls{Failed: d.Failed, Took: durations(d.Took), Automated: d.Automated, Control: d.Control}
	for route, took := range d.Routes {
		c.Add(rollout.Calls{Routes: map[string]rollout.Durations{route: durations(took)}})
	}
	return c
}

func durations(took map[string]int) rollout.Durations {
	d := rollout.Durations{}
	for bucket, n := range took {
		if b, err := strconv.Atoi(bucket); err == nil {
			d[b] += n
		}
	}
	return d
}

// observeEvent notes what an event of a trial tells of the rollout.
func (s *Store) observeEvent(e trial.Event, after trial.State) {
	for _, o := range rollout.OutcomesOf(e, after) {
		s.observeOutcome(o.Kind, o.Key, o.Adopted)
	}
}
