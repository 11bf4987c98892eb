package recovery

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/trial"
)

// A canary that lives while a backup is taken is in neither the backup nor its count.
func TestNoBackupKnowsACanary(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	insertUser(t, r.store, bson.D{{Key: "_id", Value: "v1"}})
	id := trial.CanaryID("ABCDEFGHIJKLMNOPQRSTUVWX23")
	register(t, r.store, id, trial.Automated)
	require.NoError(t, r.store.PutCanary(t.Context(), canary.Result{ID: id, BeganAt: at, EndedAt: at}))
	living, err := r.store.LivingCanaries(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{id}, living)
	occupied, err := r.store.Occupied(t.Context())
	require.NoError(t, err)
	require.Equal(t, "users", occupied)
	r.backUp(t, backup.Full)
	require.Len(t, everything(t, r.store), 1)
}
