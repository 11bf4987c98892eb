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
	"go.uber.org/zap"

	"marketplace.example/trials/audit"
	"marketplace.example/trials/trial"
)

const (
	// auditTries bounds how often an entry is tried against others.
	auditTries = 200
	// verifyLimit bounds reading the whole audit record.
	verifyLimit = time.Hour
)

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
// it stands there. Number and hashes are given here; of several who append at
// once the insertion of a number decides, and the others take the next.
func (s *Store) AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	for range auditTries {
		last, err := s.lastAudit(ctx)
		if err != nil {
			return e, err
		}
		next, attempt := audit.Next(last, e), rand.Text()
		_, err = s.auditLog.InsertOne(ctx, auditDocument{Key: auditKey(next.Seq), Entry: next, Attempt: attempt})
		if err != nil && !mongo.IsDuplicateKeyError(err) {
			return e, failed("writing to the audit record", err)
		}
		mine := err == nil
		if !mine { // or the driver has sent it twice, and the first has arrived
			standing, err := s.auditEntry(ctx, next.Seq)
			if err != nil {
				return e, err
			}
			mine = standing != nil && standing.Attempt == attempt
		}
		if mine {
			s.audited.Store(int64(next.Seq))
			return next, nil
		}
	}
	return e, &trial.Error{Code: trial.CodeUnavailable, Message: "the audit record is being written by others all the time; try again later"}
}

// lastAudit is the last entry, the zero Entry where there is none. It looks from
// the last number that this process has seen, in steps that double as long as
// there is an entry and then halve: so many reads by key as the number of new
// entries has binary digits, twice. Sorting would read the whole collection on
// the embedded database.
func (s *Store) lastAudit(ctx context.Context) (audit.Entry, error) {
	var last audit.Entry
	if seen := int(s.audited.Load()); seen > 0 {
		e, err := s.auditEntry(ctx, seen)
		if err != nil {
			return last, err
		}
		if e == nil { // an older state was restored meanwhile, or somebody has cut the end off
			s.log.Error("the audit record ends before an entry that was there", zap.Int("missing", seen))
		} else {
			last = e.Entry
		}
	}
	step := 1
	for growing := true; step > 0; {
		e, err := s.auditEntry(ctx, last.Seq+step)
		if err != nil {
			return last, err
		}
		if e != nil {
			last = e.Entry
		}
		growing = growing && e != nil
		if growing {
			step *= 2
		} else {
			step /= 2
		}
	}
	return last, nil
}

// auditEntry is the entry that stands under a number, nil where there is none.
func (s *Store) auditEntry(ctx context.Context, seq int) (*auditDocument, error) {
	var doc auditDocument
	err := s.auditLog.FindOne(ctx, byID(auditKey(seq))).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil //nolint:nilnil // documented: there is none, and nothing is wrong
	}
	if err != nil {
		return nil, failed("reading the audit record", err)
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
	cursor, err := s.auditLog.Find(ctx, bson.D{}, options.Find().SetSort(up("_id")))
	if err != nil {
		return failed("reading the audit record", err)
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }()
	for cursor.Next(ctx) {
		var doc auditDocument
		if err := cursor.Decode(&doc); err != nil {
			return failed("reading the audit record", err)
		}
		if err := v.Take(auditNumber(doc.Key), doc.Entry); err != nil {
			return err
		}
	}
	if err := cursor.Err(); err != nil {
		return failed("reading the audit record", err)
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
