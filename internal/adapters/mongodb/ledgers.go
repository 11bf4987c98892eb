package mongodb

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

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

// ledgerPartDocument is never changed: a part that is comes under another key. So a ledger that was stored stays whole until its
// successor is.
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

// Ledger is what a rollout's snapshots come to; found is false before the first. It is as large as there are vendors to watch.
func (s *Store) Ledger(ctx context.Context, id string) (rollout.Ledger, bool, error) {
	action := "reading the ledger of rollout " + id
	doc, found, err := find[ledgerDocument](ctx, action, s.ledgers, byID(id))
	if err != nil || !found {
		return rollout.Ledger{}, false, err
	}
	doc.Ledger.OpenEvidence = rollout.NewOpenEvidence()
	for keys := range slices.Chunk(doc.keys(), ledgerBatch) {
		parts, err := list[ledgerPartDocument](ctx, action, s.ledgers, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: keys}}}})
		if err == nil && len(parts) < len(keys) {
			err = fmt.Errorf("%s: %d of its parts are gone", action, len(keys)-len(parts))
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
	before, _, err := find[ledgerDocument](ctx, action, s.ledgers, byID(id), options.FindOne().SetProjection(ascending("parts", "replaced")))
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
	return put(ctx, action, s.ledgers, id, doc)
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
