package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/stack"
)

func TestSetupPreparesAStackAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	embedded, err := stack.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, embedded.Stop()) })
	w := newWorld(t)
	w.environment = map[string]string{"MONGODB_URI": embedded.MongoDB, "MONGODB_DATABASE": "setup_test", "TEMPORAL_ADDRESS": embedded.Temporal}
	for range 2 {
		process, stderr := w.start(t, "setup", "--wait", "30s")
		said := <-stderr
		require.NoError(t, process.Wait(), said)
	}
	requireFlags(t, embedded.MongoDB, "setup_test")

	temporal, err := client.Dial(client.Options{HostPort: embedded.Temporal})
	require.NoError(t, err)
	defer temporal.Close()
	found, err := temporal.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: "default"})
	require.NoError(t, err)
	for _, name := range []string{trial.AttributeStatus, trial.AttributeCohort, trial.AttributeEndsAt, trial.AttributePolicy} {
		require.Contains(t, found.GetCustomAttributes(), name)
	}
	_, err = temporal.ScheduleClient().GetHandle(t.Context(), "reconcile").Describe(t.Context())
	require.NoError(t, err)
}

func requireFlags(t *testing.T, uri, database string) {
	t.Helper()
	store, err := mongo.Connect(options.Client().ApplyURI(uri))
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Disconnect(context.WithoutCancel(t.Context()))) }()
	n, err := store.Database(database).Collection("flags").CountDocuments(t.Context(), bson.D{})
	require.NoError(t, err)
	require.Equal(t, int64(1), n)
}

func TestSetupSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.environment = map[string]string{"MONGODB_URI": "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100", "TEMPORAL_ADDRESS": "127.0.0.1:1"}
	r := w.run(t, "setup", "--wait", "1s")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "Waiting for MongoDB's indexes and flags: ")
	require.Contains(t, r.err, "starter: MongoDB's indexes and flags: ")
	require.Empty(t, r.out)
}

func TestSetupNeedsToKnowWhereMongoDBIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.environment = map[string]string{"TEMPORAL_ADDRESS": "127.0.0.1:1"}
	r := w.run(t, "setup", "--stack", filepath.Join("testdata", "empty-stack.json"))
	require.Equal(t, 2, r.code)
	require.Contains(t, r.err, "MONGODB_URI: is not set")
}

// One installation's database and another's Temporal are set up together by mistake only.
func TestSetupTakesBothAddressesFromOnePlace(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "stack.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"mongodb":"mongodb://127.0.0.1:2/","temporal":"http://127.0.0.1:2"}`), 0o600))
	for name, c := range map[string]struct {
		environment map[string]string
		args        []string
		variable    string
	}{
		"Temporal from elsewhere":         {map[string]string{"TEMPORAL_ADDRESS": "temporal.production:7233"}, nil, "MONGODB_URI"},
		"Temporal from elsewhere by flag": {nil, []string{"--temporal", "temporal.production:7233"}, "MONGODB_URI"},
		"MongoDB from elsewhere":          {map[string]string{"MONGODB_URI": "mongodb://mongodb.production/"}, nil, "TEMPORAL_ADDRESS"},
		"MongoDB from elsewhere by flag":  {nil, []string{"--mongodb", "mongodb://mongodb.production/"}, "TEMPORAL_ADDRESS"},
	} {
		w := newWorld(t)
		w.environment = c.environment
		r := w.run(t, append([]string{"setup", "--stack", file}, c.args...)...)
		require.Equal(t, exitUsage, r.code, name)
		require.Contains(t, r.err, "give both in one place, with "+c.variable, name)
		require.Contains(t, r.err, file, name)
	}
}

