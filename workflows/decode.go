package workflows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

// shape says which fields a message's payload has.
type shape struct {
	// needs are required, may are optional.
	needs, may []string
	// open allows other fields: a message of our own programs may come from a later version.
	open bool
}

// decode reads a message's payload into a new T, a struct. It accepts one JSON object in which each field of the shape stands at
// most once, and each needed one exactly once. A field of T outside the shape may be there with its zero value: our own
// programs send all of T. The error quotes nothing from the payload, which may hold anything.
func decode[T any](m message, s shape) (T, error) {
	var value T
	data, err := jsonOf(m.payload)
	if err != nil {
		return value, err
	}
	fields, err := members(data)
	if err != nil {
		return value, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if !s.open {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(&value); err != nil {
		return *new(T), fmt.Errorf("it cannot be read: it takes %s", s)
	}
	known := reflect.ValueOf(value)
	for i := range known.NumField() {
		name, _, _ := strings.Cut(known.Type().Field(i).Tag.Get("json"), ",")
		raw, there := fields[name]
		delete(fields, name)
		there = there && string(raw) != "null"
		switch {
		case !there && slices.Contains(s.needs, name):
			return *new(T), fmt.Errorf("%s is missing", name)
		case there && !s.open && !slices.Contains(s.needs, name) && !slices.Contains(s.may, name) && !known.Field(i).IsZero():
			return *new(T), fmt.Errorf("%s is not a field of it: it takes %s", name, s)
		}
	}
	if len(fields) > 0 && !s.open { // the decoder ignores the case of names
		return *new(T), fmt.Errorf("it has a field that is not known: it takes %s", s)
	}
	return value, nil
}

func (s shape) String() string { return strings.Join(slices.Concat(s.needs, s.may), ", ") }

// jsonOf is the JSON of a message's only payload. No payload is an empty object.
func jsonOf(payload *common.Payloads) ([]byte, error) {
	payloads := payload.GetPayloads()
	if len(payloads) == 0 {
		return []byte("{}"), nil
	}
	if len(payloads) > 1 {
		return nil, errors.New("it has more than one payload")
	}
	switch string(payloads[0].GetMetadata()[converter.MetadataEncoding]) {
	case converter.MetadataEncodingNil:
		return []byte("{}"), nil
	case converter.MetadataEncodingJSON:
		return payloads[0].GetData(), nil
	}
	return nil, errors.New("it is not JSON")
}

var errNoObject = errors.New("it is not one JSON object")

// members are the raw fields of a JSON object by name. It refuses a duplicate field, and anything behind the object.
func members(data []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, errNoObject
	}
	fields := map[string]json.RawMessage{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, errNoObject
		}
		key, _ := name.(string) // every name in an object is one
		if _, twice := fields[key]; twice {
			return nil, errors.New("a field is there twice")
		}
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, errNoObject
		}
		fields[key] = raw
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errNoObject
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNoObject
	}
	return fields, nil
}

// maxLoggedName bounds how much of an unknown signal's name is logged.
const maxLoggedName = 40

// refuseMessage logs that a message has no effect: a signal has no sender to answer.
func refuseMessage(ctx workflow.Context, m message, reason error) {
	workflow.GetLogger(ctx).Warn("message refused", "signal", fmt.Sprintf("%.*s", maxLoggedName, m.name), "reason", reason.Error())
}

// errUnknownMessage says that the workflow has no message of that name.
var errUnknownMessage = errors.New("there is no message of that name")
