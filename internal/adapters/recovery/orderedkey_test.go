package recovery

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/adapters/backup"
)

// Keys have the order of what they stand for.
func TestOrderedKeys(t *testing.T) {
	t.Parallel()
	key := func(t require.TestingT, v any) []byte {
		kind, data, err := bson.MarshalValue(v)
		require.NoError(t, err)
		k, err := orderedKey(bson.RawValue{Type: kind, Value: data})
		require.NoError(t, err)
		return k
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		require.Equal(t, a < b, bytes.Compare(key(t, a), key(t, b)) < 0)
		c, d := rapid.String().Draw(t, "c"), rapid.String().Draw(t, "d")
		require.Equal(t, c < d, bytes.Compare(key(t, c), key(t, d)) < 0)
	})
	require.Equal(t, key(t, int32(7)), key(t, 7.0))
	inOrder := []any{int64(-3), 2.0, int32(9), "", "a", bson.Binary{Data: []byte("z")}, bson.Binary{Data: []byte("aa")}, bson.NewObjectID(), false, true, at}
	for i := 1; i < len(inOrder); i++ {
		require.Negative(t, bytes.Compare(key(t, inOrder[i-1]), key(t, inOrder[i])), "%v, %v", inOrder[i-1], inOrder[i])
	}
	for _, odd := range []any{bson.D{}, 1.5, bson.Null{}} {
		kind, data, err := bson.MarshalValue(odd)
		require.NoError(t, err)
		_, err = orderedKey(bson.RawValue{Type: kind, Value: data})
		require.Error(t, err)
	}
}

// The server sorts as the keys do, so that collections with ids of several kinds are backed up.
func TestCollectionsWithMixedIDsAreRead(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	for _, id := range []any{"b", "B", "ä", "", int64(5), int32(-5), 7.0, bson.NewObjectID(), bson.Binary{Data: []byte("xy")}, true, at} {
		insertUser(t, r.store, bson.D{{Key: "_id", Value: id}})
	}
	r.backUp(t, backup.Full)
	require.Len(t, everything(t, r.store), 11)
}
