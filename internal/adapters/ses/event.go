package ses

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// EventType is the type of an event, as SES names it.
type EventType string

// The types of event that SES publishes.
const (
	EventSend             EventType = "Send"              // SES accepted it and will try to deliver it
	EventDelivery         EventType = "Delivery"          // the recipient's server accepted it
	EventBounce           EventType = "Bounce"            // the recipient's server refused it
	EventComplaint        EventType = "Complaint"         // the recipient called it spam
	EventReject           EventType = "Reject"            // SES accepted it, then found it harmful and dropped it
	EventDeliveryDelay    EventType = "DeliveryDelay"     // not delivered yet, for a temporary reason
	EventRenderingFailure EventType = "Rendering Failure" // a template of SES could not be filled in
	EventOpen             EventType = "Open"              // the recipient opened it
	EventClick            EventType = "Click"             // the recipient followed a link in it
	EventSubscription     EventType = "Subscription"      // the recipient changed what SES's own lists send
)

// Event is SES's report on one of our sends. It contains no address.
type Event struct {
	Type EventType
	// MessageID is SES's id of the e-mail.
	MessageID string
	// Key is the send, from the e-mail's tags.
	Key SendKey
	// At is when it happened, in UTC.
	At time.Time
	// Delivery is the e-mail's delivery status by this event alone, one of the
	// trial.Delivery constants; empty for a mere send.
	Delivery string
	// Suppress says that the address must not be mailed again, Cause whether it bounced or complained.
	Suppress bool
	Cause    trial.Cause
	// SentAt is when SES took the e-mail, zero if it does not say.
	SentAt time.Time
	// Reason is a short code, such as "permanent-general", "abuse" or
	// "mailbox-full"; empty where the type says it all.
	Reason string
	// AddressHash is the [AddressHash] of the address that the e-mail was sent
	// to, or "". The recipients in bounces and complaints are other addresses
	// if mail is forwarded.
	AddressHash string
}

// Reasons for which [ParseEvent] sets a message aside.
const (
	AsideNotAnEvent  = "not-an-event"       // no event at all; SES sends a plain text to a new topic
	AsideLegacy      = "legacy-feedback"    // an identity's feedback, which carries no tags
	AsideUnknownType = "unknown-event-type" // an event of a type unknown to SES
	AsideUnknown     = "foreign"            // about an e-mail that is not ours
	AsideBadTags     = "bad-tags"           // ours by its tags, which make no key
	AsideNoMessageID = "no-message-id"      // names no e-mail
	AsideNoTime      = "no-time"            // does not say when it happened
	AsideUnreadable  = "unreadable"         // an event whose fields are not as SES writes them
	AsideTooLarge    = "too-large"          // larger than MaxNotification
)

// SetAside is the error of a message that is genuine, as far as it was
// verified, but is not about one of our sends. Redelivering it would
// not help.
type SetAside struct {
	// Reason is one of the Aside constants.
	Reason string
}

// Error returns the reason.
func (s *SetAside) Error() string { return "SES event set aside: " + s.Reason }

func aside(reason string) error { return &SetAside{Reason: reason} }

type eventJSON struct {
	EventType        string
	NotificationType string
	Mail             *struct {
		Timestamp   string
		MessageID   string `json:"messageId"`
		Destination []string
		Tags        map[string][]string
	}
	Bounce *struct {
		BounceType, BounceSubType, Timestamp string
	}
	Complaint *struct {
		ComplaintFeedbackType, ComplaintSubType, Timestamp string
	}
	Delivery      *timeJSON
	Reject        *struct{ Reason string }
	DeliveryDelay *struct {
		DelayType, Timestamp string
	}
	Open         *timeJSON
	Click        *timeJSON
	Subscription *struct{ Timestamp, Source string }
}

type timeJSON struct{ Timestamp string }

// ParseEvent reads the message of a [Notification] as an SES event about one of
// our sends. Anything else is a [*SetAside].
func ParseEvent(message string) (Event, error) {
	if len(message) > MaxNotification {
		return Event{}, aside(AsideTooLarge)
	}
	var in eventJSON
	if err := json.Unmarshal([]byte(message), &in); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && strings.HasPrefix(strings.TrimSpace(message), "{") {
			return Event{}, aside(AsideUnreadable)
		}
		return Event{}, aside(AsideNotAnEvent)
	}
	if reason := in.foreign(); reason != "" {
		return Event{}, aside(reason)
	}
	key, reason := keyOf(in.Mail.Tags)
	if reason != "" {
		return Event{}, aside(reason)
	}
	if in.Mail.MessageID == "" || len(in.Mail.MessageID) > 256 {
		return Event{}, aside(AsideNoMessageID)
	}
	read := readers[EventType(in.EventType)]
	if read == nil {
		return Event{}, aside(AsideUnknownType)
	}
	details := read(in)
	if details == nil {
		return Event{}, aside(AsideUnreadable)
	}
	at := firstTime(details.at, in.Mail.Timestamp)
	if at.IsZero() {
		return Event{}, aside(AsideNoTime)
	}
	return Event{
		Type:        EventType(in.EventType),
		MessageID:   in.Mail.MessageID,
		Key:         key,
		At:          at,
		Delivery:    details.delivery,
		Suppress:    details.suppress,
		Cause:       causes[details.suppress][EventType(in.EventType)],
		SentAt:      firstTime(in.Mail.Timestamp),
		Reason:      code(details.reason),
		AddressHash: hashOf(in.Mail.Destination),
	}, nil
}

