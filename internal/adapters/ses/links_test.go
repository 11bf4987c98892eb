package ses

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

const (
	oldSecret = "an-old-secret-of-thirty-two-bytes"
	newSecret = "a-new-secret--of-thirty-two-bytes"
)

func links(tb testing.TB, secrets ...string) *Links {
	tb.Helper()
	l, err := NewLinks("https://shop.example/base/", secrets)
	require.NoError(tb, err)
	return l
}

func token(tb testing.TB, l *Links, vendorID string) string {
	tb.Helper()
	token, found := strings.CutPrefix(l.Unsubscribe(vendorID), "https://shop.example/base/unsubscribe/")
	require.True(tb, found)
	return token
}

func TestALinkVerifiesAsTheVendorItWasMadeFor(t *testing.T) {
	t.Parallel()
	l := links(t, newSecret)
	for _, id := range []string{"a", "v-1_A", strings.Repeat("x", 64)} {
		got, err := l.Verify(token(t, l, id))
		require.NoError(t, err)
		require.Equal(t, id, got)
	}
}

// A link in an e-mail outlives the version of the program that made it.
func TestLinksStayValidAcrossVersions(t *testing.T) {
	t.Parallel()
	// HMAC-SHA256 of "trials/unsubscribe/v1", a zero byte and the id, computed apart.
	const link = "https://shop.example/base/unsubscribe/v1.v-1_A.NBRm9Xo_Cq3tkbBBdNHIKadybE3nmXmhcG6u1m0einM"
	require.Equal(t, link, links(t, newSecret).Unsubscribe("v-1_A"))
	// Likewise of "trials/feedback/v1", the id and the kind.
	const ask = "https://shop.example/base/feedback/v1.v-1_A.reminder-7d.U7z3-NWVTtiarkKcmdoWtJeW79HNngYjs3JVkpr_o-Q"
	require.Equal(t, ask, links(t, newSecret).Feedback("v-1_A", "reminder-7d"))
}

func feedbackToken(tb testing.TB, l *Links, vendorID, kind string) string {
	tb.Helper()
	token, found := strings.CutPrefix(l.Feedback(vendorID, kind), "https://shop.example/base/feedback/")
	require.True(tb, found)
	return token
}

func TestAFeedbackLinkSaysWhoIsAskedAboutWhat(t *testing.T) {
	t.Parallel()
	l, longest := links(t, newSecret, oldSecret), strings.Repeat("x", 64)
	for _, want := range [][2]string{{"v-1_A", "welcome"}, {"v1", "reminder-7d"}, {longest, longest}} {
		for _, made := range []*Links{l, links(t, oldSecret)} {
			token := feedbackToken(t, made, want[0], want[1])
			require.LessOrEqual(t, len(token), maxToken)
			vendorID, kind, err := l.VerifyFeedback(token)
			require.NoError(t, err)
			require.Equal(t, want, [2]string{vendorID, kind})
		}
	}
}

func TestAChangedFeedbackLinkIsRefused(t *testing.T) {
	t.Parallel()
	l := links(t, newSecret)
	good := feedbackToken(t, l, "v1", "welcome")
	mac := good[strings.LastIndex(good, ".")+1:]
	for name, bad := range map[string]string{
		"empty":                "",
		"another vendor":       "v1.v2.welcome." + mac,
		"another kind":         "v1.v1.expiry." + mac,
		"vendor in two parts":  "v1.v1.wel.come." + mac,
		"vendor and kind swap": "v1.welcome.v1." + mac,
		"no kind":              "v1.v1." + mac,
		"empty kind":           "v1.v1.." + mac,
		"another version":      "v2" + good[2:],
		"line end":             good + "\n",
		"no signature":         "v1.v1.welcome.",
		"other secret":         feedbackToken(t, links(t, oldSecret), "v1", "welcome"),
		"huge":                 "v1.v1." + strings.Repeat("a", 1<<16),
	} {
		vendorID, kind, err := l.VerifyFeedback(bad)
		require.ErrorIs(t, err, ErrBadLink, name)
		require.Empty(t, vendorID+kind, name)
	}
}

// The guide's link opens the guide alone.
func TestAGuideLinkVerifiesAsTheVendorItWasMadeFor(t *testing.T) {
	t.Parallel()
	l := links(t, newSecret)
	require.Equal(t, "https://shop.example/base/guide/"+l.GuideToken("v1"), l.Guide("v1"))
	id, err := l.VerifyGuide(l.GuideToken("v1"))
	require.NoError(t, err)
	require.Equal(t, "v1", id)
	for _, other := range []string{token(t, l, "v1"), feedbackToken(t, l, "v1", "welcome"), links(t, strings.Repeat("x", 32)).GuideToken("v1")} {
		_, err = l.VerifyGuide(other)
		require.ErrorIs(t, err, ErrBadLink)
	}
	_, err = l.Verify(l.GuideToken("v1"))
	require.ErrorIs(t, err, ErrBadLink)
}

