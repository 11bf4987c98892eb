package trial_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/trial"
)

func TestAnAddressIsMailedToItsDomainsASCIIForm(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"ada@example.com":             "ada@example.com",
		"Ada.L+x@Example.COM":         "Ada.L+x@Example.COM",
		"a@my_host.example":           "a@my_host.example",
		"ada@localhost":               "ada@localhost",
		"info@bücher.example":         "info@xn--bcher-kva.example",
		"info@BÜCHER.example":         "info@xn--bcher-kva.example",
		"info@bu\u0308cher.example":   "info@xn--bcher-kva.example",
		"info@xn--bcher-kva.example":  "info@xn--bcher-kva.example",
		"info@straße.example":         "info@xn--strae-oqa.example",
		"info@почта.рф":               "info@xn--80a1acny.xn--p1ai",
		"info@例え。テスト":                 "info@xn--r8jz45g.xn--zckzah",
		"info@sub.bücher.example":     "info@sub.xn--bcher-kva.example",
		"o'brien!#$%&*/=?^_`{|}~@x.y": "o'brien!#$%&*/=?^_`{|}~@x.y",
	} {
		got, err := trial.MailAddress(given)
		require.NoError(t, err, given)
		require.Equal(t, want, got)
	}
	for given, why := range map[string]string{
		"":                                        "no @",
		"ada":                                     "no @",
		"ä@example.com":                           "before the @",
		"bücher@bücher.example":                   "before the @",
		"a\u200db@example.com":                    "before the @",
		" ada@example.com":                        "before the @",
		"Ada <ada@example.com>":                   "before the @",
		"a@b@bücher.example":                      "bare",
		"@example.com":                            "bare",
		"ada@":                                    "bare",
		"ada@example..com":                        "bare",
		"<ada@example.com>":                       "bare",
		"ada@example.com, b@c.d":                  "before the @",
		"ada@example.com\r\nBcc: x":               "domain",
		"ada@ex ample.com":                        "domain",
		"ada@bü cher.example":                     "domain",
		"ada@-bücher.example":                     "domain",
		"ada@bücher\u202e.example":                "domain",
		"ada@bücher.example/x":                    "domain",
		"ada@\u200dbücher.example":                "domain",
		strings.Repeat("a", 243) + "@example.com": "254",
		"a@" + strings.Repeat("übcdefghijklmnopqrstuvwxyz.", 9) + "de": "254",
	} {
		_, err := trial.MailAddress(given)
		require.ErrorContains(t, err, why, given)
		if given != "" {
			require.NotContains(t, err.Error(), given)
		}
	}
}

func TestAnAddressHasOneHashInAllItsForms(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"info@bücher.example", "INFO@BÜCHER.example", " info@bu\u0308cher.example\n", "info@XN--BCHER-KVA.example"} {
		require.Equal(t, trial.AddressHash("info@xn--bcher-kva.example"), trial.AddressHash(form), form)
	}
	require.NotEqual(t, trial.AddressHash("info@bücher.example"), trial.AddressHash("info@bucher.example"))
}

// Suppressions are stored under it.
func TestTheHashOfAnASCIIAddressIsOfItsLowerCase(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.StringMatching(`[!-~]{0,20}@[!-~]{0,20}`).Draw(t, "address")
		sum := sha256.Sum256([]byte(strings.ToLower(address)))
		require.Equal(t, hex.EncodeToString(sum[:]), trial.AddressHash(address))
	})
}
