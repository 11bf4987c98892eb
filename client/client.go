package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
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
