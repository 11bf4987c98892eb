package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/report"
)

// reportDocument is a report as stored. The report itself is written once.
type reportDocument struct {
	Key    string        `bson:"_id"`
	Report report.Report `json:"report"`
	// Notified says that people were told of it, or that this was given up.
	Notified bool `json:"told"`
}

func reportKey(rolloutID, id string) string { return rolloutID + "/report/" + id }

// Report is a rollout's report of that id, whether people were told of it, and
// whether there is one.
func (s *Store) Report(ctx context.Context, rolloutID, id string) (r report.Report, notified, found bool, err error) {
	key := reportKey(rolloutID, id)
	doc, found, err := find[reportDocument](ctx, "reading report "+key, s.reports, byID(key))
	return doc.Report, doc.Notified, found, err
}

// AddReport stores a report. Where one of that id is stored already, that one is
// answered with: it is made once.
func (s *Store) AddReport(ctx context.Context, r report.Report) (report.Report, error) {
	key := reportKey(r.RolloutID, r.ID)
	isNew, err := insert(ctx, "storing report "+key, s.reports, reportDocument{Key: key, Report: r})
	if err == nil && !isNew {
		r, _, _, err = s.Report(ctx, r.RolloutID, r.ID)
	}
	return r, err
}

// SetReportNotified keeps that nobody is to be told of a report any more.
func (s *Store) SetReportNotified(ctx context.Context, rolloutID, id string) error {
	key := reportKey(rolloutID, id)
	update := bson.D{{Key: "$set", Value: bson.D{{Key: "told", Value: true}}}}
	if err := s.reports.FindOneAndUpdate(ctx, byID(key), update).Err(); err != nil {
		return failed("noting that report "+key+" was told of", err)
	}
	return nil
}
