package mongodb

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/internal/domain/trial"
)

// Whatever the marketplace has written into a user, it is read without harm, as
// far as it makes sense, and a migration decides on it.
func FuzzReadUser(f *testing.F) {
	for _, user := range oldUsers() {
		raw, err := bson.Marshal(user)
		require.NoError(f, err)
		f.Add(raw)
	}
	v := vendor("v1", trial.Automated)
	r, err := newRegistration(v)
	require.NoError(f, err)
	raw, err := bson.Marshal(newUser(v, r))
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte{5, 0, 0, 0, 0})
	terms := migration.Terms{At: at, Flags: flags.Document{FeatureFlags: flags.Initial(), Salt: "salt", Version: 1}, Policy: trial.DefaultPolicy(), Day: trial.RealDay}
	f.Fuzz(func(t *testing.T, content []byte) {
		raw := bson.Raw(content)
		if raw.Validate() != nil {
			return // the driver hands over none of these
		}
		u := readUser(raw)
		require.True(t, u.vendor.Zone == "" || trial.ValidZone(u.vendor.Zone))
		require.Equal(t, strings.TrimSpace(u.vendor.Email), u.vendor.Email)
		for _, moment := range []time.Time{u.vendor.StartedAt, u.vendor.CreatedAt} {
			_, err := moment.MarshalJSON()
			require.NoError(t, err)
		}
		d := migration.Decide(readForMigration(raw), terms)
		if d.Verdict == migration.Migrate {
			require.True(t, u.isVendor)
			require.True(t, trial.ValidVendorID(u.vendor.ID))
			require.False(t, u.undecided, "%+v", d)
		}
	})
}
