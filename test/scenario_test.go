package test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.temporal.io/sdk/client"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

const (
	// soon bounds what takes no more than a moment. Like those below it says when a scenario gives up, not how long
	// anything may take.
	soon = 6 * time.Minute
	// day is long enough for a machine that runs three scenarios at once to tell a trial's last two days apart.
	day = 1500 * time.Millisecond
	// wholeLife bounds a trial's 17 days.
	wholeLife = 15 * time.Minute
	// aSweep bounds what waits for the reconciler, which comes every 30 seconds.
	aSweep = 9 * time.Minute
	// logTail is how much of a process's log a failed scenario shows, in bytes.
	logTail = 6000
)

// whole is every e-mail of a trial in its order, by kind and revision.
var whole = []string{"welcome/0", "reminder-7d/0", "reminder-3d/0", "reminder-1d/0", "expiry/0", "grace-end/0"}

// scenario is one system of its own, and the eyes to look into it.
type scenario struct {
	*system.System
	t        *testing.T
	ctx      context.Context
	database *mongo.Database
	temporal client.Client
	// mark is in every vendor's id, since all scenarios share the mailbox.
	mark string
}

// begin starts a system for one scenario and opens the rollout to everybody. It
// ends with the test.
func begin(t *testing.T, o system.Options) *scenario {
	t.Helper()
	t.Parallel()
	return beginAlone(t, o)
}

// beginAlone is begin for a scenario that takes the whole machine: no other runs beside it.
func beginAlone(t *testing.T, o system.Options) *scenario {
	t.Helper()
	mark := strings.ToLower(rand.Text()[:8])
	if o.Stack == nil {
		o.Stack = embedded
	}
	o.LogDir = t.ArtifactDir() // kept with `go test -artifacts`
	o.Database, o.Namespace = "scenario_"+mark, "scenario-"+mark
	if o.Day == 0 {
		o.Day = day
	}
	o.Day = stretched(o.Day)
	ctx := t.Context()
	began := time.Now()
	s, err := system.Start(ctx, o)
	t.Cleanup(func() { showLogs(t, o.LogDir) })
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	t.Logf("it runs after %s, its days are %s", time.Since(began).Round(time.Millisecond), o.Day.Round(time.Millisecond))
	st := &scenario{System: s, t: t, ctx: ctx, mark: mark}
	st.connect()
	t.Cleanup(st.record)
	st.rollout(true, 100)
	return st
}

// stretched is a day of seconds that is the longer the busier the machine is, so that what a busy one does late is
// still done in its day.
func stretched(day time.Duration) time.Duration {
	const usual, most = 3, 4 // how many wait for a core while scenarios run, and how much longer a day becomes at the most
	var waiting float64
	if load, err := os.ReadFile("/proc/loadavg"); err != nil || day > time.Minute {
		return day
	} else if _, err := fmt.Sscan(string(load), &waiting); err != nil {
		return day
	}
	return time.Duration(float64(day) * min(max(waiting/float64(usual*runtime.NumCPU()), 1), most)).Round(100 * time.Millisecond)
}

// record writes the histories of the scenario's rollouts and bulk operations where that is asked for.
func (s *scenario) record() {
	if *record == "" || s.t.Failed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), soon)
	defer cancel()
	name := strings.TrimPrefix(s.t.Name(), "Test")
	err := system.Record(ctx, s.temporal, rollout.WorkflowID, func(run int) string {
		return filepath.Join(*record, fmt.Sprintf("rollout-%s-%d.json.gz", name, run))
	})
	require.NoError(s.t, err)
	err = system.RecordBulk(ctx, s.temporal, func(operation, run int) string {
		return filepath.Join(*record, fmt.Sprintf("bulk-%s-%d-%d.json.gz", name, operation, run))
	})
	require.NoError(s.t, err)
}

// connect connects to the database and to Temporal, past any proxy.
func (s *scenario) connect() {
	s.t.Helper()
	db, err := mongo.Connect(options.Client().ApplyURI(s.Stack.MongoDB))
	require.NoError(s.t, err)
	s.database = db.Database(s.Database)
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), soon)
		defer cancel()
		_ = s.database.Drop(ctx) // the stack ends with the tests anyway
		_ = db.Disconnect(ctx)
	})
	s.temporal, err = client.NewLazyClient(client.Options{HostPort: s.Stack.Temporal, Namespace: s.Namespace})
	require.NoError(s.t, err)
	s.t.Cleanup(s.temporal.Close)
}

// showLogs prints the ends of the processes' logs where the scenario failed, and
// lets it fail where a program noticed a race.
func showLogs(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"api", "worker"} {
		raw, err := os.ReadFile(filepath.Join(dir, name+".log"))
		if err != nil {
			continue
		}
		if bytes.Contains(raw, []byte("WARNING: DATA RACE")) {
			t.Errorf("there is a data race in %s", name)
		}
		if t.Failed() {
			t.Logf("%s.log ends with:\n%s", name, raw[max(0, len(raw)-logTail):])
		}
	}
}

// eventually asks again and again until cond has nothing to complain of.
func eventually(t *testing.T, limit time.Duration, cond func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := cond()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			require.NoError(t, err, "still so after %s", limit)
		}
		pause(t, 100*time.Millisecond)
	}
}

// pause lets time pass: between two looks, or while nothing may happen.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-t.Context().Done():
		t.FailNow()
	case <-time.After(d):
	}
}

// vendor makes a vendor's id that no other scenario uses.
func (s *scenario) vendor(name string) string { return name + "-" + s.mark }

func email(id string) string { return id + "@vendors.example.com" }

func (s *scenario) register(id string) {
	s.t.Helper()
	s.registerAt(id, email(id))
}

