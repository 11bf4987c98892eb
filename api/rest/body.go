package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gorilla/mux"
)

// Limits of a request's body.
const (
	// maxBody is how many bytes a body may have where the description does not
	// say, as x-max-bytes.
	maxBody = 64 << 10
	// maxDepth is how many objects and arrays may lie within each other.
	maxDepth = 16
)

func bodyTooLarge(limit int64) *refusal {
	r := refuse(http.StatusRequestEntityTooLarge, "the body has more than %d KiB", limit>>10)
	// What is left of the body is not read, so the connection is of no more use.
	r.header = http.Header{"Connection": {"close"}}
	return r
}

// wellFormed refuses a body that is too long, or is to be JSON and is not. The
// body is then read from memory.
func (s *server) wellFormed(g gate) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := g.need(r) // every route has one: the gate has let it pass
			body, err := readBody(w, r, n.maxBody)
			if err == nil && n.json && len(body) > 0 {
				err = checkJSON(r.Header.Get("Content-Type"), body)
			}
			if err != nil {
				s.fail(w, r, err)
				return
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			next.ServeHTTP(w, r)
		})
	}
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, bodyTooLarge(limit)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLong *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLong) {
		return nil, &refusal{status: http.StatusBadRequest, detail: "the body did not arrive whole", cause: err}
	}
	return body, err
}

// checkJSON refuses a body that is not exactly one JSON document in UTF-8, and
// one in which it is not certain what is meant.
func checkJSON(contentType string, body []byte) error {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "application/json" {
		r := invalid(FieldProblem{Field: "Content-Type", Message: "must be application/json"})
		r.status = http.StatusUnsupportedMediaType
		return r
	}
	if !utf8.Valid(body) {
		return badBody("is not UTF-8")
	}
	w := walker{decoder: json.NewDecoder(bytes.NewReader(body))}
	w.decoder.UseNumber()
	if err := w.value(); err != nil {
		return err
	}
	if _, err := w.decoder.Token(); !errors.Is(err, io.EOF) {
		return badBody("goes on after the end of its JSON")
	}
	return nil
}

func badBody(format string, args ...any) error {
	return invalid(FieldProblem{Field: "body", Message: fmt.Sprintf(format, args...)})
}

// walker goes through a JSON document once.
type walker struct {
	decoder *json.Decoder
	// path leads to the present value.
	path []string
}

// value walks over one value.
func (w *walker) value() error {
	token, err := w.token()
	if err != nil {
		return err
	}
	if len(w.path) > maxDepth {
		return badBody("is nested deeper than %d levels", maxDepth)
	}
	switch token {
	case json.Delim('{'):
		return w.object()
	case json.Delim('['):
		return w.array()
	}
	return nil
}

// object walks over an object's fields. The same field twice is refused: one
// reader would take the first, another the last.
func (w *walker) object() error {
	seen := map[string]bool{}
	for w.decoder.More() {
		token, err := w.token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		w.path = append(w.path, name)
		if seen[name] {
			return invalid(FieldProblem{Field: strings.Join(w.path, "."), Message: "is given twice"})
		}
		seen[name] = true
		if err := w.value(); err != nil {
			return err
		}
		w.path = w.path[:len(w.path)-1]
	}
	_, err := w.token()
	return err
}

func (w *walker) array() error {
	w.path = append(w.path, "[]")
	for w.decoder.More() {
		if err := w.value(); err != nil {
			return err
		}
	}
	w.path = w.path[:len(w.path)-1]
	_, err := w.token()
	return err
}

func (w *walker) token() (json.Token, error) {
	token, err := w.decoder.Token()
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return token, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, badBody("is JSON that breaks off")
	case errors.As(err, &syntax):
		return nil, badBody("is not JSON, at byte %d", syntax.Offset)
	}
	return nil, badBody("is not JSON")
}
