package auth

import (
	"sync"

	"marketplace.example/trials/access"
)

// mostMet bounds how many are remembered. Only holders of good tokens get in.
const mostMet = 10_000

// met are the tokens that were good, by where they came from. It opens nothing
// to have been met.
type met struct {
	mu   sync.Mutex
	keys map[meeting]struct{}
}

type meeting struct {
	source string
	key    access.Key
}

func (m *met) has(source string, key access.Key) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.keys[meeting{source, key}]
	return known
}

func (m *met) add(source string, key access.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys == nil || len(m.keys) >= mostMet {
		m.keys = map[meeting]struct{}{} // all begin anew
	}
	m.keys[meeting{source, key}] = struct{}{}
}
