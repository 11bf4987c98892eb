package mongodb

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
)

const (
	// settledID is the _id, in sweeps, of how far the audit record is known to be settled.
	settledID = "audit"
	// auditPage is how many entries are read at once.
	auditPage = 1000
)

// settledDocument says that every entry up to a mark is settled.
type settledDocument struct {
	Key        string `bson:"_id"`
	audit.Mark `bson:",inline"`
}

// SettleAudit puts on record what became of a pending entry, unless something settles it already:
// an earlier attempt may have arrived unheard.
func (s *Store) SettleAudit(ctx context.Context, settled audit.Entry) error {
	behind := bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: auditKey(settled.Settles)}}}, {Key: "settles", Value: settled.Settles}}
	_, found, err := find[bson.Raw](ctx, "looking for what settles an entry of the audit record", s.auditLog, behind)
	if err == nil && !found {
		_, err = s.AppendAudit(ctx, settled)
	}
	return err
}

// SweepAudit settles, as of unknown outcome, the pending entries that whoever made them will not
// settle any more. It leaves those alone that the sweep before has not seen: while the database was
// away nobody could settle anything. waiting are those that were seen, for the next sweep.
func (s *Store) SweepAudit(ctx context.Context, seen audit.Unsettled, now time.Time) (waiting audit.Unsettled, err error) {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	mark, err := s.settledMark(ctx)
	if err != nil {
		return seen, err
	}
	open, last, err := s.unsettledAudit(ctx, mark)
	if err != nil {
		return seen, err
	}
	waiting = maps.Clone(open)
	for _, seq := range slices.Sorted(maps.Keys(open)) {
		e := open[seq]
		if _, known := seen[seq]; !known || !e.Forgotten(now) {
			continue
		}
		if err := s.SettleAudit(ctx, e.Unknown(now)); err != nil {
			return waiting, err
		}
		s.log.Warn("the outcome of an audit entry is not known", zap.Int("entry", seq), zap.String("requestId", e.RequestID))
		delete(waiting, seq)
	}
	if len(waiting) > 0 {
		first := waiting[slices.Min(slices.Collect(maps.Keys(waiting)))]
		last = audit.Mark{Seq: first.Seq - 1, Hash: first.Previous}
	}
	if last == mark {
		return waiting, nil
	}
	return waiting, put(ctx, "storing how far the audit record is settled", s.sweeps, settledID, settledDocument{Key: settledID, Mark: last})
}

// settledMark is up to where everything is settled; nowhere where the record is not the one that was looked at.
func (s *Store) settledMark(ctx context.Context) (audit.Mark, error) {
	doc, _, err := find[settledDocument](ctx, "reading how far the audit record is settled", s.sweeps, byID(settledID))
	if err != nil || doc.Seq == 0 {
		return audit.Mark{}, err
	}
	e, err := s.auditEntry(ctx, doc.Seq)
	if err != nil || e == nil || e.Hash != doc.Hash {
		return audit.Mark{}, err
	}
	return doc.Mark, nil
}

// unsettledAudit are the pending entries behind a mark, and the last entry.
func (s *Store) unsettledAudit(ctx context.Context, after audit.Mark) (audit.Unsettled, audit.Mark, error) {
	open := audit.Unsettled{}
	for {
		behind := bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: auditKey(after.Seq)}}}}
		docs, err := list[auditDocument](ctx, "reading the audit record", s.auditLog, behind, options.Find().SetSort(ascending("_id")).SetLimit(auditPage))
		if err != nil {
			return nil, after, err
		}
		for _, doc := range docs {
			open.Apply(doc.Entry)
			after = audit.Mark{Seq: auditNumber(doc.Key), Hash: doc.Hash}
		}
		if len(docs) < auditPage {
			return open, after, nil
		}
	}
}
