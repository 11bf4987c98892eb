package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/wiring"
)

var began = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)

func days(n int) time.Time { return began.AddDate(0, 0, n) }

// mailFor is the e-mail of a trial's step that runs at a moment, after all before
// it ran on time.
func mailFor(t *testing.T, p trial.Policy, kind trial.Kind, at time.Time) activities.Mail {
	t.Helper()
	s := trial.NewState(trial.Registration{VendorID: "v1", Cohort: trial.Automated, Policy: p, Day: trial.RealDay, At: began})
	run := trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}
	for {
		step, ok := s.Next()
		require.True(t, ok, "no %s", kind)
		if step.Kind == kind {
			return activities.Mail{State: s.Apply(s.StepEvent(step, run, trial.StepFacts{Now: at}, true)), Step: step, Now: at}
		}
		s = s.Apply(s.StepEvent(step, run, trial.StepFacts{Now: step.At}, true))
	}
}

func TestAMailNamesTheEndOfTheGraceThatHolds(t *testing.T) {
	t.Parallel()
	policy, noGrace := trial.DefaultPolicy(), trial.DefaultPolicy()
	noGrace.GraceDays = 0
	require.Equal(t, days(17), content(mailFor(t, policy, trial.Expiry, days(14)), config.Mail{}).GraceEndsAt)
	require.Equal(t, days(23), content(mailFor(t, policy, trial.Expiry, days(20)), config.Mail{}).GraceEndsAt, "told late, the vendor has the whole grace")
	require.Equal(t, days(19), content(mailFor(t, policy, trial.GraceEnd, days(19)), config.Mail{}).GraceEndsAt, "selling is paused when it is")
	require.Zero(t, content(mailFor(t, noGrace, trial.Expiry, days(14)), config.Mail{}).GraceEndsAt, "without grace there is no date to name")
}

func TestALateReminderCountsTheDaysThatAreLeft(t *testing.T) {
	t.Parallel()
	left := func(late time.Duration) int {
		return content(mailFor(t, trial.DefaultPolicy(), trial.Reminder(3), days(11).Add(late)), config.Mail{}).DaysLeft
	}
	require.Equal(t, 3, left(0))
	require.Equal(t, 3, left(8*time.Hour), "it is still the same date")
	require.Equal(t, 2, left(10*time.Hour))
}

func TestAMailingIsWordedByItsTemplate(t *testing.T) {
	t.Parallel()
	p := trial.DefaultPolicy()
	p.Mailings = []trial.Mailing{{ID: "half-way", After: trial.AfterStart, Days: 5, Template: "reminder"}, {ID: "win-back", After: trial.AfterExpiry, Days: 5, Template: "come-back"}}
	halfWay, winBack := mailFor(t, p, "half-way", days(5)), mailFor(t, p, "win-back", days(22))
	require.Equal(t, ses.KindReminder, content(halfWay, config.Mail{}).Kind)
	require.Equal(t, 9, content(halfWay, config.Mail{}).DaysLeft)
	require.Equal(t, "come-back", content(winBack, config.Mail{}).Kind)
	require.Zero(t, content(winBack, config.Mail{}).DaysLeft)
}

// A vendor who is taken in amid the trial, or whose welcome was held, is not
// promised days that are over.
func TestALateWelcomePromisesTheDaysThatAreLeft(t *testing.T) {
	t.Parallel()
	promised := func(late time.Duration) int {
		return content(mailFor(t, trial.DefaultPolicy(), trial.Welcome, days(0).Add(late)), config.Mail{}).LengthDays
	}
	require.Equal(t, 14, promised(0))
	require.Equal(t, 9, promised(5*trial.RealDay))
	require.Equal(t, 1, promised(14*trial.RealDay))
}

// lastMail is the mail service that keeps the last e-mail.
type lastMail struct{ sent *sesv2.SendEmailInput }

func (m *lastMail) SendEmail(_ context.Context, in *sesv2.SendEmailInput, _ ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error) {
	m.sent = in
	return &sesv2.SendEmailOutput{MessageId: aws.String("m-1")}, nil
}

// tokenIn is the token of the button in an e-mail, and whom it is of.
func tokenIn(t *testing.T, text string) (token, subject string) {
	t.Helper()
	_, rest, found := strings.Cut(text, "#eyJ")
	require.True(t, found, text)
	token, _, _ = strings.Cut("eyJ"+rest, "\n")
	read, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return []byte(strings.Repeat("b", 32)), nil }, jwt.WithValidMethods([]string{"HS256"}))
	require.NoError(t, err)
	subject, err = read.Claims.GetSubject()
	require.NoError(t, err)
	return token, subject
}

