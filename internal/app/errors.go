package app

import (
	"context"
	"errors"
	"strings"

	"marketplace.example/trials/internal/domain/trial"
)

// The codes of an error that no rule of the domain gives.
const (
	// CodeReused: the request's key stands for another request.
	CodeReused trial.Code = "key_reused"
	// CodeGivenUp: whoever asked waits no longer.
	CodeGivenUp trial.Code = "given_up"
	// CodeInternal: callers are not told what it is; the logs are.
	CodeInternal trial.Code = "internal"
)

// ErrorOf is an error as callers are told of it. Whatever is not known to be fit for them becomes a plain internal error.
func ErrorOf(err error) *trial.Error {
	if e, ok := errors.AsType[*trial.Error](err); ok {
		return e
	}
	switch {
	case errors.Is(err, context.Canceled):
		return &trial.Error{Code: CodeGivenUp, Message: "the request was given up"}
	case errors.Is(err, context.DeadlineExceeded):
		return &trial.Error{Code: trial.CodeUnavailable, Message: "it took too long; try again"}
	}
	return &trial.Error{Code: CodeInternal, Message: "something went wrong here; the request id finds it in the logs"}
}

var errReused = &trial.Error{
	Code: CodeReused, Field: KeyField, Message: "was used for another request", Detail: "this " + KeyField + " was used for another request",
}

// KeyField is what callers know the key of a request by.
const KeyField = "Idempotency-Key"

// Untouched says that a part is away, and nothing was begun.
func Untouched(detail string) error {
	return &trial.Error{Code: trial.CodeUnavailable, Message: detail + ", so nothing was done; try again", Certain: true}
}

// Certain is a sentence on what became of a request that failed; empty where that is not known.
func Certain(e *trial.Error) string {
	if !e.Certain {
		return ""
	}
	return strings.ToUpper(e.Message[:1]) + e.Message[1:] + "."
}
