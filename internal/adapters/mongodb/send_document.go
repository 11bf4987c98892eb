package mongodb

import (
	"cmp"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/trial"
)

// sendDocument is a send as stored. What happens to a send comes from several
// sides and in any order: the worker that sends, one that takes over, and the
// mail service's events. So each part only moves forward, by $max or $min over
// a document that is compared field by field in the order written here, and no
// order of writes loses what is known.
type sendDocument struct {
	Key      string     `bson:"_id"`
	VendorID string     `json:"vendorId"`
	Kind     trial.Kind `json:"kind"`
	Revision int        `json:"revision"`
	// Cohort is the one that the trial was counted in at the first claim; absent if unknown.
	Cohort trial.Cohort `bson:"cohort,omitempty"`
	// Attempt is the latest attempt and what its worker knows of it.
	Attempt sendAttempt `json:"attempt"`
	// Sent is there once the mail service has accepted it, in any attempt; it
	// outweighs whatever the attempt says. Absent, not null, until then: null
	// would be less than everything.
	Sent *sendAcceptance `bson:"sent,omitempty"`
	// Delivery is the weightiest report of the mail service.
	Delivery *sendDelivery `bson:"delivery,omitempty"`
	// Template is the version of the templates that it was made of; absent until a worker tells that it was sent.
	Template *sendTemplate `bson:"template,omitempty"`
	// Fields are what it says of the vendor; absent until then, and after an erasure.
	Fields *sendFields `bson:"fields,omitempty"`
}

// sendAttempt only grows: a later attempt is more, and in one attempt a settled
// outcome is more than the claim.
type sendAttempt struct {
	Number      int              `json:"number"`
	Rank        int              `json:"rank"`
	Status      trial.SendStatus `json:"status"`
	Resends     int              `json:"resends"`
	ClaimedAt   time.Time        `json:"claimedAt"`
	SettledAt   *time.Time       `json:"settledAt"`
	Reason      string           `json:"reason"`
	AddressHash string           `json:"addressHash"`
}

// sendAcceptance only becomes earlier.
type sendAcceptance struct {
	At        time.Time `json:"at"`
	MessageID string    `json:"messageId"`
	Attempt   int       `json:"attempt"`
}

// sendTemplate is of the latest attempt that was accepted.
type sendTemplate struct {
	Attempt int    `json:"attempt"`
	Version string `json:"version"`
}

// sendFields are of the latest attempt that was accepted. An attempt has one worker, which notes them once.
type sendFields struct {
	Attempt          int `json:"attempt"`
	trial.MailFields `bson:",inline"`
}

func newSendFields(attempt int, f trial.MailFields) *sendFields {
	f.EndsAt = stored(f.EndsAt)
	if f.GraceEndsAt != nil {
		f.GraceEndsAt = new(stored(*f.GraceEndsAt))
	}
	return &sendFields{Attempt: attempt, MailFields: f}
}

// mailFields are what the e-mail says of the vendor.
func (f sendFields) mailFields() *trial.MailFields {
	said := f.MailFields
	said.EndsAt = said.EndsAt.UTC()
	if said.GraceEndsAt != nil {
		said.GraceEndsAt = new(said.GraceEndsAt.UTC())
	}
	return &said
}

// sendDelivery only grows: what went wrong weighs more than a delivery, that more
// than a bounce that may be an automatic reply, and that more than a delay; of two
// alike the later one stands.
type sendDelivery struct {
	Rank int       `json:"rank"`
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
}

// The outcomes that a worker settles an attempt with, beside sent.
var attemptRanks = map[trial.SendStatus]int{trial.SendUnknown: 1, trial.SendReleased: 2, trial.SendRefused: 3}

// The reports of the mail service.
var deliveryRanks = map[string]int{
	trial.DeliveryDelay: 1, trial.DeliveryGeneralBounce: 2, trial.DeliveryDone: 3,
	trial.DeliveryBounce: 4, trial.DeliveryComplaint: 4, trial.DeliveryReject: 4,
}

// deliveryReport is a report as stored. Once it is ranked, a bounce is a bounce.
func deliveryReport(report string, at time.Time) (*sendDelivery, error) {
	rank := deliveryRanks[report]
	if rank == 0 {
		return nil, trial.Invalid("delivery", "%q is no report of a delivery", report)
	}
	if report == trial.DeliveryGeneralBounce {
		report = trial.DeliveryBounce
	}
	return &sendDelivery{Rank: rank, At: stored(at), Kind: report}, nil
}

