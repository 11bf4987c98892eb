package rest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gorilla/mux"
	"go.uber.org/zap"

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

// auditedOperations are all that change something in an admin's name, by the name
// that the generated code gives them. One that only looks like it says so in the
// description, as x-changes-nothing: whoever forgets that is on record too often.
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
				err = checkNamesNobody(asked, concerned)
			}
			if err != nil {
				return nil, err
			}
			if ctx, err = s.hurried(ctx, operation.action, request); err != nil {
				return nil, err
			}
			err = s.onRecord(ctx, asked, body, func(ctx context.Context) error {
				response, err = next(ctx, w, r, request)
				return err
			})
			return response, err
		}
	}
}

// subject is what a request is about: its path without what comes before the
// subject, and without what is to be done to it. The latest rollout is called by
// its id.
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
		if name == "rolloutId" && value == latest {
			state, found, err := s.Store.CurrentRollout(ctx)
			if err != nil {
				return "", err
			}
			if found { // else the operation will say that there is none
				value = state.ID
			}
		}
		subject = strings.ReplaceAll(subject, "{"+name+"}", value)
	}
	return subject, nil
}

// asked is the reason in a request's body, of the rest what may be kept, and the
// body as it is.
func (a audited) asked(request any) (reason string, kept audit.JSON, body any) {
	if a.body == nil {
		return "", "", nil
	}
	text, err := json.Marshal(request)
	if err != nil {
		return "", audit.Document(map[string]string{"leftOut": "cannot be read"}), nil
	}
	var whole struct{ Body map[string]any }
	if err := json.Unmarshal(text, &whole); err != nil {
		return "", audit.Document(map[string]string{"leftOut": "cannot be read"}), nil
	}
	reason, _ = whole.Body["reason"].(string)
	if document := fixed(a.body, whole.Body); document != nil {
		kept = audit.Document(document)
	}
	return reason, kept, whole.Body
}

// mostKept bounds how many of a list are kept; of a longer one, such as the vendors of
// a bulk operation, whose items have their outcomes, it is how many there were.
const mostKept = 50

// fixed is what is of a fixed form in a value: numbers, truth values, moments, and
// words of which the description says how they look. Free text may hold a name, an
// address or a secret; it is left out. Nil where nothing is left.
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

// noted is what is learnt of a change while it is made.
type noted struct {
	before, after any
	detail        string
}

type notedKey struct{}

// noteChange keeps for the record how something was and how it is now; nil where
// that is not known. Outside of what is on record it does nothing.
func noteChange(ctx context.Context, before, after any) {
	if n, ok := ctx.Value(notedKey{}).(*noted); ok {
		n.before, n.after = before, after
	}
}

// noteDetail keeps for the record what is to be known of something that succeeds.
func noteDetail(ctx context.Context, detail string) {
	if n, ok := ctx.Value(notedKey{}).(*noted); ok {
		n.detail = detail
	}
}

// passedOn says that a request was taken, and not yet carried out.
const passedOn = "passed on to its workflow, which carries it out or refuses it: what came of it is on record there, under the same key"

// onRecord does something that is to be on record: first that it was asked for,
// without which nothing is done, and then what became of it, before anybody is told.
// An urgent context (hurried) waits for no other change. body is what was asked for,
// whole: a key is refused with another one.
func (s *server) onRecord(ctx context.Context, asked audit.Entry, body any, fn func(context.Context) error) error {
	if err := checkNamesNobody(asked, nil); err != nil { // the pages come here directly
		return err
	}
	leave, err := s.turn(ctx)
	if err != nil {
		return err
	}
	defer leave()
	asked.At, asked.Actor, asked.RequestID, asked.Outcome = s.now(), actor(ctx), callOf(ctx).id, audit.Pending
	if asked.RequestID == "" {
		asked.RequestID = rand.Text() // a page's request has none
	}
	pending, err := s.Store.AppendAudit(ctx, asked)
	if err != nil {
		s.log.Error("not on the audit record", zap.String("requestId", asked.RequestID), zap.String("action", asked.Action), zap.Error(err))
		return app.Untouched("this could not be put on the audit record")
	}
	s.logEntry(pending)
	made := &noted{}
	failure := s.attempt(context.WithValue(ctx, notedKey{}, made), asked.Action, func(ctx context.Context) error {
		return s.once(ctx, asked, body, fn)
	})
	settled := asked
	settled.At, settled.Settles = s.now(), pending.Seq
	settled.Before, settled.After = audit.Document(made.before), audit.Document(made.after)
	settled.Outcome, settled.Detail = outcome(failure)
	if failure == nil {
		settled.Detail = made.detail
	}
	return s.settle(ctx, settled, failure)
}

// attempt carries out what is on record, where admins may. What panics has failed: its entry is
// settled too.
func (s *server) attempt(ctx context.Context, action string, fn func(context.Context) error) (err error) {
	defer func() {
		if found := recover(); found != nil {
			s.log.Error("panic", zap.String("requestId", callOf(ctx).id), zap.Any("panic", found), zap.ByteString("stack", debug.Stack()))
			err = errors.New("panic")
		}
	}()
	if err := s.permit(ctx, action); err != nil {
		return err
	}
	return fn(ctx)
}

// settle puts on record what became of a change, also where its caller has hung up meanwhile, and
// answers with what its caller is told. What cannot be written now is written later.
func (s *server) settle(ctx context.Context, settled audit.Entry, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	entry, err := s.Store.AppendAudit(ctx, settled)
	if err == nil {
		s.logEntry(entry)
		return failure
	}
	s.settler.owe(settled)
	s.log.Error("outcome not on the audit record yet", zap.String("requestId", settled.RequestID), zap.Int("entry", settled.Settles),
		zap.String("outcome", string(settled.Outcome)), zap.Error(err))
	if failure != nil {
		return failure
	}
	return &trial.Error{
		Code: trial.CodeUnavailable, Certain: true,
		Message: "this was carried out, but what became of it could not be put on the audit record yet; repeating it is safe",
	}
}

// logEntry tells the log of an entry, so that its hash is also known elsewhere.
func (s *server) logEntry(e audit.Entry) {
	s.log.Info("on the audit record", zap.String("requestId", e.RequestID), zap.Int("entry", e.Seq), zap.String("hash", e.Hash))
}

// outcome is what an error says of what was asked for, in words that callers are
// told too.
func outcome(failure error) (audit.Outcome, string) {
	if failure == nil {
		return audit.Done, ""
	}
	refused := refusalOf(failure)
	if refused.status >= http.StatusInternalServerError || refused.status == statusClientGone {
		return audit.Failed, refused.detail
	}
	return audit.Refused, refused.detail
}
