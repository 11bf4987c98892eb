package bulk_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

func many(n int) bulk.Operation {
	o := operation(bulk.Extend)
	o.Listed = n
	return o
}

func dryRun(n int) bulk.Operation {
	o := many(n)
	o.DryRun = true
	return o
}

func counted(outcome bulk.ItemOutcome, n int) bulk.Tally {
	return bulk.Tally{{Outcome: outcome, Reason: "r", Items: n}}
}

// Pages pass every item once, in order, whatever the rate.
func TestPagesPassEveryItemOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := many(rapid.IntRange(1, 3000).Draw(t, "items"))
		o.PerMinute = rapid.IntRange(bulk.MinPerMinute, bulk.MaxPerMinute).Draw(t, "rate")
		o.DryRun = rapid.Bool().Draw(t, "dry run")
		s, next := bulk.Begin(o), 1
		for s.Status == bulk.Running || s.Status == bulk.Planning {
			p := s.Page(o)
			if p.From != next || p.To < p.From || p.To > o.Listed {
				t.Fatalf("page %v after item %d of %d", p, next-1, o.Listed)
			}
			next = p.To + 1
			seen := counted(bulk.Succeeded, p.To-p.From+1)
			if o.DryRun {
				s = s.Looked(p, nil, seen, now)
			} else {
				s = s.Carried(p, seen, now)
			}
		}
		if got := s.Counts.Items() + s.Plan.Items(); got != o.Listed || next != o.Listed+1 {
			t.Fatalf("%d of %d counted", got, o.Listed)
		}
	})
}

func TestAPageTakesFiveSeconds(t *testing.T) {
	t.Parallel()
	for perMinute, size := range map[int]int{12: 1, 600: 50, 6000: 100} {
		o := many(10_000)
		o.PerMinute = perMinute
		p := bulk.Begin(o).Page(o)
		require.Equal(t, size, p.To-p.From+1)
	}
}

func TestControls(t *testing.T) {
	t.Parallel()
	running := bulk.Begin(many(100))
	page := bulk.Page{From: 1, To: 50}
	paused := running.Held("adminTools.bulkOperations", now)
	done := running.Carried(bulk.Page{From: 1, To: 100}, counted(bulk.Succeeded, 100), now)
	failed := running.Carried(page, counted(bulk.Succeeded, 50), now).Carried(bulk.Page{From: 51, To: 100}, counted(bulk.Failed, 50), now)
	planning := bulk.Begin(dryRun(100))
	planned := planning.Looked(bulk.Page{From: 1, To: 100}, nil, counted(bulk.Succeeded, 100), now)
	listing := bulk.Begin(bulk.Operation{Filter: &bulk.Filter{Status: trial.Active}})
	stopped := listing.Chosen(bulk.Operation{}, bulk.MaxItems+1, false, now)
	const same, refused = bulk.Status("same"), bulk.Status("refused")
	for _, c := range []struct {
		name                       string
		from                       bulk.State
		start, pause, resume, stop bulk.Status
	}{
		{"listing", listing, refused, refused, refused, bulk.Stopped},
		{"planning", planning, refused, refused, refused, bulk.Stopped},
		{"planned", planned, bulk.Running, refused, refused, bulk.Stopped},
		{"running", running, same, bulk.Paused, same, bulk.Stopped},
		{"paused", paused, refused, same, bulk.Running, bulk.Stopped},
		{"done", done, refused, refused, refused, refused},
		{"done with failures", failed, refused, refused, bulk.Running, refused},
		{"stopped", stopped, refused, refused, refused, same},
	} {
		for control, want := range map[string]bulk.Status{
			bulk.ControlStart: c.start, bulk.ControlPause: c.pause, bulk.ControlResume: c.resume, bulk.ControlStop: c.stop,
		} {
			after, err := c.from.Request(bulk.Control{Name: control, Reason: "r", By: "admin", At: now.Add(time.Hour)})
			switch want {
			case refused:
				require.Error(t, err, "%s: %s", c.name, control)
				require.Equal(t, c.from, after)
			case same:
				require.NoError(t, err)
				require.Equal(t, c.from, after)
			default:
				require.NoError(t, err, "%s: %s", c.name, control)
				require.Equal(t, want, after.Status, "%s: %s", c.name, control)
				require.Equal(t, c.from.Seq+1, after.Seq)
				require.Len(t, after.Controls, 1)
				require.Equal(t, want == bulk.Stopped, after.EndedAt != nil)
			}
		}
	}
	require.Equal(t, bulk.CauseTooMany, stopped.Cause)
	again, err := failed.Request(bulk.Control{Name: bulk.ControlResume, At: now})
	require.NoError(t, err)
	require.Equal(t, 1, again.Next, "every item once more")
	require.Zero(t, again.Counts.Items())
}

