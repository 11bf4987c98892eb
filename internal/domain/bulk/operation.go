package bulk

import (
	"errors"
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	// WorkflowType is the name under which the operation's workflow is registered.
	WorkflowType = "BulkOperation"
	// QueryStatus answers with a View. The signals are named by Controls.
	QueryStatus = "status"
)

// Action is what an operation does to each of its trials.
type Action string

// The actions. All but Resend, ResendOne and Undo are the messages of a trial.
const (
	Extend  Action = trial.MessageExtend
	Shorten Action = trial.MessageShorten
	Cancel  Action = trial.MessageCancel
	Revive  Action = trial.MessageRevive
	// Move moves trials to another policy.
	Move    Action = trial.MessagePolicy
	Convert Action = trial.MessageConvert
	// Resend sends the last e-mail that was due once more, if its content still applies.
	Resend Action = "resend"
	// ResendOne sends the one e-mail of one trial that Operation.Email names again; it is requested by ResendOf. It has a name of its
	// own because a worker of an earlier version, which knows of no Email, must refuse it rather than send the last e-mail.
	ResendOne Action = "resend-one"
	// Undo restores what was before another operation; it is requested by
	// undoing that operation, not by name.
	Undo Action = "undo"
)

// Actions are those that can be requested.
func Actions() []Action { return []Action{Extend, Shorten, Cancel, Revive, Move, Convert, Resend} }

// Resends reports whether the action sends e-mails again.
func (a Action) Resends() bool { return a == Resend || a == ResendOne }

// takesDays reports whether the action needs a number of days.
func (a Action) takesDays() bool { return a == Extend || a == Shorten || a == Revive }

// CanUndo reports whether the action can be undone: a new end can be reverted,
// a trial moved back to its old policy and end, and a cancelled trial revived to its old end. A revival cannot, since
// an expired trial cannot be made so again, nor can a
// conversion or an e-mail.
func (a Action) CanUndo() bool { return a == Extend || a == Shorten || a == Move || a == Cancel }

// Bounds of an operation.
const (
	// MaxItems bounds how many trials one operation has.
	MaxItems = 20_000
	// MinPerMinute and MaxPerMinute bound how many trials are changed in a minute, the
	// former so that a pause takes effect soon; DefaultPerMinute is the rate of requests
	// that name none.
	MinPerMinute     = pagesPerMinute
	MaxPerMinute     = 6_000
	DefaultPerMinute = 600
)

// Operation is a request; it never changes. Its reason is stored in
// its own history, and in no trial's: no names or addresses in it.
type Operation struct {
	// ID names the operation and its workflow.
	ID     string `json:"id"`
	Action Action `json:"action"`
	// Days is for Extend, Shorten and Revive; an item may have its own.
	Days int `json:"days"`
	// Policy is the one to move to, for Move, as it was when the operation was asked for; nil otherwise.
	Policy *trial.Policy `json:"policy,omitempty"`
	// At is when the vendors converted, for Convert; nil otherwise.
	At     *time.Time `json:"at"`
	Reason string     `json:"reason"`
	By     string     `json:"by"`
	// AskedAt is when it was asked for.
	AskedAt time.Time `json:"askedAt"`
	// PerMinute bounds how many trials are changed in a minute.
	PerMinute int `json:"perMinute"`
	// DryRun stops the operation after a preview, until somebody starts it.
	DryRun bool `json:"dryRun"`
	// Filter selects the trials; nil for a list.
	Filter *Filter `json:"filter"`
	// Listed is how many items came with the request.
	Listed int `json:"listed"`
	// Undoes is the operation that an Undo undoes, and UndoesAction the action of that.
	Undoes       string `json:"undoes"`
	UndoesAction Action `json:"undoesAction"`
	// Email is the one to send again, for ResendOne; nil otherwise. Operations of an earlier version have it with Resend.
	Email *Email `json:"email,omitempty"`
}

// Filter selects trials. Empty fields select every trial; at least one is set.
type Filter struct {
	Status trial.Status `json:"status"`
	Cohort trial.Cohort `json:"cohort"`
	// EndsFrom and EndsBefore select trials that end at the first time or later, and
	// before the second; nil is no bound.
	EndsFrom   *time.Time `json:"endsFrom"`
	EndsBefore *time.Time `json:"endsBefore"`
}

// Takes reports whether the filter selects a trial.
func (f Filter) Takes(s trial.State) bool {
	switch {
	case f.Status != "" && s.Status != f.Status, f.Cohort != "" && s.CountedAs() != f.Cohort:
		return false
	case f.EndsFrom != nil && s.EndsAt.Before(*f.EndsFrom), f.EndsBefore != nil && !s.EndsAt.Before(*f.EndsBefore):
		return false
	}
	return true
}

