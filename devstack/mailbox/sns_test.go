package mailbox

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
)

// received is a message as a subscriber got it.
type received struct {
	Type, Token, Subject, Message, SubscribeURL, UnsubscribeURL string
	Timestamp, SignatureVersion, Signature, SigningCertURL      string

	MessageID string `json:"MessageId"`
	TopicARN  string `json:"TopicArn"`

	header http.Header
}

// subscriber is an endpoint that keeps what it gets.
type subscriber struct {
	url    string
	answer func() int // the status it answers with

	mu  sync.Mutex
	got []received
}

func startSubscriber(t *testing.T) *subscriber {
	t.Helper()
	s := &subscriber{answer: func() int { return http.StatusOK }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		message := received{header: r.Header}
		if err == nil {
			err = json.Unmarshal(body, &message)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		status := s.answer()
		if err != nil {
			status = http.StatusBadRequest
		}
		s.got = append(s.got, message)
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL + "/api/webhooks/ses"
	return s
}

func (s *subscriber) all() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received{}, s.got...)
}

// wait waits for count messages and returns them.
func (s *subscriber) wait(t *testing.T, count int) []received {
	t.Helper()
	require.Eventually(t, func() bool { return len(s.all()) >= count }, deadline, time.Millisecond)
	got := s.all()
	require.Len(t, got, count)
	return got
}

// snsEvent is what the tests read of an event.
type snsEvent struct {
	EventType string
	Mail      struct {
		Timestamp, MessageID string
		Destination          []string
		Tags                 map[string][]string
	}
	Delivery *struct{ Recipients []string }
	Bounce   *struct {
		BounceType, BounceSubType string
		BouncedRecipients         []struct{ EmailAddress string }
	}
	Complaint *struct {
		ComplaintFeedbackType string
		ComplainedRecipients  []struct{ EmailAddress string }
	}
}

// events waits for count messages after the confirmation, and returns the
// events in them by type.
func (s *subscriber) events(t *testing.T, count int) map[string]snsEvent {
	t.Helper()
	events := make(map[string]snsEvent)
	for _, m := range s.wait(t, count+1)[1:] {
		var e snsEvent
		require.NoError(t, json.Unmarshal([]byte(m.Message), &e))
		events[e.EventType] = e
	}
	require.Len(t, events, count)
	return events
}

// subscribed subscribes s and confirms it.
func subscribed(t *testing.T, url string, s *subscriber, version string) received {
	t.Helper()
	must(t, http.MethodPost, url+"/sns/subscriptions", `{"endpoint":"`+s.url+`","signatureVersion":"`+version+`"}`)
	confirmation := s.wait(t, 1)[0]
	must(t, http.MethodGet, confirmation.SubscribeURL, "")
	return confirmation
}

// requireSigned verifies a message as a careful subscriber does. The text is
// written down from the documentation of SNS.
func requireSigned(t *testing.T, url string, m received) {
	t.Helper()
	require.True(t, strings.HasPrefix(m.SigningCertURL, url+"/SimpleNotificationService-"), m.SigningCertURL)
	require.True(t, strings.HasSuffix(m.SigningCertURL, ".pem"), m.SigningCertURL)
	block, _ := pem.Decode([]byte(must(t, http.MethodGet, m.SigningCertURL, "")))
	require.NotNil(t, block)
	certificate, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)

	var text string
	switch m.Type {
	case "Notification":
		text = "Message\n" + m.Message + "\nMessageId\n" + m.MessageID + "\nSubject\n" + m.Subject +
			"\nTimestamp\n" + m.Timestamp + "\nTopicArn\n" + m.TopicARN + "\nType\nNotification\n"
	case "SubscriptionConfirmation":
		text = "Message\n" + m.Message + "\nMessageId\n" + m.MessageID + "\nSubscribeURL\n" + m.SubscribeURL +
			"\nTimestamp\n" + m.Timestamp + "\nToken\n" + m.Token + "\nTopicArn\n" + m.TopicARN + "\nType\nSubscriptionConfirmation\n"
	default:
		require.Fail(t, "unknown type", m.Type)
	}
	algorithm := map[string]x509.SignatureAlgorithm{"1": x509.SHA1WithRSA, "2": x509.SHA256WithRSA}[m.SignatureVersion]
	signature, err := base64.StdEncoding.DecodeString(m.Signature)
	require.NoError(t, err)
	require.NoError(t, certificate.CheckSignature(algorithm, []byte(text), signature))
	require.Error(t, certificate.CheckSignature(algorithm, []byte(text+" "), signature))
}

