package mailbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	typeNotification = "Notification"
	typeConfirmation = "SubscriptionConfirmation"
)

// topic is the SNS topic that events are published to. It has HTTP subscribers
// only.
type topic struct {
	arn    string
	url    string // the mailbox's
	signer *signer
	logger *slog.Logger
	client *http.Client
	file   string // stores the subscriptions; empty: in memory

	mu            sync.Mutex
	subscriptions []*subscription

	// The fields below end when the topic is closed.
	open       context.Context //nolint:containedctx // deliveries outlive the requests that cause them
	end        context.CancelFunc
	deliveries sync.WaitGroup
}

// subscription is one subscriber's. Its exported fields are stored.
type subscription struct {
	ID               string `json:"id"`
	Endpoint         string `json:"endpoint"`
	SignatureVersion string `json:"signatureVersion"` // "1" or "2"
	ConfigurationSet string `json:"configurationSet,omitempty"`
	Confirmed        bool   `json:"confirmed"`
	Token            string `json:"token"` // confirms it

	// slots bounds the concurrent requests to the endpoint.
	slots chan struct{}
}

// requestsAtOnce is how many concurrent requests a subscriber gets.
const requestsAtOnce = 8

// openTopic opens the topic with the subscriptions stored in dir, if any.
func openTopic(config Config) (*topic, error) {
	signer, err := newSigner()
	if err != nil {
		return nil, err
	}
	t := &topic{
		arn:    config.TopicARN,
		url:    config.URL,
		signer: signer,
		logger: config.Logger,
		client: &http.Client{
			Timeout:   15 * time.Second, // as SNS waits
			Transport: &http.Transport{MaxIdleConnsPerHost: requestsAtOnce},
		},
	}
	t.open, t.end = context.WithCancel(context.Background())
	if config.Dir == "" {
		return t, nil
	}
	t.file = filepath.Join(config.Dir, "subscriptions.json")
	if err := t.load(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *topic) load() error {
	data, err := os.ReadFile(t.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the subscriptions: %w", err)
	}
	if err := json.Unmarshal(data, &t.subscriptions); err != nil {
		return fmt.Errorf("read the subscriptions: %w", err)
	}
	for _, s := range t.subscriptions {
		s.slots = make(chan struct{}, requestsAtOnce)
	}
	return nil
}

// save stores the subscriptions. It is called with mu held.
func (t *topic) save() error {
	if t.file == "" {
		return nil
	}
	data, err := json.MarshalIndent(t.subscriptions, "", "  ")
	if err != nil {
		return fmt.Errorf("write the subscriptions as JSON: %w", err)
	}
	if err := os.WriteFile(t.file+".new", data, 0o600); err != nil {
		return fmt.Errorf("store the subscriptions: %w", err)
	}
	if err := os.Rename(t.file+".new", t.file); err != nil {
		return fmt.Errorf("store the subscriptions: %w", err)
	}
	return nil
}

// close ends all deliveries, finished or not.
func (t *topic) close() {
	t.mu.Lock()
	t.end() // send starts nothing after this
	t.mu.Unlock()
	t.deliveries.Wait()
	t.client.CloseIdleConnections()
}

// subscribe asks an endpoint to confirm its subscription.
// An existing one is asked again unless it has confirmed.
func (t *topic) subscribe(r subscriptionRequest) (subscription, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.find(func(s *subscription) bool { return s.Endpoint == r.Endpoint })
	if s == nil {
		s = &subscription{ID: uuid.NewString(), Endpoint: r.Endpoint, Token: uuid.NewString() + uuid.NewString(),
			slots: make(chan struct{}, requestsAtOnce)}
		t.subscriptions = append(t.subscriptions, s)
	}
	s.SignatureVersion, s.ConfigurationSet = r.SignatureVersion, r.ConfigurationSet
	if err := t.save(); err != nil {
		return subscription{}, err
	}
	if !s.Confirmed {
		t.send(s, func() (*snsMessage, error) { return t.confirmation(s), nil })
	}
	return *s, nil
}

// confirm starts messages for the subscription of a token. It
// returns nil if there is none.
func (t *topic) confirm(token string) (*subscription, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.find(func(s *subscription) bool { return s.Token == token })
	if s == nil {
		return nil, nil
	}
	s.Confirmed = true
	copied := *s
	return &copied, t.save()
}

// unsubscribe ends the subscription with the id, if there is one.
func (t *topic) unsubscribe(id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(s *subscription) bool { return s.ID == id })
	return t.save()
}

// list returns the subscriptions as they are now.
func (t *topic) list() []subscription {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]subscription, 0, len(t.subscriptions))
	for _, s := range t.subscriptions {
		list = append(list, *s)
	}
	return list
}

// find is called with mu held.
func (t *topic) find(is func(*subscription) bool) *subscription {
	i := slices.IndexFunc(t.subscriptions, is)
	if i < 0 {
		return nil
	}
	return t.subscriptions[i]
}

// publish sends the events of m to the confirmed subscribers that want them.
func (t *topic) publish(m *Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []object
	for _, s := range t.subscriptions {
		if !s.Confirmed || s.ConfigurationSet != "" && s.ConfigurationSet != m.configurationSet {
			continue
		}
		if all == nil {
			all = events(m)
		}
		for _, e := range all {
			t.send(s, func() (*snsMessage, error) { return t.notification(s, e) })
		}
	}
}

func (t *topic) confirmation(s *subscription) *snsMessage {
	return &snsMessage{
		Type:  typeConfirmation,
		Token: s.Token,
		Message: "You have chosen to subscribe to the topic " + t.arn +
			".\nTo confirm the subscription, visit the SubscribeURL included in this message.",
		SubscribeURL: t.url + "/?" + query("Action", "ConfirmSubscription", "TopicArn", t.arn, "Token", s.Token),
	}
}

func (t *topic) notification(s *subscription, e object) (*snsMessage, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write an event as JSON: %w", err)
	}
	return &snsMessage{
		Type:           typeNotification,
		Subject:        "Amazon SES Email Event Notification",
		Message:        string(body),
		UnsubscribeURL: t.url + "/?" + query("Action", "Unsubscribe", "SubscriptionArn", t.subscriptionARN(s.ID)),
	}, nil
}

func (t *topic) subscriptionARN(id string) string { return t.arn + ":" + id }
