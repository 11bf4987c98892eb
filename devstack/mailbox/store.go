package mailbox

import (
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// Message is a mail that was accepted.
type Message struct {
	// Index counts the mails from 0 in the order in which they were accepted.
	Index int `json:"index"`

	ID      string            `json:"id"` // as SES answers it
	To      []string          `json:"to"` // every recipient, copies included
	From    string            `json:"from"`
	Subject string            `json:"subject"`
	Headers map[string]string `json:"headers"`
	Tags    map[string]string `json:"tags"`
	Text    string            `json:"text"`
	HTML    string            `json:"html"`
	At      time.Time         `json:"at"` // when it was accepted, UTC

	configurationSet string
}

// filter selects messages. Its zero value selects all.
type filter struct {
	since    int    // the lowest index
	limit    int    // the maximum number; 0: all
	to       string // a recipient, compared without case
	tag      string // name of a required tag, with the value below
	tagValue string
}

func (f filter) matches(m *Message) bool {
	if f.tag != "" {
		if value, ok := m.Tags[f.tag]; !ok || value != f.tagValue {
			return false
		}
	}
	return f.to == "" || slices.ContainsFunc(m.To, func(to string) bool { return strings.EqualFold(to, f.to) })
}

// store holds the messages. Those handed out are shared and never changed.
type store struct {
	mu       sync.RWMutex
	messages []*Message // by index less first
	first    int        // index of the first, after messages were deleted
	byID     map[string]*Message
	journal  *journal // nil: in memory only
}

// openStore opens the store that keeps its messages in dir, or in memory if
// dir is empty.
func openStore(dir string) (*store, error) {
	s := &store{byID: make(map[string]*Message)}
	if dir == "" {
		return s, nil
	}
	journal, messages, err := openJournal(dir)
	if err != nil {
		return nil, err
	}
	s.journal = journal
	if len(messages) > 0 {
		s.first = messages[0].Index
	}
	for _, m := range messages {
		s.messages = append(s.messages, m)
		s.byID[m.ID] = m
	}
	return s, nil
}

// add stores m and numbers it.
func (s *store) add(m *Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Index = s.first + len(s.messages)
	if s.journal != nil {
		if err := s.journal.append(m); err != nil {
			return err
		}
	}
	s.messages = append(s.messages, m)
	s.byID[m.ID] = m
	return nil
}

// get returns the message with the id, or nil.
func (s *store) get(id string) *Message {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[id]
}

// list returns the messages that f selects, oldest first, and the index of the
// next message after all of them.
func (s *store) list(f filter) (picked []*Message, next int) {
	s.mu.RLock()
	messages, first := s.messages, s.first
	s.mu.RUnlock() // what messages holds now never changes

	next = first + len(messages)
	for _, m := range messages[min(max(0, f.since-first), len(messages)):] {
		if !f.matches(m) {
			continue
		}
		picked = append(picked, m)
		if len(picked) == f.limit {
			return picked, m.Index + 1
		}
	}
	return picked, next
}

// clear deletes all messages. The numbering continues, so that a reader
// who remembers an index misses none.
func (s *store) clear() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first += len(s.messages)
	s.messages = nil
	clear(s.byID)
	if s.journal == nil {
		return nil
	}
	return s.journal.clear()
}

// recipientsSince counts the recipients of the messages accepted after t.
func (s *store) recipientsSince(t time.Time) int {
	s.mu.RLock()
	messages := s.messages
	s.mu.RUnlock()
	from := sort.Search(len(messages), func(i int) bool { return messages[i].At.After(t) })
	recipients := 0
	for _, m := range messages[from:] {
		recipients += len(m.To)
	}
	return recipients
}

func (s *store) close() error {
	if s.journal == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.close()
}
