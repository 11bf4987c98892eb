package test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.temporal.io/api/serviceerror"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// refusalLimit is how long the database's driver waits by itself; the API says sooner that it is away.
const refusalLimit = 30 * time.Second

func TestARegistrationIsAcceptedWithTemporalDown(t *testing.T) {
	proxy := newProxy(t, embedded.Temporal)
	s := begin(t, system.Options{Day: 10 * time.Second, Env: []string{"TEMPORAL_ADDRESS=" + proxy.Addr}})
	before, during := s.vendor("before"), s.vendor("during")
	s.register(before)
	s.awaitMail(soon, before, "welcome/0")

	proxy.Shut()
	s.register(during)
	s.convert(before)
	s.says(http.StatusOK, "temporal") // it is ready: nothing that it is asked for is lost
	require.False(t, s.hasStarted(during), "the trial cannot have begun")
	require.Equal(t, trial.Active, s.known(before).Trial.Status)
	require.NoError(t, proxy.Open(s.ctx))

	s.awaitMail(aSweep, during, "welcome/0")
	s.awaitStatus(aSweep, before, trial.Converted)
	require.Equal(t, []string{"welcome/0"}, s.mails(before))
}

func TestWithMongoDBDownNothingHalfDoneRemains(t *testing.T) {
	address, err := url.Parse(embedded.MongoDB)
	require.NoError(t, err)
	proxy := newProxy(t, address.Host)
	address.Host = proxy.Addr
	query := address.Query()
	query.Set("directConnection", "true") // a replica set would show the way around the proxy
	address.RawQuery = query.Encode()
	s := begin(t, system.Options{Day: 2 * day, Env: []string{"MONGODB_URI=" + address.String()}})
	before, during := s.vendor("before"), s.vendor("during")
	s.register(before)
	s.awaitMail(soon, before, "welcome/0")

	proxy.Shut()
	asked := time.Now()
	vendor := map[string]any{"id": during, "email": email(during), "name": "During"}
	a, err := system.Call(s.ctx, http.MethodPost, s.API+"/api/vendors", s.Secrets.ServiceToken, vendor, nil)
	require.NoError(t, err)
	require.Less(t, time.Since(asked), refusalLimit)
	require.Equal(t, http.StatusServiceUnavailable, a.Status, "%s", a.Body)
	require.NotEmpty(t, a.Header.Get("Retry-After"))
	require.NotContains(t, string(a.Body), proxy.Addr, "internals leak")
	readProblem(t, a)
	s.says(http.StatusServiceUnavailable, "mongodb")
	require.NoError(t, proxy.Open(s.ctx))

	s.awaitStatus(wholeLife, before, trial.Expired) // what ran goes on
	s.mailedAsRecorded(before)
	for _, collection := range []string{"users", "trials"} {
		n, err := s.database.Collection(collection).CountDocuments(s.ctx, bson.M{"_id": during})
		require.NoError(t, err)
		require.Zero(t, n, collection)
	}
	require.False(t, s.hasStarted(during))
	s.register(during) // as if it had never been asked for
	s.awaitMail(soon, during, "welcome/0")
}

func newProxy(t *testing.T, target string) *system.Proxy {
	t.Helper()
	p, err := system.NewProxy(t.Context(), target)
	require.NoError(t, err)
	t.Cleanup(p.Shut)
	return p
}

// says checks that the API says which part it cannot reach, and lives.
func (s *scenario) says(ready int, unavailable string) {
	s.t.Helper()
	a, err := system.Call(s.ctx, http.MethodGet, s.API+"/readyz", "", nil, nil)
	s.answered(ready, a, err)
	parts := map[string]any{}
	require.NoError(s.t, a.Into(&parts))
	require.Equal(s.t, "unavailable", parts[unavailable])
	a, err = system.Call(s.ctx, http.MethodGet, s.API+"/healthz", "", nil, nil)
	s.answered(http.StatusOK, a, err)
}

// hasStarted tells whether the vendor's trial has a workflow.
func (s *scenario) hasStarted(id string) bool {
	s.t.Helper()
	_, err := s.temporal.DescribeWorkflowExecution(s.ctx, trial.WorkflowID(id), "")
	if err != nil {
		var missing *serviceerror.NotFound
		require.ErrorAs(s.t, err, &missing)
		return false
	}
	return true
}
