package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gorilla/mux"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
)

// audited is an operation whose calls are put on record.
type audited struct {
	// action is the operation's id in the description.
	action string
	// body is the schema of its body, nil for none.
	body *openapi3.Schema
}

// auditedOperations are all that change something in an admin's name, by the name that the generated code gives them. One that
// only looks like it says so in the description, as x-changes-nothing: whoever forgets that is on record too often.
func auditedOperations(spec *openapi3.T) map[string]audited {
	operations := map[string]audited{}
	for path, item := range spec.Paths.Map() {
		for method, operation := range item.Operations() {
			harmless, _ := operation.Extensions["x-changes-nothing"].(bool)
			if method == http.MethodGet || harmless || !strings.HasPrefix(path, adminPath) {
				continue
			}
			a := audited{action: operation.OperationID}
			if operation.RequestBody != nil {
				if media := operation.RequestBody.Value.Content["application/json"]; media != nil {
					a.body = media.Schema.Value
				}
			}
			operations[strings.ToUpper(a.action[:1])+a.action[1:]] = a
		}
	}
	return operations
}

// adminPath is before what admins may call.
const adminPath = "/api/admin/"

// audit puts each call of an audited operation on record.
func (s *server) audit(operations map[string]audited) StrictMiddlewareFunc {
	return func(next StrictHandlerFunc, name string) StrictHandlerFunc {
		operation, isAudited := operations[name]
		if !isAudited {
			return next
		}
		return func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (response any, err error) {
			subject, err := s.subject(ctx, r)
			if err != nil {
				return nil, err
			}
			key, err := requestKey(r.Header)
			if err != nil {
				return nil, err
			}
			asked := audit.Entry{Action: operation.action, Subject: subject, Key: key}
			var body any
			asked.Reason, asked.Asked, body = operation.asked(request)
			concerned, err := s.concerned(ctx, r, request)
			if err == nil {
				err = app.CheckNamesNobody(asked, concerned)
			}
			if err != nil {
				return nil, err
			}
			if ctx, err = s.App.Hurried(ctx, flagChange(request)); err != nil {
				return nil, err
			}
			err = s.App.Record(ctx, asked, body, func(ctx context.Context) error {
				response, err = next(ctx, w, r, request)
				return err
			})
			return response, err
		}
	}
}

// subject is what a request is about: its path without what comes before the subject, and without what is to be done to it. The
// latest rollout and experiment are called by their ids.
func (s *server) subject(ctx context.Context, r *http.Request) (string, error) {
	template, err := mux.CurrentRoute(r).GetPathTemplate()
	if err != nil {
		return "", fmt.Errorf("reading what a request is about: %w", err)
	}
	if end := strings.LastIndex(template, "}"); end >= 0 {
		template = template[:end+1]
	}
	subject := strings.TrimPrefix(template, adminPath)
	for name, value := range mux.Vars(r) {
		if name == "rolloutId" && value == app.Latest {
			state, err := s.App.Rollout(ctx, value)
			if err == nil { // where there is none the operation will say so
				value = state.ID
			} else if trial.CodeOf(err) != trial.CodeNotFound {
				return "", err
			}
		}
		if name == "experimentId" && value == app.Latest {
			latest, found, err := s.App.Store.LatestExperiment(ctx)
			if err != nil {
				return "", err
			}
			if found {
				value = latest.ID
			}
		}
		subject = strings.ReplaceAll(subject, "{"+name+"}", value)
	}
	return subject, nil
}

// asked is the reason in a request's body, of the rest what may be kept, and the body as it is.
func (a audited) asked(request any) (reason string, kept audit.JSON, body any) {
	if a.body == nil {
		return "", "", nil
	}
	var whole struct{ Body map[string]any }
	text, err := json.Marshal(request)
	if err == nil {
		err = json.Unmarshal(text, &whole)
	}
	if err != nil {
		return "", audit.Document(map[string]string{"leftOut": "cannot be read"}), nil
	}
	reason, _ = whole.Body["reason"].(string)
	if document := fixed(a.body, whole.Body); document != nil {
		kept = audit.Document(document)
	}
	return reason, kept, whole.Body
}

// mostKept bounds how many of a list are kept; of a longer one, such as the vendors of a bulk operation, whose items have their
// outcomes, it is how many there were.
const mostKept = 50

// fixed is what is of a fixed form in a value: numbers, truth values, moments, and words of which the description says how they
// look. Free text may hold a name, an address or a secret; it is left out. Nil where nothing is left.
func fixed(schema *openapi3.Schema, value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, member := range v {
			property := schema.Properties[name]
			if property == nil {
				continue
			}
			if member = fixed(property.Value, member); member != nil {
				kept[name] = member
			}
		}
		if len(kept) > 0 {
			return kept
		}
	case []any:
		if len(v) > mostKept {
			return fmt.Sprintf("%d of them", len(v))
		}
		kept := []any{}
		for _, item := range v {
			if item = fixed(schema.Items.Value, item); item != nil {
				kept = append(kept, item)
			}
		}
		return kept
	case string:
		if schema.Pattern != "" || len(schema.Enum) > 0 || schema.Format == "date-time" {
			return v
		}
	default:
		return v
	}
	return nil
}

var validKey = regexp.MustCompile(`^[!-~]{1,128}$`)

// requestKey is the key of a request; empty for none. Operations that do not ask for one take it as well.
func requestKey(header http.Header) (string, error) {
	keys := header.Values(app.KeyField)
	switch {
	case len(keys) == 0:
		return "", nil
	case len(keys) > 1:
		return "", invalid(FieldProblem{Field: app.KeyField, Message: "must be given once"})
	case !validKey.MatchString(keys[0]):
		return "", invalid(FieldProblem{Field: app.KeyField, Message: "must be 1 to 128 visible ASCII characters"})
	}
	return keys[0], nil
}
