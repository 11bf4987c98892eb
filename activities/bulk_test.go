package activities_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

func TestCarryOutEachOnce(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1", "v2", "v3")
	h.items[4] = bulk.Item{Number: 4, VendorID: "nobody"}
	h.vendors["v3"], h.events["v3"] = trial.Vendor{}, append(h.events["v3"], *must(h.state("v3").Request(trial.MessageCancel, trial.Request{Reason: "r"}, now)))
	s, err := h.carry(t, h.operation(bulk.Extend))
	require.NoError(t, err)
	require.Equal(t, bulk.Done, s.Status)
	require.Equal(t, []string{"done carried-out", "done carried-out", "refused status-cancelled", "refused no-such-trial"}, h.outcomes())
	require.Equal(t, 1, h.state("v1").Revision)
	change := h.items[1].Result.Change
	require.Equal(t, 3*trial.RealDay, change.Is.Sub(change.Was))
	require.Equal(t, h.state("v1").EndsAt, change.Is)
	require.Equal(t, s, h.states[len(h.states)-1], "it is stored before the workflow hears of it")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A worker that is killed between asking a trial and noting the result leaves the
// trial changed. The next attempt changes nothing, and knows the old end.
func TestCarryOutAfterACrash(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1", "v2", "v3", "v4")
	before := h.state("v1").EndsAt
	h.crash = 3
	_, err := h.carry(t, h.operation(bulk.Extend))
	require.ErrorContains(t, err, "3 of 4 items")
	s, err := h.carry(t, h.operation(bulk.Extend))
	require.NoError(t, err)
	require.Equal(t, 4, s.Counts.Of(bulk.Succeeded), "counted once, whoever did it")
	for _, id := range []string{"v1", "v2", "v3", "v4"} {
		require.Equal(t, 1, h.state(id).Revision, id)
		require.Equal(t, 1, h.asks[id], id)
	}
	for _, i := range h.items {
		require.Equal(t, before, i.Result.Change.Was)
		require.Equal(t, before.Add(3*trial.RealDay), i.Result.Change.Is)
		require.Equal(t, 1, i.Result.Change.Revision)
	}
}

func TestCarryOutWaitsForATrialThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1", "v2")
	h.silent = "v2"
	_, err := h.carry(t, h.operation(bulk.Cancel))
	require.ErrorContains(t, err, "1 of 2 items")
	require.Equal(t, []string{"done carried-out", "open"}, h.outcomes())
	h.silent = ""
	_, err = h.carry(t, h.operation(bulk.Cancel))
	require.NoError(t, err)
	require.Equal(t, 1, h.asks["v1"])
}

func TestCarryOutHeedsTheFlags(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1")
	h.flags.AdminTools.BulkOperations = false
	s, err := h.carry(t, h.operation(bulk.Extend))
	require.NoError(t, err)
	require.Equal(t, bulk.Paused, s.Status)
	require.Equal(t, "adminTools.bulkOperations", s.Cause)
	require.Equal(t, 1, s.Next)
	require.Empty(t, h.asks)
}

func TestCarryOutKeepsTheRate(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1", "v2", "v3", "v4")
	o := h.operation(bulk.Extend)
	o.PerMinute = 600 // four of them are 0.4 s
	began := time.Now()
	_, err := h.carry(t, o)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), 390*time.Millisecond)
}

func TestLookAtItemsChangesNothing(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1", "v2")
	h.items[3] = bulk.Item{Number: 3, VendorID: "nobody"}
	o := h.operation(bulk.Shorten)
	o.DryRun = true
	s, err := h.bulk().LookAtItems(t.Context(), activities.BulkWork{Operation: o, State: bulk.Begin(o)})
	require.NoError(t, err)
	require.Equal(t, bulk.Planned, s.Status)
	require.Equal(t, bulk.Tally{}.Add(bulk.Succeeded, bulk.ReasonCarriedOut).Add(bulk.Succeeded, bulk.ReasonCarriedOut).Add(bulk.Refused, bulk.ReasonNoTrial), s.Plan)
	require.Len(t, s.Examples, 3)
	require.Equal(t, -3*trial.RealDay, s.Examples[0].Is.Sub(*s.Examples[0].Was))
	require.Empty(t, h.asks)
	require.Equal(t, []string{"open", "open", "open"}, h.outcomes())
}

