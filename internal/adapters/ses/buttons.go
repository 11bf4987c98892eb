package ses

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"marketplace.example/trials/internal/domain/brand"
)

// What the tokens in the targets of buttons say of themselves. The marketplace checks it: docs/admin-documentation.md says how.
const (
	buttonIssuer   = "trials"
	buttonAudience = "marketplace"
	// buttonLife is how long a token is good.
	buttonLife = 30 * 24 * time.Hour
)

// Buttons sign the tokens by which the marketplace's front end knows the vendor who follows a button. The key is none of [Links],
// since the marketplace has it. The zero value has none.
type Buttons struct{ secret []byte }

// NewButtons returns the signer with a key; an empty one signs nothing.
func NewButtons(secret string) (Buttons, error) {
	if secret != "" && len(secret) < minSecret {
		return Buttons{}, fmt.Errorf("BUTTON_SECRET: has less than %d characters", minSecret)
	}
	return Buttons{[]byte(secret)}, nil
}

// Token returns a vendor's token, made at a moment: a JWT (RFC 7519) under HS256. It is empty for a brand whose buttons need none.
func (b Buttons) Token(of brand.Brand, vendorID string, at time.Time) (string, error) {
	if len(of.Buttons.Signed()) == 0 {
		return "", nil
	}
	if len(b.secret) == 0 {
		return "", errors.New("a button's target has a token, and BUTTON_SECRET is not set")
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": buttonIssuer, "aud": buttonAudience, "sub": vendorID, "iat": at.Unix(), "exp": at.Add(buttonLife).Unix(),
	}).SignedString(b.secret)
	if err != nil {
		return "", fmt.Errorf("signing a button's token: %w", err)
	}
	return token, nil
}
