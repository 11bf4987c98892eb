package ses

import (
	"net/mail"
)

// bareAddress removes the display name that an address may come with.
func bareAddress(address string) string {
	if parsed, err := mail.ParseAddress(address); err == nil {
		return parsed.Address
	}
	return address
}
