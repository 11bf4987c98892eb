package sample

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// operate has admins ask for bulk operations: one that is over, with trials that
// wanted nothing and some of which nobody knows; its undoing, which somebody paused;
// a dry run; one that runs.
func (w *World) operate() {
	ended := w.bulk("bulk-20260312-102000-5f3a11c0", 2*day, bulk.Operation{Action: bulk.Extend, Days: 7, By: "admin", Reason: "The shop was away for two days"}, 60)
	w.carry(ended, 60, 2*day-10*time.Second)
	undo := w.bulk("bulk-20260313-162000-a17e0b29", 18*time.Hour, bulk.Operation{Action: bulk.Undo, By: "admin", Reason: "The wrong list", Undoes: ended.Operation.ID, UndoesAction: bulk.Extend}, 60)
	w.carry(undo, 20, 18*time.Hour-12*time.Second)
	w.control(undo, bulk.ControlPause, 18*time.Hour-15*time.Second, "Partners are asked first")
	dry := w.bulk("bulk-20260314-084000-00c4d21e", 100*time.Minute, bulk.Operation{
		Action: bulk.Cancel, By: "admin", Reason: "A shop that closed", DryRun: true, Filter: &bulk.Filter{Status: trial.Grace, EndsBefore: new(w.Moment.Add(-day))},
	}, 45)
	w.plan(dry)
	running := w.bulk("bulk-20260314-101820-7b90e6aa", 100*time.Second, bulk.Operation{Action: bulk.Extend, Days: 3, By: "admin", Reason: "Payments were down on Friday", Filter: &bulk.Filter{Status: trial.Active}}, 2400)
	w.carry(running, 1000, 3*time.Second)
}

// bulk is an operation of so many trials that was asked for so long ago.
func (w *World) bulk(id string, ago time.Duration, o bulk.Operation, total int) *bulk.View {
	at := w.Moment.Add(-ago)
	o.ID, o.AskedAt, o.PerMinute = id, at, bulk.DefaultPerMinute
	if o.Filter == nil && o.Undoes == "" {
		o.Listed = total
	}
	state := bulk.Begin(o)
	if state.Status == bulk.Choosing {
		state = state.Chosen(o, total, true, at)
	}
	var list []bulk.Listing
	for i := range total {
		list = append(list, bulk.Listing{VendorID: fmt.Sprintf("vendor-%03d", i+1)})
	}
	w.Items[id] = bulk.Items(list, at)
	w.Operations = append(w.Operations, bulk.ViewOf(o, state))
	return &w.Operations[len(w.Operations)-1]
}

// carry carries out items up to a number.
func (w *World) carry(v *bulk.View, last int, ago time.Duration) {
	at, state := w.Moment.Add(-ago), v.State
	for state.Turned() < last {
		p := state.Page(v.Operation)
		p.To = min(p.To, last)
		var counts bulk.Tally
		for number := p.From; number <= p.To; number++ {
			item := &w.Items[v.Operation.ID][number-1]
			item.Result = new(w.result(*item, at))
			counts = counts.Add(item.Result.Outcome, item.Result.Reason)
		}
		state = state.Carried(p, counts, at)
	}
	*v = bulk.ViewOf(v.Operation, state)
}

// result is what became of an item: most are carried out.
func (w *World) result(i bulk.Item, at time.Time) bulk.Result {
	switch {
	case i.Number%50 == 41:
		return bulk.NewResult(bulk.Failed, bulk.ReasonNoAnswer, "the workflow gave no answer in time", at)
	case i.Number%20 == 7:
		return bulk.NewResult(bulk.Refused, bulk.ReasonStatus+"expired", "the trial is expired: only a running trial can be extended", at)
	case i.Number%30 == 12:
		return bulk.NewResult(bulk.Skipped, bulk.ReasonNoLongerChosen, "", at)
	}
	r := bulk.NewResult(bulk.Succeeded, bulk.ReasonCarriedOut, "", at)
	r.Change = &bulk.Change{Was: w.Moment.Add(5 * day), Is: w.Moment.Add(12 * day), Revision: 1}
	return r
}

// plan looks at every item of a dry run.
func (w *World) plan(v *bulk.View) {
	end := w.Moment.Add(-2 * day)
	examples := []bulk.Example{
		{VendorID: "vendor-010", Outcome: bulk.Succeeded, Reason: bulk.ReasonCarriedOut, Was: &end, Is: &end},
		{VendorID: "vendor-012", Outcome: bulk.Refused, Reason: bulk.ReasonAlreadyConverted, Detail: "the trial has converted"},
	}
	seen := bulk.Tally{}.Plus(bulk.Tally{{Outcome: bulk.Succeeded, Reason: bulk.ReasonCarriedOut, Items: 43}, {Outcome: bulk.Refused, Reason: bulk.ReasonAlreadyConverted, Items: 2}})
	*v = bulk.ViewOf(v.Operation, v.State.Looked(v.State.Page(v.Operation), examples, seen, v.Operation.AskedAt.Add(4*time.Second)))
}

// control is what an admin asked of an operation so long ago.
func (w *World) control(v *bulk.View, name string, ago time.Duration, reason string) {
	state, err := v.State.Request(bulk.Control{Name: name, Reason: reason, By: "admin", At: w.Moment.Add(-ago)})
	if err != nil {
		panic(err) // the world is made wrongly
	}
	*v = bulk.ViewOf(v.Operation, state)
}