func TestTooManyFailuresInARowPause(t *testing.T) {
	t.Parallel()
	o := many(100)
	o.PerMinute = 12
	s := bulk.Begin(o)
	for range 4 {
		s = s.Carried(s.Page(o), counted(bulk.Failed, 1), now)
	}
	answered := s.Carried(s.Page(o), counted(bulk.Succeeded, 1), now)
	require.Equal(t, bulk.Running, answered.Carried(answered.Page(o), counted(bulk.Failed, 1), now).Status, "not in a row")
	s = s.Carried(s.Page(o), counted(bulk.Failed, 1), now)
	require.Equal(t, bulk.Paused, s.Status)
	require.Equal(t, bulk.CauseNoAnswer, s.Cause)
	s, err := s.Request(bulk.Control{Name: bulk.ControlResume, At: now})
	require.NoError(t, err)
	require.Equal(t, 6, s.Next)
	require.Zero(t, s.FailedInARow)
}

func TestExamplesAreAFew(t *testing.T) {
	t.Parallel()
	o := dryRun(1000)
	s := bulk.Begin(o)
	for range 2 {
		var all []bulk.Example
		for i := range 500 {
			all = append(all, bulk.Example{VendorID: "v", Outcome: bulk.Refused, Reason: bulk.Reason(rune('a' + i%26))})
		}
		s = s.Looked(s.Page(o), all, counted(bulk.Refused, 500), now)
	}
	require.Equal(t, bulk.Planned, s.Status)
	require.Len(t, s.Examples, 30)
	alike := bulk.Begin(dryRun(9)).Looked(bulk.Page{From: 1, To: 9}, make([]bulk.Example, 9), counted(bulk.Refused, 9), now)
	require.Len(t, alike.Examples, 3)
	require.Equal(t, 1, s.Next, "to be carried out from the start")
	require.Contains(t, s.Sentence(), "0 of 1000 would be changed")
}

