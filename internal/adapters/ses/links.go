package ses

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// UnsubscribePath is the path of unsubscribe links below the public URL;
// the token is the last part of the path.
const UnsubscribePath = "/unsubscribe"

const (
	// linkVersion changes with the signed content.
	linkVersion = "v1"
	// linkPurpose keeps a token from being valid for another purpose.
	linkPurpose = "trials/unsubscribe/" + linkVersion
	// minSecret is the shortest secret: as long as the hash.
	minSecret = sha256.Size
	// maxToken is longer than any token that Unsubscribe makes.
	maxToken = 128
)

// ErrBadLink is returned for every invalid token. It does not say
// why: that would help a forger, but no vendor.
var ErrBadLink = errors.New("the link is not valid: it was not made by this service, or was changed")

var linkVendorID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Links signs and verifies the links in e-mails. They do not expire: whoever
// finds an old e-mail may still want to unsubscribe.
type Links struct {
	base    string
	secrets [][]byte
}

// NewLinks returns the links below the public URL base, which may be empty
// if links are only verified. The first secret signs and all verify: put
// a new one in front, and drop an old one once its links may break.
func NewLinks(base string, secrets []string) (*Links, error) {
	if base != "" {
		if err := validateURL(base); err != nil {
			return nil, fmt.Errorf("PUBLIC_URL: %w", err)
		}
		if strings.ContainsAny(base, "?#") {
			return nil, errors.New("PUBLIC_URL: must have no query or fragment, because links append to it")
		}
	}
	if len(secrets) == 0 {
		return nil, errors.New("LINK_SECRET: missing")
	}
	l := &Links{base: strings.TrimRight(base, "/")}
	for i, secret := range secrets {
		if len(secret) < minSecret {
			return nil, fmt.Errorf("LINK_SECRET: secret %d has less than %d characters", i+1, minSecret)
		}
		l.secrets = append(l.secrets, []byte(secret))
	}
	return l, nil
}

// Unsubscribe returns the link that stops the e-mails to a vendor, both as a
// page and as the one-click POST of RFC 8058. Without a base it is empty.
func (l *Links) Unsubscribe(vendorID string) string {
	if l.base == "" {
		return ""
	}
	mac := base64.RawURLEncoding.EncodeToString(sign(l.secrets[0], vendorID))
	return l.base + UnsubscribePath + "/" + linkVersion + "." + vendorID + "." + mac
}

// Verify returns the vendor of an unsubscribe link's token,
// or [ErrBadLink].
func (l *Links) Verify(token string) (vendorID string, err error) {
	if len(token) > maxToken {
		return "", ErrBadLink
	}
	version, rest, _ := strings.Cut(token, ".")
	vendorID, encoded, _ := strings.Cut(rest, ".")
	if version != linkVersion || !linkVendorID.MatchString(vendorID) {
		return "", ErrBadLink
	}
	// Strict, so that each link has one spelling.
	mac, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return "", ErrBadLink
	}
	for _, secret := range l.secrets {
		if hmac.Equal(mac, sign(secret, vendorID)) {
			return vendorID, nil
		}
	}
	return "", ErrBadLink
}

func sign(secret []byte, vendorID string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(linkPurpose + "\x00" + vendorID))
	return h.Sum(nil)
}