func (s *scenario) registerAt(id, address string) {
	s.t.Helper()
	a, err := s.Service(s.ctx, http.MethodPost, "/api/vendors", map[string]any{"id": id, "email": address, "name": "Vendor " + id})
	s.answered(http.StatusCreated, a, err)
}

func (s *scenario) convert(id string) {
	s.t.Helper()
	a, err := s.Service(s.ctx, http.MethodPost, "/api/vendors/"+id+"/conversion", map[string]any{})
	s.answered(http.StatusAccepted, a, err)
}

func (s *scenario) rollout(enabled bool, percentage float64) {
	s.t.Helper()
	a, err := s.Admin(s.ctx, http.MethodPost, "/api/admin/feature-flags/trial-automation/rollout",
		map[string]any{"enabled": enabled, "rolloutPercentage": percentage})
	s.answered(http.StatusOK, a, err)
}

// patch sets one flag.
func (s *scenario) patch(group, flag string, value any) {
	s.t.Helper()
	a, err := s.Admin(s.ctx, http.MethodPatch, "/api/admin/feature-flags",
		map[string]any{"featureFlags": map[string]any{group: map[string]any{flag: value}}})
	s.answered(http.StatusOK, a, err)
}

func (s *scenario) answered(status int, a system.Answer, err error) {
	s.t.Helper()
	require.NoError(s.t, err)
	require.Equal(s.t, status, a.Status, "%s", a.Body)
}

// known is everything that the API tells of a trial.
type known struct {
	Trial  trial.Overview `json:"trial"`
	Events []trial.Event  `json:"events"`
}

func (s *scenario) known(id string) known {
	s.t.Helper()
	a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/trials/"+id, nil)
	s.answered(http.StatusOK, a, err)
	var k known
	require.NoError(s.t, a.Into(&k))
	return k
}

// stored is a trial as its document says; zero where there is none.
type stored struct {
	Status   trial.Status `bson:"status"`
	Revision int          `bson:"revision"`
	Held     *struct {
		Reason trial.Reason `bson:"reason"`
	} `bson:"held"`
	Steps []struct {
		Step struct {
			Kind trial.Kind `bson:"kind"`
		} `bson:"step"`
		Reason trial.Reason `bson:"reason"`
		Mailed bool         `bson:"mailed"`
	} `bson:"steps"`
}

func (s *scenario) stored(id string) (stored, error) {
	var doc stored
	err := s.database.Collection("trials").FindOne(s.ctx, bson.M{"_id": id}).Decode(&doc)
	if err != nil {
		return doc, fmt.Errorf("reading trial %s: %w", id, err)
	}
	return doc, nil
}

// awaitStatus waits until the trial's document has that status.
func (s *scenario) awaitStatus(limit time.Duration, id string, status trial.Status) {
	s.t.Helper()
	eventually(s.t, limit, func() error {
		doc, err := s.stored(id)
		if err == nil && doc.Status != status {
			err = fmt.Errorf("trial %s is %s (%+v), not %s", id, doc.Status, doc.Held, status)
		}
		return err
	})
}

// awaitAll waits until every trial of the scenario has that status.
func (s *scenario) awaitAll(limit time.Duration, ids []string, status trial.Status) {
	s.t.Helper()
	eventually(s.t, limit, func() error {
		n, err := s.database.Collection("trials").CountDocuments(s.ctx, bson.M{"status": status})
		if err == nil && int(n) != len(ids) {
			err = fmt.Errorf("%d of %d trials are %s", n, len(ids), status)
		}
		return err
	})
}

// mails are the e-mails of one vendor, oldest first, by kind and revision.
func (s *scenario) mails(id string) []string {
	s.t.Helper()
	kinds := []string{}
	for _, m := range s.messages(id + "/") {
		kinds = append(kinds, strings.TrimPrefix(m.Step(), id+"/"))
	}
	return kinds
}

// messages are the e-mails whose send's key contains part, oldest first.
func (s *scenario) messages(part string) []system.Message {
	s.t.Helper()
	all, err := s.Messages(s.ctx, "")
	require.NoError(s.t, err)
	var found []system.Message
	for _, m := range all {
		if strings.Contains(m.Step(), part) {
			found = append(found, m)
		}
	}
	return found
}

// decided is when it was decided that an e-mail leaves. A busy machine may take it to the mailbox later.
func (s *scenario) decided(m system.Message) time.Time {
	s.t.Helper()
	for _, r := range s.known(m.Tags["trial_id"]).Trial.Steps {
		if r.Mailed && string(r.Step.Kind) == m.Tags["step"] && strconv.Itoa(r.Step.Revision) == m.Tags["revision"] {
			return r.At
		}
	}
	return m.At // it is not recorded yet, or never: its process was killed
}

// awaitMail waits for one e-mail, by kind and revision.
func (s *scenario) awaitMail(limit time.Duration, id, kind string) system.Message {
	s.t.Helper()
	var found system.Message
	eventually(s.t, limit, func() error {
		for _, m := range s.messages(id + "/" + kind) {
			found = m
			return nil
		}
		return fmt.Errorf("no %s has come to %s", kind, id)
	})
	return found
}

// reasons say why each step ended as it did, by kind.
func reasons(o trial.Overview) map[trial.Kind]trial.Reason {
	why := map[trial.Kind]trial.Reason{}
	for _, r := range o.Steps {
		why[r.Step.Kind] = r.Reason
	}
	return why
}

// problem is a refusal of the API.
type problem struct {
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field"`
}

func readProblem(t *testing.T, a system.Answer) problem {
	t.Helper()
	require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
	var p problem
	require.NoError(t, json.Unmarshal(a.Body, &p))
	require.Equal(t, a.Status, p.Status)
	return p
}
