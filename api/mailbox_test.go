package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
)

const topic = "arn:aws:sns:eu-west-1:123456789012:mail-events"

// sns signs messages as SNS does, and counts the confirmations it is asked for.
type sns struct {
	t         *testing.T
	url       string
	key       *rsa.PrivateKey
	confirmed atomic.Int32
	age       time.Duration // of the messages it signs
	refused   []string      // why messages were not believed
}

func newSNS(t *testing.T) *sns {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sns"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	s := &sns{t: t, key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /certificate.pem", func(w http.ResponseWriter, _ *http.Request) {
		_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	})
	mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) { s.confirmed.Add(1) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// mailbox is the port under test, which takes this SNS for the real one.
func (s *sns) mailbox() mailbox {
	s.t.Helper()
	host, err := url.Parse(s.url)
	require.NoError(s.t, err)
	verifier, err := ses.NewVerifier(verifierConfig(config.Config{SNSTopicARN: topic, SNSCertificateHost: []string{host.Host}}))
	require.NoError(s.t, err)
	links, err := ses.NewLinks("", []string{strings.Repeat("s", 32)})
	require.NoError(s.t, err)
	return mailbox{verifier: verifier, links: links, refused: func(reason string) { s.refused = append(s.refused, reason) }, log: zap.NewNop()}
}

// message is a signed message; change may spoil it afterwards.
func (s *sns) message(kind, content string, change func(map[string]string)) []byte {
	s.t.Helper()
	m := map[string]string{
		"Type": kind, "MessageId": "m-1", "TopicArn": topic, "Message": content, "Timestamp": time.Now().Add(-s.age).UTC().Format(time.RFC3339),
		"SignatureVersion": "2", "SigningCertURL": s.url + "/certificate.pem",
	}
	order := []string{"Message", "MessageId", "Timestamp", "TopicArn", "Type"}
	if kind != ses.TypeNotification {
		m["Token"], m["SubscribeURL"] = "token", s.url+"/?Action=ConfirmSubscription&TopicArn="+url.QueryEscape(topic)
		order = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var text strings.Builder
	for _, name := range order {
		text.WriteString(name + "\n" + m[name] + "\n")
	}
	sum := sha256.Sum256([]byte(text.String()))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	require.NoError(s.t, err)
	m["Signature"] = base64.StdEncoding.EncodeToString(signature)
	if change != nil {
		change(m)
	}
	body, err := json.Marshal(m)
	require.NoError(s.t, err)
	return body
}

const bounce = `{"eventType":"Bounce","mail":{"timestamp":"2026-03-10T12:00:00.000Z","messageId":"ses-1","destination":["ada@example.com"],
	"tags":{"trial_id":["v-1"],"step":["reminder-7d"],"revision":["2"],"attempt":["1"]}},
	"bounce":{"bounceType":"Permanent","bounceSubType":"General","timestamp":"2026-03-10T12:00:01.000Z","bouncedRecipients":[{"emailAddress":"ada@example.com"}]},
	"delivery":{"timestamp":"2026-03-10T12:00:01.000Z"},"complaint":{"timestamp":"2026-03-10T12:00:01.000Z"},"reject":{"reason":"Bad content"},
	"deliveryDelay":{"timestamp":"2026-03-10T12:00:01.000Z"}}`

func TestReceiveEvent(t *testing.T) {
	t.Parallel()
	s := newSNS(t)
	got, err := s.mailbox().Receive(t.Context(), s.message(ses.TypeNotification, bounce, nil))
	require.NoError(t, err)
	require.Equal(t, app.MailMessage{ID: "m-1", Event: &app.MailEvent{
		Key: trial.Step{Kind: trial.Reminder(7), Revision: 2}.Key("v-1"), Attempt: 1, MessageID: "ses-1", Delivery: "bounce",
		At: time.Date(2026, 3, 10, 12, 0, 1, 0, time.UTC), Suppress: true, AddressHash: trial.AddressHash("ada@example.com"),
		Cause: trial.CauseBounce, SentAt: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC),
	}}, got)
}

// SNS gives up after an hour; an operator sends on what it could not deliver.
func TestWhatWasSentOnFromADeadLetterQueueIsTaken(t *testing.T) {
	t.Parallel()
	s := newSNS(t)
	s.age = 23 * time.Hour
	_, err := s.mailbox().Receive(t.Context(), s.message(ses.TypeNotification, bounce, nil))
	require.NoError(t, err)
	s.age = 25 * time.Hour
	_, err = s.mailbox().Receive(t.Context(), s.message(ses.TypeNotification, bounce, nil))
	require.Error(t, err)
}

// Each event that says what became of an e-mail has a word in the store.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	s := newSNS(t)
	for kind, want := range map[string]string{
		"Send": "", "Delivery": "delivery", "Complaint": "complaint", "Reject": "reject", "DeliveryDelay": "delay", "Rendering Failure": "reject",
	} {
		content := strings.Replace(bounce, `"eventType":"Bounce"`, `"eventType":"`+kind+`"`, 1)
		got, err := s.mailbox().Receive(t.Context(), s.message(ses.TypeNotification, content, nil))
		require.NoError(t, err)
		require.NotNil(t, got.Event, kind)
		require.Equal(t, want, got.Event.Delivery)
		require.Equal(t, kind == "Complaint", got.Event.Suppress, kind)
	}
}

