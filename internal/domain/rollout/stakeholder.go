package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Stakeholder is somebody who is told of the rollout. Its name is for those who
// read the list: no notice holds it.
type Stakeholder struct {
	Role    Role   `yaml:"role"`
	Name    string `yaml:"name"`
	Email   string `yaml:"email"`
	Webhook string `yaml:"webhook"`
}

// Recipient is one address that a notice goes to.
type Recipient struct {
	// ID stands for it where the address must not be: the role and a short hash.
	ID      string
	Address string
	Webhook bool
}

// Same tells whether two recipients are one address, under whichever role.
func (r Recipient) Same(other Recipient) bool {
	return r.Webhook == other.Webhook && plain(r.Address, r.Webhook) == plain(other.Address, other.Webhook)
}

// Recipients are the addresses of those with one of the roles, each once: whoever
// has two roles is told once, under the first.
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

// plain is an address as it is compared: in e-mail addresses, case means nothing.
func plain(address string, webhook bool) string {
	if webhook {
		return address
	}
	return strings.ToLower(address)
}
