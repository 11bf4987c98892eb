package trial

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a vendor's attributes.
const (
	MaxAttributes     = 10
	MaxAttributeValue = 64
)

var attributeKey = regexp.MustCompile(`^[a-z][A-Za-z0-9_-]{0,31}$`)

// Attributes are what the marketplace says of a vendor, such as country and plan, to choose its policy by. They hold no personal
// data.
type Attributes map[string]string

// Equal reports whether both say the same. None and an empty one are equal.
func (a Attributes) Equal(o Attributes) bool { return maps.Equal(a, o) }

// Validate names the first attribute, by its key, that is not as attributes must be.
func (a Attributes) Validate() error {
	if len(a) > MaxAttributes {
		return Invalid("attributes", "must be at most %d, are %d", MaxAttributes, len(a))
	}
	for _, key := range slices.Sorted(maps.Keys(a)) {
		if !attributeKey.MatchString(key) { // it is not repeated: it may be an address
			return Invalid("attributes", "has a key that is not a small letter and up to 31 letters, digits, dashes and underscores")
		}
		value := a[key]
		switch {
		case value == "" || utf8.RuneCountInString(value) > MaxAttributeValue:
			return Invalid("attributes."+key, "must have 1 to %d characters", MaxAttributeValue)
		case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
			return Invalid("attributes."+key, "must be one line of text")
		case strings.Contains(value, "@"):
			return Invalid("attributes."+key, "must hold no personal data, so no @")
		}
	}
	return nil
}

// PolicyBy says why a vendor has its policy; empty if that is not on record.
type PolicyBy string

// Why a vendor has its policy.
const (
	// PolicyNamed: its registration named the policy.
	PolicyNamed PolicyBy = "named"
	// PolicyByRule: the first rule that fitted its attributes did.
	PolicyByRule PolicyBy = "rule"
	// PolicyByDefault: nothing else did.
	PolicyByDefault PolicyBy = "default"
	// PolicyByExperiment: an experiment dealt it, instead of the default.
	PolicyByExperiment PolicyBy = "experiment"
)
