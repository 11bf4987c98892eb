package system

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Message is one e-mail as the mailbox keeps it.
type Message struct {
	ID      string            `json:"id"`
	To      []string          `json:"to"`
	Subject string            `json:"subject"`
	Headers map[string]string `json:"headers"`
	Tags    map[string]string `json:"tags"`
	Text    string            `json:"text"`
	HTML    string            `json:"html"`
	At      time.Time         `json:"at"`
}

// Step is the send's key, read from the tags: "trialID/kind/revision".
func (m Message) Step() string {
	return m.Tags["trial_id"] + "/" + m.Tags["step"] + "/" + m.Tags["revision"]
}

// inbox is what has been read of the mailbox. Tests look many times a second, and
// many share a mailbox, so each e-mail is read once.
type inbox struct {
	mu       sync.Mutex
	messages []Message
	next     int // the mailbox's index of the first that was not read
}

// Messages are the e-mails to one address since the system was started, oldest
// first; every one where it is empty.
func (s *System) Messages(ctx context.Context, to string) ([]Message, error) {
	s.inbox.mu.Lock()
	defer s.inbox.mu.Unlock()
	more, next, err := MessagesSince(ctx, s.Stack.Mailbox, s.inbox.next)
	if err != nil {
		return nil, err
	}
	s.inbox.messages, s.inbox.next = append(s.inbox.messages, more...), next
	if to == "" {
		return slices.Clone(s.inbox.messages), nil
	}
	var found []Message
	for _, m := range s.inbox.messages {
		if slices.ContainsFunc(m.To, func(a string) bool { return strings.EqualFold(a, to) }) {
			found = append(found, m)
		}
	}
	return found, nil
}

// skipMessages passes over the e-mails that are there already.
func (s *System) skipMessages(ctx context.Context) (err error) {
	_, s.inbox.next, err = MessagesSince(ctx, s.Stack.Mailbox, math.MaxInt32)
	return err
}

// MessagesSince are the e-mails of a mailbox from an index on, and the index of the next to come.
func MessagesSince(ctx context.Context, mailbox string, index int) (messages []Message, next int, err error) {
	return readMailbox(ctx, fmt.Sprintf("%s/messages?since=%d", mailbox, index))
}

// EachMessage shows every e-mail of a mailbox to a function, without text and HTML.
func EachMessage(ctx context.Context, mailbox string, show func(Message)) error {
	for index := 0; ; {
		page, next, err := readMailbox(ctx, fmt.Sprintf("%s/messages?since=%d&limit=1000&body=false", mailbox, index))
		if err != nil || len(page) == 0 {
			return err
		}
		for _, m := range page {
			show(m)
		}
		index = next
	}
}

func readMailbox(ctx context.Context, address string) (messages []Message, next int, err error) {
	a, err := Call(ctx, http.MethodGet, address, "", nil, nil)
	if messages, err = Read[[]Message](a, err); err != nil {
		return nil, 0, err
	}
	next, err = strconv.Atoi(a.Header.Get("Next-Index"))
	if err != nil {
		return nil, 0, fmt.Errorf("reading where the mailbox's next e-mail begins: %w", err)
	}
	return messages, next, nil
}
