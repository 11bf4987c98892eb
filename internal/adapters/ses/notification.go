package ses

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// MaxNotification is the largest body, in bytes, that is read as an SNS
// message: twice the 256 KiB that SNS carries, because JSON escapes add to it.
const MaxNotification = 512 << 10

// The types of SNS message.
const (
	TypeNotification             = "Notification"
	TypeSubscriptionConfirmation = "SubscriptionConfirmation"
	TypeUnsubscribeConfirmation  = "UnsubscribeConfirmation"
)

// Notification is a message as SNS posts it. Do not trust it
// before [Verifier.Verify].
type Notification struct {
	// Type is one of the Type constants.
	Type string
	// MessageID is the same on each delivery of one message, so that a caller
	// can recognize duplicates.
	MessageID string
	// TopicARN is the topic that it was published to.
	TopicARN string
	// Message is what was published; for SES events, see [ParseEvent].
	Message string
	// At is when SNS accepted it.
	At time.Time

	wire     notificationJSON
	verified bool
}

// notificationJSON is the message's JSON, with the strings exactly as they were
// signed.
type notificationJSON struct {
	Type             string
	MessageID        string `json:"MessageId"`
	TopicARN         string `json:"TopicArn"`
	Subject          *string
	Message          string
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
	SubscribeURL     string
	Token            string
}

// ParseNotification reads an SNS message. Its errors are [*Rejection].
func ParseNotification(body []byte) (*Notification, error) {
	if len(body) > MaxNotification {
		return nil, reject(CodeTooLarge, fmt.Errorf("%d bytes are more than %d", len(body), MaxNotification))
	}
	var wire notificationJSON
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&wire); err != nil {
		return nil, reject(CodeMalformed, describeJSON(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, reject(CodeMalformed, errors.New("something follows the JSON"))
	}
	switch wire.Type {
	case TypeNotification, TypeSubscriptionConfirmation, TypeUnsubscribeConfirmation:
	case "":
		return nil, reject(CodeMalformed, errors.New("field Type: missing"))
	default:
		return nil, reject(CodeUnknownType, nil)
	}
	if err := wire.complete(); err != nil {
		return nil, reject(CodeMalformed, err)
	}
	at, err := time.Parse(time.RFC3339, wire.Timestamp)
	if err != nil {
		return nil, reject(CodeMalformed, errors.New("field Timestamp: not a time"))
	}
	return &Notification{
		Type:      wire.Type,
		MessageID: wire.MessageID,
		TopicARN:  wire.TopicARN,
		Message:   wire.Message,
		At:        at.UTC(),
		wire:      wire,
	}, nil
}

// complete reports the first field that is missing or absurdly long.
func (n notificationJSON) complete() error {
	fields := []struct{ name, value string }{
		{"MessageId", n.MessageID}, {"TopicArn", n.TopicARN}, {"Timestamp", n.Timestamp},
		{"SignatureVersion", n.SignatureVersion}, {"Signature", n.Signature}, {"SigningCertURL", n.SigningCertURL},
	}
	if n.Type != TypeNotification {
		fields = append(fields, []struct{ name, value string }{{"SubscribeURL", n.SubscribeURL}, {"Token", n.Token}}...)
	}
	const longest = 4096
	for _, field := range fields {
		if field.value == "" {
			return fmt.Errorf("field %s: missing", field.name)
		}
		if len(field.value) > longest {
			return fmt.Errorf("field %s: longer than %d bytes", field.name, longest)
		}
	}
	return nil
}

// signedText is what SNS signs: names and values, a line each, in the order it
// prescribes for the type.
func (n notificationJSON) signedText() []byte {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(name + "\n" + value + "\n") }
	line("Message", n.Message)
	line("MessageId", n.MessageID)
	if n.Type == TypeNotification {
		if n.Subject != nil {
			line("Subject", *n.Subject)
		}
		line("Timestamp", n.Timestamp)
	} else {
		line("SubscribeURL", n.SubscribeURL)
		line("Timestamp", n.Timestamp)
		line("Token", n.Token)
	}
	line("TopicArn", n.TopicARN)
	line("Type", n.Type)
	return []byte(b.String())
}

// describeJSON describes what is wrong with a JSON text without quoting it.
func describeJSON(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if e.Field == "" {
			return fmt.Errorf("a JSON %s instead of an object", e.Value)
		}
		return fmt.Errorf("field %s: a JSON %s of the wrong type", e.Field, e.Value)
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("broken JSON at byte %d", e.Offset)
	}
	return errors.New("broken JSON")
}
