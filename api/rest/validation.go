package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	nethttpmiddleware "github.com/oapi-codegen/nethttp-middleware"
)

// validate holds requests against the description, and refuses what does not fit with every field at fault; of a long request
// with the first alone.
func (s *server) validate(spec *openapi3.T) func(http.Handler) http.Handler {
	every, first := s.validator(spec, true), s.validator(spec, false)
	return func(next http.Handler) http.Handler {
		short, long := every(next), first(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if callOf(r.Context()).long {
				long.ServeHTTP(w, r)
				return
			}
			short.ServeHTTP(w, r)
		})
	}
}

func (s *server) validator(spec *openapi3.T, everyFault bool) func(http.Handler) http.Handler {
	return nethttpmiddleware.OapiRequestValidatorWithOptions(spec, &nethttpmiddleware.Options{
		Options: openapi3filter.Options{
			MultiError:              everyFault,
			SkipSettingDefaults:     true,
			AuthenticationFunc:      openapi3filter.NoopAuthenticationFunc, // the guard has let the caller in
			SchemaValidationOptions: formats(),
		},
		DiscardValidatedValue: true,
		ErrorHandlerWithOpts: func(_ context.Context, err error, w http.ResponseWriter, r *http.Request, _ nethttpmiddleware.ErrorHandlerOpts) {
			s.fail(w, r, explain(err))
		},
	})
}

// explain turns what the validator found into a refusal that names the fields.
func explain(err error) error {
	var fields []FieldProblem
	for _, e := range flatten(err) {
		var wrong *openapi3filter.RequestError
		if !errors.As(e, &wrong) {
			return fmt.Errorf("validating the request: %w", err)
		}
		fields = append(fields, faults(wrong)...)
	}
	slices.SortStableFunc(fields, func(a, b FieldProblem) int { return strings.Compare(a.Field, b.Field) })
	return invalid(slices.Compact(fields)...)
}

// flatten lists what is in an error that may be several, in several layers.
func flatten(err error) []error {
	several, ok := err.(openapi3.MultiError) //nolint:errorlint // a wrapped one would lose its wrapping's context
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range several {
		all = append(all, flatten(e)...)
	}
	return all
}

// faults names what is wrong in one parameter, or in the body.
func faults(wrong *openapi3filter.RequestError) []FieldProblem {
	name := "body"
	if wrong.Parameter != nil {
		name = wrong.Parameter.Name
	}
	if errors.Is(wrong.Err, openapi3filter.ErrInvalidRequired) {
		return []FieldProblem{{Field: name, Message: "is missing"}}
	}
	var found []FieldProblem
	strangers := map[string]bool{} // the objects whose unknown fields are named already
	for _, e := range flatten(wrong.Err) {
		schema, isSchema := errors.AsType[*openapi3.SchemaError](e)
		_, isParse := errors.AsType[*openapi3filter.ParseError](e)
		switch {
		case isSchema && schema.SchemaField == "properties":
			if at := fieldName("", wrong.Parameter == nil, schema.JSONPointer()); !strangers[at] {
				strangers[at] = true
				found = append(found, unknown(schema)...)
			}
		case isSchema:
			found = append(found, FieldProblem{Field: fieldName(name, wrong.Parameter == nil, schema.JSONPointer()), Message: message(schema)})
		case isParse && wrong.Parameter != nil:
			found = append(found, FieldProblem{Field: name, Message: mustBe(wrong.Parameter.Schema.Value)})
		default:
			found = append(found, FieldProblem{Field: name, Message: "cannot be read"})
		}
	}
	return found
}

// unknown names the fields of an object that its schema does not have. The validator says that there are some, once for each.
func unknown(e *openapi3.SchemaError) []FieldProblem {
	object, _ := e.Value.(map[string]any)
	var found []FieldProblem
	for name := range object {
		if e.Schema.Properties[name] == nil {
			found = append(found, FieldProblem{Field: strings.Join(append(e.JSONPointer(), name), "."), Message: "is not a known field"})
		}
	}
	return found
}

// fieldName is the place of a fault: a path into the body, or the parameter.
func fieldName(name string, body bool, path []string) string {
	if body && len(path) > 0 {
		return strings.Join(path, ".")
	}
	return name
}

// message says what a value must be. It never repeats the value.
func message(e *openapi3.SchemaError) string {
	schema := e.Schema
	switch e.SchemaField {
	case "required":
		return "is missing"
	case "nullable":
		return "must not be null"
	case "type":
		return mustBe(schema)
	case "minLength":
		return fmt.Sprintf("must have at least %d characters", schema.MinLength)
	case "maxLength":
		return fmt.Sprintf("must have at most %d characters", *schema.MaxLength)
	case "minProperties":
		return "names nothing to change"
	case "minimum", "maximum":
		return fmt.Sprintf("must be %v to %v", *schema.Min, *schema.Max)
	case "enum":
		return fmt.Sprintf("must be one of %s", choices(schema.Enum))
	case "pattern":
		return "must match " + schema.Pattern
	case "format":
		return formatMessage(schema.Format)
	}
	return e.Reason
}

// mustBe says of what type a value must be.
func mustBe(schema *openapi3.Schema) string {
	switch types := schema.Type.Slice(); {
	case len(types) == 0:
		return "is of the wrong type"
	case types[0] == openapi3.TypeInteger:
		return "must be a whole number"
	case types[0] == openapi3.TypeBoolean:
		return "must be true or false"
	case types[0] == openapi3.TypeObject:
		return "must be an object"
	default:
		return "must be a " + types[0]
	}
}

func choices(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}