func TestConvertItems(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1", "v2", "v3")
	h.faster = "v3"
	_, _, err := h.RecordConversion(t.Context(), "v2", trial.Conversion{At: now, RequestID: "billing"})
	require.NoError(t, err)
	for range 2 { // the second time all is done
		_, err := h.carry(t, h.operation(bulk.Convert))
		require.NoError(t, err)
	}
	require.Equal(t, []string{"done carried-out", "skipped already-converted", "skipped already-converted"}, h.outcomes())
	require.Equal(t, []string{"v1 bulk-1/v1"}, h.conversions)
	require.Equal(t, now, h.vendors["v1"].Automation.Conversion.At)
}

func TestResendItems(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1", "v2")
	v := h.vendors["v2"]
	v.Automation = &trial.Automation{Cohort: trial.Automated}
	v.Suppression = &trial.Suppression{Reason: trial.ReasonSuppressedAddress, AddressHash: trial.AddressHash("v2@vendors.example.com")}
	h.vendors["v2"] = v
	s, err := h.carry(t, h.operation(bulk.Resend))
	require.NoError(t, err)
	require.Equal(t, bulk.Done, s.Status)
	require.Equal(t, []string{"done carried-out", "skipped suppressed-address"}, h.outcomes())
	require.Len(t, h.mails, 1)
	require.Equal(t, trial.Welcome, h.mails[0].Step.Kind)
	require.Equal(t, "v1/resend-bulk-1/0", h.mails[0].Send.Key, "a send of its own, so that events about it settle it")
}

// Whatever the world has come to while an e-mail waited for its turn is what it is decided on.
func TestResendDecidesAgainAfterItsTurn(t *testing.T) {
	t.Parallel()
	vendor := func(change func(*trial.Vendor)) func(*bulkFake) {
		return func(h *bulkFake) {
			v := h.vendors["v1"]
			change(&v)
			h.vendors["v1"] = v
		}
	}
	ask := func(message string) func(*bulkFake) {
		return func(h *bulkFake) {
			h.happen(*must(h.state("v1").Request(message, trial.Request{Reason: "r"}, now)), "v1")
		}
	}
	suppressed := func(r trial.Reason) func(*bulkFake) {
		return vendor(func(v *trial.Vendor) { v.Suppression = &trial.Suppression{Reason: r} })
	}
	for name, c := range map[string]struct {
		happens func(*bulkFake)
		want    string
		to      string // where it goes; empty where nothing is sent
	}{
		"nothing":        {func(*bulkFake) {}, "done carried-out", "v1@vendors.example.com"},
		"a new address":  {vendor(func(v *trial.Vendor) { v.Email = "new@vendors.example.com" }), "done carried-out", "new@vendors.example.com"},
		"unsubscribed":   {suppressed(trial.ReasonUnsubscribed), "skipped unsubscribed", ""},
		"complained":     {suppressed(trial.ReasonSuppressedAddress), "skipped suppressed-address", ""},
		"erased":         {vendor(func(v *trial.Vendor) { v.ErasedAt = new(now) }), "skipped no-address", ""},
		"deleted":        {func(h *bulkFake) { delete(h.vendors, "v1") }, "refused no-such-trial", ""},
		"billing's word": {vendor(func(v *trial.Vendor) { v.Automation = &trial.Automation{Conversion: &trial.Conversion{At: now}} }), "skipped already-converted", ""},
		"converted":      {ask(trial.MessageConvert), "skipped no-e-mail-due", ""},
		"cancelled":      {ask(trial.MessageCancel), "skipped no-e-mail-due", ""},
		"handed over":    {ask(trial.MessageRelease), "skipped not-automated", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newBulkFake("v1")
			h.meanwhile = func() { c.happens(h) }
			_, err := h.carry(t, h.operation(bulk.Resend))
			require.NoError(t, err)
			require.Equal(t, []string{c.want}, h.outcomes())
			if c.to == "" {
				require.Empty(t, h.mails)
				require.Empty(t, h.sends, "nothing is claimed for what is not sent")
				return
			}
			require.Len(t, h.mails, 1)
			require.Equal(t, c.to, h.mails[0].To)
			require.Equal(t, trial.AddressHash(c.to), h.mails[0].Send.AddressHash)
		})
	}
}