// send is what is known of the send.
func (d sendDocument) send() trial.Send {
	s := trial.Send{
		Key: d.Key, VendorID: d.VendorID, Kind: d.Kind, Revision: d.Revision, Cohort: d.Cohort,
		Status: d.Attempt.Status, Attempt: d.Attempt.Number, Resends: d.Attempt.Resends,
		ClaimedAt: d.Attempt.ClaimedAt, SettledAt: d.Attempt.SettledAt, Reason: d.Attempt.Reason, AddressHash: d.Attempt.AddressHash,
	}
	if d.Sent != nil {
		s.Status, s.SettledAt, s.MessageID, s.Reason = trial.SendSent, &d.Sent.At, d.Sent.MessageID, ""
	}
	if d.Template != nil {
		s.Template = d.Template.Version
	}
	if d.Fields != nil {
		s.Fields = d.Fields.mailFields()
	}
	if d.Delivery != nil {
		s.Delivery, s.DeliveryAt = d.Delivery.Kind, &d.Delivery.At
	}
	return s
}

// sendChange is what becomes known of a send; what is nil does not.
type sendChange struct {
	attempt  *sendAttempt
	sent     *sendAcceptance
	delivery *sendDelivery
	template *sendTemplate
	fields   *sendFields
}

// update has the server make the change.
func (c sendChange) update() bson.D {
	var grow, shrink bson.D
	if c.attempt != nil {
		grow = append(grow, bson.E{Key: "attempt", Value: *c.attempt})
	}
	if c.delivery != nil {
		grow = append(grow, bson.E{Key: "delivery", Value: *c.delivery})
	}
	if c.template != nil {
		grow = append(grow, bson.E{Key: "template", Value: *c.template})
	}
	if c.fields != nil {
		grow = append(grow, bson.E{Key: "fields", Value: *c.fields})
	}
	if c.sent != nil {
		shrink = append(shrink, bson.E{Key: "sent", Value: *c.sent})
	}
	return changes(bson.E{Key: "$max", Value: grow}, bson.E{Key: "$min", Value: shrink})
}

// applied is the send after the change, as the server makes it.
func (c sendChange) applied(d sendDocument) sendDocument {
	if c.attempt != nil && c.attempt.compare(d.Attempt) > 0 {
		d.Attempt = *c.attempt
	}
	if c.sent != nil && (d.Sent == nil || c.sent.compare(*d.Sent) < 0) {
		d.Sent = c.sent
	}
	if c.delivery != nil && (d.Delivery == nil || c.delivery.compare(*d.Delivery) > 0) {
		d.Delivery = c.delivery
	}
	if c.template != nil && (d.Template == nil || c.template.compare(*d.Template) > 0) {
		d.Template = c.template
	}
	if c.fields != nil && (d.Fields == nil || c.fields.Attempt > d.Fields.Attempt) {
		d.Fields = c.fields
	}
	return d
}

func (a sendAttempt) compare(b sendAttempt) int {
	return cmp.Or(
		cmp.Compare(a.Number, b.Number), cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Resends, b.Resends),
		a.ClaimedAt.Compare(b.ClaimedAt), compareTimes(a.SettledAt, b.SettledAt), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.AddressHash, b.AddressHash),
	)
}

// compareTimes puts nil first, as the server does with null.
func compareTimes(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return a.Compare(*b)
}

func (a sendAcceptance) compare(b sendAcceptance) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.MessageID, b.MessageID), cmp.Compare(a.Attempt, b.Attempt))
}

func (a sendTemplate) compare(b sendTemplate) int {
	return cmp.Or(cmp.Compare(a.Attempt, b.Attempt), cmp.Compare(a.Version, b.Version))
}

func (a sendDelivery) compare(b sendDelivery) int {
	return cmp.Or(cmp.Compare(a.Rank, b.Rank), a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind))
}

// claimable tells whether another attempt may follow this one.
func (d sendDocument) claimable(attempt int) bool {
	return d.Sent == nil && d.Attempt.Number == attempt && d.Attempt.Status != trial.SendRefused
}
