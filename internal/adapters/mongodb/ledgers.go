package mongodb

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/rollout"
)

// ledgerDocument is what a rollout's snapshots come to, and what was judged last. What it holds for each vendor lies in parts, so
// that no document grows with the vendors' number.
type ledgerDocument struct {
	Key       string             `bson:"_id"`
	Ledger    rollout.Ledger     `json:"ledger"`
	Parts     []ledgerPart       `json:"parts"`
	Judgement *rollout.Judgement `json:"judgement"`
	// Replaced are keys of parts that this one no longer has. They are removed with the next: until then, whoever has read the
	// document before reads them.
	Replaced []string `json:"replaced,omitempty"`
}

// ledgerPart is a part as its ledger knows it.
type ledgerPart struct {
	// Snapshot is the number of the snapshot that changed it last.
	Snapshot int `json:"snapshot"`
	// Sum tells whether the next one changes it.
	Sum []byte `json:"sum"`
}

// ledgerPartDocument is a part as one snapshot left it. What a later one makes of it is stored under a key of its own, so a ledger
// stays whole until its successor is.
type ledgerPartDocument struct {
	Key                  string `bson:"_id"`
	rollout.OpenEvidence `bson:",inline"`
}

func (p ledgerPart) key(rolloutID string, i int) string {
	return fmt.Sprintf("%s/part/%d/%d", rolloutID, i, p.Snapshot)
}

func (d ledgerDocument) keys() []string {
	keys := make([]string, 0, len(d.Parts))
	for i, p := range d.Parts {
		keys = append(keys, p.key(d.Key, i))
	}
	return keys
}

// ledgerBatch is how many parts are read or written at once: some megabytes.
const ledgerBatch = 20

// Ledger is what a rollout's snapshots come to; found is false before the first. It is as large as there are vendors to watch. One
// that is torn, as a backup may have it that took minutes, is dropped: the watch makes it again of the snapshots.
func (s *Store) Ledger(ctx context.Context, id string) (rollout.Ledger, bool, error) {
	action := "reading the ledger of rollout " + id
	doc, found, err := find[ledgerDocument](ctx, action, s.ledgers, byID(id))
	if err != nil || !found {
		return rollout.Ledger{}, false, err
	}
	whole := rollout.NewOpenEvidence()
	whole.Add(doc.Ledger.OpenEvidence) // what a version without parts has stored
	doc.Ledger.OpenEvidence = whole
	for keys := range slices.Chunk(doc.keys(), ledgerBatch) {
		parts, err := list[ledgerPartDocument](ctx, action, s.ledgers, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: keys}}}})
		if err == nil && len(parts) < len(keys) {
			s.log.Warn("a ledger is torn: it is made again of the snapshots", zap.String("rollout", id), zap.Int("snapshot", doc.Ledger.Number))
			return rollout.Ledger{}, false, s.dropLedger(ctx, id, doc.Ledger.Number)
		}
		if err != nil {
			return rollout.Ledger{}, false, err
		}
		for _, part := range parts {
			doc.Ledger.Add(part.OpenEvidence)
		}
	}
	return doc.Ledger, true, nil
}

// dropLedger drops the ledger of a snapshot, unless another has taken its place.
func (s *Store) dropLedger(ctx context.Context, id string, number int) error {
	action := "dropping the ledger of rollout " + id
	result, err := s.ledgers.DeleteOne(ctx, ofSnapshot(id, number))
	switch {
	case err != nil:
		return failed(action, err)
	case result.DeletedCount == 0:
		return fmt.Errorf("%s: %w", action, errAnotherLedger)
	}
	return nil
}

// errAnotherLedger says that another watch was faster.
var errAnotherLedger = errors.New("another one was stored since this one was read")

func ofSnapshot(id string, number int) bson.D {
	return append(byID(id), bson.E{Key: "ledger.number", Value: number})
}

// LatestJudgement is the judgement of a rollout's last snapshot, nil before the first.
func (s *Store) LatestJudgement(ctx context.Context, id string) (*rollout.Judgement, error) {
	alone := options.FindOne().SetProjection(ascending("judgement"))
	doc, _, err := find[ledgerDocument](ctx, "reading the latest judgement of rollout "+id, s.ledgers, byID(id), alone)
	return doc.Judgement, err
}

// PutLedger stores a ledger and the judgement of its last snapshot: the parts that have changed, and then the document that names
// them.
func (s *Store) PutLedger(ctx context.Context, id string, l rollout.Ledger, j rollout.Judgement) error {
	action := "storing the ledger of rollout " + id
	names := options.FindOne().SetProjection(ascending("ledger.number", "parts", "replaced"))
	before, found, err := find[ledgerDocument](ctx, action, s.ledgers, byID(id), names)
	if err != nil {
		return err
	}
	before.Key = id
	doc, changed, err := successor(before, l, j)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	if len(before.Replaced) > 0 {
		if _, err := s.ledgers.DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: before.Replaced}}}}); err != nil {
			return failed(action, err)
		}
	}
	for batch := range slices.Chunk(changed, ledgerBatch) {
		if _, err := s.ledgers.BulkWrite(ctx, batch); err != nil {
			return failed(action, err)
		}
	}
	var stored bool
	if found { // a watch that was held up must not bring back a ledger whose parts have been removed
		err = s.ledgers.FindOneAndReplace(ctx, ofSnapshot(id, before.Ledger.Number), doc).Err()
		stored, err = err == nil, unlessMissing(action, err)
	} else {
		stored, err = insert(ctx, action, s.ledgers, doc)
	}
	if err == nil && !stored {
		err = fmt.Errorf("%s: %w", action, errAnotherLedger)
	}
	return err
}

// successor is the document that follows another, and the writes of the parts in which it differs.
func successor(before ledgerDocument, l rollout.Ledger, j rollout.Judgement) (ledgerDocument, []mongo.WriteModel, error) {
	parts := l.Deal(rollout.Parts(l.Len(), len(before.Parts)))
	l.OpenEvidence = rollout.OpenEvidence{}
	doc := ledgerDocument{Key: before.Key, Ledger: l, Judgement: &j, Parts: make([]ledgerPart, len(parts))}
	var changed []mongo.WriteModel
	for i, part := range parts {
		content, err := json.Marshal(part) // with its keys in order, other than BSON
		if err != nil {
			return doc, nil, fmt.Errorf("summing up part %d: %w", i, err)
		}
		sum := sha256.Sum256(content)
		if len(before.Parts) == len(parts) && slices.Equal(before.Parts[i].Sum, sum[:]) {
			doc.Parts[i] = before.Parts[i]
			continue
		}
		doc.Parts[i] = ledgerPart{Snapshot: l.Number, Sum: sum[:]}
		key := doc.Parts[i].key(doc.Key, i)
		stored := ledgerPartDocument{Key: key, OpenEvidence: part}
		changed = append(changed, mongo.NewReplaceOneModel().SetFilter(byID(key)).SetReplacement(stored).SetUpsert(true))
	}
	kept := doc.keys()
	doc.Replaced = slices.DeleteFunc(before.keys(), func(key string) bool { return slices.Contains(kept, key) })
	return doc, changed, nil
}
