package dashboard_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/test/sample"
)

// More sessions than a page lists are on the following ones, and those that are over on none.
func TestSessionsAreListedByPages(t *testing.T) {
	t.Parallel()
	w := sample.Busy()
	w.SignedIn = map[access.Key]access.Session{}
	for i := range 120 {
		key := access.KeyOf(fmt.Sprint("session ", i))
		since := w.Moment.Add(-time.Duration(i) * time.Second)
		if i%2 == 1 {
			since = w.Moment.Add(-access.SessionLife)
		}
		w.SignedIn[key] = access.NewSession(key, access.Person{Name: fmt.Sprint("oidc:person-", i), Role: access.Viewer, Subject: fmt.Sprint(i)}, since)
	}
	s, _ := withProvider(t, w)
	s.signIn(adminToken)
	listed := func(a answer) int { return strings.Count(a.body, `aria-label="End the session`) }
	first := s.get("/admin/sessions")
	require.Equal(t, 50, listed(first))
	next := regexp.MustCompile(`href="([^"]*)">Next page`).FindStringSubmatch(first.body)
	require.Len(t, next, 2)
	second := s.get(html.UnescapeString(next[1]))
	require.Equal(t, 10, listed(second))
	require.Contains(t, second.text(), "← First page")
	require.NotContains(t, second.text(), "Next page")
	a := s.get("/admin/sessions?after=nowhere")
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "This is not a page's address.")
}
