package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/test/stack"
)

// A preview reaches the stakeholder once, marked, and with nothing in it that acts for a vendor.
func TestAPreviewReachesItsStakeholder(t *testing.T) { //nolint:paralleltest // sets what the AWS SDK reads from the environment
	embedded, err := stack.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, embedded.Stop()) })
	list := filepath.Join(t.TempDir(), "stakeholders.yaml")
	require.NoError(t, os.WriteFile(list, []byte("stakeholders:\n  - {role: product-owner, email: po@stakeholders.example.com}\n"), 0o600))
	notices := assembleNotices(t, embedded, list)
	to, err := notice.RecipientOf(notices.Stakeholders, "PO@stakeholders.example.com")
	require.NoError(t, err)

	p := notice.Preview{ID: "0123abcd", Kind: "reminder-3d", Language: "de", Zone: "Europe/Berlin", RecipientID: to.ID, At: time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)}
	for range 2 {
		require.NoError(t, notices.SendPreview(t.Context(), p))
	}
	p.ID, p.Kind = "4567", "half-way" // of no policy any more
	require.NoError(t, notices.SendPreview(t.Context(), p))
	p.RecipientID = "product-owner-of-before"
	require.NoError(t, notices.SendPreview(t.Context(), p))

	messages := mailsTo(t, embedded, "po@stakeholders.example.com")
	require.Len(t, messages, 1)
	m := messages[0]
	require.Equal(t, "[Preview] Ihre Testphase endet in 3 Tagen", m.Subject)
	require.Contains(t, m.Text, "16. März 2026")
	require.NotContains(t, m.HTML, "href")
	require.Empty(t, m.Headers["List-Unsubscribe"])
	require.Contains(t, m.Tags, "notice")
	require.NotContains(t, m.Tags, "trial_id")
}
