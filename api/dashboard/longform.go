package dashboard

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"marketplace.example/trials/internal/domain/trial"
)

const (
	// maxUpload bounds a file that comes with a form, in bytes: that of the API's lists.
	maxUpload = 2_000_000
	// maxPasted bounds what is pasted into a field, which the page shows again: it stays below 100 KiB.
	maxPasted = 48 << 10
	// maxParts bounds the fields of a form.
	maxParts = 40
)

// longForms are the paths whose forms may bring a file.
var longForms = map[string]bool{root + "bulk/start": true, root + "rollout/start": true}

// formLimit is how many bytes a request may have.
func formLimit(r *http.Request) int64 {
	if longForms[r.URL.Path] {
		return maxUpload + 4*maxPasted // escaped, a pasted text is longer
	}
	return maxForm
}

// fileField is the field of a form that brings a file. It is the last one, so that all others are known where it is too long.
const fileField = "file"

// readForm reads a form that may bring a file. What was read before an error is answered too, so that nothing typed is lost.
func readForm(r *http.Request) (url.Values, error) {
	reader, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		if err = r.ParseForm(); err != nil {
			return r.PostForm, tooLong("form", err)
		}
		return r.PostForm, checkLengths(r.PostForm)
	}
	values := url.Values{}
	for range maxParts {
		if err != nil {
			return values, tooLong("form", err)
		}
		part, readErr := reader.NextPart()
		if errors.Is(readErr, io.EOF) {
			return values, nil
		}
		if readErr != nil {
			return values, tooLong("form", readErr)
		}
		name, most := part.FormName(), maxPasted
		if name == fileField {
			most = maxUpload
		}
		content, readErr := io.ReadAll(io.LimitReader(part, int64(most)+1))
		switch {
		case readErr != nil:
			return values, tooLong(name, readErr)
		case len(content) > most:
			return values, trial.Invalid(name, "must have at most %s bytes", grouped(most))
		case !utf8.Valid(content):
			return values, trial.Invalid(name, "is not text in UTF-8")
		}
		values.Add(name, string(content))
	}
	return values, trial.Invalid("form", "has too many fields")
}

// checkLengths bounds each value of a form that came without files, as those of the others are.
func checkLengths(values url.Values) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name] {
			if len(value) > maxPasted {
				return trial.Invalid(name, "must have at most %s bytes", grouped(maxPasted))
			}
		}
	}
	return nil
}

// tooLong says of an error of reading a form what whoever sent it can do.
func tooLong(field string, err error) error {
	switch _, long := errors.AsType[*http.MaxBytesError](err); {
	case err == nil:
		return nil
	case long:
		return trial.Invalid(field, "must have at most %s bytes", grouped(maxUpload))
	}
	return trial.Invalid(field, "did not arrive whole: send it again")
}

// problems are what is wrong with fields of a form, beside which it is said.
type problems map[string]string

// explainBeside is explain, where what is wrong with one of the fields is said beside it.
func (d *dashboard) explainBeside(f *form, p problems, fields map[string]string, err error) (status int) {
	e, ok := errors.AsType[*trial.Error](err)
	if field, known := fields[fieldOf(e)]; ok && known && e.Code == trial.CodeInvalid {
		p[field] = capital(e.Message) + "."
		return http.StatusBadRequest
	}
	return d.explain(f, err)
}

// fieldOf is the field that an error is about; empty for none.
func fieldOf(e *trial.Error) string {
	if e == nil {
		return ""
	}
	return e.Field
}
