package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/feedback"
)

// feedbackDocument is the answer of a vendor about one kind of e-mail; its key is vendorID/kind.
type feedbackDocument struct {
	Key             string `bson:"_id"`
	VendorID        string `json:"vendorId"`
	feedback.Answer `bson:",inline"`
}

func (d feedbackDocument) answer() feedback.Answer {
	d.At = d.At.UTC()
	return d.Answer
}

// ofVendor takes the documents whose keys begin with the vendor; '0' is the character after '/'.
func ofVendor(vendorID string) bson.D {
	return bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: vendorID + "/"}, {Key: "$lt", Value: vendorID + "0"}}}}
}

// PutFeedback keeps a vendor's answer in place of its earlier one about the same kind of e-mail. Of a vendor that is erased
// it keeps no text.
func (s *Store) PutFeedback(ctx context.Context, vendorID string, a feedback.Answer) error {
	s = s.of(vendorID)
	a.At = stored(a.At)
	doc := feedbackDocument{Key: vendorID + "/" + a.Kind, VendorID: vendorID, Answer: a}
	if err := put(ctx, "keeping feedback of vendor "+vendorID, s.answers, doc.Key, doc); err != nil || a.Text == "" {
		return err
	}
	// An erasure that came meanwhile has looked for texts before this one was there, and is on record by now.
	v, err := s.VendorOnRecord(ctx, vendorID)
	if err != nil || v.ErasedAt == nil {
		return err
	}
	return s.forgetFeedback(ctx, vendorID)
}

// forgetFeedback removes the texts of a vendor's answers. The answers stay.
func (s *Store) forgetFeedback(ctx context.Context, vendorID string) error {
	_, err := s.answers.UpdateMany(ctx, ofVendor(vendorID), bson.D{{Key: "$unset", Value: bson.D{{Key: "text", Value: ""}}}})
	if err != nil {
		return failed("removing the texts of vendor "+vendorID, err)
	}
	return nil
}

// Feedback are a vendor's answers, in the order of their kinds.
func (s *Store) Feedback(ctx context.Context, vendorID string) ([]feedback.Answer, error) {
	s = s.of(vendorID)
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	docs, err := list[feedbackDocument](ctx, "reading the feedback of "+vendorID, s.answers, ofVendor(vendorID), options.Find().SetSort(ascending("_id")))
	return contents(docs, feedbackDocument.answer), err
}

// CountFeedback counts the answers that a filter takes.
func (s *Store) CountFeedback(ctx context.Context, f feedback.Filter) ([]feedback.Count, error) {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	const action = "counting feedback"
	cursor, err := s.answers.Aggregate(ctx, mongo.Pipeline{
		{{Key: "$match", Value: taken(f)}},
		{{Key: "$group", Value: bson.D{
			{Key: "_id", Value: bson.D{{Key: "phase", Value: "$phase"}, {Key: "cohort", Value: "$cohort"}, {Key: "helpful", Value: "$helpful"}}},
			{Key: "answers", Value: bson.D{{Key: "$sum", Value: 1}}},
		}}},
	})
	if err != nil {
		return nil, failed(action, err)
	}
	var groups []struct {
		Key struct {
			feedback.Group `bson:",inline"`
			Helpful        bool `json:"helpful"`
		} `bson:"_id"`
		Answers int `json:"answers"`
	}
	if err := cursor.All(ctx, &groups); err != nil {
		return nil, failed(action, err)
	}
	counts := map[feedback.Group]feedback.Tally{}
	for _, g := range groups {
		t := feedback.Tally{Answers: g.Answers}
		if g.Key.Helpful {
			t.Helpful = g.Answers
		}
		counts[g.Key.Group] = counts[g.Key.Group].Plus(t)
	}
	return feedback.Sorted(counts), nil
}

// taken is the query for what a filter takes.
func taken(f feedback.Filter) bson.D {
	query := bson.D{}
	if f.RolloutID != "" {
		query = append(query, bson.E{Key: "phase.rolloutId", Value: f.RolloutID})
	}
	at := bson.D{}
	if !f.From.IsZero() {
		at = append(at, bson.E{Key: "$gte", Value: f.From})
	}
	if !f.To.IsZero() {
		at = append(at, bson.E{Key: "$lt", Value: f.To})
	}
	if len(at) > 0 {
		query = append(query, bson.E{Key: "at", Value: at})
	}
	return query
}
