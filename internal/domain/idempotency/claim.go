// Package idempotency binds an idempotency key to one request.
package idempotency

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
)

// Claim is what a key was first used for.
type Claim struct {
	// Request is the fingerprint of the request.
	Request string `json:"request"`
	// At is when the request was first made.
	At time.Time `json:"at"`
	// Done says that it was carried out.
	Done bool `json:"done"`
}

// Fingerprint identifies a request: the same operation, on the same
// subject, with the same body.
func Fingerprint(operation, subject string, body any) (string, error) {
	text, err := json.Marshal([]any{operation, subject, body})
	if err != nil {
		return "", fmt.Errorf("encoding the request: %w", err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(text)), nil
}

// ID names what a request creates, by the time and the key of its first use, because
// two may come within a second; digest is how many bytes of the key's hash it contains.
// Each repetition gives the same id. The ids of one kind are in the order of time.
func (c Claim) ID(kind, key string, digest int) string {
	return fmt.Sprintf("%s-%s-%.*x", kind, c.At.UTC().Format("20060102-150405"), digest, sha256.Sum256([]byte(key)))
}
