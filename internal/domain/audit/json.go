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

// Document returns a value as JSON, or a remark if that is too long; nil
// gives an empty document.
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

// remark replaces a document.
func remark(text string) JSON { return JSON(fmt.Sprintf(`{"leftOut":%q}`, text)) }

// MarshalJSON returns the document itself. A text that is not JSON, because somebody has
// altered the stored one, does not prevent reading the rest.
func (j JSON) MarshalJSON() ([]byte, error) {
	if !json.Valid([]byte(j)) {
		return []byte(remark("is not JSON as it is stored")), nil
	}
	return []byte(j), nil
}

// UnmarshalJSON keeps the document unchanged.
func (j *JSON) UnmarshalJSON(text []byte) error {
	*j = JSON(text)
	return nil
}
