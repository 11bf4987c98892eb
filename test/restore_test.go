package test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// The database is gone, and the last backup is of long before: what happened since is in the workflows. So
// is who has unsubscribed since, and nobody is mailed before an operator says so.
func TestADeletedDatabaseIsRestored(t *testing.T) {
	s := begin(t, system.Options{Day: 3 * day})
	backups := t.TempDir()
	var ids []string
	for _, name := range []string{"ada", "ben", "cleo", "dan"} {
		ids = append(ids, s.vendor(name))
		s.register(s.vendor(name))
	}
	for _, id := range ids {
		s.awaitMail(soon, id, "welcome/0")
	}
	require.Contains(t, s.starter("backup", "full", "--dir", backups), "read back")
	require.Contains(t, s.starter("backup", "incremental", "--dir", backups), "incremental")
	late, gone := s.vendor("eve"), ids[1]
	s.register(late)
	s.awaitMail(soon, late, "welcome/0")
	s.unsubscribe(gone)
	for _, id := range ids {
		if id != gone {
			s.awaitMail(wholeLife, id, "reminder-7d/0")
		}
	}
	s.StopWorker()
	s.StopAPI()
	all := append(slices.Clone(ids), late)
	before := s.folded(all)
	out, err := s.Starter(s.ctx, "restore", "--dir", backups)
	require.Error(t, err, "what is there is not written over")
	require.Contains(t, out, "is not empty")
	require.NoError(t, s.database.Drop(s.ctx))

	out = s.starter("restore", "--dir", backups)
	t.Log(out)
	require.Contains(t, out, "5 trials were behind and caught up")
	require.Contains(t, out, "of which the database did not know: 1.")
	require.Contains(t, out, "Trial "+late+": the vendor's document is not in any backup")
	require.Contains(t, out, "The automation is disabled now")
	require.Equal(t, before, s.folded(all), "no trial is lost, and nothing of any")

	require.NoError(t, s.StartAPI(s.ctx))
	require.Contains(t, s.starter("flags", "get"), "false", "nobody is mailed before somebody says so")
	s.register(late)
	require.NoError(t, s.StartWorker(s.ctx))
	s.starter("flags", "set", "trialAutomation.enabled=true")
	s.awaitAll(wholeLife, all, trial.Expired)
	for _, id := range all {
		mails := s.mails(id)
		if id == gone {
			require.Equal(t, []string{"welcome/0"}, mails)
			continue
		}
		require.Subset(t, whole, mails, "some reminders may have been overtaken meanwhile")
		require.Subset(t, mails, []string{"welcome/0", "expiry/0", "grace-end/0"})
		slices.Sort(mails)
		require.Equal(t, mails, slices.Compact(slices.Clone(mails)), "each e-mail once")
	}
}

// unsubscribe follows the link of the vendor's first e-mail, as a mail client does.
func (s *scenario) unsubscribe(id string) {
	s.t.Helper()
	welcome := s.awaitMail(soon, id, "welcome/0")
	link, err := url.Parse(strings.Trim(welcome.Headers["List-Unsubscribe"], "<>"))
	require.NoError(s.t, err)
	a, err := system.Call(s.ctx, http.MethodPost, s.API+link.Path, "", []byte("List-Unsubscribe=One-Click"),
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	s.answered(http.StatusOK, a, err)
}

// folded are the trials as stored, without when they were written.
func (s *scenario) folded(ids []string) (trials []bson.M) {
	s.t.Helper()
	for _, id := range ids {
		var doc bson.M
		require.NoError(s.t, s.database.Collection("trials").FindOne(s.ctx, bson.M{"_id": id}).Decode(&doc))
		delete(doc, "updatedAt")
		trials = append(trials, doc)
	}
	return trials
}

// A moment is restored from before some vendors came: their trials are in the workflows, and their documents in a later backup.
func TestVendorsWhoCameAfterTheMomentComeBack(t *testing.T) {
	s := begin(t, system.Options{Day: 20 * day})
	backups := t.TempDir()
	first := s.vendor("ada")
	s.register(first)
	s.awaitMail(soon, first, "welcome/0")
	s.starter("backup", "full", "--dir", backups)
	moment := time.Now().UTC().Format(time.RFC3339Nano)
	var later []string
	for _, name := range []string{"ben", "cleo", "dan", "eve", "finn"} {
		id := s.vendor(name)
		s.register(id)
		later = append(later, id)
	}
	for _, id := range later {
		s.awaitMail(soon, id, "welcome/0")
	}
	s.starter("backup", "incremental", "--dir", backups)
	out, err := s.Starter(s.ctx, "restore", "--dir", backups, "--at", moment, "--replace", "--yes")
	require.Error(t, err)
	require.Contains(t, out, "run and write to the database")
	s.StopWorker()
	s.StopAPI()

	out = s.starter("restore", "--dir", backups, "--at", moment, "--replace", "--yes", "--even-while-running")
	require.Contains(t, out, "came from a backup of after the moment: 5")
	require.NotContains(t, out, "not in any backup")
	for _, id := range append(later, first) {
		var doc bson.M
		require.NoError(t, s.database.Collection("users").FindOne(s.ctx, bson.M{"_id": id}).Decode(&doc))
		require.NotEmpty(t, doc["email"])
	}
	require.Len(t, s.folded(append(later, first)), len(later)+1)
}
