package mailbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// A message that a subscriber does not accept is retried, after waiting
// twice as long each time: 12 times within about two minutes.
const (
	attempts     = 12
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 20 * time.Second
)

// send makes, signs and delivers a message in the background. It is called
// with mu held.
func (t *topic) send(s *subscription, compose func() (*snsMessage, error)) {
	if t.open.Err() != nil {
		return
	}
	version := s.SignatureVersion
	t.deliveries.Go(func() {
		if !acquire(t, s) {
			return
		}
		message, err := compose()
		if err == nil {
			err = t.complete(message, version)
		}
		<-s.slots
		if err != nil {
			t.logger.Error("an SNS message was not made", "endpoint", s.Endpoint, "error", err)
			return
		}
		t.deliver(s, message)
	})
}

// acquire waits for one of the subscriber's slots. It returns false when the
// topic is closed first.
func acquire(t *topic, s *subscription) bool {
	select {
	case s.slots <- struct{}{}:
		return true
	case <-t.open.Done():
		return false
	}
}

// complete fills in what every message has, and signs it.
func (t *topic) complete(m *snsMessage, version string) error {
	m.MessageID = uuid.NewString()
	m.TopicARN = t.arn
	m.Timestamp = timestamp(time.Now())
	m.SignatureVersion = version
	m.SigningCertURL = t.url + t.signer.path
	return t.signer.sign(m)
}

// deliver posts m until the subscriber accepts it, refuses it for good, or has
// failed too often. It occupies no slot while it waits.
func (t *topic) deliver(s *subscription, m *snsMessage) {
	body, err := json.Marshal(m)
	if err != nil {
		t.logger.Error("an SNS message was not made", "endpoint", s.Endpoint, "error", err)
		return
	}
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		if !acquire(t, s) {
			return
		}
		again, err := t.post(s, m, body)
		<-s.slots
		if err == nil || t.open.Err() != nil {
			return
		}
		if !again || attempt == attempts {
			t.logger.Warn("an SNS message could not be delivered", "endpoint", s.Endpoint, "type", m.Type,
				"message", m.MessageID, "attempts", attempt, "error", err)
			return
		}
		select {
		case <-time.After(backoff):
			backoff = min(2*backoff, lastBackoff)
		case <-t.open.Done():
			return
		}
	}
}

// post makes one attempt. After an error, again reports whether another attempt may
// succeed: not after the subscriber's own errors.
func (t *topic) post(s *subscription, m *snsMessage, body []byte) (again bool, err error) {
	request, err := http.NewRequestWithContext(t.open, http.MethodPost, s.Endpoint, bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("make the request: %w", err)
	}
	request.Header.Set("Content-Type", "text/plain; charset=UTF-8")
	request.Header.Set("User-Agent", "Amazon Simple Notification Service Agent")
	request.Header.Set("X-Amz-Sns-Message-Type", m.Type)
	request.Header.Set("X-Amz-Sns-Message-Id", m.MessageID)
	request.Header.Set("X-Amz-Sns-Topic-Arn", m.TopicARN)
	if m.Type == typeNotification {
		request.Header.Set("X-Amz-Sns-Subscription-Arn", t.subscriptionARN(s.ID))
	}
	response, err := t.client.Do(request)
	if err != nil {
		return true, err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16)) // so that the connection can be reused
	switch status := response.StatusCode; {
	case status < 300:
		return false, nil
	case status >= 500, status == http.StatusTooManyRequests:
		return true, fmt.Errorf("the subscriber answered %s", response.Status)
	default:
		return false, fmt.Errorf("the subscriber answered %s", response.Status)
	}
}
