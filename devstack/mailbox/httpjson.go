package mailbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxControlBytes bounds the bodies of the mailbox's own API.
const maxControlBytes = 1 << 20

// readJSON reads a request's body into value, or answers with the error
// and returns false.
func readJSON(w http.ResponseWriter, r *http.Request, value any) bool {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlBytes))
	if err == nil {
		err = strictly(data, value)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

// strictly reads one JSON value, and refuses unknown fields.
func strictly(data []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows after the JSON value")
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil { // only a body of a wrong type, which no request can cause
		panic(fmt.Sprintf("write an answer as JSON: %v", err))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // the client may have gone
}

// fail logs why a request failed, and answers that it did.
func (m *Mailbox) fail(w http.ResponseWriter, what string, err error) {
	m.logger.Error(what, "error", err)
	http.Error(w, what, http.StatusInternalServerError)
}
