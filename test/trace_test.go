package test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"marketplace.example/trials/test/system"
)

// traces takes what the processes send of theirs.
type traces struct {
	mu       sync.Mutex
	received []*tracepb.ResourceSpans
}

func (c *traces) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(raw, &request)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received = append(c.received, request.ResourceSpans...)
}

// traceOf are the names of the spans of the trace that one span is in, by
// service, and all that was received as text.
func (c *traces) traceOf(name string) (names []string, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := map[string]bool{}
	var all strings.Builder
	each := func(f func(service string, span *tracepb.Span)) {
		for _, resource := range c.received {
			service := ""
			for _, a := range resource.GetResource().GetAttributes() {
				if a.GetKey() == "service.name" {
					service = a.GetValue().GetStringValue()
				}
			}
			for _, scope := range resource.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					f(service, span)
				}
			}
		}
	}
	each(func(_ string, span *tracepb.Span) {
		all.WriteString(protojson.Format(span))
		if span.GetName() == name {
			ids[string(span.GetTraceId())] = true
		}
	})
	each(func(service string, span *tracepb.Span) {
		if ids[string(span.GetTraceId())] {
			names = append(names, service+" "+span.GetName())
		}
	})
	return names, all.String()
}

func TestARegistrationIsTracedIntoItsActivities(t *testing.T) {
	sink := &traces{}
	server := httptest.NewServer(sink)
	t.Cleanup(server.Close)
	s := begin(t, system.Options{Day: 24 * time.Hour, Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL, "OTEL_BSP_SCHEDULE_DELAY=200"}})
	id := s.vendor("ada")
	s.register(id)
	s.awaitMail(soon, id, "welcome/0")

	var text string
	eventually(t, soon, func() error {
		var names []string
		names, text = sink.traceOf("POST /api/vendors")
		for _, wanted := range []string{
			"trials-api POST /api/vendors", "trials-api StartWorkflow:Trial", "trials-worker RunActivity:Begin", "trials-worker RunActivity:Perform",
		} {
			if !slices.Contains(names, wanted) {
				return fmt.Errorf("the trace has no %s, but %v", wanted, names)
			}
		}
		return nil
	})
	require.Contains(t, text, id, "spans name the workflow")
	for _, private := range []string{email(id), "@vendors.example.com", "Vendor " + id, s.Secrets.ServiceToken} {
		require.NotContains(t, text, private)
	}
}
