package ses

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/trial"
)

// defaultTimeout is how long one call to SES may take.
const defaultTimeout = 10 * time.Second

// SendEmailAPI is the part of the SES client that a [Sender] uses.
type SendEmailAPI interface {
	SendEmail(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
}

// SenderConfig configures a [Sender].
type SenderConfig struct {
	// From is the sender: an address, or a name and an address.
	From string
	// ConfigurationSet is the SES configuration set that publishes the events;
	// empty sends without one, and then no event settles an unknown send.
	ConfigurationSet string
	// Timeout bounds one call; zero means 10 seconds.
	Timeout time.Duration
	// Rate is notified of throttling, so that it reads the rate again; may be
	// nil. Send itself does not wait for it: waiting belongs before the claim.
	Rate *Rate
	// Log may be nil.
	Log *zap.Logger
}

// Sender sends e-mails through SES, each call at most once.
type Sender struct {
	api              SendEmailAPI
	from             mail.Address
	configurationSet string
	timeout          time.Duration
	rate             *Rate
	log              *zap.Logger
}

// NewSender returns a Sender, or an error that names the wrong setting.
func NewSender(api SendEmailAPI, config SenderConfig) (*Sender, error) {
	from, err := mail.ParseAddress(config.From)
	if err != nil {
		return nil, errors.New("MAIL_FROM: not an e-mail address")
	}
	if from.Address, err = trial.MailAddress(from.Address); err != nil {
		return nil, fmt.Errorf("MAIL_FROM: %w", err)
	}
	if config.ConfigurationSet != "" && !tagValue.MatchString(config.ConfigurationSet) {
		return nil, fmt.Errorf("SES_CONFIGURATION_SET: %q is not a valid name", config.ConfigurationSet)
	}
	if config.Timeout < 0 {
		return nil, fmt.Errorf("timeout: %s is negative", config.Timeout)
	}
	s := &Sender{
		api:              api,
		from:             *from,
		configurationSet: config.ConfigurationSet,
		timeout:          config.Timeout,
		rate:             config.Rate,
		log:              config.Log,
	}
	if s.timeout == 0 {
		s.timeout = defaultTimeout
	}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	return s, nil
}

// Send hands one e-mail to SES, once, and returns the result. It never
// retries: the caller decides that by the result, because only
// the caller knows the claim.
func (s *Sender) Send(ctx context.Context, m Message) trial.SendResult {
	if reason, err := m.validate(); err != nil {
		s.record(m, refused(reason), zap.NamedError("fault", err))
		return refused(reason)
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()

	var sent wire
	out, err := s.api.SendEmail(ctx, s.input(m), func(o *sesv2.Options) {
		// The SDK's retries cannot distinguish a lost request from a lost answer.
		o.Retryer = aws.NopRetryer{}
		o.APIOptions = append(o.APIOptions, sent.watch)
	})
	outcome := conclude(out, err, sent.written())
	if outcome.Reason == ReasonThrottled || outcome.Reason == ReasonDailyQuota {
		s.rate.Throttled()
	}
	s.record(m, outcome, answerCode(err))
	return outcome
}

func conclude(out *sesv2.SendEmailOutput, err error, written bool) trial.SendResult {
	if err != nil {
		return Classify(err, written)
	}
	if out == nil || aws.ToString(out.MessageId) == "" {
		return unknown(ReasonBadAnswer)
	}
	return trial.SendResult{Status: trial.SendSent, MessageID: *out.MessageId}
}

func (s *Sender) input(m Message) *sesv2.SendEmailInput {
	to, _ := trial.MailAddress(m.To) // validated before
	in := &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(s.sentBy(m)),
		Destination:      &types.Destination{ToAddresses: []string{to}},
		EmailTags:        m.tags(),
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: utf8Content(m.Subject),
			Body:    &types.Body{Text: utf8Content(m.Text), Html: utf8Content(m.HTML)},
			Headers: m.headers(),
		}},
	}
	if s.configurationSet != "" {
		in.ConfigurationSetName = aws.String(s.configurationSet)
	}
	if m.ReplyTo != "" {
		replyTo, _ := trial.MailAddress(m.ReplyTo) // validated before
		in.ReplyToAddresses = []string{replyTo}
	}
	return in
}

// sentBy is the sender's name and address. A name that is not ASCII is encoded.
func (s *Sender) sentBy(m Message) string {
	from := s.from
	if name := oneLine(m.FromName); name != "" {
		from.Name = name
	}
	return from.String()
}

func utf8Content(data string) *types.Content {
	return &types.Content{Data: aws.String(data), Charset: aws.String("UTF-8")}
}

// record logs the result by the send's key.
func (s *Sender) record(m Message, outcome trial.SendResult, detail zap.Field) {
	fields := []zap.Field{zap.String("status", string(outcome.Status))}
	if m.Notice != "" {
		fields = append(fields, zap.String("notice", m.Notice))
	} else {
		fields = append(fields, zap.String("trialID", m.Key.TrialID), zap.String("step", m.Key.Kind),
			zap.Int("revision", m.Key.Revision), zap.Int("attempt", m.Key.Attempt))
	}
	if outcome.Status == trial.SendSent {
		s.log.Debug("e-mail sent", append(fields, zap.String("messageID", outcome.MessageID))...)
		return
	}
	s.log.Warn("e-mail not sent, or not certainly sent", append(fields,
		zap.String("reason", outcome.Reason), zap.Duration("retryAfter", outcome.RetryAfter), detail)...)
}

// answerCode is the error's code, for the log. The rest of the error is omitted
// because SES quotes addresses ("The following identities failed the check: …").
func answerCode(err error) zap.Field {
	if apiError, ok := errors.AsType[smithy.APIError](err); ok {
		return zap.String("code", apiError.ErrorCode())
	}
	return zap.Skip()
}
