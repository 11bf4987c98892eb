package mail

import (
	"net/mail"

	"marketplace.example/trials/internal/domain/trial"
)

// AddressHash is the hash under which an address is suppressed.
func AddressHash(address string) string { return trial.AddressHash(address) }

// bareAddress removes the display name that an address may come with.
func bareAddress(address string) string {
	if parsed, err := mail.ParseAddress(address); err == nil {
		return parsed.Address
	}
	return address
}
