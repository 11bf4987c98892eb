package mongodb

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Send is what is known of the send with that key; nil when nothing is.
func (s *Store) Send(ctx context.Context, key string) (*trial.Send, error) {
	s = s.of(key)
	doc, err := s.findSend(ctx, key)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil //nolint:nilnil // documented: nothing is known, and nothing is wrong
	}
	if err != nil {
		return nil, err
	}
	send := doc.send()
	return &send, nil
}

// Sends are all e-mails to a vendor, in the order of their keys, those that a bulk
// operation has sent once more too.
func (s *Store) Sends(ctx context.Context, vendorID string) ([]trial.Send, error) {
	s = s.of(vendorID)
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	docs, err := list[sendDocument](ctx, "reading the e-mails to "+vendorID, s.sends, ofVendor(vendorID), options.Find().SetSort(ascending("_id")))
	return contents(docs, sendDocument.send), err
}

// ClaimSend makes the caller the one who sends, as the first attempt, unless
// somebody was before. It answers with the send as it stands. Of n only the
// key, the vendor, the kind, the revision, the cohort, ClaimedAt and AddressHash count.
func (s *Store) ClaimSend(ctx context.Context, n trial.Send) (claimed bool, current trial.Send, err error) {
	s = s.of(n.Key)
	doc := sendDocument{
		Key: n.Key, VendorID: n.VendorID, Kind: n.Kind, Revision: n.Revision, Cohort: n.Cohort,
		Attempt: sendAttempt{Number: 1, Status: trial.SendClaimed, ClaimedAt: stored(n.ClaimedAt), AddressHash: n.AddressHash},
	}
	claimed, err = insert(ctx, "claiming send "+n.Key, s.sends, doc)
	if err != nil {
		return false, trial.Send{}, err
	}
	if claimed {
		s.countSend(trial.Send{}, doc.send())
		return true, doc.send(), nil
	}
	doc, err = s.findSend(ctx, n.Key)
	return false, doc.send(), err
}

// ReclaimSend makes the caller the one who sends, as the attempt after
// fromAttempt, unless the send has moved on from that meanwhile, was sent, or
// was refused for good. resend says that fromAttempt may have been accepted
// after all, which is counted. It answers with the send as it stands.
func (s *Store) ReclaimSend(ctx context.Context, key string, fromAttempt int, resend bool, at time.Time, addressHash string) (claimed bool, current trial.Send, err error) {
	s = s.of(key)
	before, err := s.findSend(ctx, key)
	if err != nil || !before.claimable(fromAttempt) {
		return false, before.send(), err
	}
	next := sendAttempt{
		Number: fromAttempt + 1, Status: trial.SendClaimed, Resends: before.Attempt.Resends,
		ClaimedAt: stored(at), AddressHash: addressHash,
	}
	if resend {
		next.Resends++
	}
	// Of several callers that come this far, the one that still saw fromAttempt
	// in the document it changed has made the step.
	before, after, err := s.changeSend(ctx, key, sendChange{attempt: &next})
	if err != nil {
		return false, trial.Send{}, err
	}
	return before.claimable(fromAttempt), after.send(), nil
}

// SettleSend notes the outcome of an attempt, and answers with the send as it
// stands: an attempt that another has overtaken changes nothing, unless it
// tells that the mail was sent; what was sent stays sent. The message's id, its template and what it says of the vendor are noted
// only with SendSent, the reason only with the others.
func (s *Store) SettleSend(ctx context.Context, key string, attempt int, result trial.SendResult, at time.Time) (trial.Send, error) {
	s = s.of(key)
	if result.Status == trial.SendSent {
		change := sendChange{sent: acceptance(attempt, result.MessageID, at)}
		if result.Template != "" {
			change.template = &sendTemplate{Attempt: attempt, Version: result.Template}
		}
		if result.Fields != nil && s.maySay(ctx, key) {
			change.fields = newSendFields(attempt, *result.Fields)
		}
		_, after, err := s.changeSend(ctx, key, change)
		s.observeOutcome(rollout.MailSent, key, after.Cohort == trial.Adopted) // it has left, even if that could not be stored
		if err != nil || change.fields == nil {
			return after.send(), err
		}
		return after.send(), s.forgetIfErased(ctx, after.VendorID)
	}
	rank := attemptRanks[result.Status]
	if rank == 0 {
		return trial.Send{}, trial.Invalid("status", "%q settles no send", result.Status)
	}
	doc, err := s.findSend(ctx, key)
	if err != nil || doc.Sent != nil || doc.Attempt.Number != attempt || doc.Attempt.Rank >= rank {
		return doc.send(), err
	}
	settledAt, settled := stored(at), doc.Attempt
	settled.Rank, settled.Status, settled.SettledAt, settled.Reason = rank, result.Status, &settledAt, result.Reason
	_, after, err := s.changeSend(ctx, key, sendChange{attempt: &settled})
	return after.send(), err
}

