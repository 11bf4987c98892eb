package health_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/platform/health"
)

func TestDashboardsAreAskedThemselves(t *testing.T) {
	t.Parallel()
	var signIns atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("GET /private", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) })
	mux.HandleFunc("GET /login", func(http.ResponseWriter, *http.Request) { signIns.Add(1) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")

	require.Equal(t, []rollout.DashboardAnswer{
		{Name: host + "/api/health", Status: 200}, {Name: host + "/-/ready", Status: 503}, {Name: host + "/private", Status: 302},
		{Name: host + "/nothing", Status: 404}, {Name: host, Status: 404},
	}, health.Dashboards{server.URL + "/api/health", server.URL + "/-/ready", server.URL + "/private", server.URL + "/nothing", server.URL + "/"}.Ask(t.Context()))
	require.Zero(t, signIns.Load(), "a page for signing in says nothing of the dashboards behind it")
	require.Empty(t, health.Dashboards(nil).Ask(t.Context()))
}

func TestADashboardThatIsSilentHoldsUpNoPreflight(t *testing.T) {
	t.Parallel()
	// It accepts connections, as the system does for it, and never answers.
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	closed := httptest.NewServer(http.NotFoundHandler())
	gone := closed.URL
	closed.Close()
	well := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(well.Close)
	name := func(address string) string { return strings.TrimPrefix(address, "http://") }

	require.Equal(t, []rollout.DashboardAnswer{{Name: silent.Addr().String()}, {Name: name(gone)}, {Name: name(well.URL), Status: 200}},
		health.Dashboards{"http://" + silent.Addr().String(), gone, well.URL}.Ask(t.Context()), "each is asked, whatever the others do")
}
