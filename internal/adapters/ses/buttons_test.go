package ses

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/brand"
)

const buttonSecret = "a-button-secret-of-thirty-two-byt"

// tokenBrand is a brand whose welcome has a button with a token.
func tokenBrand() brand.Brand {
	b := nordic()
	b.Buttons.Welcome = "https://shop.example/{vendorId}#{token}"
	return b
}

func buttonToken(t *testing.T, vendorID string, at time.Time) string {
	t.Helper()
	b, err := NewButtons(buttonSecret)
	require.NoError(t, err)
	token, err := b.Token(tokenBrand(), vendorID, at)
	require.NoError(t, err)
	return token
}

// verify reads a token as the guide tells marketplaces to.
func verify(token, secret, audience string, now time.Time) (*jwt.RegisteredClaims, error) {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return []byte(secret), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer("trials"), jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithTimeFunc(func() time.Time { return now }))
	return &claims, err
}

func TestTheMarketplaceKnowsTheVendorByAButtonsToken(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.March, 2, 15, 0, 0, 0, time.UTC)
	token := buttonToken(t, "v-1_A", at)
	claims, err := verify(token, buttonSecret, "marketplace", at.Add(30*24*time.Hour-time.Second))
	require.NoError(t, err)
	require.Equal(t, "v-1_A", claims.Subject)
	require.Equal(t, at, claims.IssuedAt.UTC())
	require.Equal(t, at.AddDate(0, 0, 30), claims.ExpiresAt.UTC())

	_, err = verify(token, buttonSecret, "marketplace", at.Add(30*24*time.Hour))
	require.ErrorIs(t, err, jwt.ErrTokenExpired)
	_, err = verify(token, newSecret, "marketplace", at)
	require.ErrorIs(t, err, jwt.ErrTokenSignatureInvalid)
	_, err = verify(token, buttonSecret, "another", at)
	require.ErrorIs(t, err, jwt.ErrTokenInvalidAudience)
	other, signature := buttonToken(t, "v-2", at), token[strings.LastIndexByte(token, '.'):]
	_, err = verify(other[:strings.LastIndexByte(other, '.')]+signature, buttonSecret, "marketplace", at)
	require.ErrorIs(t, err, jwt.ErrTokenSignatureInvalid, "another vendor's signature")
	_, err = links(t, newSecret).Verify(token)
	require.ErrorIs(t, err, ErrBadLink, "it opens nothing of ours")
}

func TestATokenNeedsItsKey(t *testing.T) {
	t.Parallel()
	_, err := NewButtons("short")
	require.ErrorContains(t, err, "BUTTON_SECRET: has less than 32 characters")
	none, err := NewButtons("")
	require.NoError(t, err)
	_, err = none.Token(tokenBrand(), "v-1", time.Now())
	require.ErrorContains(t, err, "BUTTON_SECRET is not set")
	token, err := none.Token(nordic(), "v-1", time.Now())
	require.NoError(t, err)
	require.Empty(t, token, "no button of this brand has one")

	c := reminder()
	c.Kind, c.Brand = KindWelcome, tokenBrand()
	_, err = Render(c)
	require.ErrorContains(t, err, "buttonToken: missing", "no e-mail has a button without its token")
}

// A token is in the e-mail that is sent, and nowhere else.
func TestATokenIsOnlyInTheSentEMail(t *testing.T) {
	t.Parallel()
	c := reminder()
	c.Kind, c.VendorID, c.Brand = KindWelcome, "v-1", tokenBrand()
	c.ButtonToken = buttonToken(t, "v-1", time.Now())
	sent := render(t, c)
	require.Contains(t, sent.Text, "https://shop.example/v-1#"+c.ButtonToken+"\n")
	require.Contains(t, sent.HTML, "https://shop.example/v-1#"+c.ButtonToken+`"`)

	_, v := kept(t, c)
	_, stored, err := v.Encoded()
	require.NoError(t, err)
	require.Contains(t, string(stored), "{token}")
	again, err := v.Again("v-1", c.Fields())
	require.NoError(t, err)
	preview, err := RenderShown(c)
	require.NoError(t, err)
	for _, shown := range []string{string(stored), again.Text, again.HTML, preview.Text, preview.HTML} {
		require.NotContains(t, shown, c.ButtonToken)
		require.NotContains(t, shown, "eyJ", "no token at all")
	}
	require.Contains(t, again.Text, "https://shop.example/v-1#token-removed\n")
}
