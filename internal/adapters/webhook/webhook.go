// Package webhook posts a body to an address over HTTP, once, signed, and reports
// the outcome. It follows no redirects, reads little of the answers, and
// its reasons and errors contain neither addresses nor bodies: an address may
// be a secret.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// DefaultTimeout bounds a call, including connecting and the answer.
	DefaultTimeout = 5 * time.Second
	// maxAnswer is how much of an answer is read at most.
	maxAnswer = 64 << 10
	// maxHeaders bounds the answer's headers.
	maxHeaders = 16 << 10
	// minRetry and maxRetry bound the wait that an answer may request.
	minRetry = 5 * time.Second
	maxRetry = 15 * time.Minute
)

// Status is the outcome of a call.
type Status int

// The zero Status is Unknown, so that a forgotten status does not pass
// for a certain failure.
const (
	// Unknown: the request was sent, and no answer shows its outcome.
	Unknown Status = iota
	// Accepted: the answer was 2xx.
	Accepted
	// Refused: the answer is a refusal, and a retry would get the same.
	Refused
	// Deferred: it was not accepted now, and may be later.
	Deferred
)

// Delivery is the result of a call.
type Delivery struct {
	Status Status
	// Reason is a code such as "status-404" or "no-answer"; empty when Accepted.
	Reason string
	// RetryAfter is how long to wait; set when Deferred.
	RetryAfter time.Duration
}

// Client posts to webhooks. It is safe for concurrent use.
type Client struct {
	http   *http.Client
	secret []byte
}

// New returns a client that signs with a secret. A timeout of zero means DefaultTimeout.
func New(secret string, timeout time.Duration) (*Client, error) {
	if secret == "" {
		return nil, errors.New("webhook: no secret to sign with")
	}
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	return &Client{
		secret: []byte(secret),
		http: &http.Client{
			Timeout: timeout,
			// A redirect would send the body to an address that nobody has configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, MaxResponseHeaderBytes: maxHeaders, TLSHandshakeTimeout: timeout,
				// Posts are hours apart: a kept connection would be dead by then, and the
				// outcome of a request on a dead one is hard to know.
				DisableKeepAlives: true, ForceAttemptHTTP2: true,
			},
		},
	}, nil
}

// Sign returns the value of the header X-Signature for a body.
func Sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Post posts a JSON body to an address, once. The key lets the receiver
// recognize a repeated post.
func (c *Client) Post(ctx context.Context, address, key string, body []byte) Delivery {
	var left atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) }})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return Delivery{Status: Refused, Reason: "bad-address"}
	}
	// Without a way to recreate the body, the transport repeats nothing by itself.
	request.GetBody = nil
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "trials")
	request.Header.Set("X-Signature", Sign(c.secret, body))
	request.Header.Set("Idempotency-Key", key)
	response, err := c.http.Do(request)
	if err != nil {
		if left.Load() {
			return Delivery{Reason: "no-answer"}
		}
		return Delivery{Status: Deferred, Reason: "unreachable", RetryAfter: minRetry}
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer)) // its content does not matter
	return classify(response)
}

// classify sorts answers. A gateway's 502 and 504 say nothing about the server behind
// it; other server errors mean that it was not accepted.
func classify(r *http.Response) Delivery {
	reason := fmt.Sprintf("status-%d", r.StatusCode)
	switch code := r.StatusCode; {
	case code >= 200 && code < 300:
		return Delivery{Status: Accepted}
	case code >= 300 && code < 400:
		return Delivery{Status: Refused, Reason: "redirected"}
	case code == http.StatusBadGateway, code == http.StatusGatewayTimeout:
		return Delivery{Reason: reason}
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return Delivery{Status: Deferred, Reason: reason, RetryAfter: retryAfter(r.Header.Get("Retry-After"))}
	}
	return Delivery{Status: Refused, Reason: reason}
}

func retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds <= 0 {
		return minRetry
	}
	// Bounded as a number first, because a huge one overflows a Duration.
	return max(minRetry, time.Duration(min(seconds, int(maxRetry/time.Second)))*time.Second)
}
