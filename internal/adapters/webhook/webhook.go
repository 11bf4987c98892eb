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

	"marketplace.example/trials/internal/domain/trial"
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
func (c *Client) Post(ctx context.Context, address, key string, body []byte) trial.SendResult {
	var left atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) }})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return trial.SendResult{Status: trial.SendRefused, Reason: "bad-address"}
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
			return trial.SendResult{Status: trial.SendUnknown, Reason: "no-answer"}
		}
		return trial.SendResult{Status: trial.SendReleased, Reason: "unreachable", RetryAfter: minRetry}
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer)) // its content does not matter
	return classify(response)
}

// classify sorts answers. A gateway's 502 and 504 say nothing about the server behind
// it; other server errors mean that it was not accepted.
func classify(r *http.Response) trial.SendResult {
	reason := fmt.Sprintf("status-%d", r.StatusCode)
	switch code := r.StatusCode; {
	case code >= 200 && code < 300:
		return trial.SendResult{Status: trial.SendSent}
	case code >= 300 && code < 400:
		return trial.SendResult{Status: trial.SendRefused, Reason: "redirected"}
	case code == http.StatusBadGateway, code == http.StatusGatewayTimeout:
		return trial.SendResult{Status: trial.SendUnknown, Reason: reason}
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return trial.SendResult{Status: trial.SendReleased, Reason: reason, RetryAfter: retryAfter(r.Header.Get("Retry-After"))}
	}
	return trial.SendResult{Status: trial.SendRefused, Reason: reason}
}

func retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds <= 0 {
		return minRetry
	}
	// Bounded as a number first, because a huge one overflows a Duration.
	return max(minRetry, time.Duration(min(seconds, int(maxRetry/time.Second)))*time.Second)
}
