package test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/test/system"
	"marketplace.example/trials/trial"
)

// The database is gone, and the last backup is of long before: what happened since is in the workflows.
func TestADeletedDatabaseIsRestored(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * day})
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
	for _, id := range ids {
		s.awaitMail(wholeLife, id, "reminder-7d/0")
	}
	s.StopWorker()
	s.StopAPI()
	before := s.folded(ids)
	out, err := s.Starter(s.ctx, "restore", "--dir", backups)
	require.Error(t, err, "what is there is not written over")
	require.Contains(t, out, "is not empty")
	require.NoError(t, s.database.Drop(s.ctx))

	out = s.starter("restore", "--dir", backups)
	t.Log(out)
	require.Contains(t, out, "4 trials were behind and caught up")
	require.Equal(t, before, s.folded(ids), "no trial is lost, and nothing of any")
	require.NoError(t, s.StartAPI(s.ctx))
	require.NoError(t, s.StartWorker(s.ctx))
	s.awaitAll(wholeLife, ids, trial.Expired)
	for _, id := range ids {
		mails := s.mails(id)
		require.Subset(t, whole, mails, "some reminders may have been overtaken meanwhile")
		require.Subset(t, mails, []string{"welcome/0", "reminder-7d/0", "expiry/0", "grace-end/0"})
		slices.Sort(mails)
		require.Equal(t, mails, slices.Compact(slices.Clone(mails)), "each e-mail once")
	}
}

// folded are the trials as stored, without when they were written.
func (s *story) folded(ids []string) (trials []bson.M) {
	s.t.Helper()
	for _, id := range ids {
		var doc bson.M
		require.NoError(s.t, s.database.Collection("trials").FindOne(s.ctx, bson.M{"_id": id}).Decode(&doc))
		delete(doc, "updatedAt")
		trials = append(trials, doc)
	}
	return trials
}
