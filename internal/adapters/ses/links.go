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

// The paths of links below the public URL; the token is the last part of the path.
const (
	UnsubscribePath = "/unsubscribe"
	FeedbackPath    = "/feedback"
	GuidePath       = "/guide"
)

// purpose keeps a token from being valid for another purpose.
type purpose string

const (
	toUnsubscribe  purpose = "trials/unsubscribe/" + linkVersion
	toGiveFeedback purpose = "trials/feedback/" + linkVersion
	toReadGuide    purpose = "trials/guide/" + linkVersion
)

const (
	// linkVersion changes with the signed content.
	linkVersion = "v1"
	// minSecret is the shortest secret: as long as the hash.
	minSecret = sha256.Size
	// maxToken is longer than any token that Links makes.
	maxToken = 192
)

// ErrBadLink is returned for every invalid token. It does not say
// why: that would help a forger, but no vendor.
var ErrBadLink = errors.New("the link is not valid: it was not made by this service, or was changed")

// linkField is a part of a token: the vendor's id, the kind of an e-mail.
var linkField = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

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
	return l.link(UnsubscribePath, toUnsubscribe, vendorID)
}

// Feedback returns the link to the page that asks a vendor whether an e-mail of a kind helped. Without a base it is empty.
func (l *Links) Feedback(vendorID, kind string) string {
	return l.link(FeedbackPath, toGiveFeedback, vendorID, kind)
}

// Guide returns the link to the page that tells a vendor of its trial. Without a base it is empty.
func (l *Links) Guide(vendorID string) string { return l.link(GuidePath, toReadGuide, vendorID) }

// GuideToken is the token of [Links.Guide].
func (l *Links) GuideToken(vendorID string) string { return l.token(toReadGuide, vendorID) }

func (l *Links) link(path string, p purpose, fields ...string) string {
	if l.base == "" {
		return ""
	}
	return l.base + path + "/" + l.token(p, fields...)
}

func (l *Links) token(p purpose, fields ...string) string {
	mac := base64.RawURLEncoding.EncodeToString(p.sign(l.secrets[0], fields))
	return strings.Join(append(append([]string{linkVersion}, fields...), mac), ".")
}

// Verify returns the vendor of an unsubscribe link's token,
// or [ErrBadLink].
func (l *Links) Verify(token string) (vendorID string, err error) {
	return l.verifyVendor(toUnsubscribe, token)
}

// VerifyGuide returns the vendor of a guide link's token, or [ErrBadLink].
func (l *Links) VerifyGuide(token string) (vendorID string, err error) {
	return l.verifyVendor(toReadGuide, token)
}

func (l *Links) verifyVendor(p purpose, token string) (string, error) {
	fields, err := l.verify(p, 1, token)
	if err != nil {
		return "", err
	}
	return fields[0], nil
}

// VerifyFeedback returns the vendor and the kind of e-mail of a feedback link's token, or [ErrBadLink].
func (l *Links) VerifyFeedback(token string) (vendorID, kind string, err error) {
	fields, err := l.verify(toGiveFeedback, 2, token)
	if err != nil {
		return "", "", err
	}
	return fields[0], fields[1], nil
}

// verify returns the fields that a token of a purpose holds, or [ErrBadLink].
func (l *Links) verify(p purpose, fields int, token string) ([]string, error) {
	if len(token) > maxToken {
		return nil, ErrBadLink
	}
	parts := strings.Split(token, ".")
	if len(parts) != fields+2 || parts[0] != linkVersion {
		return nil, ErrBadLink
	}
	signed, encoded := parts[1:1+fields], parts[1+fields]
	for _, field := range signed {
		if !linkField.MatchString(field) {
			return nil, ErrBadLink
		}
	}
	// Strict, so that each link has one spelling.
	mac, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return nil, ErrBadLink
	}
	for _, secret := range l.secrets {
		if hmac.Equal(mac, p.sign(secret, signed)) {
			return signed, nil
		}
	}
	return nil, ErrBadLink
}

// sign authenticates fields for a purpose. No field can hold the zero byte that parts them.
func (p purpose) sign(secret []byte, fields []string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(string(p) + "\x00" + strings.Join(fields, "\x00")))
	return h.Sum(nil)
}
