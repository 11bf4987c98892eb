package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Timeout bounds one call, waiting for the answer included. It is longer than the API takes at most: whoever gives up
// before does not hear whether a change was carried out.
const Timeout = 45 * time.Second

// New makes a client of the API at baseURL that identifies itself with a bearer
// token; an empty token sends none.
func New(baseURL, token string) (*ClientWithResponses, error) {
	authorize := func(_ context.Context, r *http.Request) error {
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return nil
	}
	return NewClientWithResponses(baseURL,
		WithHTTPClient(&http.Client{Timeout: Timeout}), WithRequestEditorFn(authorize))
}

// Error is the API's refusal: the problem document it answered with.
type Error struct{ Problem }

// Error says what is wrong, and which request it was.
func (e *Error) Error() string {
	text := e.Title
	if e.Detail != nil {
		text = *e.Detail
	}
	return fmt.Sprintf("%s (%d, request %s)", text, e.Status, e.RequestId)
}

// Check returns an *Error unless the answer's status says that it went well.
// Call it with the HTTPResponse and Body of an answer.
func Check(response *http.Response, body []byte) error {
	if response.StatusCode < http.StatusBadRequest {
		return nil
	}
	var e Error
	if err := json.Unmarshal(body, &e.Problem); err != nil || e.Status == 0 {
		e.Problem = Problem{Title: "the answer was not the API's: " + response.Status, Status: response.StatusCode}
	}
	return &e
}

// ErrNotAPI says that something answered which is not the API.
var ErrNotAPI = errors.New("the answer was not the API's: is this its address?")

// Answer is the API's answer to a call that it carried out.
type Answer[T any] struct {
	Value T
	// Body is the answer as it came, and Status its HTTP status.
	Body   []byte
	Status int
}

// Read reads the answer to a call of any method of ClientInterface: Read[Trial](api.CancelTrial(ctx, id, params, body)).
// T is what the API's description names for the method, or any type that reads the same JSON. The error is the call's
// own, an *Error where the API refused, or ErrNotAPI.
func Read[T any](response *http.Response, err error) (Answer[T], error) {
	var a Answer[T]
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	if a.Body, err = io.ReadAll(response.Body); err != nil {
		return a, err
	}
	if err := Check(response, a.Body); err != nil {
		return a, err
	}
	a.Status = response.StatusCode
	if a.Status > http.StatusAccepted || !strings.Contains(response.Header.Get("Content-Type"), "json") {
		return a, ErrNotAPI
	}
	return a, json.Unmarshal(a.Body, &a.Value)
}