// A vendor's e-mail bears the brand, a canary's as well; a stakeholder's does not.
func TestEMailsToVendorsBearTheBrand(t *testing.T) {
	t.Parallel()
	service := &lastMail{}
	sender, err := ses.NewSender(service, ses.SenderConfig{From: "Trials <trials@nordic.example>"})
	require.NoError(t, err)
	links, err := ses.NewLinks("https://trials.nordic.example", []string{strings.Repeat("s", 32)})
	require.NoError(t, err)
	built, err := config.Config{}.Mail()
	require.NoError(t, err)
	nordic := config.Mail{Version: "v-of-nordic", Words: built.Words, Brand: brand.Brand{
		Name: "Nordic Market", Sender: brand.Sender{Name: "Nordic Market", ReplyTo: "help@nordic.example"},
		Buttons: brand.Buttons{Default: "https://nordic.example/plans?vendor={vendorId}#{token}"},
	}}
	used, err := wiring.NewTemplates(func() (config.Mail, error) { return nordic, nil }, zap.NewNop())
	require.NoError(t, err)
	kept := map[string][][]byte{}
	buttons, err := ses.NewButtons(strings.Repeat("b", 32))
	require.NoError(t, err)
	m := &mailer{
		sender: sender, links: links, buttons: buttons, account: ses.NewAccount(nil, 0), mailed: func(string) {}, templates: used, log: zap.NewNop(),
		keep: func(_ context.Context, hash string, content []byte) error {
			kept[hash] = append(kept[hash], content)
			return nil
		},
	}
	for _, vendorID := range []string{"v1", trial.CanaryID(strings.Repeat("A", 26))} {
		mail := mailFor(t, trial.DefaultPolicy(), trial.Welcome, days(0))
		mail.To, mail.State.VendorID, mail.Send.Kind = "vendor@example.com", vendorID, trial.Welcome

		delivery, err := m.Deliver(t.Context(), mail)

		require.NoError(t, err)
		require.Equal(t, trial.SendSent, delivery.Status)
		require.Len(t, kept[delivery.Template], 1, "each version is kept once")
		version, err := ses.ReadVersion(kept[delivery.Template][0])
		require.NoError(t, err)
		again, err := version.Again(vendorID, *delivery.Fields)
		require.NoError(t, err)
		require.Equal(t, aws.ToString(service.sent.Content.Simple.Subject.Data), again.Subject)
		text := aws.ToString(service.sent.Content.Simple.Body.Text.Data)
		token, subject := tokenIn(t, text)
		require.Equal(t, vendorID, subject)
		require.Contains(t, text, "Welcome to Nordic Market.")
		require.Contains(t, text, "https://nordic.example/plans?vendor="+vendorID+"#"+token+"\n")
		require.NotContains(t, again.Text+string(kept[delivery.Template][0]), token, "it is kept nowhere")
		require.Contains(t, text, "https://trials.nordic.example/unsubscribe/")
		require.Contains(t, text, links.Feedback(vendorID, "welcome")+"\n")
		require.Equal(t, `"Nordic Market" <trials@nordic.example>`, aws.ToString(service.sent.FromEmailAddress))
		require.Equal(t, []string{"help@nordic.example"}, service.sent.ReplyToAddresses)
	}

	mail := mailFor(t, trial.DefaultPolicy(), trial.Welcome, days(0))
	mail.To, mail.Send.Kind, mail.Locale = "vendor@example.com", trial.Welcome, "pt-BR"
	_, err = m.Deliver(t.Context(), mail)
	require.NoError(t, err)
	require.Contains(t, aws.ToString(service.sent.Content.Simple.Body.Text.Data), "Agradecemos por escolher Nordic Market.")

	_, err = m.DeliverNotice(t.Context(), "po@nordic.example", "k/1", notice.Message{Subject: "s", Lead: "l"})

	require.NoError(t, err)
	require.Equal(t, `"Trials" <trials@nordic.example>`, aws.ToString(service.sent.FromEmailAddress))
	require.Empty(t, service.sent.ReplyToAddresses)
}

// notedMail is the mail service that notes that it was asked.
type notedMail struct{ done *[]string }

func (m notedMail) SendEmail(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error) {
	*m.done = append(*m.done, "sent")
	return &sesv2.SendEmailOutput{MessageId: aws.String("m-1")}, nil
}

// A database that does not answer costs an e-mail nothing of its time: the version is kept afterwards, and only for a moment.
func TestAnEMailDoesNotWaitForItsVersion(t *testing.T) {
	t.Parallel()
	var done []string
	deliver := delivering(t, &done, func(ctx context.Context, _ string, _ []byte) error {
		done = append(done, "kept")
		until, bounded := ctx.Deadline()
		require.True(t, bounded)
		require.LessOrEqual(t, time.Until(until), keepLimit)
		return context.DeadlineExceeded
	})
	for range 2 {
		deliver()
	}
	require.Equal(t, []string{"sent", "kept", "sent", "kept"}, done, "the next one tries again")
}

// A new wording with which many leave at once is written once, and no e-mail waits for another's writing.
func TestAVersionIsKeptByOneAtATime(t *testing.T) {
	t.Parallel()
	var sent []string
	var deliver func()
	times := 0
	deliver = delivering(t, &sent, func(context.Context, string, []byte) error {
		times++
		if times == 1 {
			deliver() // another, while this one writes
		}
		return nil
	})
	for range 2 {
		deliver()
	}
	require.Equal(t, 1, times)
	require.Len(t, sent, 3)
}

// delivering delivers a welcome by a mailer that keeps versions so, and notes what is sent.
func delivering(t *testing.T, sent *[]string, keep func(context.Context, string, []byte) error) func() {
	t.Helper()
	sender, err := ses.NewSender(notedMail{sent}, ses.SenderConfig{From: "Trials <trials@nordic.example>"})
	require.NoError(t, err)
	links, err := ses.NewLinks("https://trials.nordic.example", []string{strings.Repeat("s", 32)})
	require.NoError(t, err)
	used, err := wiring.NewTemplates(config.Config{}.Mail, zap.NewNop())
	require.NoError(t, err)
	m := &mailer{
		sender: sender, links: links, account: ses.NewAccount(nil, 0), mailed: func(string) {}, templates: used, log: zap.NewNop(), keep: keep,
	}
	mail := mailFor(t, trial.DefaultPolicy(), trial.Welcome, days(0))
	mail.To, mail.Send.Kind = "vendor@example.com", trial.Welcome
	return func() {
		t.Helper()
		delivery, err := m.Deliver(t.Context(), mail)
		require.NoError(t, err)
		require.Equal(t, trial.SendSent, delivery.Status)
		require.NotEmpty(t, delivery.Template)
	}
}
