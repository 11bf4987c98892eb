package mailbox

import (
	"fmt"
	"net/http"
)

// apiError is an error of the SES v2 API.
type apiError struct {
	status  int
	name    string // the exception's name, from which SDKs make their types
	message string
}

func (e *apiError) Error() string { return e.name + ": " + e.message }

func badRequest(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "BadRequestException", fmt.Sprintf(format, args...)}
}

func tooManyRequests() *apiError {
	return &apiError{http.StatusTooManyRequests, "TooManyRequestsException", "Maximum sending rate exceeded."}
}

// writeError answers in AWS's REST-JSON protocol.
func writeError(w http.ResponseWriter, e *apiError) {
	w.Header().Set("X-Amzn-Errortype", e.name)
	writeJSON(w, e.status, map[string]string{"message": e.message})
}
