// Package mailbox stands in for Amazon SES. It implements SendEmail and GetAccount
// of the SES v2 API, keeps every mail it accepts, behaves like the SES mailbox
// simulator, publishes events as SES does through SNS, and fails on
// command.
package mailbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

const (
	// defaultSendRate is the sending rate that the account reports, in mails a
	// second, if none is enforced.
	defaultSendRate = 1000

	// dailyQuota is the reported quota; it is not enforced.
	dailyQuota = 1_000_000
)

// Config configures a Mailbox.
type Config struct {
	// URL is where clients reach the mailbox, without a slash at the end. It
	// is part of the links in SNS messages.
	URL string

	// Dir keeps mails and subscriptions, so that they outlive the process.
	// Empty keeps them in memory.
	Dir string

	// SendRate is the number of recipients a second above which mails are
	// refused as SES refuses them. 0 refuses none.
	SendRate float64

	// TopicARN names the SNS topic that events are published to.
	TopicARN string

	Logger *slog.Logger
}

// Mailbox is the stand-in. Create one with New.
type Mailbox struct {
	config  Config
	logger  *slog.Logger
	store   *store
	topic   *topic
	limiter *rate.Limiter
	faults  faults
}

// New opens a mailbox, with the mails kept in config.Dir if there are any.
func New(config Config) (*Mailbox, error) {
	store, err := openStore(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the mailbox: %w", err)
	}
	topic, err := openTopic(config)
	if err != nil {
		_ = store.close()
		return nil, fmt.Errorf("open the mailbox: %w", err)
	}
	m := &Mailbox{
		config: config, logger: config.Logger, store: store, topic: topic,
		limiter: rate.NewLimiter(rate.Inf, 0),
	}
	if config.SendRate > 0 {
		m.limiter = rate.NewLimiter(rate.Limit(config.SendRate), max(1, int(config.SendRate)))
	}
	return m, nil
}

// sendRate is the rate that the account reports.
func (m *Mailbox) sendRate() float64 {
	if m.config.SendRate > 0 {
		return m.config.SendRate
	}
	return defaultSendRate
}

// Handler serves the API of SES, the mailbox's own, and its pages.
func (m *Mailbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/email/outbound-emails", m.sendEmail)
	mux.HandleFunc("GET /v2/email/account", m.getAccount)
	mux.HandleFunc("/v2/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, &apiError{http.StatusNotFound, "NotFoundException",
			fmt.Sprintf("the mailbox does not know %s %s", r.Method, r.URL.Path)})
	})

	mux.HandleFunc("GET /messages", m.listMessages)
	mux.HandleFunc("DELETE /messages", m.deleteMessages)
	mux.HandleFunc("GET /messages/{id}", m.getMessage)
	mux.HandleFunc("GET /messages/{id}/html", m.getHTML)
	mux.HandleFunc("GET /messages/{id}/text", m.getText)

	mux.HandleFunc("PUT /faults", m.putFault)
	mux.HandleFunc("GET /faults", m.listFaults)
	mux.HandleFunc("DELETE /faults", m.deleteFaults)

	mux.HandleFunc("POST /sns/subscriptions", m.subscribe)
	mux.HandleFunc("GET /sns/subscriptions", m.listSubscriptions)
	mux.HandleFunc("DELETE /sns/subscriptions/{id}", m.deleteSubscription)
	mux.HandleFunc("GET "+m.topic.signer.path, m.signingCertificate)

	mux.HandleFunc("GET /inbox.css", serveStyle)
	inbox := &inbox{m.store, m.logger}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("Action") {
			m.snsAction(w, r)
			return
		}
		inbox.ServeHTTP(w, r)
	})
	return mux
}

// Serve answers on listener until ctx ends, and closes the mailbox.
func (m *Mailbox) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           m.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(listener)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, m.Close())
}

// Close aborts running deliveries of events, and closes the files.
func (m *Mailbox) Close() error {
	m.topic.close()
	if err := m.store.close(); err != nil {
		return fmt.Errorf("close the mailbox: %w", err)
	}
	return nil
}
