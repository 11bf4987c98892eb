package system

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"marketplace.example/trials/client"
)

var httpClient = &http.Client{Timeout: client.Timeout}

// Answer is what an HTTP call was answered with.
type Answer struct {
	// Request is its method and address.
	Request string
	Status  int
	Header  http.Header
	Body    []byte
}

// Check makes an error of an answer that says that the call was not carried out.
func Check(a Answer, err error) error {
	if err == nil && a.Status >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s is answered %d: %s", a.Request, a.Status, a.Body)
	}
	return err
}

// Read decodes the answer to a call that was carried out.
func Read[T any](a Answer, err error) (v T, _ error) {
	if err := Check(a, err); err != nil {
		return v, err
	}
	err = a.Into(&v)
	return v, err
}

// Into decodes the body.
func (a Answer) Into(v any) error {
	if err := json.Unmarshal(a.Body, v); err != nil {
		return fmt.Errorf("reading the answer %q: %w", a.Body, err)
	}
	return nil
}

// Call makes one HTTP request; body is marshalled unless it is nil or bytes.
func Call(ctx context.Context, method, address, token string, body any, header http.Header) (Answer, error) {
	var reader io.Reader = http.NoBody
	switch b := body.(type) {
	case nil:
	case []byte:
		reader = bytes.NewReader(b)
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			return Answer{}, fmt.Errorf("%s %s: %w", method, address, err)
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, address, err)
	}
	maps.Copy(req.Header, header)
	if body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := httpClient.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, address, err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, address, err)
	}
	return Answer{Request: method + " " + address, Status: res.StatusCode, Header: res.Header, Body: raw}, nil
}

// Service calls the API as the marketplace's backend.
func (s *System) Service(ctx context.Context, method, path string, body any) (Answer, error) {
	return repeated(ctx, func() (Answer, error) {
		return Call(ctx, method, s.API+path, s.Secrets.ServiceToken, body, nil)
	})
}

// Admin calls the API as an admin; every change has a key of its own.
func (s *System) Admin(ctx context.Context, method, path string, body any) (Answer, error) {
	header := http.Header{}
	if method != http.MethodGet {
		header.Set("Idempotency-Key", secret())
	}
	return repeated(ctx, func() (Answer, error) {
		return Call(ctx, method, s.API+path, s.Secrets.AdminToken, body, header)
	})
}

// repeated makes a call as the API's description asks of every client: once more where a busy server answers 503, as it is, with the
// same key. Whoever wants to see a 503 uses Call.
func repeated(ctx context.Context, call func() (Answer, error)) (Answer, error) {
	const tries = 3
	for try := 1; ; try++ {
		a, err := call()
		refused := a.Status == http.StatusServiceUnavailable && a.Header.Get("Content-Type") == "application/problem+json"
		if err != nil || !refused || try == tries {
			return a, err
		}
		select {
		case <-ctx.Done():
			return a, err
		case <-time.After(time.Second):
		}
	}
}

var (
	busy      = regexp.MustCompile(`try again \(request `)
	uncertain = regexp.MustCompile(`repeat it with --idempotency-key (\S+)`)
)

// Persist runs a command of starter as its output asks where the API is busy: once more, a change with the same key.
func Persist(ctx context.Context, run func(more ...string) (string, error)) (string, error) {
	const tries = 3
	var more []string
	for try := 1; ; try++ {
		out, err := run(more...)
		if err == nil || !busy.MatchString(out) || try == tries {
			return out, err
		}
		if key := uncertain.FindStringSubmatch(out); key != nil {
			more = []string{"--idempotency-key", key[1]}
		}
		select {
		case <-ctx.Done():
			return out, err
		case <-time.After(time.Second):
		}
	}
}

// Fault tells the mailbox to misbehave towards recipients that contain match.
func (s *System) Fault(ctx context.Context, fault map[string]any) error {
	return Check(Call(ctx, http.MethodPut, s.Stack.Mailbox+"/faults", "", fault, nil))
}

// subscribe has the mailbox publish its events to the API's webhook.
func (s *System) subscribe(ctx context.Context) error {
	type subscription struct {
		ID string `json:"id"`
	}
	made, err := Read[subscription](Call(ctx, http.MethodPost, s.Stack.Mailbox+"/sns/subscriptions", "",
		map[string]string{"endpoint": s.API + "/api/webhooks/ses", "signatureVersion": "2", "configurationSet": s.configurationSet()}, nil))
	s.subscription = made.ID
	return err
}

// CutEvents ends the subscription: what becomes of e-mails is not heard of any more.
func (s *System) CutEvents(ctx context.Context) error {
	id := s.subscription
	s.subscription = ""
	return Check(Call(ctx, http.MethodDelete, s.Stack.Mailbox+"/sns/subscriptions/"+url.PathEscape(id), "", nil, nil))
}

// unsubscribe spares a mailbox that lives on the knocking at a closed door.
func (s *System) unsubscribe() {
	if s.subscription == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	// Where it fails, only the mailbox is bothered.
	_, _ = Call(ctx, http.MethodDelete, s.Stack.Mailbox+"/sns/subscriptions/"+url.PathEscape(s.subscription), "", nil, nil)
}