func TestMessagesAreSignedInBothVersions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1", "2"} {
		t.Run("version "+version, func(t *testing.T) {
			t.Parallel()
			url, _ := startMailbox(t, Config{})
			s := startSubscriber(t)
			confirmation := subscribed(t, url, s, version)
			require.Equal(t, "SubscriptionConfirmation", confirmation.Type)
			require.Equal(t, "SubscriptionConfirmation", confirmation.header.Get("X-Amz-Sns-Message-Type"))
			require.Equal(t, version, confirmation.SignatureVersion)
			require.Equal(t, testTopic, confirmation.TopicARN)
			requireSigned(t, url, confirmation)

			send(t, url, "jo@example.com")
			for _, m := range s.wait(t, 3)[1:] {
				require.Equal(t, "Notification", m.Type)
				require.Equal(t, m.MessageID, m.header.Get("X-Amz-Sns-Message-Id"))
				require.Equal(t, testTopic, m.header.Get("X-Amz-Sns-Topic-Arn"))
				require.Equal(t, "text/plain; charset=UTF-8", m.header.Get("Content-Type"))
				require.Equal(t, version, m.SignatureVersion)
				requireSigned(t, url, m)
			}
		})
	}
}

func TestNothingIsSentBeforeTheConfirmation(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	s := startSubscriber(t)
	must(t, http.MethodPost, url+"/sns/subscriptions", `{"endpoint":"`+s.url+`"}`)
	confirmation := s.wait(t, 1)[0]
	require.Equal(t, "1", confirmation.SignatureVersion)
	send(t, url, "early@example.com")

	wrong := strings.Replace(confirmation.SubscribeURL, confirmation.Token, "guess", 1)
	status, _, answer := call(t, http.MethodGet, wrong, "")
	require.Equal(t, http.StatusBadRequest, status, answer)
	wrong = strings.Replace(confirmation.SubscribeURL, "ses-events", "other", 1)
	status, _, answer = call(t, http.MethodGet, wrong, "")
	require.Equal(t, http.StatusNotFound, status, answer)
	send(t, url, "still-early@example.com")

	answer = must(t, http.MethodGet, confirmation.SubscribeURL, "")
	require.Contains(t, answer, "<SubscriptionArn>"+testTopic+":")
	send(t, url, "late@example.com")
	for _, e := range s.events(t, 2) {
		require.Equal(t, []string{"late@example.com"}, e.Mail.Destination)
	}
}

func TestTheEventsOfEachOutcome(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][]any{
		"jo@example.com":                               {"Send", "Delivery"},
		"success@simulator.amazonses.com":              {"Send", "Delivery"},
		"ooto@simulator.amazonses.com":                 {"Send", "Delivery", "Bounce"},
		"ooto+v-1@simulator.amazonses.com":             {"Send", "Delivery", "Bounce"},
		"jo+ooto@example.com":                          {"Send", "Delivery", "Bounce"},
		"jo+forward@example.com":                       {"Send", "Delivery", "Bounce"},
		"bounce@simulator.amazonses.com":               {"Send", "Bounce"},
		"bounce+v-1@simulator.amazonses.com":           {"Send", "Bounce"},
		"complaint@simulator.amazonses.com":            {"Send", "Delivery", "Complaint"},
		"suppressionlist@simulator.amazonses.com":      {"Send", "Bounce"},
		"jo+bounce@example.com":                        {"Send", "Bounce"},
		"Jo <jo+x+complaint@example.com>":              {"Send", "Delivery", "Complaint"},
		"jo+delay@example.com":                         {"Send", "DeliveryDelay", "Delivery"},
		"jo+reject@example.com":                        {"Reject"},
		"bounce@example.com":                           {"Send", "Delivery"},
		"jo+bouncer@example.com":                       {"Send", "Delivery"},
		"jo+success@subdomain.simulator.amazonses.com": {"Send", "Delivery"},
	} {
		var got []any
		for _, e := range events(&Message{To: []string{address}, From: "trials@example.com"}) {
			got = append(got, e["eventType"])
		}
		require.Equal(t, want, got, address)
	}
}

