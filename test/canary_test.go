package test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/temporal"
	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/test/system"
)

// A canary lives through the real path and leaves nothing behind. It names what is broken then: a release cannot render an e-mail, the
// events of the mail service do not come, and SES refuses. The flags are off, as they are in the preflight.
func TestACanaryNamesWhatIsBrokenAndLeavesNothing(t *testing.T) {
	// The mailbox is every scenario's; a label tells ours apart.
	address := strings.Replace(canary.Simulator, "@", "+"+strings.ToLower(rand.Text())+"@", 1)
	s := begin(t, system.Options{Env: []string{"CANARY_ADDRESS=" + address}})
	s.rollout(false, 0)
	store, err := mongodb.Connect(s.ctx, s.Stack.MongoDB, s.Database)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close(context.WithoutCancel(s.ctx)) })
	schedules := &temporal.Client{SDK: s.temporal, Namespace: s.Namespace, TaskQueue: "trials", Day: s.Day}

	well := s.canary(store, schedules)
	require.True(t, well.Well(), well.Reason)
	for _, p := range well.Parts {
		t.Logf("%-20s %-8s %s %s", p.Name, p.State, canary.Round(p.Took), p.Text)
	}
	all := s.everything()
	require.Empty(t, strings.Trim(all["counters"], "[]"), "somebody has counted it")
	for name, documents := range all {
		require.False(t, strings.Contains(documents, well.ID) && name != "canaries", "%s knows the canary", name)
	}

	s.deployBrokenTemplate()
	unrendered := s.canary(store, schedules)
	require.Equal(t, canary.RenderingFailed, unrendered.Fault, unrendered.Reason)
	s.canaryFault(canary.RenderingFailed)
	page := s.signIn(s.Secrets.AdminToken)("/admin/canary")
	require.Contains(t, string(page.Body), "The e-mail welcome cannot be made of its template. No vendor gets this e-mail")
	s.deploy("")

	require.NoError(t, s.CutEvents(s.ctx))
	unheard := s.canary(store, schedules)
	require.Equal(t, canary.NoMailEvent, unheard.Fault, unheard.Reason)

	require.NoError(t, s.Fault(s.ctx, map[string]any{"kind": "paused", "match": address}))
	refused := s.canary(store, schedules)
	require.Equal(t, canary.MailRefused, refused.Fault, refused.Reason)
}

// Without a worker, or with Temporal away, no canary comes. The API names why.
func TestTheAPINamesWhyNoCanaryComes(t *testing.T) {
	proxy := newProxy(t, embedded.Temporal)
	s := begin(t, system.Options{Env: []string{"CANARY_ADDRESS=" + canary.Simulator, "TEMPORAL_ADDRESS=" + proxy.Addr}})
	s.startRollout(shortPlan())
	eventually(t, aSweep, func() error {
		return s.database.Collection("canaries").FindOne(s.ctx, bson.M{"_id": "due"}).Err() // the reconciler has said that some come
	})
	s.StopWorker()
	s.awaitAlert(wholeLife, monitoring.WorkerAway, monitoring.AlertFired, 1)
	// An hour before, so that nobody has to wait for it.
	hourAgo := bson.M{"$set": bson.M{"startedAt": time.Now().Add(-time.Hour)}}
	_, err := s.database.Collection("rollouts").UpdateMany(s.ctx, bson.M{"startedAt": bson.M{"$exists": true}}, hourAgo)
	require.NoError(t, err)
	_, err = s.database.Collection("canaries").UpdateOne(s.ctx, bson.M{"_id": "due"}, bson.M{"$set": bson.M{"since": time.Now().Add(-time.Hour)}})
	require.NoError(t, err)
	_, err = s.database.Collection("canaries").DeleteOne(s.ctx, bson.M{"_id": "latest"})
	require.NoError(t, err)

	fired := s.awaitAlert(soon, monitoring.CanaryFailed, monitoring.AlertFired, 1)
	require.Contains(t, fired.Observation.Text, "no worker polls for work")
	s.canaryFault(canary.WorkerStopped)
	proxy.Shut()
	s.canaryFault(canary.TemporalAway)
}

// deployBrokenTemplate puts a worker in the place of the present one whose layout is well only for what it is tried with: the worker
// starts, and can render no e-mail to a vendor.
func (s *scenario) deployBrokenTemplate() {
	s.t.Helper()
	const file = "internal/domain/layout/builtin/layout.txt"
	root, err := stack.Root()
	require.NoError(s.t, err)
	text, err := os.ReadFile(filepath.Join(root, file))
	require.NoError(s.t, err)
	broken := strings.ReplaceAll(string(text), "{{wrap .Why}}", `{{if eq .Subject "MARK-subject"}}{{wrap .Why}}{{else}}{{index .Dates 99}}{{end}}`)
	require.NotEqual(s.t, string(text), broken)
	release := s.t.TempDir()
	require.NoError(s.t, system.BuildWorker(s.ctx, release, file, broken))
	s.deploy(release)
}

// deploy puts the worker of a folder in the place of the present one; empty is that of this version.
func (s *scenario) deploy(folder string) {
	s.t.Helper()
	s.StopWorker()
	s.WorkerBin = folder
	require.NoError(s.t, s.StartWorker(s.ctx))
}

// canaryFault waits until the API names a fault.
func (s *scenario) canaryFault(want canary.Fault) {
	s.t.Helper()
	eventually(s.t, soon, func() error {
		a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/monitoring/canary", nil)
		if err != nil {
			return err
		}
		var view canary.View
		if err := a.Into(&view); err != nil {
			return err
		}
		if view.Fault != want {
			return fmt.Errorf("it names %q: %s", view.Fault, view.Reason)
		}
		return nil
	})
}

// canary starts a canary, and waits for what it shows.
func (s *scenario) canary(store *mongodb.Store, schedules *temporal.Client) (shown canary.Result) {
	s.t.Helper()
	earlier, err := store.Canaries(s.ctx)
	require.NoError(s.t, err)
	eventually(s.t, soon, func() error { // its result is stored a moment before the one before is over, beside which none starts
		schedule, err := s.temporal.ScheduleClient().GetHandle(s.ctx, "canary").Describe(s.ctx)
		if err == nil && len(schedule.Info.RunningWorkflows) > 0 {
			err = errors.New("another canary is not over")
		}
		return err
	})
	require.NoError(s.t, schedules.StartCanary(s.ctx))
	eventually(s.t, soon, func() error {
		results, err := store.Canaries(s.ctx)
		if err == nil && len(results) == len(earlier) {
			return errors.New("no canary has ended")
		}
		if err == nil {
			shown = results[0]
		}
		return err
	})
	s.t.Logf("canary %s: %q after %s", shown.ID, shown.Fault, shown.Took())
	return shown
}

// everything is what each collection holds, as text.
func (s *scenario) everything() map[string]string {
	s.t.Helper()
	names, err := s.database.ListCollectionNames(s.ctx, bson.D{})
	require.NoError(s.t, err)
	all := map[string]string{}
	for _, name := range names {
		cursor, err := s.database.Collection(name).Find(s.ctx, bson.D{})
		require.NoError(s.t, err)
		var documents []bson.Raw
		require.NoError(s.t, cursor.All(s.ctx, &documents))
		all[name] = fmt.Sprint(documents)
	}
	return all
}
