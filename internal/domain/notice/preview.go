package notice

import (
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Preview asks for one of the e-mails to vendors, for a stakeholder who wants to look at it. It holds no address.
type Preview struct {
	// ID is the same for a repeated request.
	ID string `json:"id"`
	// Kind is the step's, such as reminder-3d, and Policy the policy that has it; empty for the default one.
	Kind   trial.Kind `json:"kind"`
	Policy string     `json:"policy"`
	// Language and Zone are the vendor's; empty for the default language and UTC.
	Language string `json:"language"`
	Zone     string `json:"zone"`
	// RecipientID is the recipient's.
	RecipientID string `json:"recipientId"`
	// At is when it was asked for, when the vendor registers.
	At time.Time `json:"at"`
}

// Marked is the subject of a preview, which nobody takes for a vendor's e-mail.
func Marked(subject string) string { return "[Preview] " + subject }

// RecipientOf returns the one of the stakeholders whose e-mail address this is. An address that is none of theirs is a
// *trial.Error about the field to.
func RecipientOf(stakeholders []Stakeholder, address string) (Recipient, error) {
	asked := Recipient{Address: strings.TrimSpace(address)}
	all := Recipients(stakeholders, Roles())
	i := slices.IndexFunc(all, asked.Same)
	if i < 0 {
		return Recipient{}, trial.Invalid("to", "must be the address of a stakeholder: previews go to nobody else. STAKEHOLDERS names them")
	}
	return all[i], nil
}

// RecipientWith returns the recipient of an id, and whether there still is one.
func RecipientWith(stakeholders []Stakeholder, id string) (Recipient, bool) {
	all := Recipients(stakeholders, Roles())
	i := slices.IndexFunc(all, func(r Recipient) bool { return r.ID == id && !r.Webhook })
	if i < 0 {
		return Recipient{}, false
	}
	return all[i], true
}
