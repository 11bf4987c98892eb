package notice

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Stakeholder is somebody who gets notices about the rollout.
type Stakeholder struct {
	Role    Role   `yaml:"role"`
	Name    string `yaml:"name"`
	Email   string `yaml:"email"`
	Webhook string `yaml:"webhook"`
	// OnCall says that notices which ask for a person name this one, with Phone and Email. No other notice has a name in it.
	OnCall bool   `yaml:"onCall"`
	Phone  string `yaml:"phone"`
}

// Recipient is one address that a notice is sent to.
type Recipient struct {
	// ID replaces the address where that must not appear: the role and a short hash.
	ID      string
	Address string
	Webhook bool
}

// Same reports whether two recipients have one address, under any role.
func (r Recipient) Same(other Recipient) bool {
	return r.Webhook == other.Webhook && plain(r.Address, r.Webhook) == plain(other.Address, other.Webhook)
}

// Recipients are the addresses of those with one of the roles, each once: somebody
// with two roles gets one notice, under the first.
func Recipients(stakeholders []Stakeholder, roles []Role) []Recipient {
	var recipients []Recipient
	add := func(role Role, address string, webhook bool) {
		r := Recipient{ID: recipientID(role, plain(address, webhook)), Address: address, Webhook: webhook}
		if address != "" && !slices.ContainsFunc(recipients, r.Same) {
			recipients = append(recipients, r)
		}
	}
	for _, s := range stakeholders {
		if slices.Contains(roles, s.Role) {
			add(s.Role, s.Email, false)
			add(s.Role, s.Webhook, true)
		}
	}
	return recipients
}

func recipientID(role Role, address string) string {
	sum := sha256.Sum256([]byte(address))
	return string(role) + "-" + hex.EncodeToString(sum[:6])
}

// plain normalizes an address for comparison: e-mail addresses ignore case.
func plain(address string, webhook bool) string {
	if webhook {
		return address
	}
	return strings.ToLower(address)
}