func TestItemsOfAList(t *testing.T) {
	t.Parallel()
	items := bulk.Items([]bulk.Listing{{VendorID: "a"}, {VendorID: "b", Days: 4}, {VendorID: "a"}}, now)
	require.Nil(t, items[0].Result)
	require.Equal(t, bulk.Item{Number: 2, VendorID: "b", Days: 4}, items[1])
	require.Equal(t, bulk.ReasonListedTwice, items[2].Result.Reason)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	later := now.Add(time.Hour)
	with := func(a bulk.Action, change func(*bulk.Operation)) bulk.Operation {
		o := operation(a)
		change(&o)
		return o
	}
	for field, cases := range map[string][]bulk.Operation{
		"": {operation(bulk.Extend), operation(bulk.Cancel), operation(bulk.Convert), operation(bulk.Resend), with(bulk.Extend, func(o *bulk.Operation) {
			o.Filter, o.Listed = &bulk.Filter{EndsBefore: &later}, 0
		})},
		"days":              {with(bulk.Extend, func(o *bulk.Operation) { o.Days = 366 }), with(bulk.Cancel, func(o *bulk.Operation) { o.Days = 1 }), with(bulk.Revive, func(o *bulk.Operation) { o.Days, o.Filter = 0, &bulk.Filter{Status: trial.Expired} })},
		"at":                {with(bulk.Cancel, func(o *bulk.Operation) { o.At = &now }), with(bulk.Convert, func(o *bulk.Operation) { o.At = &later })},
		"perMinute":         {with(bulk.Cancel, func(o *bulk.Operation) { o.PerMinute = 11 }), with(bulk.Cancel, func(o *bulk.Operation) { o.PerMinute = 6001 })},
		"filter":            {with(bulk.Cancel, func(o *bulk.Operation) { o.Filter = &bulk.Filter{} })},
		"filter.endsBefore": {with(bulk.Cancel, func(o *bulk.Operation) { o.Filter = &bulk.Filter{EndsFrom: &later, EndsBefore: &now} })},
		"ids":               {with(bulk.Cancel, func(o *bulk.Operation) { o.Listed = 0 }), with(bulk.Cancel, func(o *bulk.Operation) { o.Listed = bulk.MaxItems + 1 })},
	} {
		for _, o := range cases {
			requireField(t, field, o.Validate())
		}
	}
}

// requireField requires an error about a field, or none.
func requireField(t *testing.T, field string, err error) {
	t.Helper()
	if field == "" {
		require.NoError(t, err)
		return
	}
	var e *trial.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, field, e.Field)
}

func TestFlagsAgainst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		off     func(*flags.Flags)
		flag    string
		against []bulk.Action
	}{
		{func(*flags.Flags) {}, "", nil},
		{func(f *flags.Flags) { f.AdminTools.Enabled = false }, "adminTools.enabled", append(bulk.Actions(), bulk.Undo)},
		{func(f *flags.Flags) { f.AdminTools.BulkOperations = false }, "adminTools.bulkOperations", append(bulk.Actions(), bulk.Undo)},
		{func(f *flags.Flags) { f.AdminTools.TrialExtension = false }, "adminTools.trialExtension", []bulk.Action{bulk.Extend, bulk.Shorten, bulk.Revive, bulk.Move, bulk.Undo}},
		{func(f *flags.Flags) { f.TrialAutomation.Enabled = false }, "trialAutomation.enabled", []bulk.Action{bulk.Resend}},
	} {
		f := flags.Initial()
		c.off(&f)
		for _, action := range append(bulk.Actions(), bulk.Undo) {
			want := ""
			for _, against := range c.against {
				if against == action {
					want = c.flag
				}
			}
			require.Equal(t, want, operation(action).Against(f), action)
		}
	}
}

func TestFilterTakes(t *testing.T) {
	t.Parallel()
	s := lived(now)
	before, end, after := s.EndsAt.Add(-time.Hour), s.EndsAt, s.EndsAt.Add(time.Hour)
	for _, f := range []bulk.Filter{{Status: trial.Active}, {Cohort: trial.Automated}, {EndsFrom: &end}, {EndsBefore: &after}, {EndsFrom: &before, EndsBefore: &after, Status: trial.Active}} {
		require.True(t, f.Takes(s), "%+v", f)
	}
	for _, f := range []bulk.Filter{{Status: trial.Grace}, {Cohort: trial.Control}, {EndsFrom: &after}, {EndsBefore: &end}, {EndsBefore: &after, Status: trial.Grace}} {
		require.False(t, f.Takes(s), "%+v", f)
	}
}

