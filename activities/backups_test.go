package activities_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
)

// keeps is a place for backups that answers as it is told to.
type keeps struct {
	taken activities.BackedUp
	err   error
}

func (k keeps) TakeIncremental(context.Context) (activities.BackedUp, error) { return k.taken, k.err }

// A backup that was taken is not taken again because an old one cannot be deleted.
func TestOnlyABackupThatFailedIsTriedAgain(t *testing.T) {
	t.Parallel()
	taken, broken := activities.BackedUp{ID: "b1"}, errors.New("broken")
	for name, c := range map[string]struct {
		backupService activities.BackupService
		want          activities.BackedUp
		err           error
	}{
		"taken":                 {backupService: keeps{taken: taken}, want: taken},
		"taken, none deleted":   {backupService: keeps{taken: taken, err: broken}, want: taken},
		"not taken":             {backupService: keeps{err: broken}, err: broken},
		"none are taken at all": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			backups := &activities.Backups{BackupService: c.backupService, Log: zap.NewNop()}
			got, err := backups.BackUp(t.Context())
			require.ErrorIs(t, err, c.err)
			require.Equal(t, c.want, got)
		})
	}
}
