package mongodb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
)

// verifyLimit bounds reading the whole audit record.
const verifyLimit = time.Hour

// auditDocument is an entry of the audit record as stored, under its number with
// leading zeros, so that the order of the keys is that of the numbers.
type auditDocument struct {
	Key         string `bson:"_id"`
	audit.Entry `bson:",inline"`
	// Attempt tells an insertion from another one of an entry that is alike.
	Attempt string `bson:"attempt"`
}

func auditKey(seq int) string { return fmt.Sprintf("%012d", seq) }

// AppendAudit puts an entry at the end of the audit record, and answers with it as
// it stands there. Those of this process are written one after the other, those of an
// urgent context (lanes.Urgent) first.
func (s *Store) AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	stands, err := s.appender.Append(ctx, e)
	if errors.Is(err, audit.ErrBusy) {
		err = &trial.Error{Code: trial.CodeUnavailable, Message: "the audit record is being written by others all the time; try again later"}
	}
	return stands, err
}

// InsertAudit puts entries under their numbers, in their order, up to the first whose number is
// another's. stand is how many stand there, counted from the first, also beside an error.
func (s *Store) InsertAudit(ctx context.Context, entries []audit.Entry) (stand int, err error) {
	attempt := rand.Text()
	docs := make([]auditDocument, 0, len(entries))
	for _, e := range entries {
		docs = append(docs, auditDocument{Key: auditKey(e.Seq), Entry: e, Attempt: attempt})
	}
	for stand < len(docs) {
		_, err := s.auditLog.InsertMany(ctx, docs[stand:])
		if err == nil {
			return len(docs), nil
		}
		var refused mongo.BulkWriteException
		if !errors.As(err, &refused) || len(refused.WriteErrors) != 1 || !mongo.IsDuplicateKeyError(err) {
			return stand, failed("writing to the audit record", err)
		}
		stand += refused.WriteErrors[0].Index
		// Another one's, or the driver has sent them twice, and the first has arrived.
		stored, err := s.auditEntry(ctx, docs[stand].Seq)
		if err != nil || stored == nil || stored.Attempt != attempt {
			return stand, err
		}
		stand++
	}
	return stand, nil
}

// AuditEntry is the entry under a number, nil where there is none.
func (s *Store) AuditEntry(ctx context.Context, seq int) (*audit.Entry, error) {
	doc, err := s.auditEntry(ctx, seq)
	if doc == nil {
		return nil, err
	}
	return &doc.Entry, err
}

// auditEntry is what stands under a number, nil where nothing does.
func (s *Store) auditEntry(ctx context.Context, seq int) (*auditDocument, error) {
	doc, found, err := find[auditDocument](ctx, "reading the audit record", s.auditLog, byID(auditKey(seq)))
	if !found {
		return nil, err
	}
	return &doc, nil
}

// AuditEntries are up to limit entries of the audit record that a filter means,
// latest first, of those before a number (0: from the latest on). next is the
// number to go on before, 0 at the end.
func (s *Store) AuditEntries(ctx context.Context, f audit.Filter, before, limit int) (entries []audit.Entry, next int, err error) {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	// One more than asked for tells whether there are more.
	docs, err := list[auditDocument](ctx, "listing the audit record", s.auditLog, auditFilter(f, before), options.Find().SetSort(bson.D{{Key: "_id", Value: -1}}).SetLimit(int64(limit)+1))
	if err != nil {
		return nil, 0, err
	}
	for i, doc := range docs {
		if i == limit {
			return entries, entries[limit-1].Seq, nil
		}
		doc.At = doc.At.UTC()
		entries = append(entries, doc.Entry)
	}
	return entries, 0, nil
}

func auditFilter(f audit.Filter, before int) bson.D {
	filter := bson.D{}
	if before > 0 {
		filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$lt", Value: auditKey(before)}}})
	}
	for field, value := range map[string]string{"actor": f.Actor, "action": f.Action, "outcome": string(f.Outcome)} {
		if value != "" {
			filter = append(filter, bson.E{Key: field, Value: value})
		}
	}
	if f.Subject != "" { // itself, or what lies below it: '0' is the character after '/'
		below := bson.D{{Key: "$gt", Value: f.Subject + "/"}, {Key: "$lt", Value: f.Subject + "0"}}
		filter = append(filter, bson.E{Key: "$or", Value: bson.A{
			bson.D{{Key: "subject", Value: f.Subject}}, bson.D{{Key: "subject", Value: below}},
		}})
	}
	moments := bson.D{}
	if !f.From.IsZero() {
		moments = append(moments, bson.E{Key: "$gte", Value: f.From})
	}
	if !f.To.IsZero() {
		moments = append(moments, bson.E{Key: "$lt", Value: f.To})
	}
	if len(moments) > 0 {
		filter = append(filter, bson.E{Key: "at", Value: moments})
	}
	return filter
}

// VerifyAudit takes the whole audit record before a verifier, in the order in
// which it is kept. The error is an *audit.Break where the chain is broken.
func (s *Store) VerifyAudit(ctx context.Context, v *audit.Verifier) error {
	ctx, cancel := context.WithTimeout(ctx, verifyLimit)
	defer cancel()
	err := scan(ctx, s.auditLog, "the audit record", func(doc auditDocument) error { return v.Verify(auditNumber(doc.Key), doc.Entry) },
		options.Find().SetSort(ascending("_id")))
	if err != nil {
		return err
	}
	return v.End()
}

// auditNumber is the number that a key stands for, 0 for a key that is none.
func auditNumber(key string) int {
	var seq int
	if _, err := fmt.Sscanf(key, "%d", &seq); err != nil || auditKey(seq) != key {
		return 0
	}
	return seq
}
