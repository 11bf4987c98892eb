package app

import (
	"context"
	"strings"
	"unicode/utf8"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// maxReason bounds a reason, in characters, as the API does.
const maxReason = 500

// checkReason wants a reason that can be kept.
func checkReason(reason string) error {
	switch {
	case strings.TrimSpace(reason) == "":
		return trial.Invalid("reason", "is missing")
	case utf8.RuneCountInString(reason) > maxReason:
		return trial.Invalid("reason", "must be at most %d characters", maxReason)
	}
	return nil
}

// MostConcerned bounds how many vendors of a bulk operation are looked at: whoever names somebody in a reason means few.
const MostConcerned = 50

// Concerned are the vendors of these ids whom a reason may not name; unknown ones are left out.
func (a *App) Concerned(ctx context.Context, ids []string) ([]trial.Vendor, error) {
	var vendors []trial.Vendor
	for _, id := range ids[:min(len(ids), MostConcerned)] {
		v, err := a.Store.Vendor(ctx, id)
		if trial.CodeOf(err) == trial.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		vendors = append(vendors, v)
	}
	return vendors, nil
}

// ConcernedByBulk are the ids of an operation's first trials.
func (a *App) ConcernedByBulk(ctx context.Context, id string) (ids []string, err error) {
	for number := 1; number <= MostConcerned; number++ {
		item, found, err := a.Store.BulkItem(ctx, id, number)
		if err != nil || !found {
			return ids, err
		}
		ids = append(ids, item.VendorID)
	}
	return ids, nil
}

// checkPage refuses a reason that is missing, or that names one of the vendors whom the request concerns.
func (a *App) checkPage(ctx context.Context, asked audit.Entry, ids []string) error {
	if err := checkReason(asked.Reason); err != nil {
		return err
	}
	concerned, err := a.Concerned(ctx, ids)
	if err != nil {
		return err
	}
	return CheckNamesNobody(asked, concerned)
}

// StartBulkRecorded is StartBulk with an entry on the audit record, under a key.
func (a *App) StartBulkRecorded(ctx context.Context, key string, o bulk.Operation, list []bulk.Listing) (v bulk.View, err error) {
	policy := ""
	if o.Policy != nil {
		policy = o.Policy.Name
	}
	asked := audit.Entry{Action: "startBulkOperation", Subject: "bulk", Reason: o.Reason, Key: key, Asked: audit.Document(map[string]any{
		"action": o.Action, "days": o.Days, "policy": policy, "at": o.At, "perMinute": o.PerMinute, "dryRun": o.DryRun, "filter": o.Filter,
		"listed": len(list),
	})}
	ids := make([]string, 0, min(len(list), MostConcerned))
	for _, l := range list[:min(len(list), MostConcerned)] {
		ids = append(ids, l.VendorID)
	}
	if err := a.checkPage(ctx, asked, ids); err != nil {
		return v, err
	}
	body := struct {
		Operation bulk.Operation
		List      []bulk.Listing
	}{o, list}
	err = a.Record(ctx, asked, body, func(ctx context.Context) (err error) {
		v, err = a.StartBulk(ctx, o, list)
		return err
	})
	return v, err
}

// BulkSteering is what a person asks of a bulk operation on a page.
type BulkSteering struct {
	ID string
	// Control is one of bulk.Controls.
	Control string
	// Seen is the mark of the state that was shown.
	Seen        string
	Reason, Key string
}

// bulkSteering names the API operation of each control, for the audit log.
var bulkSteering = map[string]string{
	bulk.ControlStart: "startPlannedBulkOperation", bulk.ControlPause: "pauseBulkOperation", bulk.ControlResume: "resumeBulkOperation",
	bulk.ControlStop: "stopBulkOperation",
}

// SteerBulkRecorded is SteerBulk with an entry on the audit record, unless the operation has gone on since it was seen: one that
// runs goes on all the time, and is paused and stopped all the same.
func (a *App) SteerBulkRecorded(ctx context.Context, s BulkSteering) error {
	return a.recordBulk(ctx, bulkSteering[s.Control], s, func(ctx context.Context) error {
		_, err := a.SteerBulk(ctx, s.ID, s.Control, s.Reason)
		return err
	})
}

// UndoBulkRecorded is UndoBulk with an entry on the audit record, unless the operation has gone on since it was seen.
func (a *App) UndoBulkRecorded(ctx context.Context, s BulkSteering) (v bulk.View, err error) {
	err = a.recordBulk(ctx, "undoBulkOperation", s, func(ctx context.Context) (err error) {
		v, err = a.UndoBulk(ctx, s.ID, s.Reason)
		return err
	})
	return v, err
}

func (a *App) recordBulk(ctx context.Context, action string, s BulkSteering, steer func(context.Context) error) error {
	asked := audit.Entry{Action: action, Subject: "bulk/" + s.ID, Reason: s.Reason, Key: s.Key}
	if _, _, err := a.Store.Bulk(ctx, s.ID); err != nil {
		return err
	}
	ids, err := a.ConcernedByBulk(ctx, s.ID)
	if err != nil {
		return err
	}
	if err := a.checkPage(ctx, asked, ids); err != nil {
		return err
	}
	stops := s.Control == bulk.ControlPause || s.Control == bulk.ControlStop
	body := struct{ Control, Reason string }{s.Control, s.Reason} // a repetition may have seen what it has done
	return a.Record(ctx, asked, body, func(ctx context.Context) error {
		_, state, err := a.Store.Bulk(ctx, s.ID)
		if err != nil {
			return err
		}
		if !stops && !keyOf(ctx).done() && !state.Knows(s.Key) && state.Mark() != s.Seen {
			return trial.Conflict("the operation has gone on since this page was opened: it is %s now", state.Status)
		}
		return steer(ctx)
	})
}
