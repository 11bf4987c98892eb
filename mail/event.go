package mail

import (
	"encoding/json"
	"errors"
	"net/mail"
	"strconv"
	"strings"
	"time"
)

// EventType is what happened to an e-mail, as SES names it.
type EventType string

// The types of event that SES publishes.
const (
	EventSend             EventType = "Send"              // SES took it and will try to deliver it
	EventDelivery         EventType = "Delivery"          // the recipient's server took it
	EventBounce           EventType = "Bounce"            // the recipient's server refused it
	EventComplaint        EventType = "Complaint"         // the recipient called it spam
	EventReject           EventType = "Reject"            // SES took it, then found it harmful and dropped it
	EventDeliveryDelay    EventType = "DeliveryDelay"     // not delivered yet, for a passing reason
	EventRenderingFailure EventType = "Rendering Failure" // a template of SES could not be filled in
	EventOpen             EventType = "Open"              // the recipient opened it
	EventClick            EventType = "Click"             // the recipient followed a link in it
	EventSubscription     EventType = "Subscription"      // the recipient changed what SES's own lists send
)

// Event is what SES says about one of our sends. It holds no address.
type Event struct {
	Type EventType
	// MessageID is SES's name for the e-mail.
	MessageID string
	// Key is the send, from the e-mail's tags.
	Key SendKey
	// At is when it happened, in UTC.
	At time.Time
	// Permanent marks a bounce after which the address must not be mailed again.
	Permanent bool
	// Reason is a short code, such as "permanent-general", "abuse" or
	// "mailbox-full"; empty where the type says it all.
	Reason string
	// AddressHash is the [AddressHash] of the address that it is about, or "".
	AddressHash string
}

// Suppresses tells whether the address must not be mailed again.
func (e Event) Suppresses() bool {
	return e.Type == EventComplaint || (e.Type == EventBounce && e.Permanent)
}

// Reasons for which [ParseEvent] sets a message aside.
const (
	AsideNotAnEvent   = "not-an-event"       // no event at all; SES greets a new topic in words
	AsideLegacy       = "legacy-feedback"    // an identity's feedback, which carries no tags
	AsideUnknownType  = "unknown-event-type" // an event of a type that SES did not have
	AsideForeign      = "foreign"            // of an e-mail that is not one of ours
	AsideBadTags      = "bad-tags"           // of ours by its tags, which make no key
	AsideNoMessageID  = "no-message-id"      // names no e-mail
	AsideNoTime       = "no-time"            // does not say when it happened
	AsideUnreadable   = "unreadable"         // an event whose fields are not as SES writes them
	AsideTooLarge     = "too-large"          // beyond MaxNotification
	AsideBounceNoType = "no-bounce-type"     // a bounce that does not say whether it is permanent
)

// SetAside is the error of a message that is genuine, as far as it was
// verified, but says nothing about one of our sends. Delivering it again would
// not help.
type SetAside struct {
	// Reason is one of the Aside constants.
	Reason string
}

// Error says why.
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
		BouncedRecipients                    []recipientJSON
	}
	Complaint *struct {
		ComplaintFeedbackType, ComplaintSubType, Timestamp string
		ComplainedRecipients                               []recipientJSON
	}
	Delivery      *struct{ Timestamp string }
	Reject        *struct{ Reason string }
	DeliveryDelay *struct {
		DelayType, Timestamp string
		DelayedRecipients    []recipientJSON
	}
	Open         *struct{ Timestamp string }
	Click        *struct{ Timestamp string }
	Subscription *struct{ Timestamp, Source string }
}

type recipientJSON struct{ EmailAddress string }

// ParseEvent reads the message of a [Notification] as an SES event about one of
// our sends. Everything else is a [*SetAside].
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
	event := Event{Type: EventType(in.EventType), MessageID: in.Mail.MessageID, Key: key}
	at, recipients, reason := in.describe(&event)
	if reason != "" {
		return Event{}, aside(reason)
	}
	if event.At = firstTime(at, in.Mail.Timestamp); event.At.IsZero() {
		return Event{}, aside(AsideNoTime)
	}
	event.AddressHash = hashOf(recipients, in.Mail.Destination)
	return event, nil
}

// foreign returns the reason for which the JSON is no event of e-mails that
// were sent with tags, or "".
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

// describe fills in what is particular to the event's type. It returns when it
// happened and to whom, each empty where the type does not say, or the reason
// to set it aside.
func (in eventJSON) describe(e *Event) (at string, recipients []recipientJSON, reason string) {
	switch e.Type {
	case EventSend, EventRenderingFailure:
		return "", nil, ""
	case EventDelivery:
		if in.Delivery != nil {
			return in.Delivery.Timestamp, nil, ""
		}
	case EventBounce:
		if b := in.Bounce; b != nil {
			if b.BounceType == "" {
				return "", nil, AsideBounceNoType
			}
			e.Permanent = b.BounceType == "Permanent"
			e.Reason = code(b.BounceType + " " + b.BounceSubType)
			return b.Timestamp, b.BouncedRecipients, ""
		}
	case EventComplaint:
		if c := in.Complaint; c != nil {
			e.Reason = code(c.ComplaintFeedbackType + " " + c.ComplaintSubType)
			return c.Timestamp, c.ComplainedRecipients, ""
		}
	case EventReject:
		if in.Reject != nil {
			e.Reason = code(in.Reject.Reason)
			return "", nil, ""
		}
	case EventDeliveryDelay:
		if d := in.DeliveryDelay; d != nil {
			e.Reason = code(d.DelayType)
			return d.Timestamp, d.DelayedRecipients, ""
		}
	case EventOpen:
		if in.Open != nil {
			return in.Open.Timestamp, nil, ""
		}
	case EventClick:
		if in.Click != nil {
			return in.Click.Timestamp, nil, ""
		}
	case EventSubscription:
		if s := in.Subscription; s != nil {
			e.Reason = code(s.Source)
			return s.Timestamp, nil, ""
		}
	default:
		return "", nil, AsideUnknownType
	}
	return "", nil, AsideUnreadable
}

// keyOf reads a send's key from an e-mail's tags, or says why it cannot.
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
		return SendKey{}, AsideForeign
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

// hashOf returns the hash of the recipient that the event names, or else of the
// only one that the e-mail went to.
func hashOf(recipients []recipientJSON, destination []string) string {
	address := ""
	switch {
	case len(recipients) > 0:
		address = recipients[0].EmailAddress
	case len(destination) > 0:
		address = destination[0]
	}
	if parsed, err := mail.ParseAddress(address); err == nil {
		address = parsed.Address
	}
	if address == "" {
		return ""
	}
	return AddressHash(address)
}

// maxCode bounds a reason; SES's own are far shorter.
const maxCode = 64

// code turns the words of SES into a code of lower-case letters, digits and
// hyphens: "Permanent OnAccountSuppressionList" becomes
// "permanent-on-account-suppression-list". Nothing else gets through, so no
// address does as it is.
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
