package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/test/system"
)

// What a person changes and what the rollout decides by itself is on record, and
// holds no address. Whoever tampers with it is found, and the entry named.
func TestABrokenLinkInTheAuditRecordIsNamed(t *testing.T) {
	s := begin(t, system.Options{Day: 10 * time.Second})
	id := s.vendor("ida")
	s.register(id)
	a, err := s.steer(id, "extend", 3)
	s.answered(http.StatusOK, a, err)
	a, err = s.Admin(s.ctx, http.MethodPost, "/api/admin/rollouts", map[string]any{})
	s.answered(http.StatusAccepted, a, err)

	extended := s.starter("audit", "list", "--subject", "trials/"+id)
	require.Regexp(t, `\d .* admin +extendTrial +trials/`+id+` +done \(\d\) +asked in a scenario`, extended)
	eventually(t, soon, func() error {
		if out := s.starter("audit", "list", "--action", "rollout/started"); !strings.Contains(out, "started with plan") {
			return fmt.Errorf("the rollout's start is not on record: %s", out)
		}
		return nil
	})
	s.withoutAddress(id)
	require.Contains(t, s.starter("audit", "verify"), "The chain is whole: ")

	third := bson.M{"_id": "000000000003"}
	_, err = s.database.Collection("audit").UpdateOne(s.ctx, third, bson.M{"$set": bson.M{"reason": "asked by the owner"}})
	require.NoError(t, err)
	out, err := s.Starter(s.ctx, "audit", "verify")
	require.Error(t, err)
	require.Contains(t, out, "the chain breaks at entry 3, which is altered")
	require.Contains(t, out, "the 2 entries before it are whole")
	_, err = s.database.Collection("audit").DeleteOne(s.ctx, third)
	require.NoError(t, err)
	out, err = s.Starter(s.ctx, "audit", "verify")
	require.Error(t, err)
	require.Contains(t, out, "the chain breaks at entry 3, which is missing: 2 is followed by 4")
}

// withoutAddress looks for a vendor's address in the whole audit record.
func (s *scenario) withoutAddress(id string) {
	s.t.Helper()
	cursor, err := s.database.Collection("audit").Find(s.ctx, bson.M{})
	require.NoError(s.t, err)
	var entries []bson.Raw
	require.NoError(s.t, cursor.All(s.ctx, &entries))
	require.GreaterOrEqual(s.t, len(entries), 7)
	for _, e := range entries {
		require.NotContains(s.t, e.String(), email(id))
	}
}
