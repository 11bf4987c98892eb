package mailbox

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/stretchr/testify/require"
)

// rows counts the mails that a page lists.
func rows(page string) int { return strings.Count(page, `class="row`) }

func TestAnEmptyInboxSaysSo(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	page := must(t, http.MethodGet, url+"/", "")
	require.Contains(t, page, "No mail has arrived yet.")
	require.Contains(t, page, "0 mails")
}

func TestTheInboxListsPagesAndSearches(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	for i := range pageSize + 3 {
		send(t, url, fmt.Sprintf("vendor-%02d@example.com", i))
	}
	page := must(t, http.MethodGet, url+"/", "")
	require.Equal(t, pageSize, rows(page))
	require.Less(t, strings.Index(page, "vendor-52@"), strings.Index(page, "vendor-51@"), "the newest is first")
	require.NotContains(t, page, "Newest")

	older := regexp.MustCompile(`class="older" href="([^"]+)"`).FindStringSubmatch(page)
	require.NotNil(t, older)
	page = must(t, http.MethodGet, url+older[1], "")
	require.Equal(t, 3, rows(page))
	require.Contains(t, page, "vendor-00@")
	require.Contains(t, page, "Newest")
	require.NotContains(t, page, "Older")

	page = must(t, http.MethodGet, url+"/?q=VENDOR-07", "")
	require.Equal(t, 1, rows(page))
	require.Equal(t, pageSize, rows(must(t, http.MethodGet, url+"/?q=kind:reminder", "")))
	page = must(t, http.MethodGet, url+"/?q=nothing+like+it", "")
	require.Contains(t, page, "No mail matches “nothing like it”.")
}

func TestTheInboxShowsAMail(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	id := send(t, url, "jo+bounce@example.com")
	page := must(t, http.MethodGet, url+"/?message="+id, "")
	require.Contains(t, page, "Your trial ends in 3 days ☀")
	require.Contains(t, page, `src="/messages/`+id+`/html?links=new"`)
	require.Contains(t, page, `sandbox="allow-popups allow-popups-to-escape-sandbox"`)
	require.Contains(t, page, "List-Unsubscribe")
	require.Contains(t, page, `class="badge bounced"`)
	require.Contains(t, must(t, http.MethodGet, url+"/?view=text&message="+id, ""), "It ends on Friday.")

	status, _, page := call(t, http.MethodGet, url+"/?message=none", "")
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, page, "This mail is not here.")
}

func TestAMailCannotActOnTheInbox(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	const attack = `<script>alert(1)</script>"><img src=x onerror=alert(1)>`
	input := mailTo("jo@example.com")
	input.Content.Simple.Subject.Data = aws.String(attack)
	input.Content.Simple.Body = &types.Body{Text: &types.Content{Data: aws.String(attack)}}
	sent, err := sender(url).SendEmail(t.Context(), input)
	require.NoError(t, err)
	status, header, page := call(t, http.MethodGet, url+"/?q="+strings.ReplaceAll(attack, " ", "+")+"&message="+aws.ToString(sent.MessageId), "")
	require.Equal(t, http.StatusOK, status)
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "<img")
	require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'")
}

func TestThePageAsksNobodyElse(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	id := send(t, url, "jo@example.com")
	for _, path := range []string{"/?message=" + id, "/inbox.css"} {
		require.NotRegexp(t, `(?i)(src|href|url\()\s*=?\s*["']?(https?:)?//`, must(t, http.MethodGet, url+path, ""), path)
	}
}

func TestAPreviewIsOneShortLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Hello Jo, welcome.", preview(&Message{Text: "Hello Jo,\n\n  welcome.\n"}))
	long := preview(&Message{Text: strings.Repeat("ä", 1000)})
	require.Equal(t, strings.Repeat("ä", previewLength/2)+"…", long)
}
