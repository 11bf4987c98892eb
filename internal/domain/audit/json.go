package audit

import (
	"encoding/json"
	"fmt"
)

// JSON is a JSON document as text, exactly as it is stored and hashed; empty for
// none.
type JSON string

// maxJSON bounds a document, in bytes.
const maxJSON = 8 << 10

// Document is a value as JSON. One that is too long is left out, and says so; nil
// is none.
func Document(value any) JSON {
	if value == nil {
		return ""
	}
	text, err := json.Marshal(value)
	if err != nil {
		return remark("cannot be written as JSON")
	}
	if len(text) > maxJSON {
		return remark(fmt.Sprintf("has %d bytes, more than %d", len(text), maxJSON))
	}
	return JSON(text)
}

// remark stands in a document's place.
func remark(text string) JSON { return JSON(fmt.Sprintf(`{"leftOut":%q}`, text)) }

// MarshalJSON is the document itself. A text that is none, since somebody has
// altered what is stored, does not keep the rest from being read.
func (j JSON) MarshalJSON() ([]byte, error) {
	if !json.Valid([]byte(j)) {
		return []byte(remark("is no JSON as it is stored")), nil
	}
	return []byte(j), nil
}

// UnmarshalJSON keeps the document as it came.
func (j *JSON) UnmarshalJSON(text []byte) error {
	*j = JSON(text)
	return nil
}
