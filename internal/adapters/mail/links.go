package mail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// UnsubscribePath is the path, below the public URL, under which unsubscribe
// links lie; the token follows as the last part of the path.
const UnsubscribePath = "/unsubscribe"

const (
	// linkVersion changes when what is signed does.
	linkVersion = "v1"
	// linkPurpose keeps a token for one thing from being good for another.
	linkPurpose = "trials/unsubscribe/" + linkVersion
	// minSecret is the least length of a secret: as much as the hash gives out.
	minSecret = sha256.Size
	// maxToken is longer than any token that Unsubscribe makes.
	maxToken = 128
)

// ErrBadLink is returned for every token that does not verify. It does not say
// why: a forger has no use for the truth, and a vendor can do nothing with it.
var ErrBadLink = errors.New("the link is not one of ours, or was changed on its way")

var linkVendorID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Links signs and verifies the links in e-mails. They do not expire: whoever
// finds an old e-mail may still want no more of them.
type Links struct {
	base    string
	secrets [][]byte
}

// NewLinks returns the links below the public URL base, which may be empty
// where links are only verified. The first secret signs and all verify, so that
// a new one is put in front and an old one dropped once its links may break.
func NewLinks(base string, secrets []string) (*Links, error) {
	if base != "" {
		if err := validateURL(base); err != nil {
			return nil, fmt.Errorf("PUBLIC_URL: %w", err)
		}
		if strings.ContainsAny(base, "?#") {
			return nil, errors.New("PUBLIC_URL: has a query or a fragment, and links are built by adding to it")
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

// Unsubscribe returns the link that ends the e-mails to a vendor, both as a
// page and as the one-click POST of RFC 8058. Without a base it is empty.
func (l *Links) Unsubscribe(vendorID string) string {
	if l.base == "" {
		return ""
	}
	mac := base64.RawURLEncoding.EncodeToString(sign(l.secrets[0], vendorID))
	return l.base + UnsubscribePath + "/" + linkVersion + "." + vendorID + "." + mac
}

// Verify returns the vendor whose e-mails the token of an unsubscribe link
// ends, or [ErrBadLink].
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
