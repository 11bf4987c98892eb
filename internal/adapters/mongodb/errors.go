package mongodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/domain/trial"
)

// errUnavailable is what callers may be shown when the server cannot be reached.
var errUnavailable = &trial.Error{Code: trial.CodeUnavailable, Message: "the database cannot be reached; try again later"}

// unavailableError is a failure to reach the server: to callers it is errAway,
// to the log it is its cause.
type unavailableError struct {
	action string
	cause  error
}

func (e *unavailableError) Error() string   { return e.action + ": " + e.cause.Error() }
func (e *unavailableError) Unwrap() []error { return []error{errUnavailable, e.cause} }

// failed says what was being done when err happened, and marks what a later
// attempt may get past. A caller who gave up is told just that.
func failed(action string, err error) error {
	var known *unavailableError
	if errors.As(err, &known) || errors.Is(err, context.Canceled) || !passing(err) {
		return fmt.Errorf("%s: %w", action, err)
	}
	return &unavailableError{action: action, cause: err}
}

// Failed is for those who read and write whole collections of the Store's database themselves.
func Failed(action string, err error) error { return failed(action, err) }

// isRefused tells whether the server was reached and refuses what it was asked:
// a rule for the collection's documents, their size, a unique index.
func isRefused(err error) bool {
	var e mongo.ServerError
	return errors.As(err, &e) && !passing(err) && !errors.Is(err, context.Canceled)
}

// refusalCode is the server's code for why it refuses; its text may repeat what
// the document has.
func refusalCode(err error) int {
	if e, ok := errors.AsType[mongo.ServerError](err); ok {
		for _, code := range e.ErrorCodes() {
			return code
		}
	}
	return 0
}

// refusedDocument is failed, but for a refusal of the server's, which is told to
// callers without its text.
func refusedDocument(action string, err error) error {
	if !isRefused(err) {
		return failed(action, err)
	}
	refusal := &trial.Error{
		Code: trial.CodeConflict, Field: "id", Message: fmt.Sprintf("the database refuses the change of this user's document (code %d)", refusalCode(err)),
	}
	return &refusedError{action: action, refusal: refusal, cause: err}
}

// refusedError is a refusal of the server's. Its text is left out: it may repeat
// what the document has.
type refusedError struct {
	action  string
	refusal *trial.Error
	cause   error
}

func (e *refusedError) Error() string   { return e.action + ": " + e.refusal.Error() }
func (e *refusedError) Unwrap() []error { return []error{e.refusal, e.cause} }

// passing tells whether an error is about reaching a server that can do its
// work, and not about what it was asked.
func passing(err error) bool {
	if mongo.IsTimeout(err) || mongo.IsNetworkError(err) || errors.Is(err, mongo.ErrClientDisconnected) {
		return true
	}
	if unlabeled(err) {
		return true
	}
	var labeled mongo.LabeledError
	if errors.As(err, &labeled) && slices.ContainsFunc(passingLabels, labeled.HasErrorLabel) {
		return true
	}
	var server mongo.ServerError // also one in a bulk write's errors, or of its write concern
	return errors.As(err, &server) && slices.ContainsFunc(passingCodes, server.HasErrorCode)
}

// passingLabels are what the server and the driver say of an error that another attempt may get past.
var passingLabels = []string{"RetryableWriteError", "RetryableError", "TransientTransactionError", "UnknownTransactionCommitResult", "SystemOverloadedError"}

// passingCodes are the server's for not being the primary, shutting down, not reaching the others, and
// taking too long, as MongoDB's error_codes.yml names them.
var passingCodes = []int{
	6,     // HostUnreachable
	7,     // HostNotFound
	24,    // LockTimeout
	43,    // CursorNotFound: the server that had it is another's successor, or was started again
	50,    // MaxTimeMSExpired
	64,    // WriteConcernTimeout
	89,    // NetworkTimeout
	91,    // ShutdownInProgress
	100,   // UnsatisfiableWriteConcern
	112,   // WriteConflict
	133,   // FailedToSatisfyReadPreference
	134,   // ReadConcernMajorityNotAvailableYet
	175,   // QueryPlanKilled
	189,   // PrimarySteppedDown
	202,   // NetworkInterfaceExceededTimeLimit
	237,   // CursorKilled
	262,   // ExceededTimeLimit
	317,   // ConnectionPoolExpired
	365,   // TemporarilyUnavailable
	9001,  // SocketException
	10058, // LegacyNotPrimary
	10107, // NotWritablePrimary
	11600, // InterruptedAtShutdown
	11601, // Interrupted
	11602, // InterruptedDueToReplStateChange
	13435, // NotPrimaryNoSecondaryOk
	13436, // NotPrimaryOrSecondary
}

// unlabeled tells whether an error came about between the driver and its
// connections: those of a pool that was cleared, or of a connection that broke
// while it was being made, carry no label and have no exported type.
func unlabeled(err error) bool {
	text := err.Error()
	return strings.Contains(text, "connection pool for ") || strings.Contains(text, "connection(")
}
