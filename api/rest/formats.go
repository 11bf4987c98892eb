package rest

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"

	"marketplace.example/trials/internal/domain/trial"
)

// format is a check of strings that the description names.
type format struct {
	name    string
	message string
	valid   func(string) bool
}

// formatsKnown are the formats in the description that are checked.
var formatsKnown = []format{
	{"address", "must be one bare e-mail address, like ada@example.com, with other than ASCII characters after the @ only", validAddress},
	{"line", "must be one line of text", validLine},
	{"zone", "must be an IANA time zone, like Europe/Paris", trial.ValidZone},
	{"locale", "must be a language of BCP 47, like pt-BR", trial.ValidLocale},
	{"date-time", "must be a moment like 2026-01-05T08:30:00Z", validTime},
}

var errFormat = errors.New("does not have the format")

// formats are the validator's options that check them.
func formats() []openapi3.SchemaValidationOption {
	var options []openapi3.SchemaValidationOption
	for _, f := range formatsKnown {
		options = append(options, openapi3.WithStringFormatValidator(f.name, openapi3.NewCallbackValidator(func(value string) error {
			if !f.valid(value) {
				return errFormat
			}
			return nil
		})))
	}
	return append(options, openapi3.EnableFormatValidation())
}

// formatMessage says what a value of the format must be.
func formatMessage(name string) string {
	for _, f := range formatsKnown {
		if f.name == name {
			return f.message
		}
	}
	return "must be a " + name
}

// validAddress tells whether mail can be addressed to a string as it stands.
func validAddress(value string) bool {
	_, err := trial.MailAddress(value)
	return err == nil
}

// validLine tells whether a text says something, in one line.
func validLine(value string) bool {
	return strings.TrimSpace(value) != "" && !strings.ContainsFunc(value, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

func validTime(value string) bool {
	_, err := time.Parse(time.RFC3339, value)
	return err == nil
}