func TestReplicaSetIsMadeOnce(t *testing.T) {
	t.Parallel()
	member := newMember(t)
	set, err := newReplicaSet("rs0/mongodb-1:27017,mongodb-2:27017", "mongodb://"+member.address+"/?replicaSet=rs0&serverSelectionTimeoutMS=5000")
	require.NoError(t, err)
	require.NoError(t, set.initiate(t.Context()))
	require.NoError(t, set.initiate(t.Context()), "the second time it is there already")
	require.JSONEq(t, `{"_id":"rs0","members":[
		{"_id":{"$numberInt":"0"},"host":"mongodb-1:27017"},{"_id":{"$numberInt":"1"},"host":"mongodb-2:27017"}]}`, member.initiated(t))

	member.refuseWith(13)
	err = set.initiate(t.Context())
	require.ErrorContains(t, err, "making replica set rs0: ")
}

// member is a member of a replica set as far as making one goes: it speaks as much of MongoDB's
// protocol as a handshake and replSetInitiate take.
type member struct {
	address string
	refuse  int32 // the code to refuse with, 0 to take it

	mutex sync.Mutex
	sets  []bson.Raw
}

func newMember(t *testing.T) *member {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	m := &member{address: listener.Addr().String()}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go m.serve(connection)
		}
	}()
	return m
}

func (m *member) refuseWith(code int32) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.refuse = code
}

// initiated is the set that was made first, as JSON.
func (m *member) initiated(t *testing.T) string {
	t.Helper()
	m.mutex.Lock()
	defer m.mutex.Unlock()
	require.Len(t, m.sets, 2)
	document, err := bson.MarshalExtJSON(m.sets[0], true, false)
	require.NoError(t, err)
	return string(document)
}

// Operations of MongoDB's protocol.
const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

func (m *member) serve(connection net.Conn) {
	defer connection.Close()
	for {
		var head [16]byte
		if _, err := io.ReadFull(connection, head[:]); err != nil {
			return
		}
		body := make([]byte, binary.LittleEndian.Uint32(head[:])-16)
		if _, err := io.ReadFull(connection, body); err != nil {
			return
		}
		id, operation := head[4:8], binary.LittleEndian.Uint32(head[12:])
		if _, err := connection.Write(m.reply(id, operation, body)); err != nil {
			return
		}
	}
}

// reply answers one message; the document of a query follows its collection's name and two numbers.
func (m *member) reply(id []byte, operation uint32, body []byte) []byte {
	prefix, code := []byte{0, 0, 0, 0, 0}, uint32(opMsg) // no flags, one document
	document := bson.Raw(body[min(5, len(body)):])
	if operation == opQuery {
		document = body[4+bytes.IndexByte(body[4:], 0)+1+8:]
		prefix, code = make([]byte, 20), opReply // flags, cursor, start
		prefix[16] = 1                           // one document
	}
	answer, err := bson.Marshal(m.answer(document))
	if err != nil {
		panic(err)
	}
	reply := binary.LittleEndian.AppendUint32(nil, uint32(16+len(prefix)+len(answer)))
	reply = append(append(reply, 0, 0, 0, 0), id...)
	reply = binary.LittleEndian.AppendUint32(reply, code)
	return append(append(reply, prefix...), answer...)
}

func (m *member) answer(command bson.Raw) bson.D {
	set, err := command.LookupErr("replSetInitiate")
	if err != nil {
		return bson.D{
			{Key: "ok", Value: 1}, {Key: "isreplicaset", Value: true}, {Key: "maxWireVersion", Value: 25}, {Key: "minWireVersion", Value: 0},
			{Key: "maxBsonObjectSize", Value: 1 << 24}, {Key: "maxMessageSizeBytes", Value: 48_000_000}, {Key: "maxWriteBatchSize", Value: 1000},
			{Key: "localTime", Value: time.Now()}, {Key: "readOnly", Value: false},
		}
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.sets = append(m.sets, append(bson.Raw(nil), set.Document()...))
	switch {
	case m.refuse != 0:
		return bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: m.refuse}, {Key: "errmsg", Value: "not authorized"}}
	case len(m.sets) > 1:
		return bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: alreadyInitialized}, {Key: "errmsg", Value: "already initialized"}}
	}
	return bson.D{{Key: "ok", Value: 1}}
}