// Whoever can stop the e-mails cannot answer for the vendor by that, nor the reverse.
func TestATokenServesOnePurpose(t *testing.T) {
	t.Parallel()
	l := links(t, newSecret)
	stop, ask := token(t, l, "v1"), feedbackToken(t, l, "v1", "welcome")
	_, _, err := l.VerifyFeedback(stop)
	require.ErrorIs(t, err, ErrBadLink)
	_, err = l.Verify(ask)
	require.ErrorIs(t, err, ErrBadLink)
	// Nor with the other's signature, whatever the fields.
	_, _, err = l.VerifyFeedback("v1.v1.welcome." + stop[strings.LastIndex(stop, ".")+1:])
	require.ErrorIs(t, err, ErrBadLink)
	_, err = l.Verify("v1.v1." + ask[strings.LastIndex(ask, ".")+1:])
	require.ErrorIs(t, err, ErrBadLink)
}

func TestSecretsRotate(t *testing.T) {
	t.Parallel()
	old, both, fresh := links(t, oldSecret), links(t, newSecret, oldSecret), links(t, newSecret)
	for _, l := range []*Links{old, fresh} {
		_, err := both.Verify(token(t, l, "v1"))
		require.NoError(t, err)
	}
	_, err := fresh.Verify(token(t, both, "v1"))
	require.NoError(t, err, "the first secret signs")
	_, err = fresh.Verify(token(t, old, "v1"))
	require.ErrorIs(t, err, ErrBadLink)
}

func TestAChangedLinkIsRefused(t *testing.T) {
	t.Parallel()
	l := links(t, newSecret)
	good := token(t, l, "v1")
	otherPurpose := hmac.New(sha256.New, []byte(newSecret))
	otherPurpose.Write([]byte("trials/login/v1\x00v1"))
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", good[len(good)-1])
	for name, bad := range map[string]string{
		"empty":            "",
		"another vendor":   strings.Replace(good, ".v1.", ".v2.", 1),
		"another version":  "v2" + good[2:],
		"cut off":          good[:len(good)-1],
		"longer":           good + "A",
		"other spelling":   good[:len(good)-1] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last^1]),
		"line end":         good + "\n",
		"no signature":     "v1.v1.",
		"no vendor":        "v1..x",
		"vendor with path": "v1.a/b.x",
		"other purpose":    "v1.v1." + base64.RawURLEncoding.EncodeToString(otherPurpose.Sum(nil)),
		"huge":             "v1." + strings.Repeat("a", 1<<16),
	} {
		vendorID, err := l.Verify(bad)
		require.ErrorIs(t, err, ErrBadLink, name)
		require.Empty(t, vendorID, name)
	}
}

func TestLinkSettingsAreCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		base    string
		secrets []string
		field   string
	}{
		"relative base":       {"shop.example", []string{newSecret}, "PUBLIC_URL"},
		"base with query":     {"https://shop.example/?a=b", []string{newSecret}, "PUBLIC_URL"},
		"no secret":           {"https://shop.example", nil, "LINK_SECRET"},
		"empty secret":        {"https://shop.example", []string{""}, "LINK_SECRET: secret 1"},
		"short second secret": {"https://shop.example", []string{newSecret, "x"}, "LINK_SECRET: secret 2"},
	} {
		_, err := NewLinks(tt.base, tt.secrets)
		require.ErrorContains(t, err, tt.field, name)
		require.NotContains(t, err.Error(), newSecret, name)
	}
}

func TestLinksWithoutABaseOnlyVerify(t *testing.T) {
	t.Parallel()
	l, err := NewLinks("", []string{newSecret})
	require.NoError(t, err)
	require.Empty(t, l.Unsubscribe("v1")+l.Feedback("v1", "welcome"))
	_, err = l.Verify(token(t, links(t, newSecret), "v1"))
	require.NoError(t, err)
}

func FuzzVerifyLink(f *testing.F) {
	l := links(f, newSecret, oldSecret)
	good := token(f, l, "v-1_A")
	for _, seed := range []string{good, good[:20], "", "v1..", "v1.v1.AAAA", "..", good + "=", "v1.%00." + good} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vendorID, err := l.Verify(text)
		if err != nil {
			require.ErrorIs(t, err, ErrBadLink)
			require.Empty(t, vendorID)
			return
		}
		// Whatever verifies must be exactly a link that one of the secrets makes.
		require.Contains(t, []string{token(t, links(t, newSecret), vendorID), token(t, links(t, oldSecret), vendorID)}, text)
	})
}

func FuzzVerifyFeedbackLink(f *testing.F) {
	l := links(f, newSecret, oldSecret)
	good := feedbackToken(f, l, "v-1_A", "reminder-7d")
	for _, seed := range []string{good, good[:20], token(f, l, "v-1_A"), "", "v1...", "v1.v1.welcome.AAAA", "...", good + "=", "v1.%00." + good} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vendorID, kind, err := l.VerifyFeedback(text)
		if err != nil {
			require.ErrorIs(t, err, ErrBadLink)
			require.Empty(t, vendorID+kind)
			return
		}
		require.Contains(t, []string{
			feedbackToken(t, links(t, newSecret), vendorID, kind), feedbackToken(t, links(t, oldSecret), vendorID, kind),
		}, text)
	})
}

func TestAddressHashIgnoresCaseAndSpaceOnly(t *testing.T) {
	t.Parallel()
	// printf 'vendor@example.com' | sha256sum
	const want = "ff9c8750d0b6f7b9eef7d963d834178cf3f70d30ade220f74b094c0fbddea1f6"
	require.Equal(t, want, trial.AddressHash(" Vendor@Example.COM\n"))
	require.NotEqual(t, want, trial.AddressHash("vendor+1@example.com"))
}
