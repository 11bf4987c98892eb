package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/trial"
)

// who says which token opens a path; both is for either, open for none.
func who(method, path string) string {
	switch {
	case strings.HasPrefix(path, "/api/admin/"):
		return "admin"
	case path == "/api/vendors/{id}" && method == http.MethodGet:
		return "both"
	case strings.HasPrefix(path, "/api/vendors"):
		return "service"
	}
	return "open"
}

// Every route of the description, with every kind of token.
func TestTokens(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	walked := 0
	for path, item := range a.spec.Paths.Map() {
		for method := range item.Operations() {
			walked++
			opens := who(method, path)
			concrete := strings.NewReplacer("{id}", "v-1", "{token}", "signed.v-1").Replace(path)
			for _, c := range []struct {
				header string
				admits []string
				status int // where it does not
			}{
				{"", nil, http.StatusUnauthorized},
				{"Bearer", nil, http.StatusUnauthorized},
				{"Bearer ", nil, http.StatusUnauthorized},
				{"Bearer wrong", nil, http.StatusUnauthorized},
				{"Bearer " + adminToken + "x", nil, http.StatusUnauthorized},
				{"Bearer " + adminToken[1:], nil, http.StatusUnauthorized},
				{"Basic " + adminToken, nil, http.StatusUnauthorized},
				{adminToken, nil, http.StatusUnauthorized},
				{"Bearer " + serviceToken, []string{"service", "both"}, http.StatusForbidden},
				{"Bearer " + adminToken, []string{"admin", "both"}, http.StatusForbidden},
				{"bearer " + adminToken, []string{"admin", "both"}, http.StatusForbidden},
			} {
				answer := a.call(request{method: method, path: concrete, header: http.Header{"Authorization": {c.header}}})
				if opens == "open" || strings.Contains(strings.Join(c.admits, " "), opens) {
					require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, answer.status, "%s %s with %q", method, path, c.header)
					continue
				}
				answer.problem(c.status)
				if c.status == http.StatusUnauthorized {
					require.Equal(t, `Bearer realm="trials"`, answer.header.Get("WWW-Authenticate"), "%s %s", method, path)
				}
				require.NotContains(t, string(answer.body), adminToken[1:])
			}
		}
	}
	require.Equal(t, 42, walked)
	writes, _ := a.store.written()
	require.Zero(t, writes)
}

// A token comes before everything else: a stranger learns nothing about what
// a request would have to hold.
func TestTokenIsAskedForFirst(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.post("/api/vendors", "", `{broken`).problem(http.StatusUnauthorized)
	a.get("/api/vendors/not.an.id", "wrong").problem(http.StatusUnauthorized)
	a.ask("/api/admin/trials/v-1/extend", "", "").problem(http.StatusBadRequest)
	a.post("/api/admin/trials/v-1/extend", serviceToken, "").problem(http.StatusForbidden)
}

func TestTokensMustDiffer(t *testing.T) {
	t.Parallel()
	for _, tokens := range [][2]string{{"", "b"}, {"a", ""}, {"same", "same"}} {
		_, err := rest.New(rest.Options{
			Store: newStore(), Trials: &workflows{}, Mail: mails{}, Log: zap.NewNop(),
			AdminToken: tokens[0], ServiceToken: tokens[1], Policy: trial.DefaultPolicy(), Day: trial.RealDay,
		})
		require.ErrorContains(t, err, "token")
	}
}
