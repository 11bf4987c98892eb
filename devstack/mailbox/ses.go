package mailbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// maxRequestBytes leaves room for a message of the largest size in base64.
const maxRequestBytes = maxMessageBytes*4/3 + 1<<20

// sendEmail implements SendEmail of SES v2.
func (m *Mailbox) sendEmail(w http.ResponseWriter, r *http.Request) {
	request, refusal := readSendRequest(w, r)
	if refusal != nil {
		writeError(w, refusal)
		return
	}
	message, refusal := request.message(time.Now())
	if refusal != nil {
		writeError(w, refusal)
		return
	}
	fate := m.faults.judge(message.To)
	if !sleep(r.Context(), fate.delay) {
		return
	}
	if fate.refusal != nil {
		writeError(w, fate.refusal)
		return
	}
	if !m.limiter.AllowN(time.Now(), len(message.To)) {
		writeError(w, tooManyRequests())
		return
	}
	if err := m.store.add(&message); err != nil {
		m.logger.Error("a mail could not be stored", "error", err)
		writeError(w, &apiError{http.StatusInternalServerError, "InternalServiceErrorException", "The mail could not be stored."})
		return
	}
	m.topic.publish(&message)
	if fate.hangup {
		panic(http.ErrAbortHandler) // drops the connection
	}
	writeJSON(w, http.StatusOK, map[string]string{"MessageId": message.ID})
}

// sleep waits for d, and returns false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func readSendRequest(w http.ResponseWriter, r *http.Request) (*sendRequest, *apiError) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		return nil, &apiError{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	var request sendRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBytes)).Decode(&request); err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return nil, badRequest("the request is larger than %d bytes", tooLarge.Limit)
		}
		return nil, badRequest("the request is not JSON as SendEmail takes it: %v", err)
	}
	if err := request.validate(); err != nil {
		return nil, err
	}
	return &request, nil
}

// message creates the mail of the request, accepted at now.
func (r *sendRequest) message(now time.Time) (Message, *apiError) {
	m := Message{
		ID:               newMessageID(now),
		To:               r.Destination.all(),
		From:             r.FromEmailAddress,
		Headers:          make(map[string]string),
		Tags:             make(map[string]string, len(r.EmailTags)),
		At:               now.UTC(),
		configurationSet: r.ConfigurationSetName,
	}
	for _, tag := range r.EmailTags {
		m.Tags[tag.Name] = tag.Value
	}
	if len(r.ReplyToAddresses) > 0 {
		m.Headers["Reply-To"] = strings.Join(r.ReplyToAddresses, ", ")
	}
	if raw := r.Content.Raw; raw != nil {
		if err := m.readRaw(raw.Data); err != nil {
			return Message{}, badRequest("Content.Raw: %v", err)
		}
		if len(m.To) == 0 || m.From == "" {
			return Message{}, badRequest("Content.Raw: no sender or no recipient")
		}
		return m, nil
	}
	simple := r.Content.Simple
	m.Subject = simple.Subject.Data
	for _, h := range simple.Headers {
		m.Headers[h.Name] = h.Value
	}
	if simple.Body.Text != nil {
		m.Text = simple.Body.Text.Data
	}
	if simple.Body.HTML != nil {
		m.HTML = simple.Body.HTML.Data
	}
	return m, nil
}

// newMessageID creates an id in SES's form.
func newMessageID(now time.Time) string {
	return fmt.Sprintf("%016x-%s-000000", 0x0100<<48|now.UnixMilli(), uuid.NewString())
}

// getAccount implements GetAccount of SES v2. It reports faults that affect every mail.
func (m *Mailbox) getAccount(w http.ResponseWriter, _ *http.Request) {
	enforcement := "HEALTHY"
	if m.faults.whole("suspended") {
		enforcement = "SHUTDOWN"
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"SendingEnabled":               enforcement == "HEALTHY" && !m.faults.whole("paused"),
		"ProductionAccessEnabled":      true,
		"DedicatedIpAutoWarmupEnabled": false,
		"EnforcementStatus":            enforcement,
		"SendQuota": map[string]float64{
			"Max24HourSend":   dailyQuota,
			"MaxSendRate":     m.sendRate(),
			"SentLast24Hours": float64(m.store.recipientsSince(time.Now().Add(-24 * time.Hour))),
		},
	})
}
