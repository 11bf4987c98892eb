package audit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/audit"
)

var at = time.Date(2026, 3, 10, 12, 0, 0, 123456789, time.UTC)

// The canonical form is part of the contract with whoever checks the record with
// tools of their own: it may not change.
func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	first := audit.Next(audit.Entry{}, audit.Entry{
		At: at.In(time.FixedZone("", 3600)), Actor: "admin", Action: "extendTrial", Subject: "trials/v-1", Reason: `asked <for> "more" & soon`,
		RequestID: "r-1", Key: "k-1", Outcome: audit.Done, Asked: `{"days":7}`, Before: `{"endsAt":"2026-03-12T08:00:00Z"}`,
	})
	require.Equal(t, `{"action":"extendTrial","actor":"admin","after":"","asked":"{\"days\":7}","at":"2026-03-10T12:00:00.123Z",`+ //nolint:testifylint // byte for byte
		`"before":"{\"endsAt\":\"2026-03-12T08:00:00Z\"}","detail":"","key":"k-1","outcome":"done","previous":"",`+
		`"reason":"asked <for> \"more\" & soon","requestId":"r-1","seq":1,"settles":0,"subject":"trials/v-1"}`, string(first.Canonical()))
	sum := sha256.Sum256(first.Canonical())
	require.Equal(t, hex.EncodeToString(sum[:]), first.Hash)

	second := audit.Next(first, audit.Entry{At: at})
	require.Equal(t, 2, second.Seq)
	require.Equal(t, first.Hash, second.Previous)
}

// What an entry says is bounded, and the same when it is read again.
func TestWhatIsTooLongIsCut(t *testing.T) {
	t.Parallel()
	e := audit.Next(audit.Entry{}, audit.Entry{
		At: at, Actor: strings.Repeat("ä", 300), Reason: "a\xffb" + strings.Repeat("x", 2000), Detail: strings.Repeat("d", 2000),
	})
	require.Equal(t, strings.Repeat("ä", 256), e.Actor)
	require.True(t, utf8.ValidString(e.Reason))
	require.Equal(t, 1000, utf8.RuneCountInString(e.Reason))
	require.Len(t, e.Detail, 1000)
	require.Equal(t, at.Truncate(time.Millisecond), e.At)
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	require.Empty(t, audit.Document(nil))
	require.Equal(t, audit.JSON(`{"days":7}`), audit.Document(map[string]int{"days": 7}))
	require.JSONEq(t, `{"leftOut":"has 10002 bytes, more than 8192"}`, string(audit.Document(strings.Repeat("x", 10000))))
	require.JSONEq(t, `{"leftOut":"cannot be written as JSON"}`, string(audit.Document(func() {})))

	e := audit.Next(audit.Entry{}, audit.Entry{At: at, Asked: `{"days":7}`, After: `{"days":`})
	text, err := json.Marshal(e)
	require.NoError(t, err)
	require.Contains(t, string(text), `"asked":{"days":7}`)
	require.Contains(t, string(text), `"after":{"leftOut":"is not JSON as it is stored"}`)
	require.NotContains(t, string(text), `"before"`)
	var read audit.Entry
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, e.Asked, read.Asked)
}