// maySayLimit bounds the look for an erasure: that the e-mail was sent is still to be noted.
const maySayLimit = time.Second

// maySay reports whether what an e-mail says of its vendor may be kept: not after an erasure, nor where that cannot be known.
func (s *Store) maySay(ctx context.Context, key string) bool {
	ctx, cancel := context.WithTimeout(ctx, maySayLimit)
	defer cancel()
	vendorID, _, _ := strings.Cut(key, "/")
	e, err := s.erased(ctx, vendorID)
	return err == nil && e == nil
}

// forgetIfErased removes what e-mails said of a vendor who was erased between maySay and now: the erasure has looked before it
// was stored, and is on record by now.
func (s *Store) forgetIfErased(ctx context.Context, vendorID string) error {
	e, err := s.erased(ctx, vendorID)
	if err != nil || e == nil {
		return err
	}
	return s.forgetMailFields(ctx, vendorID)
}

// SendEvent notes an event of the mail service about an attempt: it accepted
// the mail, and delivery is what became of it then, one of the trial.Delivery
// constants, or empty where it says no more. It answers with the send as it
// stands, nil where there is none with that key.
func (s *Store) SendEvent(ctx context.Context, key string, attempt int, messageID, delivery string, at time.Time) (*trial.Send, error) {
	s = s.of(key)
	change := sendChange{sent: acceptance(attempt, messageID, at)}
	if delivery != "" {
		report, err := deliveryReport(delivery, at)
		if err != nil {
			return nil, err
		}
		change.delivery = report
	}
	_, after, err := s.changeSend(ctx, key, change)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil //nolint:nilnil // documented: there is none, and nothing is wrong
	}
	if err != nil {
		return nil, err
	}
	if kind, ok := reportOutcomes[delivery]; ok {
		s.observeOutcome(kind, key, after.Cohort == trial.Adopted)
	}
	send := after.send()
	return &send, nil
}

// reportOutcomes are what reports of the mail service tell of the rollout; a delay tells nothing.
var reportOutcomes = map[string]rollout.OutcomeKind{
	trial.DeliveryDone: rollout.MailDelivered, trial.DeliveryComplaint: rollout.MailDelivered,
	trial.DeliveryGeneralBounce: rollout.MailGeneralBounce,
	trial.DeliveryBounce:        rollout.MailFailed, trial.DeliveryReject: rollout.MailFailed,
}

func acceptance(attempt int, messageID string, at time.Time) *sendAcceptance {
	return &sendAcceptance{At: stored(at), MessageID: messageID, Attempt: attempt}
}

// findSend reads a send. The error wraps mongo.ErrNoDocuments where there is none.
func (s *Store) findSend(ctx context.Context, key string) (sendDocument, error) {
	var doc sendDocument
	if err := s.sends.FindOne(ctx, byID(key)).Decode(&doc); err != nil {
		return sendDocument{}, failed("reading send "+key, err)
	}
	return doc, nil
}

// changeSend changes a send, and answers with what was known before and what is
// known afterwards.
func (s *Store) changeSend(ctx context.Context, key string, c sendChange) (before, after sendDocument, err error) {
	err = s.sends.FindOneAndUpdate(ctx, byID(key), c.update(), options.FindOneAndUpdate().SetReturnDocument(options.Before)).Decode(&before)
	if err != nil {
		return before, before, failed("noting what became of send "+key, err)
	}
	after = c.applied(before)
	s.countSend(before.send(), after.send())
	return before, after, nil
}