// RequestID makes the operation's request to one trial idempotent, however often it
// is sent.
func (o Operation) RequestID(vendorID string) string { return o.ID + "/" + vendorID }

// reasonForTrial is the reason recorded with each trial: the id leads to the operation's own reason.
// That may mention one vendor, and has no place in the histories of all.
func (o Operation) reasonForTrial() string { return "bulk operation " + o.ID }

// Validate checks the request by itself.
func (o Operation) Validate() error {
	switch {
	case (o.Action == Convert) != (o.At != nil):
		return trial.Invalid("at", "is not used by %s", o.Action)
	case o.Action == Move && o.Policy == nil:
		return trial.Invalid(trial.FieldPolicy, "is missing")
	case o.Action != Move && o.Policy != nil:
		return trial.Invalid(trial.FieldPolicy, "is not used by %s", o.Action)
	case (o.Email != nil) != (o.Action == ResendOne), o.Email != nil && o.Listed != 1:
		return trial.Invalid("email", "is of one trial, and only sent again")
	case o.At != nil && o.At.After(o.AskedAt):
		return trial.Invalid("at", "lies in the future")
	case o.PerMinute < MinPerMinute || o.PerMinute > MaxPerMinute:
		return trial.Invalid("perMinute", "must be %d to %d, is %d", MinPerMinute, MaxPerMinute, o.PerMinute)
	case o.Filter == nil && o.Undoes == "" && (o.Listed < 1 || o.Listed > MaxItems):
		return trial.Invalid("ids", "must be 1 to %d, are %d", MaxItems, o.Listed)
	}
	return errors.Join(o.validateDays(), o.Filter.validate())
}

func (o Operation) validateDays() error {
	switch {
	case !o.Action.takesDays() && o.Days != 0:
		return trial.Invalid("days", "is not used by %s", o.Action)
	case o.Days < 0 || o.Days > trial.MaxDays:
		return trial.Invalid("days", "must be 1 to %d, is %d", trial.MaxDays, o.Days)
	case o.Filter != nil && o.Action.takesDays() && o.Days == 0: // a list may have days for each trial
		return trial.Invalid("days", "is missing")
	}
	return nil
}

// validate checks a filter; nil, for a list, is valid.
func (f *Filter) validate() error {
	switch {
	case f == nil:
		return nil
	case *f == (Filter{}):
		return trial.Invalid("filter", "must name a status, a cohort or an end: an operation on every trial is not allowed")
	case f.EndsFrom != nil && f.EndsBefore != nil && !f.EndsBefore.After(*f.EndsFrom):
		return trial.Invalid("filter.endsBefore", "must lie after endsFrom")
	}
	return nil
}

// Against names the flag that forbids the operation; empty if none
// does. New ends need the flag of extensions, in either direction. One e-mail of one trial is no bulk.
func (o Operation) Against(f flags.Flags) string {
	newEnd := o.Action.takesDays() || o.Action == Move || o.Action == Undo
	switch {
	case !f.AdminTools.Enabled:
		return "adminTools.enabled"
	case !f.AdminTools.BulkOperations && o.Action != ResendOne && o.Email == nil: // the latter are of an earlier version
		return "adminTools.bulkOperations"
	case newEnd && !f.AdminTools.TrialExtension:
		return "adminTools.trialExtension"
	case o.Action.Resends() && !f.TrialAutomation.Enabled:
		return "trialAutomation.enabled"
	}
	return ""
}

// Title is the operation in a few words.
func (o Operation) Title() string {
	switch {
	case o.Action == Undo:
		return "Undo " + o.Undoes
	case o.Policy != nil:
		return "move to " + o.Policy.Name
	case o.Email != nil:
		return "resend " + string(o.Email.Kind)
	case o.Days == 1:
		return fmt.Sprintf("%s by a day", o.Action)
	case o.Days > 0:
		return fmt.Sprintf("%s by %d days", o.Action, o.Days)
	}
	return string(o.Action)
}

// UndoOf is the operation that undoes another one. A *trial.Error says why
// that is impossible.
func UndoOf(o Operation, s State, id, reason, by string, now time.Time) (Operation, error) {
	switch {
	case !o.Action.CanUndo():
		return Operation{}, conflict("%s cannot be undone", o.Action)
	case s.Status != Done && s.Status != Stopped:
		return Operation{}, conflict("the operation is %s: stop it before it is undone", s.Status)
	case s.Next <= 1:
		return Operation{}, conflict("the operation has changed nothing")
	}
	return Operation{
		ID: id, Action: Undo, Reason: reason, By: by, AskedAt: now, PerMinute: o.PerMinute, Undoes: o.ID, UndoesAction: o.Action,
	}, nil
}

func conflict(format string, args ...any) error {
	return &trial.Error{Code: trial.CodeConflict, Field: "operationId", Message: fmt.Sprintf(format, args...)}
}
