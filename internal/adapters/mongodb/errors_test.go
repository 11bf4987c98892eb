package mongodb

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/domain/trial"
)

// What a server says while it steps down, shuts down, or cannot reach the others passes, wherever in
// the driver's errors it stands.
func TestASteppingDownServerIsPassingTrouble(t *testing.T) {
	t.Parallel()
	for _, code := range []int32{
		6, 7, 24, 43, 50, 64, 89, 91, 100, 112, 133, 134, 175, 189, 202, 237, 262, 317, 365, 9001, 10058, 10107, 11600, 11601, 11602, 13435, 13436,
	} {
		number := int(code)
		taken, refused := mongo.WriteError{Code: 11000}, mongo.WriteError{Code: number}
		for name, err := range map[string]error{
			"command":               mongo.CommandError{Code: code},
			"write":                 mongo.WriteException{WriteErrors: mongo.WriteErrors{refused}},
			"write concern":         mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{Code: number}},
			"one of many":           mongo.BulkWriteException{WriteErrors: []mongo.BulkWriteError{{WriteError: taken}, {WriteError: refused}}},
			"write concern of many": mongo.BulkWriteException{WriteConcernError: &mongo.WriteConcernError{Code: number}},
			"wrapped":               fmt.Errorf("reading: %w", mongo.CommandError{Code: code}),
		} {
			requirePassing(t, true, err, fmt.Sprint(name, " ", code))
		}
	}
	for _, label := range []string{"RetryableWriteError", "TransientTransactionError", "NetworkError"} {
		requirePassing(t, true, mongo.CommandError{Labels: []string{label}}, label)
	}
	requirePassing(t, true, mongo.BulkWriteException{Labels: []string{"RetryableWriteError"}}, "many")
	requirePassing(t, true, context.DeadlineExceeded, "too slow")
	requirePassing(t, true, mongo.ErrClientDisconnected, "closed")
}

func TestWhatWasAskedWronglyIsNoPassingTrouble(t *testing.T) {
	t.Parallel()
	for _, code := range []int32{1, 2, 9, 11, 13, 14, 18, 59, 121, 238, 11000} {
		requirePassing(t, false, mongo.CommandError{Code: code}, fmt.Sprint(code))
		requirePassing(t, false, mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: int(code)}}}, fmt.Sprint(code))
	}
	requirePassing(t, false, errors.New("cannot be decoded"), "decoding")
	requirePassing(t, false, context.Canceled, "the caller gave up")
}

func requirePassing(t *testing.T, want bool, err error, name string) {
	t.Helper()
	err = failed("doing something", err)
	require.Equal(t, want, isUnavailable(err), name)
	known, ok := errors.AsType[*trial.Error](err)
	require.Equal(t, want, ok && known.Code == trial.CodeUnavailable, name)
}

// isUnavailable tells whether err means that the server cannot be reached.
func isUnavailable(err error) bool {
	var e *unavailableError
	return errors.As(err, &e)
}
