package mailbox

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ids returns the ids of messages, in their order.
func ids(messages []Message) []string {
	ids := make([]string, len(messages))
	for i, m := range messages {
		ids[i] = m.ID
	}
	return ids
}

func TestMessagesAreFoundByRecipientTagAndIndex(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	a := send(t, url, "a@example.com")
	b := send(t, url, "b@example.com", "a@example.com")
	c := send(t, url, "c@example.com")
	for query, want := range map[string][]string{
		"":                                {a, b, c},
		"?to=A@example.com":               {a, b},
		"?to=example.com":                 {},
		"?tag=kind:reminder-3d":           {a, b, c},
		"?tag=kind:welcome":               {},
		"?tag=missing:x":                  {},
		"?since=1":                        {b, c},
		"?since=1&limit=1":                {b},
		"?since=1&to=a@example.com":       {b},
		"?since=3":                        {},
		"?since=99":                       {},
		"?limit=2":                        {a, b},
		"?to=c@example.com&limit=1":       {c},
		"?tag=send:v-1_reminder-3d_0":     {a, b, c},
		"?tag=kind:reminder-3d&since=2":   {c},
		"?to=b@example.com&tag=kind:none": {},
	} {
		require.Equal(t, want, ids(messages(t, url, query)), query)
	}
	for _, query := range []string{"?since=-1", "?since=x", "?limit=-2", "?tag=kind"} {
		status, _, _ := call(t, http.MethodGet, url+"/messages"+query, "")
		require.Equal(t, http.StatusBadRequest, status, query)
	}
	require.Empty(t, messages(t, url, "?body=false")[0].HTML)
}

func TestNextIndexLeadsAPollerThroughAllMessages(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	next := func(query string) string {
		_, header, _ := call(t, http.MethodGet, url+"/messages"+query, "")
		return header.Get("Next-Index")
	}
	require.Equal(t, "0", next(""))
	for i := range 5 {
		send(t, url, fmt.Sprintf("v%d@example.com", i))
	}
	require.Equal(t, "5", next(""))
	require.Equal(t, "2", next("?limit=2"))
	require.Equal(t, "5", next("?since=2&to=nobody@example.com"))
	require.Equal(t, "5", next("?since=7"))

	must(t, http.MethodDelete, url+"/messages", "")
	require.Empty(t, messages(t, url, ""))
	require.Equal(t, "5", next(""))
	send(t, url, "later@example.com")
	got := messages(t, url, "?since=5")
	require.Len(t, got, 1)
	require.Equal(t, 5, got[0].Index)
}

func TestOneMessageIsServedInItsForms(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	id := send(t, url, "jo@example.com")
	one := url + "/messages/" + id
	require.Contains(t, must(t, http.MethodGet, one, ""), `"id":"`+id+`"`)
	require.Equal(t, "It ends on Friday.", must(t, http.MethodGet, one+"/text", ""))
	status, header, html := call(t, http.MethodGet, one+"/html", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, `<html><head></head><body><a href="https://example.com">It ends</a></body></html>`, html)
	policy := header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.Contains(t, policy, "sandbox")
	require.NotContains(t, policy, "allow-scripts")
	require.Contains(t, must(t, http.MethodGet, one+"/html?links=new", ""), `<head><base target="_blank"></head>`)

	for _, form := range []string{"", "/html", "/text"} {
		status, _, _ := call(t, http.MethodGet, url+"/messages/none"+form, "")
		require.Equal(t, http.StatusNotFound, status)
	}
}

func TestMailsOnDiskOutliveTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url, stop := startMailbox(t, Config{Dir: dir})
	send(t, url, "gone@example.com")
	must(t, http.MethodDelete, url+"/messages", "")
	send(t, url, "a@example.com")
	send(t, url, "b@example.com")
	before := messages(t, url, "")
	stop()

	url, stop = startMailbox(t, Config{Dir: dir})
	require.Equal(t, before, messages(t, url, ""))
	send(t, url, "c@example.com")
	before = messages(t, url, "")
	require.Len(t, before, 3)
	require.Equal(t, before[1].Index+1, before[2].Index)
	stop()

	// A crash in the middle of writing leaves half a line,
	// which may be longer than the next one.
	file, err := os.OpenFile(filepath.Join(dir, "messages.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteString(`{"index":4,"id":"half` + strings.Repeat("x", 100_000))
	require.NoError(t, err)
	require.NoError(t, file.Close())
	url, stop = startMailbox(t, Config{Dir: dir})
	require.Equal(t, before, messages(t, url, ""))
	send(t, url, "d@example.com")
	before = messages(t, url, "")
	require.Len(t, before, 4)
	stop()
	data, err := os.ReadFile(filepath.Join(dir, "messages.jsonl"))
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(data), "}\n"), "nothing is left of the half line")
	url, _ = startMailbox(t, Config{Dir: dir})
	require.Equal(t, before, messages(t, url, ""))
}

func TestADamagedJournalIsNotOverwritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "messages.jsonl")
	damaged := []byte("{\"index\":0}\nnonsense\n{\"index\":2}\n")
	require.NoError(t, os.WriteFile(name, damaged, 0o600))
	_, err := New(Config{Dir: dir})
	require.ErrorContains(t, err, "line 2")
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, damaged, data)
}

func TestManySendersAtOnceLoseNoMail(t *testing.T) {
	t.Parallel()
	const senders, each = 8, 50
	url, _ := startMailbox(t, Config{Dir: t.TempDir()})
	var group sync.WaitGroup
	for s := range senders {
		group.Go(func() {
			client := sender(url)
			for i := range each {
				_, err := client.SendEmail(t.Context(), mailTo(fmt.Sprintf("v%d-%d@example.com", s, i)))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	kept := messages(t, url, "?body=false")
	require.Len(t, kept, senders*each)
	for i, m := range kept {
		require.Equal(t, i, m.Index)
	}
}

func TestOnlyTheLastDayCountsAgainstTheQuota(t *testing.T) {
	t.Parallel()
	s, err := openStore("")
	require.NoError(t, err)
	now := time.Now()
	for _, age := range []time.Duration{30 * time.Hour, 25 * time.Hour, 23 * time.Hour, time.Minute} {
		require.NoError(t, s.add(&Message{ID: age.String(), To: []string{"a", "b"}, At: now.Add(-age)}))
	}
	require.Equal(t, 4, s.recipientsSince(now.Add(-24*time.Hour)))
}
