package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/trial"
)

// noticeDocument is one notice to one recipient. Like a send's, its attempt only
// grows, so that what is known is not lost in any order of writes.
type noticeDocument struct {
	// Key is the notice's and the recipient's id, never an address.
	Key     string        `bson:"_id"`
	Attempt noticeAttempt `json:"attempt"`
}

type noticeAttempt struct {
	Number    int              `json:"number"`
	Rank      int              `json:"rank"`
	Status    trial.SendStatus `json:"status"`
	ClaimedAt time.Time        `json:"claimedAt"`
	SettledAt *time.Time       `json:"settledAt"`
	Reason    string           `json:"reason"`
}

// The outcomes of an attempt. One that is not known gives way to any that is.
var noticeRanks = map[trial.SendStatus]int{
	trial.SendUnknown: 1, trial.SendReleased: 2, trial.SendRefused: 3, trial.SendSent: 4,
}

// ClaimNotice makes the caller the one who notifies a recipient, unless there is an earlier attempt that is not known to have
// failed temporarily.
func (s *Store) ClaimNotice(ctx context.Context, key string, at time.Time) (claimed bool, err error) {
	first := noticeDocument{Key: key, Attempt: noticeAttempt{Number: 1, Status: trial.SendClaimed, ClaimedAt: stored(at)}}
	if claimed, err = insert(ctx, "claiming notice "+key, s.notices, first); claimed || err != nil {
		return claimed, err
	}
	before, err := s.findNotice(ctx, key)
	if err != nil || before.Attempt.Status != trial.SendReleased {
		return false, err
	}
	number := before.Attempt.Number
	next := noticeAttempt{Number: number + 1, Status: trial.SendClaimed, ClaimedAt: stored(at)}
	// Of several callers that come this far, the one that still saw the released
	// attempt in the document it changed has made the step.
	err = s.notices.FindOneAndUpdate(ctx, byID(key), growNotice(next), options.FindOneAndUpdate().SetReturnDocument(options.Before)).Decode(&before)
	if err != nil {
		return false, failed("claiming notice "+key+" again", err)
	}
	return before.Attempt.Number == number && before.Attempt.Status == trial.SendReleased, nil
}

// NoticeStatus is what is known of a notice that was claimed.
func (s *Store) NoticeStatus(ctx context.Context, key string) (trial.SendStatus, error) {
	doc, err := s.findNotice(ctx, key)
	return doc.Attempt.Status, err
}

// SettleNotice notes what became of the latest attempt. What is known for
// certain stays: an outcome that says less changes nothing.
func (s *Store) SettleNotice(ctx context.Context, key string, status trial.SendStatus, reason string, at time.Time) error {
	rank := noticeRanks[status]
	if rank == 0 {
		return trial.Invalid("status", "%q settles no notice", status)
	}
	doc, err := s.findNotice(ctx, key)
	if err != nil || doc.Attempt.Rank >= rank {
		return err
	}
	settledAt, settled := stored(at), doc.Attempt
	settled.Rank, settled.Status, settled.SettledAt, settled.Reason = rank, status, &settledAt, reason
	if err := s.notices.FindOneAndUpdate(ctx, byID(key), growNotice(settled)).Err(); err != nil {
		return failed("noting the outcome of notice "+key, err)
	}
	return nil
}

func growNotice(a noticeAttempt) bson.D {
	return bson.D{{Key: "$max", Value: bson.D{{Key: "attempt", Value: a}}}}
}

func (s *Store) findNotice(ctx context.Context, key string) (noticeDocument, error) {
	var doc noticeDocument
	if err := s.notices.FindOne(ctx, byID(key)).Decode(&doc); err != nil {
		return noticeDocument{}, failed("reading notice "+key, err)
	}
	return doc, nil
}
