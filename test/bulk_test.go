package test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/bulkdrill"
	"marketplace.example/trials/test/system"
)

func TestABulkOperationOutlivesItsWorker(t *testing.T) {
	s := begin(t, system.Options{Day: trial.RealDay})
	d := &bulkdrill.Drill{System: s.System, PerMinute: 100, Wait: 5 * time.Minute, Printf: t.Logf}
	for i := range 60 {
		d.IDs = append(d.IDs, s.vendor(fmt.Sprintf("many-%03d", i)))
	}
	require.NoError(t, d.Register(s.ctx))
	require.NoError(t, d.Run(s.ctx, s.temporal))
}

// bulkDone waits until an operation is over.
func (s *scenario) bulkDone(id string) (v bulk.View) {
	s.t.Helper()
	eventually(s.t, soon, func() error {
		a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/bulk/"+id, nil)
		s.answered(http.StatusOK, a, err)
		require.NoError(s.t, a.Into(&v))
		if !v.State.Status.Final() {
			return fmt.Errorf("it is %s", v.Summary)
		}
		return nil
	})
	return v
}

func (s *scenario) bulk(path string, body map[string]any) bulk.View {
	s.t.Helper()
	a, err := s.Admin(s.ctx, http.MethodPost, "/api/admin/bulk"+path, body)
	s.answered(http.StatusAccepted, a, err)
	var v bulk.View
	require.NoError(s.t, a.Into(&v))
	return v
}

// An operator looks before they leap: a dry run by a filter, its start, the command
// line, and e-mails sent once more.
func TestABulkOperationOfAFilter(t *testing.T) {
	s := begin(t, system.Options{Day: trial.RealDay})
	ids := []string{s.vendor("ada"), s.vendor("bo"), s.vendor("cy")}
	for _, id := range ids {
		s.register(id)
	}
	for _, id := range ids {
		eventually(t, soon, func() error {
			if messages, err := s.Messages(s.ctx, email(id)); err != nil || len(messages) != 1 {
				return fmt.Errorf("%s has %d e-mails: %w", id, len(messages), err)
			}
			if _, done := reasons(s.known(id).Trial)[trial.Welcome]; !done {
				return fmt.Errorf("the welcome of %s is not on record yet", id)
			}
			return nil
		})
	}
	resend := s.bulkDone(s.bulk("", map[string]any{"action": bulk.Resend, "filter": map[string]any{"status": trial.Active}, "reason": "they went astray"}).Operation.ID)
	require.Equal(t, 3, resend.State.Counts.Of(bulk.Succeeded), "%v", resend.State.Counts)
	for _, id := range ids {
		messages, err := s.Messages(s.ctx, email(id))
		require.NoError(t, err)
		require.Len(t, messages, 2)
		require.Equal(t, messages[0].Subject, messages[1].Subject)
		require.Equal(t, id+"/"+string(resend.Operation.ResendKind())+"/0", messages[1].Step())
	}

	dry := s.bulkDone(s.bulk("", map[string]any{"action": bulk.Cancel, "filter": map[string]any{"cohort": trial.Automated}, "dryRun": true, "reason": "looking"}).Operation.ID)
	require.Equal(t, bulk.Planned, dry.State.Status)
	require.Equal(t, 3, dry.State.Plan.Of(bulk.Succeeded))
	require.Len(t, dry.State.Examples, 3)
	require.Equal(t, trial.Active, s.known(ids[0]).Trial.Status)

	out := s.starter("bulk", "start", dry.Operation.ID, "--reason", "looked at")
	require.Contains(t, out, "done: 3 of 3")
	require.Equal(t, trial.Cancelled, s.known(ids[0]).Trial.Status)
	ends := s.known(ids[0]).Trial.EndsAt
	out = s.starter("bulk", "undo", dry.Operation.ID, "--reason", "the wrong ones")
	require.Contains(t, out, "done: 3 of 3")
	require.Equal(t, trial.Active, s.known(ids[0]).Trial.Status)
	require.Equal(t, ends, s.known(ids[0]).Trial.EndsAt)
}