func TestUndoOf(t *testing.T) {
	t.Parallel()
	o := many(100)
	half := bulk.Begin(o).Carried(bulk.Page{From: 1, To: 50}, counted(bulk.Succeeded, 50), now)
	stopped, err := half.Request(bulk.Control{Name: bulk.ControlStop, At: now})
	require.NoError(t, err)
	undo, err := bulk.UndoOf(o, stopped, "bulk-2", "wrong", "admin", now)
	require.NoError(t, err)
	require.Equal(t, bulk.Choosing, bulk.Begin(undo).Status)
	require.NoError(t, undo.Validate())

	_, err = bulk.UndoOf(o, half, "bulk-2", "wrong", "admin", now)
	require.ErrorContains(t, err, "stop it before")
	_, err = bulk.UndoOf(operation(bulk.Revive), stopped, "bulk-2", "wrong", "admin", now)
	require.ErrorContains(t, err, "cannot be undone")
	_, err = bulk.UndoOf(undo, stopped, "bulk-3", "wrong", "admin", now)
	require.ErrorContains(t, err, "cannot be undone")
}

func TestAControlCountsOnceByItsID(t *testing.T) {
	t.Parallel()
	s := bulk.Begin(bulk.Operation{ID: "bulk-1", Action: bulk.Extend, Listed: 10})
	ask := func(id, name string) bulk.Status {
		after, err := s.Request(bulk.Control{ID: id, Name: name, Reason: "r"})
		require.NoError(t, err)
		s = after
		return s.Status
	}
	require.Equal(t, bulk.Paused, ask("k-1", bulk.ControlPause))
	require.Equal(t, bulk.Running, ask("k-2", bulk.ControlResume))
	require.Equal(t, bulk.Running, ask("k-1", bulk.ControlPause), "once more, as after a reset")
	require.Equal(t, bulk.Paused, ask("k-3", bulk.ControlPause))
	require.Equal(t, bulk.Paused, ask("k-2", bulk.ControlResume))
	require.Len(t, s.Controls, 3)
	for i := range 500 {
		ask(fmt.Sprintf("a-%d", i), bulk.ControlResume)
		ask(fmt.Sprintf("b-%d", i), bulk.ControlPause)
	}
	require.Len(t, s.Controls, 20)
	require.Len(t, s.Taken, 200)
}

func TestAnItemThatWillBeCarriedOut(t *testing.T) {
	t.Parallel()
	o := operation(bulk.Extend)
	o.Listed = 2
	dry := o
	dry.DryRun = true
	ask := func(s bulk.State, control string) bulk.State {
		after, err := s.Request(bulk.Control{Name: control, Reason: "r", At: now})
		require.NoError(t, err)
		return after
	}
	all, first := bulk.Page{From: 1, To: 2}, bulk.Page{From: 1, To: 1}
	one := bulk.Item{Number: 1, VendorID: "v-1"}
	failed, done := one, one
	failed.Result, done.Result = &bulk.Result{Outcome: bulk.Failed}, &bulk.Result{Outcome: bulk.Succeeded}
	planned := bulk.Begin(dry).Looked(all, nil, nil, now)
	counts := bulk.Tally{}.Add(bulk.Failed, bulk.ReasonNoAnswer)
	over := bulk.Begin(o).Carried(all, counts, now)
	for name, c := range map[string]struct {
		operation bulk.Operation
		state     bulk.State
		item      bulk.Item
		will      bool
	}{
		"running":                      {o, bulk.Begin(o), one, true},
		"paused":                       {o, ask(bulk.Begin(o), bulk.ControlPause), one, true},
		"stopped":                      {o, ask(bulk.Begin(o), bulk.ControlStop), one, false},
		"a dry run":                    {dry, bulk.Begin(dry), one, false},
		"a dry run that is over":       {dry, planned, one, false},
		"a dry run that was started":   {dry, ask(planned, bulk.ControlStart), one, true},
		"done":                         {o, bulk.Begin(o), done, false},
		"failed, and the others go on": {o, bulk.Begin(o).Carried(first, counts, now), failed, false},
		"failed, and all is over":      {o, over, failed, false},
		"failed, and tried again":      {o, ask(over, bulk.ControlResume), failed, true},
	} {
		require.Equal(t, c.will, c.state.WillCarryOut(c.operation, c.item), name)
	}
}