// What another operation sends again while one waits for its turn is not sent twice, whichever of them is of this e-mail alone.
func TestResendLeavesWhatAnotherOperationHasSent(t *testing.T) {
	t.Parallel()
	welcome := &bulk.Email{Kind: trial.Welcome}
	for name, c := range map[string]struct {
		own, other *bulk.Email
		status     trial.SendStatus
		want       string
		mails      int
	}{
		"of many, after one":              {nil, welcome, trial.SendSent, "skipped sent-again", 0},
		"of many, after one that may be":  {nil, welcome, trial.SendClaimed, "skipped sent-again", 0},
		"of many, after one that was not": {nil, welcome, trial.SendRefused, "done carried-out", 1},
		"of one, after many":              {welcome, nil, trial.SendSent, "skipped sent-again", 0},
		"of many, after many":             {nil, nil, trial.SendSent, "done carried-out", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newBulkFake("v1")
			other := h.operation(bulk.Resend)
			other.ID, other.Email = "bulk-2", c.other
			h.others = map[string]bulk.Operation{"bulk-2": other}
			h.meanwhile = func() {
				key := trial.Step{Kind: other.ResendKind()}.Key("v1")
				h.sends[key] = trial.Send{Key: key, VendorID: "v1", Kind: other.ResendKind(), Status: c.status, ClaimedAt: now.Add(time.Millisecond)}
			}
			o := h.operation(bulk.Resend)
			if o.Email = c.own; c.own != nil {
				o.Action = bulk.ResendOne
			}
			_, err := h.carry(t, o)
			require.NoError(t, err)
			require.Equal(t, []string{c.want}, h.outcomes())
			require.Len(t, h.mails, c.mails)
		})
	}
}

// A resend happens once an operation, whatever is killed when.
func TestResendOnceAnOperation(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1")
	h.crash = 1
	_, err := h.carry(t, h.operation(bulk.Resend))
	require.Error(t, err)
	_, err = h.carry(t, h.operation(bulk.Resend))
	require.NoError(t, err)
	require.Len(t, h.mails, 1)
	require.Equal(t, []string{"done carried-out"}, h.outcomes())
}

// The e-mail has left, and its vendor unsubscribes by it before the item is noted.
func TestResendThatLeftIsNotCalledSkipped(t *testing.T) {
	t.Parallel()
	for status, want := range map[trial.SendStatus]string{
		trial.SendSent: "done carried-out", trial.SendUnknown: "failed e-mail-unknown", trial.SendClaimed: "failed e-mail-unknown",
		trial.SendRefused: "refused e-mail-refused", trial.SendReleased: "skipped unsubscribed",
	} {
		for _, action := range []bulk.Action{bulk.Resend, bulk.ResendOne} {
			h := newBulkFake("v1")
			h.outcome = trial.SendResult{Status: status}
			if status != trial.SendReleased { // there is nothing to note
				h.crash = 1
			}
			o := h.operation(action)
			if action == bulk.ResendOne {
				o.Email = &bulk.Email{Kind: trial.Welcome}
			}
			_, err := h.carry(t, o)
			require.Error(t, err)
			v := h.vendors["v1"]
			v.Suppression = &trial.Suppression{Reason: trial.ReasonUnsubscribed}
			h.vendors["v1"] = v
			_, err = h.carry(t, o)
			require.NoError(t, err)
			require.Equal(t, []string{want}, h.outcomes(), "%s of %s", status, action)
			require.Len(t, h.mails, 1)
		}
	}
}

func TestResendThatNobodyKnowsOfIsNotRepeated(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1")
	h.outcome = trial.SendResult{Status: trial.SendUnknown, Reason: "timeout"}
	for range 2 {
		_, err := h.carry(t, h.operation(bulk.Resend))
		require.NoError(t, err)
	}
	require.Len(t, h.mails, 1)
	require.Equal(t, []string{"failed e-mail-unknown"}, h.outcomes())
	_, err := h.SettleSend(t.Context(), "v1/resend-bulk-1/0", 1, trial.SendResult{Status: trial.SendSent, MessageID: "m1"}, now) // an event tells
	require.NoError(t, err)
	_, err = h.carry(t, h.operation(bulk.Resend))
	require.NoError(t, err)
	require.Equal(t, []string{"done carried-out"}, h.outcomes())
	require.Len(t, h.mails, 1)
}

func TestResendThatIsThrottledIsTriedAgain(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1")
	h.outcome = trial.SendResult{Status: trial.SendReleased, Reason: "throttled", RetryAfter: time.Second}
	_, err := h.carry(t, h.operation(bulk.Resend))
	require.Error(t, err)
	h.outcome = trial.SendResult{Status: trial.SendSent}
	_, err = h.carry(t, h.operation(bulk.Resend))
	require.NoError(t, err)
	require.Equal(t, []string{"done carried-out"}, h.outcomes())
}