// causes are what events that suppress were caused by; others have none.
var causes = map[bool]map[EventType]trial.Cause{true: {EventBounce: trial.CauseBounce, EventComplaint: trial.CauseComplaint}}

// foreign returns why the JSON is no event of e-mails with tags,
// or "".
func (in eventJSON) foreign() string {
	switch {
	case in.EventType == "" && in.NotificationType != "":
		return AsideLegacy
	case in.EventType == "":
		return AsideNotAnEvent
	case in.Mail == nil:
		return AsideUnreadable
	}
	return ""
}

// details are an event's fields besides its type and its e-mail; each is empty
// for types without it.
type details struct {
	at       string
	reason   string
	delivery string
	suppress bool
}

// readers maps each type of event to the reader of its details, which returns
// nil if the object for the type is missing or incomplete.
var readers = map[EventType]func(eventJSON) *details{
	EventSend: func(eventJSON) *details { return &details{} },
	// SES accepted it, and never sent it.
	EventRenderingFailure: func(eventJSON) *details { return &details{delivery: trial.DeliveryReject} },
	EventDelivery:         func(in eventJSON) *details { return in.Delivery.details(trial.DeliveryDone) },
	EventOpen:             func(in eventJSON) *details { return in.Open.details("") },
	EventClick:            func(in eventJSON) *details { return in.Click.details("") },
	EventBounce:           readBounce,
	EventComplaint:        readComplaint,
	EventReject: func(in eventJSON) *details {
		if in.Reject == nil {
			return nil
		}
		return &details{reason: in.Reject.Reason, delivery: trial.DeliveryReject}
	},
	EventDeliveryDelay: func(in eventJSON) *details {
		if in.DeliveryDelay == nil {
			return nil
		}
		d := in.DeliveryDelay
		return &details{at: d.Timestamp, reason: d.DelayType, delivery: trial.DeliveryDelay}
	},
	EventSubscription: func(in eventJSON) *details {
		if in.Subscription == nil {
			return nil
		}
		return &details{at: in.Subscription.Timestamp, reason: in.Subscription.Source}
	},
}

func (m *timeJSON) details(delivery string) *details {
	if m == nil {
		return nil
	}
	return &details{at: m.Timestamp, delivery: delivery}
}

// readBounce rejects a bounce without its type, which decides whether the
// address may be mailed again: after an unknown type it may not.
// An automatic reply is "Transient General" too.
func readBounce(in eventJSON) *details {
	b := in.Bounce
	if b == nil || b.BounceType == "" {
		return nil
	}
	d := &details{at: b.Timestamp, reason: b.BounceType + " " + b.BounceSubType, delivery: trial.DeliveryBounce}
	switch code(d.reason) {
	case "transient-general", "transient":
		d.delivery = trial.DeliveryGeneralBounce
	}
	switch code(b.BounceType) {
	case "transient", "undetermined":
	default:
		d.suppress = true
	}
	return d
}

// readComplaint treats every feedback as a complaint except the one that says the
// opposite: in doubt nobody gets an e-mail. SES reports an e-mail to an address on the
// account's suppression list as a complaint, but never sends it.
func readComplaint(in eventJSON) *details {
	c := in.Complaint
	if c == nil {
		return nil
	}
	d := &details{at: c.Timestamp, reason: c.ComplaintFeedbackType + " " + c.ComplaintSubType, delivery: trial.DeliveryComplaint, suppress: true}
	switch {
	case code(c.ComplaintSubType) == "on-account-suppression-list":
		d.delivery = trial.DeliveryBounce
	case code(c.ComplaintFeedbackType) == "not-spam":
		d.delivery, d.suppress = "", false
	}
	return d
}

// keyOf reads a send's key from an e-mail's tags, or returns why it cannot.
func keyOf(tags map[string][]string) (key SendKey, reason string) {
	ours := 0
	one := func(name string) string {
		values := tags[name]
		if len(values) != 1 {
			return ""
		}
		ours++
		return values[0]
	}
	key.TrialID, key.Kind = one(tagTrialID), one(tagStep)
	revision, revisionErr := strconv.Atoi(one(tagRevision))
	attempt, attemptErr := strconv.Atoi(one(tagAttempt))
	if ours == 0 {
		return SendKey{}, AsideUnknown
	}
	key.Revision, key.Attempt = revision, attempt
	if revisionErr != nil || attemptErr != nil || key.validate() != nil {
		return SendKey{}, AsideBadTags
	}
	return key, ""
}

// firstTime returns the first of the texts that is a time, in UTC, or the zero
// time.
func firstTime(texts ...string) time.Time {
	for _, text := range texts {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}

// hashOf returns the hash of the one address that an e-mail was sent to; each of ours has
// one.
func hashOf(destination []string) string {
	if len(destination) != 1 {
		return ""
	}
	return trial.AddressHash(bareAddress(destination[0]))
}

// maxCode bounds a reason; SES's own are far shorter.
const maxCode = 64

// code turns the words of SES into a code of lower-case letters, digits and
// hyphens: "Permanent OnAccountSuppressionList" becomes
// "permanent-on-account-suppression-list". Nothing else passes, so no
// address does unchanged.
func code(words string) string {
	var b strings.Builder
	gap, lower := false, false
	for i := range len(words) {
		c := words[i]
		upper := c >= 'A' && c <= 'Z'
		if !upper && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			gap = true
			continue
		}
		if b.Len() > 0 && (gap || (upper && lower)) {
			b.WriteByte('-')
		}
		if upper {
			c += 'a' - 'A'
		}
		b.WriteByte(c)
		gap, lower = false, !upper
		if b.Len() >= maxCode {
			break
		}
	}
	return b.String()
}
