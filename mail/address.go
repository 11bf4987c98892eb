package mail

import (
	"net/mail"

	"marketplace.example/trials/trial"
)

// AddressHash is the hash under which an address is suppressed.
func AddressHash(address string) string { return trial.AddressHash(address) }

// bareAddress is an address without the display name that it may come with.
func bareAddress(address string) string {
	if parsed, err := mail.ParseAddress(address); err == nil {
		return parsed.Address
	}
	return address
}

// validRecipient tells whether SES can be handed the address: a bare address
// of ASCII letters, since SES takes no others, and nothing that ends a line.
func validRecipient(address string) bool {
	if len(address) > 320 {
		return false
	}
	for i := range len(address) {
		if address[i] <= ' ' || address[i] > '~' {
			return false
		}
	}
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Name == "" && parsed.Address == address
}
