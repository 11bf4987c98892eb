package ses

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"marketplace.example/trials/internal/domain/trial"
)

// The tags that carry a send's key to SES and back in its events.
const (
	tagTrialID  = "trial_id"
	tagStep     = "step"
	tagRevision = "revision"
	tagAttempt  = "attempt"
)

// tagNotice carries the key of a notice to stakeholders, without the other tags, so
// that no event about a notice is mistaken for one about a trial's e-mail.
const tagNotice = "notice"

// maxHeaderValue is SES's limit on the value of a header that a caller adds,
// minus the longest header name used here.
const maxHeaderValue = 970

// tagValue is what SES accepts as the value of a tag.
var tagValue = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// SendKey identifies a send: the step's key and, because an unknown
// outcome may have to be sent again, the attempt.
type SendKey struct {
	// TrialID is the trial's id.
	TrialID string
	// Kind is the step's kind, such as "reminder-7d".
	Kind string
	// Revision is the trial's revision that planned the step; from 0.
	Revision int
	// Attempt counts the attempts at this send; from 0.
	Attempt int
}

func (k SendKey) validate() error {
	switch {
	case !tagValue.MatchString(k.TrialID):
		return errors.New("key.trialID: not fit for a tag")
	case !tagValue.MatchString(k.Kind):
		return errors.New("key.kind: not fit for a tag")
	case k.Revision < 0:
		return fmt.Errorf("key.revision: %d is negative", k.Revision)
	case k.Attempt < 0:
		return fmt.Errorf("key.attempt: %d is negative", k.Attempt)
	}
	return nil
}

func (k SendKey) tags() []types.MessageTag {
	return []types.MessageTag{
		{Name: aws.String(tagTrialID), Value: aws.String(k.TrialID)},
		{Name: aws.String(tagStep), Value: aws.String(k.Kind)},
		{Name: aws.String(tagRevision), Value: aws.String(strconv.Itoa(k.Revision))},
		{Name: aws.String(tagAttempt), Value: aws.String(strconv.Itoa(k.Attempt))},
	}
}

// Message is one e-mail to one recipient.
type Message struct {
	// To is a bare address; the ASCII form of its domain is used.
	To string
	// Subject, Text and HTML are as [Render] returns them.
	Subject, Text, HTML string
	// FromName replaces the sender's name; empty leaves it.
	FromName string
	// ReplyTo is the bare address that answers go to; empty leaves them to the sender.
	ReplyTo string
	// Key identifies the send.
	Key SendKey
	// Notice is the key of a notice to stakeholders, which belongs to no trial; it
	// replaces Key.
	Notice string
	// UnsubscribeURL goes into List-Unsubscribe, and must then also accept the
	// POST of RFC 8058; empty omits the header.
	UnsubscribeURL string
}

// validate returns why the message must not be sent, as a reason and an error,
// or an empty reason. The error never quotes the message.
func (m Message) validate() (reason string, err error) {
	if _, err := trial.MailAddress(m.To); err != nil {
		return ReasonBadAddress, fmt.Errorf("to: %w", err)
	}
	if m.ReplyTo != "" {
		if _, err := trial.MailAddress(m.ReplyTo); err != nil {
			return ReasonBadMessage, fmt.Errorf("replyTo: %w", err)
		}
	}
	switch {
	case m.Subject == "" || m.Subject != oneLine(m.Subject):
		err = errors.New("subject: not a line of text")
	case m.Text == "" || m.HTML == "":
		err = errors.New("text, html: both are needed")
	case len(m.UnsubscribeURL) > maxHeaderValue:
		err = errors.New("unsubscribeURL: too long for a header")
	case m.UnsubscribeURL != "" && !fitsAngleBrackets(m.UnsubscribeURL):
		err = errors.New("unsubscribeURL: not fit for a header")
	case m.UnsubscribeURL != "" && validateURL(m.UnsubscribeURL) != nil:
		err = fmt.Errorf("unsubscribeURL: %w", validateURL(m.UnsubscribeURL))
	case m.Notice != "":
		if !tagValue.MatchString(noticeTag(m.Notice)) {
			err = errors.New("notice: not fit for a tag")
		}
	default:
		err = m.Key.validate()
	}
	if err != nil {
		return ReasonBadMessage, err
	}
	return "", nil
}

// tags are what SES's events about the e-mail carry.
func (m Message) tags() []types.MessageTag {
	if m.Notice == "" {
		return m.Key.tags()
	}
	return []types.MessageTag{{Name: aws.String(tagNotice), Value: aws.String(noticeTag(m.Notice))}}
}

// noticeTag is a notice's key without the slashes that a tag cannot have.
func noticeTag(key string) string { return strings.ReplaceAll(key, "/", "_") }

// headers are those behind the "unsubscribe" button of mail programs.
func (m Message) headers() []types.MessageHeader {
	if m.UnsubscribeURL == "" {
		return nil
	}
	return []types.MessageHeader{
		{Name: aws.String("List-Unsubscribe"), Value: aws.String("<" + m.UnsubscribeURL + ">")},
		{Name: aws.String("List-Unsubscribe-Post"), Value: aws.String("List-Unsubscribe=One-Click")},
	}
}

// fitsAngleBrackets reports whether s is printable ASCII that cannot close the
// brackets of a header early.
func fitsAngleBrackets(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '<' || c == '>' {
			return false
		}
	}
	return true
}
