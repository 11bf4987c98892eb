package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWorkflowURL(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"http://ui.example:8233":   "http://ui.example:8233/namespaces/trials%2Ftest/workflows/trial-v%201",
		"http://ui.example:8233/":  "http://ui.example:8233/namespaces/trials%2Ftest/workflows/trial-v%201",
		"https://example.com/flow": "https://example.com/flow/namespaces/trials%2Ftest/workflows/trial-v%201",
	} {
		require.Equal(t, want, workflowURL(base, "trials/test", "trial-v 1"), base)
	}
}

// The pages have what is under /admin/, and nothing else.
func TestWhoAnswers(t *testing.T) {
	t.Parallel()
	says := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
	}
	handler := together(says("api"), says("pages"))
	for path, want := range map[string]string{
		"/admin/": "pages", "/admin/alerts/x": "pages", "/admins": "api", "/api/admin/trials": "api", "/": "api",
	} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		require.Equal(t, want, answer.Body.String(), path)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/admin", http.NoBody))
	require.Equal(t, http.StatusMovedPermanently, answer.Code)
	require.Equal(t, "/admin/", answer.Header().Get("Location"))
}
