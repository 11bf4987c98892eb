package mongodb

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/trial"
)

func foundIDs(t *testing.T, s *Store, search trial.VendorSearch, limit int) (ids []string, more bool) {
	t.Helper()
	found, more, err := s.FindVendors(t.Context(), search, limit)
	require.NoError(t, err)
	for _, v := range found {
		require.Empty(t, v.Email+v.Name, "what is personal stays where it is")
		ids = append(ids, v.ID)
	}
	return ids, more
}

func TestVendorsAreFoundByWhatIsPersonal(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v-1", trial.Automated)
	object := bson.NewObjectID()
	for _, doc := range []bson.D{
		{{Key: "_id", Value: object}, {Key: "isVendor", Value: true}, {Key: "email", Value: "Ada+Shop@Example.com"}, {Key: "name", Value: "ADA's (Tools)"}},
		{{Key: "_id", Value: "v-3"}, {Key: "isVendor", Value: true}, {Key: "email", Value: "bo@xn--bcher-kva.example"}, {Key: "name", Value: "Bo & Ada"}},
		{{Key: "_id", Value: "buyer"}, {Key: "isVendor", Value: false}, {Key: "email", Value: "ada+shop@example.com"}, {Key: "name", Value: "Ada"}},
		{{Key: "_id", Value: "no id"}, {Key: "isVendor", Value: true}, {Key: "email", Value: "c@example.com"}, {Key: "name", Value: "Ada C"}},
		{{Key: "_id", Value: "v-5"}, {Key: "isVendor", Value: true}, {Key: "email", Value: "Cy@bücher.example"}, {Key: "name", Value: "Cy"}},
		{{Key: "_id", Value: "v-4"}, {Key: "isVendor", Value: true}, {Key: "email", Value: 4}, {Key: "name", Value: 24}},
	} {
		insertUser(t, s, doc)
	}
	for _, c := range []struct {
		search trial.VendorSearch
		want   []string
	}{
		{trial.VendorSearch{Email: "V-1@EXAMPLE.com"}, []string{"v-1"}},
		{trial.VendorSearch{Email: "ada+shop@example.com"}, []string{object.Hex()}},
		{trial.VendorSearch{Email: "bo@bücher.example"}, []string{"v-3"}},
		{trial.VendorSearch{Email: "bo@xn--bcher-kva.example"}, []string{"v-3"}},
		{trial.VendorSearch{Email: "cy@bücher.example"}, []string{"v-5"}},
		{trial.VendorSearch{Email: "cy@xn--bcher-kva.example"}, []string{"v-5"}},
		{trial.VendorSearch{Email: "a@example.com"}, nil},
		{trial.VendorSearch{Name: "ada"}, []string{object.Hex()}},
		{trial.VendorSearch{Name: "ada's ("}, []string{object.Hex()}},
		{trial.VendorSearch{Name: ".*"}, nil},
		{trial.VendorSearch{Name: "shop v"}, []string{"v-1"}},
	} {
		ids, more := foundIDs(t, s, c.search, 20)
		require.Equal(t, c.want, ids, c.search)
		require.False(t, more)
	}
}

func TestASearchIsBounded(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for i := range 4 {
		register(t, s, fmt.Sprint("v-", i), trial.Control)
	}
	ids, more := foundIDs(t, s, trial.VendorSearch{Name: "SHOP"}, 3)
	require.Equal(t, []string{"v-0", "v-1", "v-2"}, ids, "by name")
	require.True(t, more)
	_, more = foundIDs(t, s, trial.VendorSearch{Name: "SHOP"}, 4)
	require.False(t, more)
}

// The marketplace may write an address again for a vendor that was erased: it does not lead to the vendor.
func TestAnErasedVendorIsNotFound(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v-1", trial.Control)
	_, err := s.EraseVendor(t.Context(), "v-1", trial.Erasure{At: at, By: "admin", Reason: "asked"})
	require.NoError(t, err)
	_, err = s.users.ReplaceOne(t.Context(), byID("v-1"), bson.D{{Key: "isVendor", Value: true}, {Key: "email", Value: "v-1@example.com"}, {Key: "name", Value: "Shop v-1"}})
	require.NoError(t, err)
	for _, search := range []trial.VendorSearch{{Email: "v-1@example.com"}, {Name: "Shop"}} {
		ids, _ := foundIDs(t, s, search, 20)
		require.Empty(t, ids)
	}
}

// The embedded server does not compare by letters. What MongoDB is asked does, as its index does, or that would not serve.
func TestASearchComparesAsItsIndexDoes(t *testing.T) {
	t.Parallel()
	var asked []bson.Raw
	client, err := mongo.Connect(clientOptions(server).SetMonitor(&event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if e.CommandName == "find" && len(asked) == 0 {
			asked = append(asked, e.Command)
		}
	}}))
	require.NoError(t, err)
	s := newStore(client, newDatabase())
	cleanUp(t, s)
	_, _, err = s.FindVendors(t.Context(), trial.VendorSearch{Name: "Ada"}, 1)
	require.NoError(t, err)
	require.Len(t, asked, 1)
	var command struct {
		Collation options.Collation `bson:"collation"`
		Filter    bson.M            `bson:"filter"`
	}
	require.NoError(t, bson.Unmarshal(asked[0], &command))
	require.Equal(t, *letters(), command.Collation)
	require.Equal(t, bson.M{"isVendor": true, "name": bson.D{{Key: "$gte", Value: "Ada"}, {Key: "$lt", Value: "Ada\uffff"}}}, command.Filter)
	compared := 0
	for _, i := range indexes() {
		if i.collection == usersCollection && (i.keys[1].Key == "email" || i.keys[1].Key == "name") {
			var made options.IndexOptions
			for _, set := range i.options.List() {
				require.NoError(t, set(&made))
			}
			require.Equal(t, letters(), made.Collation)
			compared++
		}
	}
	require.Equal(t, 2, compared)
}
