package test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// keepers are all that the system writes into but the vendors' own documents.
type keepers map[string][]byte

// keepers reads all of it: each run of each workflow, the logs, the metrics, the
// traces, and every collection but users.
func (s *scenario) keepers(sink *traces) keepers {
	s.t.Helper()
	k := keepers{}
	s.histories(k)
	for _, name := range []string{"api", "worker"} {
		raw, err := os.ReadFile(filepath.Join(s.LogDir, name+".log"))
		require.NoError(s.t, err)
		k["log of "+name] = raw
	}
	_, api := s.scrape(s.APIMetrics)
	_, worker := s.scrape(s.WorkerMetrics)
	k["metrics"] = []byte(api + worker)
	_, text := sink.traceOf("")
	k["traces"] = []byte(text)
	names, err := s.database.ListCollectionNames(s.ctx, bson.M{})
	require.NoError(s.t, err)
	for _, name := range names {
		if name == "users" {
			continue
		}
		cursor, err := s.database.Collection(name).Find(s.ctx, bson.M{})
		require.NoError(s.t, err)
		for cursor.Next(s.ctx) {
			k["collection "+name] = append(k["collection "+name], cursor.Current...)
		}
		require.NoError(s.t, cursor.Err())
	}
	return k
}

// histories reads every run of every workflow, as it is stored: payloads are in
// it byte for byte.
func (s *scenario) histories(k keepers) {
	s.t.Helper()
	for token := []byte(nil); ; {
		page, err := s.temporal.ListWorkflow(s.ctx, &workflowservice.ListWorkflowExecutionsRequest{NextPageToken: token})
		require.NoError(s.t, err)
		for _, run := range page.GetExecutions() {
			raw, err := proto.Marshal(run)
			require.NoError(s.t, err)
			id := run.GetExecution().GetWorkflowId()
			events := s.temporal.GetWorkflowHistory(s.ctx, id, run.GetExecution().GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
			for events.HasNext() {
				event, err := events.Next()
				require.NoError(s.t, err)
				one, err := proto.Marshal(event)
				require.NoError(s.t, err)
				raw = append(raw, one...)
			}
			k["history of "+id] = append(k["history of "+id], raw...)
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return
		}
	}
}

// hold names the keepers that hold a text, in whatever letters.
func (k keepers) hold(text string) []string {
	var found []string
	for name, raw := range k {
		if bytes.Contains(bytes.ToLower(raw), []byte(strings.ToLower(text))) {
			found = append(found, name)
		}
	}
	return found
}

// person is a vendor whose name and address occur nowhere by chance.
type person struct{ id, name, address string }

func (s *scenario) person(name string) person {
	return person{s.vendor(name), "Zwetschge " + strings.ToUpper(name+s.mark), "zwetschge." + name + s.mark + "@orchard.example.com"}
}

// traits are what must stand nowhere; the mark alone is in every id.
func (p person) traits() []string { return append(p.alone(), "orchard.example.com", "zwetschge") }

// alone are those that no other person here shares.
func (p person) alone() []string {
	return []string{p.name, p.address, strings.TrimSuffix(p.address, "@orchard.example.com")}
}

func (s *scenario) enroll(p person) {
	s.t.Helper()
	a, err := s.Service(s.ctx, http.MethodPost, "/api/vendors", map[string]any{"id": p.id, "email": p.address, "name": p.name})
	s.answered(http.StatusCreated, a, err)
}

// A vendor's name and address are in its own document, in its e-mails, the name
// beside the record of each, and nowhere else; erased, they are gone, and the figures are as they were.
func TestNobodyElseHoldsNameOrAddress(t *testing.T) {
	sink := &traces{}
	server := httptest.NewServer(sink)
	t.Cleanup(server.Close)
	s := begin(t, system.Options{Day: 2 * day, Env: []string{
		"METRICS_ADDR=127.0.0.1:0", "OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL, "OTEL_BSP_SCHEDULE_DELAY=200", "LOG_LEVEL=debug",
	}})
	ada, early := s.person("whole"), s.person("early")
	// Refusals and lost connections are told of in logs, with what they are about.
	require.NoError(t, s.Fault(s.ctx, map[string]any{"kind": "throttle", "count": 1, "match": ada.address}))
	s.enroll(ada)
	s.enroll(early)
	s.awaitMail(soon, early.id, "welcome/0")
	a, err := s.Admin(s.ctx, http.MethodPost, "/api/admin/trials/"+ada.id+"/extend", map[string]any{"days": 1, "reason": ada.name + " asked"})
	s.answered(http.StatusBadRequest, a, err)
	a, err = s.Admin(s.ctx, http.MethodPost, "/api/admin/trials/"+ada.id+"/extend", map[string]any{"days": 1, "reason": "asked for more time"})
	s.answered(http.StatusOK, a, err)
	for _, reason := range []string{ada.name + " asked", early.address + " wrote"} {
		a, err = s.Admin(s.ctx, http.MethodPost, "/api/admin/bulk", map[string]any{"action": "extend", "ids": []string{ada.id}, "days": 1, "reason": reason})
		s.answered(http.StatusBadRequest, a, err)
	}
	a, err = s.Service(s.ctx, http.MethodPost, "/api/vendors", map[string]any{"id": ada.id, "email": "not " + ada.address, "name": ada.name})
	s.answered(http.StatusBadRequest, a, err)

	// One is erased while its trial runs: that goes on to its end, without e-mail.
	out, err := s.Starter(s.ctx, "vendor", "erase", early.id, "--reason", "asked for it", "--yes")
	require.NoError(t, err)
	require.NotContains(t, out, early.name)
	mailed := len(s.mails(early.id))
	s.awaitStatus(wholeLife, early.id, trial.Expired)
	require.Len(t, s.mails(early.id), mailed)
	require.Equal(t, trial.ReasonNoAddress, reasons(s.known(early.id).Trial)["expiry"])

	s.awaitStatus(wholeLife, ada.id, trial.Expired)
	kept := s.keepers(sink)
	for _, trait := range early.alone() {
		require.Empty(t, kept.hold(trait), "%q stands where it must not", trait)
	}
	require.Equal(t, []string{"collection sends"}, kept.hold(ada.name), "what its e-mails said of it, until it is erased")
	require.Empty(t, kept.hold(ada.address))
	for _, source := range []string{"history of trial-" + ada.id, "log of worker", "log of api", "traces", "collection trials", "collection trial_events", "collection sends"} {
		require.Contains(t, kept.hold(ada.id), source, "what is searched is what was written")
	}

	// The other is erased when all is over.
	export, err := s.Starter(s.ctx, "vendor", "export", ada.id)
	require.NoError(t, err)
	for _, part := range []string{ada.name, ada.address, "welcome/0", `"cohort":"automated"`} {
		require.Contains(t, export, part)
	}
	before := s.known(ada.id)
	_, err = s.Starter(s.ctx, "vendor", "erase", ada.id, "--reason", "asked for it", "--yes")
	require.NoError(t, err)
	require.Equal(t, before, s.known(ada.id), "the figures are as they were")
	export, err = s.Starter(s.ctx, "vendor", "export", ada.id)
	require.NoError(t, err)
	users := s.users()
	for _, trait := range append(ada.traits(), early.traits()...) {
		require.NotContains(t, strings.ToLower(export), strings.ToLower(trait))
		require.NotContains(t, users, strings.ToLower(trait))
	}
	s.holdsNothingOf(s.keepers(sink), ada, early)
}

// holdsNothingOf fails where any keeper holds what is a person's.
func (s *scenario) holdsNothingOf(k keepers, people ...person) {
	s.t.Helper()
	for _, p := range people {
		for _, trait := range p.traits() {
			require.Empty(s.t, k.hold(trait), "%q stands where it must not", trait)
		}
	}
}

// users is the whole of the marketplace's collection, in small letters.
func (s *scenario) users() string {
	s.t.Helper()
	cursor, err := s.database.Collection("users").Find(s.ctx, bson.M{})
	require.NoError(s.t, err)
	var all strings.Builder
	for cursor.Next(s.ctx) {
		fmt.Fprintln(&all, strings.ToLower(cursor.Current.String()))
	}
	require.NoError(s.t, cursor.Err())
	return all.String()
}