func TestChooseFiltered(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range 1100 {
		ids = append(ids, fmt.Sprintf("v-%04d", i))
	}
	h := newBulkFake(ids...)
	h.items = map[int]bulk.Item{}
	o := h.operation(bulk.Cancel)
	o.Filter, o.Listed = &bulk.Filter{Status: trial.Active}, 0
	s := bulk.Begin(o)
	for pages := 0; s.Status == bulk.Choosing; pages++ {
		require.Less(t, pages, 4)
		before := s
		for range 2 { // the first answer is lost, and the page is chosen once more
			var err error
			s, err = h.bulk().ChooseItems(t.Context(), activities.BulkWork{Operation: o, State: before})
			require.NoError(t, err)
			id := fmt.Sprintf("v-%04d", 500*pages+7) // while a trial among them has ended
			if h.state(id).Status == trial.Active {
				h.happen(*must(h.state(id).Request(trial.MessageCancel, trial.Request{Reason: "r"}, now)), id)
			}
		}
	}
	require.Equal(t, bulk.Running, s.Status)
	require.Equal(t, 1100, s.Total)
	seen := map[string]bool{}
	for number := 1; number <= 1100; number++ {
		require.False(t, seen[h.items[number].VendorID])
		seen[h.items[number].VendorID] = true
	}
	require.Len(t, seen, 1100)
}

func TestChooseFilteredByEnds(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1", "v2")
	h.items = map[int]bulk.Item{}
	o := h.operation(bulk.Cancel)
	o.Filter, o.Listed = &bulk.Filter{EndsBefore: new(now)}, 0
	s, err := h.bulk().ChooseItems(t.Context(), activities.BulkWork{Operation: o, State: bulk.Begin(o)})
	require.NoError(t, err)
	require.Equal(t, bulk.Done, s.Status, "there is none")
	require.Zero(t, s.Total)
}

func TestUndoItems(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1", "v2", "v3")
	before := h.state("v1").EndsAt
	_, err := h.carry(t, h.operation(bulk.Extend))
	require.NoError(t, err)
	h.undone, h.items = h.items, map[int]bulk.Item{}
	refusedItem := h.undone[2]
	refusedItem.Result = new(bulk.NewResult(bulk.Refused, "r", "", now))
	h.undone[2] = refusedItem
	h.happen(*must(h.state("v3").Request(trial.MessageExtend, trial.Request{Days: 1, Reason: "r"}, now)), "v3")

	undo := bulk.Operation{ID: "bulk-2", Action: bulk.Undo, Reason: "r", By: "admin", AskedAt: now, PerMinute: 6000, Undoes: "bulk-1", UndoesAction: bulk.Extend}
	s, err := h.bulk().ChooseItems(t.Context(), activities.BulkWork{Operation: undo, State: bulk.Begin(undo)})
	require.NoError(t, err)
	require.Equal(t, 3, s.Total)
	s, err = h.bulk().CarryOut(t.Context(), activities.BulkWork{Operation: undo, State: s})
	require.NoError(t, err)
	require.Equal(t, bulk.Done, s.Status)
	require.Equal(t, []string{"done carried-out", "skipped nothing-to-undo", "refused changed-since"}, h.outcomes())
	require.Equal(t, before, h.state("v1").EndsAt)
	require.Equal(t, before.Add(4*trial.RealDay), h.state("v3").EndsAt)
}

// A run that was reset knows less than is stored: what is stored stands, and no trial is asked anything.
func TestAnOperationGoesOnFromWhatIsStored(t *testing.T) {
	t.Parallel()
	h := newBulkFake("v1", "v2")
	o := h.operation(bulk.Extend)
	h.filed = bulk.Begin(o)
	before := h.filed
	stopped, err := before.Request(bulk.Control{Name: bulk.ControlStop, Reason: "r", By: "admin", At: now})
	require.NoError(t, err)
	h.filed = stopped
	stale := activities.BulkWork{Operation: o, State: before}
	b := h.bulk()
	for name, fn := range map[string]func(context.Context, activities.BulkWork) (bulk.State, error){
		"carry out": b.CarryOut, "look": b.LookAtItems, "choose": b.ChooseItems,
	} {
		s, err := fn(t.Context(), stale)
		require.NoError(t, err, name)
		require.Equal(t, stopped, s, name)
	}
	paused, err := before.Request(bulk.Control{Name: bulk.ControlPause, Reason: "r", By: "admin", At: now.Add(time.Second)})
	require.NoError(t, err)
	stored, err := b.NoteBulk(t.Context(), activities.BulkWork{Operation: o, State: paused})
	require.NoError(t, err)
	require.Equal(t, &stopped, stored)
	require.Empty(t, h.states)
	require.Empty(t, h.asks)

	h.filed = paused // by an attempt of the same run
	stored, err = b.NoteBulk(t.Context(), activities.BulkWork{Operation: o, State: paused})
	require.NoError(t, err)
	require.Nil(t, stored)
}