// It says that the e-mail is welcome.
func TestNotSpamIsNoComplaint(t *testing.T) {
	t.Parallel()
	s := newSNS(t)
	content := strings.NewReplacer(`"eventType":"Bounce"`, `"eventType":"Complaint"`, `"complaint":{`, `"complaint":{"complaintFeedbackType":"not-spam",`).Replace(bounce)
	got, err := s.mailbox().Receive(t.Context(), s.message(ses.TypeNotification, content, nil))
	require.NoError(t, err)
	require.NotNil(t, got.Event)
	require.False(t, got.Event.Suppress)
	require.Empty(t, got.Event.Delivery)
}

func TestMessagesWithoutAnEventOfOurs(t *testing.T) {
	t.Parallel()
	s := newSNS(t)
	for _, content := range []string{
		"Successfully validated SNS topic for Amazon SES event publishing.",
		strings.Replace(bounce, "trial_id", "campaign", 1),
		strings.Replace(bounce, `"eventType":"Bounce"`, `"eventType":"Open"`, 1),
	} {
		got, err := s.mailbox().Receive(t.Context(), s.message(ses.TypeNotification, content, nil))
		require.NoError(t, err)
		require.Equal(t, app.MailMessage{ID: "m-1"}, got)
	}
}

func TestConfirmation(t *testing.T) {
	t.Parallel()
	s := newSNS(t)
	got, err := s.mailbox().Receive(t.Context(), s.message(ses.TypeSubscriptionConfirmation, "confirm", nil))
	require.NoError(t, err)
	require.Equal(t, app.MailMessage{ID: "m-1", Confirmed: true}, got)
	require.EqualValues(t, 1, s.confirmed.Load())

	got, err = s.mailbox().Receive(t.Context(), s.message(ses.TypeUnsubscribeConfirmation, "gone", nil))
	require.NoError(t, err)
	require.Equal(t, app.MailMessage{ID: "m-1"}, got)
	require.EqualValues(t, 1, s.confirmed.Load(), "confirming the end would subscribe again")
}

// What is not believed names the field at fault, and quotes nothing.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newSNS(t)
	set := func(name, value string) func(map[string]string) {
		return func(m map[string]string) { m[name] = value }
	}
	for _, c := range []struct {
		name   string
		change func(map[string]string)
		code   trial.Code
		field  string
	}{
		{"changed", set("Message", "secret"), trial.CodeForbidden, "Signature"},
		{"unsigned", set("Signature", ""), trial.CodeInvalid, "body"},
		{"another version", set("SignatureVersion", "3"), trial.CodeForbidden, "SignatureVersion"},
		{"another topic", set("TopicArn", topic+"-other"), trial.CodeForbidden, "TopicArn"},
		{"another host", set("SigningCertURL", "https://sns.eu-west-1.amazonaws.com.evil.example/c.pem"), trial.CodeForbidden, "SigningCertURL"},
		{"old", set("Timestamp", "2020-01-01T00:00:00Z"), trial.CodeForbidden, "Timestamp"},
		{"from the future", set("Timestamp", "2099-01-01T00:00:00Z"), trial.CodeForbidden, "Timestamp"},
		{"another type", set("Type", "Invitation"), trial.CodeInvalid, "Type"},
		{"no certificate", set("SigningCertURL", s.url+"/certificate2.pem"), trial.CodeForbidden, "SigningCertURL"},
	} {
		_, err := s.mailbox().Receive(t.Context(), s.message(ses.TypeNotification, "secret content", c.change))
		var refused *trial.Error
		require.ErrorAs(t, err, &refused, c.name)
		require.Equal(t, c.code, refused.Code, "%s: %s", c.name, refused)
		require.Equal(t, c.field, refused.Field, c.name)
		require.NotContains(t, refused.Error(), "secret", c.name)
	}
	_, err := s.mailbox().Receive(t.Context(), []byte("hello"))
	var refused *trial.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, trial.CodeInvalid, refused.Code)
	require.Equal(t, []string{
		ses.CodeBadSignature, ses.CodeMalformed, ses.CodeUnknownSignature, ses.CodeWrongTopic, ses.CodeBadCertificateURL, ses.CodeTooOld,
		ses.CodeFromTheFuture, ses.CodeUnknownType, ses.CodeBadCertificate, ses.CodeMalformed,
	}, s.refused, "each is counted once")
	require.Subset(t, ses.Codes(), s.refused)
}

func TestTokensOfLinks(t *testing.T) {
	t.Parallel()
	secret := []string{strings.Repeat("s", 32)}
	links, err := ses.NewLinks("https://trials.example.com", secret)
	require.NoError(t, err)
	link := links.Unsubscribe("v-1")
	box := newSNS(t).mailbox()
	id, err := box.Unsubscriber(link[strings.LastIndex(link, "/")+1:])
	require.NoError(t, err)
	require.Equal(t, "v-1", id)
	_, err = box.Unsubscriber("v1.v-1.forged")
	var refused *trial.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "token", refused.Field)

	ask := links.Feedback("v-1", "welcome")
	id, kind, err := box.Asked(ask[strings.LastIndex(ask, "/")+1:])
	require.NoError(t, err)
	require.Equal(t, []string{"v-1", "welcome"}, []string{id, kind})
	_, _, err = box.Asked(link[strings.LastIndex(link, "/")+1:])
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "token", refused.Field)
}
