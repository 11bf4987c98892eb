package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

const secret = "secret-of-the-tests-0123456789-ab"

// receiver serves handler and counts the requests that reached it.
func receiver(t *testing.T, handler http.HandlerFunc) (address string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func client(t *testing.T) *Client {
	t.Helper()
	c, err := New(secret, 500*time.Millisecond)
	require.NoError(t, err)
	return c
}

func TestTheReceiverCanCheckWhoPostedAndWhetherItWasBefore(t *testing.T) {
	t.Parallel()
	type seen struct{ signature, key, kind, method, body string }
	got := make(chan seen, 1)
	address, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{r.Header.Get("X-Signature"), r.Header.Get("Idempotency-Key"), r.Header.Get("Content-Type"), r.Method, string(body)}
		w.WriteHeader(http.StatusNoContent)
	})
	require.Equal(t, trial.SendResult{Status: trial.SendSent}, client(t).Post(t.Context(), address, "r1/7/x", []byte(`{"a":1}`)))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(`{"a":1}`))
	require.Equal(t, seen{"sha256=" + hex.EncodeToString(mac.Sum(nil)), "r1/7/x", "application/json", http.MethodPost, `{"a":1}`}, <-got)
}

// The value is what openssl prints for the command in the admin guide.
func TestASignatureIsWhatOthersCompute(t *testing.T) {
	t.Parallel()
	require.Equal(t, "sha256=0c368375a372295d8c3954f92603422412667360689b7132f785e923369dd8f1", Sign([]byte(secret), []byte(`{"a":1}`)))
}

func TestOutcomesOfAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		header string
		want   trial.SendResult
	}{
		"accepted":            {http.StatusAccepted, "", trial.SendResult{Status: trial.SendSent}},
		"not found":           {http.StatusNotFound, "", trial.SendResult{Status: trial.SendRefused, Reason: "status-404"}},
		"unauthorized":        {http.StatusUnauthorized, "", trial.SendResult{Status: trial.SendRefused, Reason: "status-401"}},
		"too many":            {http.StatusTooManyRequests, "30", trial.SendResult{Status: trial.SendReleased, Reason: "status-429", RetryAfter: 30 * time.Second}},
		"too many for ages":   {http.StatusTooManyRequests, "99999999999", trial.SendResult{Status: trial.SendReleased, Reason: "status-429", RetryAfter: maxRetry}},
		"unavailable":         {http.StatusServiceUnavailable, "soon", trial.SendResult{Status: trial.SendReleased, Reason: "status-503", RetryAfter: minRetry}},
		"server error":        {http.StatusInternalServerError, "", trial.SendResult{Status: trial.SendReleased, Reason: "status-500", RetryAfter: minRetry}},
		"gateway lost it":     {http.StatusBadGateway, "", trial.SendResult{Status: trial.SendUnknown, Reason: "status-502"}},
		"gateway gave up":     {http.StatusGatewayTimeout, "", trial.SendResult{Status: trial.SendUnknown, Reason: "status-504"}},
		"a method is no good": {http.StatusMethodNotAllowed, "", trial.SendResult{Status: trial.SendRefused, Reason: "status-405"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, requests := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", c.header)
				w.WriteHeader(c.status)
			})
			require.Equal(t, c.want, client(t).Post(t.Context(), address, "k", []byte("{}")))
			require.EqualValues(t, 1, requests.Load())
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere, reached := receiver(t, func(http.ResponseWriter, *http.Request) {})
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		address, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, status) })
		require.Equal(t, trial.SendResult{Status: trial.SendRefused, Reason: "redirected"}, client(t).Post(t.Context(), address, "k", []byte("{}")))
	}
	require.Zero(t, reached.Load())
}

func TestWithoutAnAnswerNothingIsKnownAndNothingRepeated(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"hangs up": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		},
		"is silent": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"answers with endless headers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 2*maxHeaders))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, requests := receiver(t, handler)
			require.Equal(t, trial.SendResult{Status: trial.SendUnknown, Reason: "no-answer"}, client(t).Post(t.Context(), address, "k", []byte("{}")))
			require.EqualValues(t, 1, requests.Load())
		})
	}
}

func TestAnEndlessAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	address, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("x", 32<<10))
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	require.Equal(t, trial.SendSent, client(t).Post(t.Context(), address, "k", []byte("{}")).Status)
}

func TestWhatNeverLeftMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	want := trial.SendResult{Status: trial.SendReleased, Reason: "unreachable", RetryAfter: minRetry}
	require.Equal(t, want, client(t).Post(t.Context(), server.URL, "k", []byte("{}")))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	address, requests := receiver(t, func(http.ResponseWriter, *http.Request) {})
	require.Equal(t, want, client(t).Post(over, address, "k", []byte("{}")))
	require.Zero(t, requests.Load())
	require.Equal(t, trial.SendResult{Status: trial.SendRefused, Reason: "bad-address"}, client(t).Post(t.Context(), "://", "k", nil))
}

func TestWithoutASecretThereIsNoClient(t *testing.T) {
	t.Parallel()
	_, err := New("", 0)
	require.Error(t, err)
}
