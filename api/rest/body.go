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

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/bulk"
)

// Limits of a request's body.
const (
	// maxBody is how many bytes a body may have where the description does not say, as x-max-bytes.
	maxBody = 64 << 10
	// maxDepth is how many objects and arrays may lie within each other.
	maxDepth = 16
	// maxValues is how many values a body may hold, maxListed one that may be longer than maxBody. To note a fault in each takes
	// many times the memory of the body.
	maxValues = 1000
	maxListed = bulk.MaxItems + maxValues
	// longAtOnce is how many requests with more than maxValues are carried out at a time, mostLong how many wait.
	longAtOnce, mostLong = 2, 100
)

func bodyTooLarge(limit int64) *refusal {
	r := refuse(http.StatusRequestEntityTooLarge, "the body has more than %d KiB", limit>>10)
	// What is left of the body is not read, so the connection is of no more use.
	r.header = http.Header{"Connection": {"close"}}
	return r
}

// wellFormed refuses a body that is too long, or is to be JSON and is not. The body is then read from memory.
func (s *server) wellFormed(p permissions) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := p.need(r) // every route has one: the guard has let it pass
			body, err := readBody(w, r, n.maxBody)
			values := 0
			if err == nil && n.json && len(body) > 0 {
				values, err = checkJSON(r.Header.Get("Content-Type"), body, n.maxValues())
			}
			if err != nil {
				s.fail(w, r, err)
				return
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			if values <= maxValues {
				next.ServeHTTP(w, r)
				return
			}
			leave, err := s.long.Enter(r.Context())
			if err != nil {
				s.fail(w, r, app.Untouched("too many long requests are being read"))
				return
			}
			defer leave()
			callOf(r.Context()).long = true
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
		return nil, refuse(http.StatusBadRequest, "the body did not arrive whole")
	}
	return body, err
}

// maxValues is how many values the body of a route may hold.
func (n need) maxValues() int {
	if n.maxBody > maxBody {
		return maxListed
	}
	return maxValues
}

// checkJSON refuses a body that is not exactly one JSON document in UTF-8, one in which it is not certain what is meant, and one
// with more than most values. It answers with how many there are.
func checkJSON(contentType string, body []byte, most int) (values int, err error) {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "application/json" {
		r := invalid(FieldProblem{Field: "Content-Type", Message: "must be application/json"})
		r.status = http.StatusUnsupportedMediaType
		return 0, r
	}
	if !utf8.Valid(body) {
		return 0, badBody("is not UTF-8")
	}
	w := walker{decoder: json.NewDecoder(bytes.NewReader(body)), left: most}
	w.decoder.UseNumber()
	if err := w.value(); err != nil {
		return 0, err
	}
	if _, err := w.decoder.Token(); !errors.Is(err, io.EOF) {
		return 0, badBody("goes on after the end of its JSON")
	}
	return most - w.left, nil
}

func badBody(format string, args ...any) error {
	return invalid(FieldProblem{Field: "body", Message: fmt.Sprintf(format, args...)})
}

// walker goes through a JSON document once.
type walker struct {
	decoder *json.Decoder
	// path leads to the present value.
	path []string
	// left is how many values there may still be.
	left int
}

// value walks over one value.
func (w *walker) value() error {
	token, err := w.token()
	if err != nil {
		return err
	}
	w.left--
	if w.left < 0 {
		return badBody("holds too many values")
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

// object walks over an object's fields. The same field twice is refused: one reader would take the first, another the last.
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
