package trial

import (
	"errors"
	"fmt"
)

// Code is the kind of an Error, as a word that Temporal and HTTP can
// carry.
type Code string

// The codes of an Error.
const (
	// CodeInvalid: the request itself is wrong; Field names what.
	CodeInvalid Code = "invalid"
	// CodeNotFound: there is no such vendor or trial.
	CodeNotFound Code = "not_found"
	// CodeConflict: the request is well formed, but does not fit the trial's state.
	CodeConflict Code = "conflict"
	// CodeForbidden: a flag or a missing role forbids it.
	CodeForbidden Code = "forbidden"
	// CodeUnavailable: a required part does not answer; a retry may help.
	CodeUnavailable Code = "unavailable"
)

// Error is a refusal that a caller may be shown.
type Error struct {
	Code Code
	// Field is the request's wrong field, empty if there is none.
	Field   string
	Message string
	// Detail is the sentence for callers, where that is not made of Field and Message.
	Detail string
	// Certain says of CodeUnavailable that it is known what became of the request: Message says it.
	Certain bool
}

func (e *Error) Error() string {
	if e.Detail != "" {
		return e.Detail
	}
	if e.Field != "" {
		return e.Field + ": " + e.Message
	}
	return e.Message
}

// CodeOf is the code of an Error that err is, or wraps; empty where it is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// Invalid is an Error about one field of a request.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Within is an error about a field of something that lies at a path, such as "plan.": its field is named below that.
func Within(path string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Code == CodeInvalid {
		return Invalid(path+e.Field, "%s", e.Message)
	}
	return err
}

// NotFound says that there is no trial or vendor with this id.
func NotFound(vendorID string) *Error {
	return &Error{Code: CodeNotFound, Field: "id", Message: fmt.Sprintf("no vendor %q", vendorID)}
}

// Conflict is an Error about a request that does not fit how its subject stands.
func Conflict(format string, args ...any) *Error {
	return &Error{Code: CodeConflict, Message: fmt.Sprintf(format, args...)}
}