func TestAnEventTellsOfItsMail(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	s := startSubscriber(t)
	subscribed(t, url, s, "1")
	id := send(t, url, "jo+complaint@example.com", "mo@example.com", "bo+bounce@example.com")

	got := s.wait(t, 6)[1:] // Send, Bounce, two Deliveries, Complaint
	events := make(map[string]snsEvent)
	deliveredTo := make(map[string]bool)
	for _, m := range got {
		var e snsEvent
		require.NoError(t, json.Unmarshal([]byte(m.Message), &e))
		events[e.EventType] = e
		require.Equal(t, id, e.Mail.MessageID)
		require.Equal(t, []string{"v-1_reminder-3d_0"}, e.Mail.Tags["send"])
		require.Equal(t, []string{"default"}, e.Mail.Tags["ses:configuration-set"])
		require.Equal(t, []string{"example.com"}, e.Mail.Tags["ses:from-domain"])
		require.Len(t, e.Mail.Destination, 3)
		at, err := time.Parse(time.RFC3339, e.Mail.Timestamp)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), at, deadline)
		if e.Delivery != nil {
			for _, to := range e.Delivery.Recipients {
				deliveredTo[to] = true
			}
		}
	}
	require.Equal(t, map[string]bool{"jo+complaint@example.com": true, "mo@example.com": true}, deliveredTo)
	require.Equal(t, "Permanent", events["Bounce"].Bounce.BounceType)
	require.Equal(t, "General", events["Bounce"].Bounce.BounceSubType)
	require.Equal(t, "bo+bounce@example.com", events["Bounce"].Bounce.BouncedRecipients[0].EmailAddress)
	require.Equal(t, "abuse", events["Complaint"].Complaint.ComplaintFeedbackType)
	require.Equal(t, "jo+complaint@example.com", events["Complaint"].Complaint.ComplainedRecipients[0].EmailAddress)
}

func TestAHangupStillPublishes(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	s := startSubscriber(t)
	subscribed(t, url, s, "2")
	must(t, http.MethodPut, url+"/faults", `{"kind":"hangup"}`)
	_, err := sender(url).SendEmail(t.Context(), mailTo("jo@example.com"))
	require.Error(t, err)
	require.Equal(t, []string{"v-1_reminder-3d_0"}, s.events(t, 2)["Send"].Mail.Tags["send"])
}

func TestASubscriberThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	s := startSubscriber(t)
	subscribed(t, url, s, "1")
	failures := map[int]int{1: http.StatusInternalServerError, 2: http.StatusTooManyRequests, 3: http.StatusServiceUnavailable}
	calls := 0
	s.mu.Lock()
	s.answer = func() int {
		calls++
		if status, ok := failures[calls]; ok {
			return status
		}
		return http.StatusOK
	}
	s.mu.Unlock()
	send(t, url, "jo+reject@example.com") // one event
	got := s.wait(t, 5)[1:]
	for _, m := range got[1:] {
		require.Equal(t, got[0].MessageID, m.MessageID, "it is the same message")
		require.Equal(t, got[0].Signature, m.Signature)
	}
}

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	topic, err := openTopic(Config{TopicARN: testTopic})
	require.NoError(t, err)
	t.Cleanup(topic.close)
	endpoint := startSubscriber(t)
	status := http.StatusOK
	endpoint.answer = func() int { return status }
	for code, wanted := range map[int]struct{ again, fails bool }{
		http.StatusOK:                  {false, false},
		http.StatusNoContent:           {false, false},
		http.StatusBadRequest:          {false, true},
		http.StatusForbidden:           {false, true},
		http.StatusNotFound:            {false, true},
		http.StatusTooManyRequests:     {true, true},
		http.StatusInternalServerError: {true, true},
		http.StatusServiceUnavailable:  {true, true},
	} {
		endpoint.mu.Lock()
		status = code
		endpoint.mu.Unlock()
		again, err := topic.post(&subscription{Endpoint: endpoint.url}, &snsMessage{}, []byte("{}"))
		require.Equal(t, wanted.again, again, code)
		require.Equal(t, wanted.fails, err != nil, code)
	}
	again, err := topic.post(&subscription{Endpoint: "http://127.0.0.1:1/"}, &snsMessage{}, []byte("{}"))
	require.Error(t, err)
	require.True(t, again, "nobody listens yet")
}

