package trial

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of the name that is searched for, in characters.
const (
	shortestSearch = 2
	longestSearch  = 200
)

// VendorSearch asks for vendors by what is personal: exactly one of its fields is set.
type VendorSearch struct {
	// Email is a whole address. It is compared as AddressHash does: neither case nor the form of its domain counts.
	Email string
	// Name is what a name begins with. Case does not count; accents do not either where the database can compare without them.
	Name string
}

// Validate tells what is wrong with a search, without repeating what is searched for.
func (s VendorSearch) Validate() error {
	switch length := utf8.RuneCountInString(s.Name); {
	case (s.Email == "") == (s.Name == ""):
		return Invalid("email", "or name must be given, and not both")
	case s.Email != "":
		if _, err := MailAddress(s.Email); err != nil {
			return Invalid("email", "%v", err)
		}
	case length < shortestSearch || length > longestSearch:
		return Invalid("name", "must have %d to %d characters", shortestSearch, longestSearch)
	}
	return nil
}

// Means reports whether the search asks for a vendor, accents counted. It asks for none that was erased: what was written of one
// since is not ours to use.
func (s VendorSearch) Means(v Vendor) bool {
	if v.ErasedAt != nil {
		return false
	}
	if s.Email != "" {
		return AddressHash(v.Email) == AddressHash(s.Email)
	}
	return strings.HasPrefix(strings.ToLower(v.Name), strings.ToLower(s.Name))
}

// FoundVendor is a vendor that a search found, without what it was found by.
type FoundVendor struct {
	ID string `json:"id"`
	// Status and EndsAt are the trial's, empty and nil where its workflow has not begun.
	Status Status     `json:"status"`
	EndsAt *time.Time `json:"endsAt"`
	// StartedAt is nil where the vendor is not taken in yet.
	StartedAt *time.Time `json:"startedAt"`
}

// FoundVendors are those that a search found.
type FoundVendors struct {
	Vendors []FoundVendor `json:"vendors"`
	// More tells that there are others: the search is to be narrowed.
	More bool `json:"more"`
}

// Found is the vendor as a search shows it.
func (v Vendor) Found() FoundVendor {
	f := FoundVendor{ID: v.ID}
	if !v.StartedAt.IsZero() {
		f.StartedAt = &v.StartedAt
	}
	if v.Automation != nil {
		f.Status, f.EndsAt = v.Automation.Status, v.Automation.EndsAt
	}
	return f
}