func TestAnUnsubscribedEndpointGetsNothing(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	leaving, byLink, staying := startSubscriber(t), startSubscriber(t), startSubscriber(t)
	subscribed(t, url, leaving, "1")
	subscribed(t, url, byLink, "1")
	subscribed(t, url, staying, "1")
	send(t, url, "jo+reject@example.com")
	must(t, http.MethodGet, byLink.wait(t, 2)[1].UnsubscribeURL, "")
	for _, s := range subscriptionsOf(t, url) {
		if s.Endpoint == leaving.url {
			leaving.wait(t, 2)
			must(t, http.MethodDelete, url+"/sns/subscriptions/"+s.ID, "")
		}
	}
	require.Len(t, subscriptionsOf(t, url), 1)
	send(t, url, "mo+reject@example.com")
	staying.wait(t, 3)
	leaving.wait(t, 2)
	byLink.wait(t, 2)
}

func subscriptionsOf(t *testing.T, url string) []subscriptionView {
	t.Helper()
	var list []subscriptionView
	require.NoError(t, json.Unmarshal([]byte(must(t, http.MethodGet, url+"/sns/subscriptions", "")), &list))
	return list
}

func TestSubscribingTwiceIsSubscribingOnce(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	s := startSubscriber(t)
	subscribed(t, url, s, "1")
	answer := must(t, http.MethodPost, url+"/sns/subscriptions", `{"endpoint":"`+s.url+`","signatureVersion":"2"}`)
	require.Contains(t, answer, `"confirmed":true`)
	require.Len(t, subscriptionsOf(t, url), 1)
	send(t, url, "jo+reject@example.com")
	require.Equal(t, "2", s.wait(t, 2)[1].SignatureVersion)
}

func TestABadSubscriptionIsRefused(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	for body, want := range map[string]string{
		`{}`:                               "endpoint",
		`{"endpoint":"example.com"}`:       "endpoint",
		`{"endpoint":"ftp://example.com"}`: "endpoint",
		`{"endpoint":"http://a","signatureVersion":"3"}`: "signatureVersion",
		`{"url":"http://a"}`:                             `"url"`,
	} {
		status, _, answer := call(t, http.MethodPost, url+"/sns/subscriptions", body)
		require.Equal(t, http.StatusBadRequest, status, body)
		require.Contains(t, answer, want)
	}
	require.Empty(t, subscriptionsOf(t, url))
	status, _, _ := call(t, http.MethodGet, url+"/?Action=Publish", "")
	require.Equal(t, http.StatusBadRequest, status)
}

func TestSubscriptionsOnDiskOutliveTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startSubscriber(t)
	url, stop := startMailbox(t, Config{Dir: dir})
	subscribed(t, url, s, "2")
	stop()

	url, _ = startMailbox(t, Config{Dir: dir})
	send(t, url, "jo+reject@example.com")
	m := s.wait(t, 2)[1]
	require.Equal(t, "2", m.SignatureVersion)
	requireSigned(t, url, m)
}

func TestASubscriberMayWantOneConfigurationSetsEventsOnly(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	s := startSubscriber(t)
	must(t, http.MethodPost, url+"/sns/subscriptions", `{"endpoint":"`+s.url+`","configurationSet":"mine"}`)
	must(t, http.MethodGet, s.wait(t, 1)[0].SubscribeURL, "")
	send(t, url, "jo@example.com")
	for _, set := range []string{"yours", "mine"} {
		in := mailTo("jo@example.com")
		in.ConfigurationSetName = aws.String(set)
		_, err := sender(url).SendEmail(t.Context(), in)
		require.NoError(t, err)
	}
	for _, e := range s.events(t, 2) {
		require.Equal(t, []string{"mine"}, e.Mail.Tags["ses:configuration-set"])
	}
}
