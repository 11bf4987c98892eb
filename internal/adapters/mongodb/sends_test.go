package mongodb

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

const key = "v1/reminder-7d/0"

func newSend() trial.Send {
	return trial.Send{
		Key: key, VendorID: "v1", Kind: trial.Reminder(7), Status: trial.SendClaimed, Attempt: 1, ClaimedAt: at, AddressHash: "hash-1",
	}
}

func claim(t *testing.T, s *Store) {
	t.Helper()
	claimed, current, err := s.ClaimSend(t.Context(), newSend())
	require.NoError(t, err)
	require.True(t, claimed)
	require.Equal(t, newSend(), current)
}

func settle(t *testing.T, s *Store, attempt int, status trial.SendStatus) trial.Send {
	t.Helper()
	send, err := s.SettleSend(t.Context(), key, attempt, trial.SendResult{Status: status, MessageID: fmt.Sprintf("message-%d", attempt), Reason: "reason"}, at.Add(time.Second))
	require.NoError(t, err)
	return send
}

func reclaim(t *testing.T, s *Store, from int, resend bool) (bool, trial.Send) {
	t.Helper()
	claimed, send, err := s.ReclaimSend(t.Context(), key, from, resend, at.Add(time.Duration(from)*time.Hour), fmt.Sprintf("hash-%d", from+1))
	require.NoError(t, err)
	return claimed, send
}

func TestSendIsClaimedOnce(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	none, err := s.Send(t.Context(), key)
	require.NoError(t, err)
	require.Nil(t, none)
	const n = 16
	var claimed [n]bool
	var current [n]trial.Send
	var errs [n]error
	together(n, func(i int) { claimed[i], current[i], errs[i] = s.ClaimSend(t.Context(), newSend()) })
	winners := 0
	for i := range n {
		require.NoError(t, errs[i])
		require.Equal(t, newSend(), current[i])
		if claimed[i] {
			winners++
		}
	}
	require.Equal(t, 1, winners)
	send, err := s.Send(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, new(newSend()), send)
}

func TestSendsOfAVendor(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for _, key := range []string{"v-1/welcome/0", "v-1/resend-bulk-1/0", "v-10/welcome/0", "v-1-2/welcome/0", "v-/welcome/0", "v/welcome/0"} {
		n := newSend()
		n.Key = key
		_, _, err := s.ClaimSend(t.Context(), n)
		require.NoError(t, err)
	}
	sends, err := s.Sends(t.Context(), "v-1")
	require.NoError(t, err)
	require.Len(t, sends, 2)
	require.Equal(t, "v-1/resend-bulk-1/0", sends[0].Key)
	require.Equal(t, "v-1/welcome/0", sends[1].Key)
	none, err := s.Sends(t.Context(), "v-2")
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestSendIsReclaimedOnceAnAttempt(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	claim(t, s)
	for attempt := 1; attempt <= 10; attempt++ {
		settle(t, s, attempt, trial.SendReleased)
		const n = 16
		var claimed [n]bool
		var current [n]trial.Send
		var errs [n]error
		together(n, func(i int) {
			claimed[i], current[i], errs[i] = s.ReclaimSend(t.Context(), key, attempt, false, at, "hash")
		})
		winners := 0
		for i := range n {
			require.NoError(t, errs[i])
			require.Equal(t, attempt+1, current[i].Attempt)
			require.Equal(t, trial.SendClaimed, current[i].Status)
			if claimed[i] {
				winners++
			}
		}
		require.Equal(t, 1, winners, "attempt %d", attempt)
	}
}

func TestReclaimSend(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	claim(t, s)
	settle(t, s, 1, trial.SendUnknown)
	claimed, send := reclaim(t, s, 1, true)
	require.True(t, claimed)
	want := newSend()
	want.Attempt, want.Resends, want.ClaimedAt, want.AddressHash = 2, 1, at.Add(time.Hour), "hash-2"
	require.Equal(t, want, send)

	claimed, send = reclaim(t, s, 1, true)
	require.False(t, claimed, "it has moved on")
	require.Equal(t, want, send)
	claimed, _ = reclaim(t, s, 7, true)
	require.False(t, claimed, "it was never there")

	settle(t, s, 2, trial.SendReleased)
	claimed, send = reclaim(t, s, 2, false)
	require.True(t, claimed)
	require.Equal(t, 1, send.Resends, "a resend is counted, a retry is not")

	settle(t, s, 3, trial.SendRefused)
	claimed, send = reclaim(t, s, 3, false)
	require.False(t, claimed)
	require.Equal(t, trial.SendRefused, send.Status)

	_, _, err := s.ReclaimSend(t.Context(), "v1/welcome/0", 1, false, at, "")
	require.Error(t, err)
}

// The mail service's event may be the first to tell, and knows of no templates.
func TestASendKeepsTheVersionOfItsTemplates(t *testing.T) {
	t.Parallel()
	for name, eventFirst := range map[string]bool{"the event comes later": false, "the event comes first": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			claim(t, s)
			event := func() {
				_, err := s.SendEvent(t.Context(), key, 1, "message-1", trial.DeliveryDone, at)
				require.NoError(t, err)
			}
			if eventFirst {
				event()
			}
			settled, err := s.SettleSend(t.Context(), key, 1, trial.SendResult{Status: trial.SendSent, MessageID: "message-1", Template: "v-1"}, at.Add(time.Second))
			require.NoError(t, err)
			require.Equal(t, "v-1", settled.Template)
			if !eventFirst {
				event()
			}
			_, err = s.SettleSend(t.Context(), key, 1, trial.SendResult{Status: trial.SendUnknown}, at.Add(time.Minute))
			require.NoError(t, err)
			send, err := s.Send(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, "v-1", send.Template)
			require.Equal(t, trial.DeliveryDone, send.Delivery)
		})
	}
}

func TestSettleSend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		act  func(t *testing.T, s *Store)
		want trial.SendStatus
	}{
		"sent":                         {want: trial.SendSent, act: func(t *testing.T, s *Store) { t.Helper(); settle(t, s, 1, trial.SendSent) }},
		"unknown":                      {want: trial.SendUnknown, act: func(t *testing.T, s *Store) { t.Helper(); settle(t, s, 1, trial.SendUnknown) }},
		"released":                     {want: trial.SendReleased, act: func(t *testing.T, s *Store) { t.Helper(); settle(t, s, 1, trial.SendReleased) }},
		"refused":                      {want: trial.SendRefused, act: func(t *testing.T, s *Store) { t.Helper(); settle(t, s, 1, trial.SendRefused) }},
		"sent stays, unknown comes":    {want: trial.SendSent, act: inTurn(trial.SendSent, trial.SendUnknown)},
		"sent stays, released comes":   {want: trial.SendSent, act: inTurn(trial.SendSent, trial.SendReleased)},
		"sent stays, refused comes":    {want: trial.SendSent, act: inTurn(trial.SendSent, trial.SendRefused)},
		"unknown, then it was sent":    {want: trial.SendSent, act: inTurn(trial.SendUnknown, trial.SendSent)},
		"refused stays, unknown comes": {want: trial.SendRefused, act: inTurn(trial.SendRefused, trial.SendUnknown)},
		"overtaken and released": {want: trial.SendClaimed, act: func(t *testing.T, s *Store) {
			t.Helper()
			reclaim(t, s, 1, true)
			settle(t, s, 1, trial.SendReleased)
		}},
		"overtaken and refused": {want: trial.SendReleased, act: func(t *testing.T, s *Store) {
			t.Helper()
			reclaim(t, s, 1, true)
			settle(t, s, 2, trial.SendReleased)
			settle(t, s, 1, trial.SendRefused)
		}},
		"overtaken, but sent": {want: trial.SendSent, act: func(t *testing.T, s *Store) {
			t.Helper()
			reclaim(t, s, 1, true)
			settle(t, s, 1, trial.SendSent)
			settle(t, s, 2, trial.SendReleased)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			claim(t, s)
			c.act(t, s)
			send, err := s.Send(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, c.want, send.Status)
			require.Equal(t, c.want != trial.SendClaimed, send.SettledAt != nil)
			require.Equal(t, c.want == trial.SendSent, send.MessageID == "message-1")
			if c.want == trial.SendSent {
				claimed, _ := reclaim(t, s, send.Attempt, true)
				require.False(t, claimed, "what was sent is not sent again")
			}
		})
	}
	s := newTestStore(t)
	claim(t, s)
	_, err := s.SettleSend(t.Context(), key, 1, trial.SendResult{Status: trial.SendClaimed}, at)
	requireCode(t, trial.CodeInvalid, err)
	_, err = s.SettleSend(t.Context(), "v1/welcome/0", 1, trial.SendResult{Status: trial.SendSent, MessageID: "m"}, at)
	require.Error(t, err)
}

// inTurn settles the first attempt again and again.
func inTurn(statuses ...trial.SendStatus) func(*testing.T, *Store) {
	return func(t *testing.T, s *Store) {
		t.Helper()
		for _, status := range statuses {
			settle(t, s, 1, status)
		}
	}
}

func TestSettledSend(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	claim(t, s)
	send := settle(t, s, 1, trial.SendUnknown)
	want := newSend()
	want.Status, want.SettledAt, want.Reason = trial.SendUnknown, new(at.Add(time.Second)), "reason"
	require.Equal(t, want, send)
	send = settle(t, s, 1, trial.SendSent)
	want.Status, want.MessageID, want.Reason = trial.SendSent, "message-1", ""
	require.Equal(t, want, send)
	late, err := s.SendEvent(t.Context(), key, 1, "message-1", "", at.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, &want, late, "when it was first known to be sent")
}

func TestSendEvent(t *testing.T) {
	t.Parallel()
	type report struct {
		delivery string
		hour     int
	}
	for name, c := range map[string]struct {
		reports []report
		want    string
		hour    int
	}{
		"accepted":                             {reports: []report{{"", 1}}},
		"delivered":                            {reports: []report{{"delivery", 1}}, want: "delivery", hour: 1},
		"delayed, then delivered":              {reports: []report{{"delay", 1}, {"delivery", 2}}, want: "delivery", hour: 2},
		"delivered, the delay is late":         {reports: []report{{"delivery", 2}, {"delay", 1}}, want: "delivery", hour: 2},
		"delayed twice":                        {reports: []report{{"delay", 1}, {"delay", 3}, {"delay", 2}}, want: "delay", hour: 3},
		"delivered, then bounced":              {reports: []report{{"delivery", 1}, {"bounce", 2}}, want: "bounce", hour: 2},
		"bounced, then delivered":              {reports: []report{{"bounce", 1}, {"delivery", 2}}, want: "bounce", hour: 1},
		"delivered, then a complaint":          {reports: []report{{"delivery", 1}, {"complaint", 20}}, want: "complaint", hour: 20},
		"delivered, then an automatic reply":   {reports: []report{{"delivery", 1}, {"general-bounce", 2}}, want: "delivery", hour: 1},
		"an automatic reply, then delivered":   {reports: []report{{"general-bounce", 1}, {"delivery", 2}}, want: "delivery", hour: 2},
		"delayed, then bounced in general":     {reports: []report{{"delay", 1}, {"general-bounce", 2}}, want: "bounce", hour: 2},
		"an automatic reply, then a bounce":    {reports: []report{{"delivery", 1}, {"general-bounce", 2}, {"bounce", 3}}, want: "bounce", hour: 3},
		"a complaint, then an automatic reply": {reports: []report{{"complaint", 1}, {"general-bounce", 2}}, want: "complaint", hour: 1},
		"rejected":                             {reports: []report{{"", 1}, {"reject", 1}}, want: "reject", hour: 1},
	} {
		for _, before := range []trial.SendStatus{trial.SendClaimed, trial.SendUnknown, trial.SendReleased, trial.SendSent} {
			t.Run(name+" while "+string(before), func(t *testing.T) {
				t.Parallel()
				s := newTestStore(t)
				claim(t, s)
				if before != trial.SendClaimed {
					settle(t, s, 1, before)
				}
				var send *trial.Send
				for _, r := range c.reports {
					var err error
					send, err = s.SendEvent(t.Context(), key, 1, "message-1", r.delivery, at.Add(time.Duration(r.hour)*time.Hour))
					require.NoError(t, err)
				}
				require.Equal(t, trial.SendSent, send.Status)
				require.Equal(t, "message-1", send.MessageID)
				require.Equal(t, "hash-1", send.AddressHash)
				require.Equal(t, c.want, send.Delivery)
				if c.want != "" {
					require.Equal(t, new(at.Add(time.Duration(c.hour)*time.Hour)), send.DeliveryAt)
				}
				read, err := s.Send(t.Context(), key)
				require.NoError(t, err)
				require.Equal(t, read, send)
			})
		}
	}
	s := newTestStore(t)
	none, err := s.SendEvent(t.Context(), key, 1, "m", "delivery", at)
	require.NoError(t, err)
	require.Nil(t, none, "an event of a mail that is not ours, or of a database that was lost")
	claim(t, s)
	_, err = s.SendEvent(t.Context(), key, 1, "m", "read", at)
	requireCode(t, trial.CodeInvalid, err)
}

// Whatever order SNS delivers them in, and however often.
func TestTheOrderOfReportsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		change := rapid.Custom(func(t *rapid.T) sendChange {
			moment := at.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "hour")) * time.Hour)
			c := sendChange{sent: acceptance(rapid.IntRange(1, 2).Draw(t, "attempt"), rapid.SampledFrom([]string{"m-1", "m-2"}).Draw(t, "message"), moment)}
			if kind := rapid.SampledFrom(append(slices.Sorted(maps.Keys(deliveryRanks)), "")).Draw(t, "report"); kind != "" {
				report, err := deliveryReport(kind, moment)
				require.NoError(t, err)
				c.delivery = report
			}
			return c
		})
		changes := rapid.SliceOfN(change, 1, 6).Draw(t, "reports")
		again := rapid.Permutation(slices.Concat(changes, changes)).Draw(t, "again")
		fold := func(changes []sendChange) trial.Send {
			var doc sendDocument
			for _, c := range changes {
				doc = c.applied(doc)
			}
			return doc.send()
		}
		require.Equal(t, fold(changes), fold(again))
	})
}

// The record of a send, the rollout's evidence, and its reports say the same of an e-mail, whatever was reported of it.
// A complaint about an e-mail that bounced is left out: it would be about another copy.
func TestTheRolloutCountsAnEMailAsItsRecordDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kinds := []string{trial.DeliveryDelay, trial.DeliveryGeneralBounce, trial.DeliveryDone, trial.DeliveryBounce, trial.DeliveryReject}
		if rapid.Bool().Draw(t, "complaint") {
			kinds = []string{trial.DeliveryDelay, trial.DeliveryGeneralBounce, trial.DeliveryDone, trial.DeliveryComplaint}
		}
		doc := sendDocument{Key: key, Attempt: sendAttempt{Number: 1, Status: trial.SendClaimed, ClaimedAt: at}}
		outcomes := []rollout.Outcome{outcomeOf("mail-sent "+key, at), outcomeOf("mail-sent v2/welcome/0", at), outcomeOf("mail-delivered v2/welcome/0", at.Add(time.Hour))}
		for _, report := range rapid.SliceOfN(rapid.SampledFrom(kinds), 1, 5).Draw(t, "reports") {
			moment := at.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "hour")) * time.Hour)
			delivery, err := deliveryReport(report, moment)
			require.NoError(t, err)
			doc = sendChange{sent: acceptance(1, "m-1", moment), delivery: delivery}.applied(doc)
			if kind, ok := reportOutcomes[report]; ok {
				outcomes = append(outcomes, outcomeOf(string(kind)+" "+key, moment))
			}
		}
		counted := monitoring.OfSend(doc.send(), trial.RealDay)
		slot := monitoring.SlotOf(at, trial.RealDay)
		arrived := counted[monitoring.Counter{Period: slot, Cohort: trial.Automated, Name: monitoring.MailArrived}]
		failed := counted[monitoring.Counter{Period: slot, Cohort: trial.Automated, Name: monitoring.MailFailed}]

		tally := report.TallyOf(report.Facts{Outcomes: outcomes})
		require.Equal(t, []int{arrived + 1, failed}, []int{tally.MailDelivered, tally.MailFailed})

		plan := rollout.DefaultPlan()
		ledger := rollout.NewLedger(plan)
		position := rollout.Position{StageSeq: 1, Stage: rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Percentage: 10}
		ledger.Apply(plan, rollout.Snapshot{Number: 1, From: at, To: at.Add(23 * time.Hour), Position: position, Outcomes: outcomes}, trial.RealDay)
		ledger.Apply(plan, rollout.Snapshot{Number: 2, From: at.Add(23 * time.Hour), To: at.Add(25 * time.Hour), Position: position}, trial.RealDay)
		if arrived+failed == 0 {
			failed = 1 // nothing final is known of it, and its day is over
		}
		require.Equal(t, arrived+failed+1, ledger.Email.Total().Seen)
		require.InDelta(t, float64(arrived+1), ledger.Email.Total().Sum, 1e-9)
	})
}

// An event about the first attempt arrives after the second was claimed: it is
// sent, and what the second does is not lost.
func TestSendEventOfAnEarlierAttempt(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	claim(t, s)
	settle(t, s, 1, trial.SendUnknown)
	reclaim(t, s, 1, true)
	send, err := s.SendEvent(t.Context(), key, 1, "message-1", "delivery", at.Add(2*time.Hour))
	require.NoError(t, err)
	require.Equal(t, trial.SendSent, send.Status)
	require.Equal(t, 2, send.Attempt)
	require.Equal(t, 1, send.Resends, "that it went out twice is still counted")
	require.Equal(t, trial.SendSent, settle(t, s, 2, trial.SendUnknown).Status)
}

// However what happens to a send is interleaved, no two hold the same attempt,
// attempts only rise, and what was sent stays so.
func TestSendUnderRandomInterleaving(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		s := newTestStore(t)
		claim(t, s)
		const workers = 6
		seeds := [workers]uint64{1, 2, 3, 4, 5, 6}
		var won [workers][]int
		var sent [workers]bool
		together(workers, func(i int) {
			rnd := rand.New(rand.NewPCG(seed, seeds[i]))
			last := trial.Send{Attempt: 1}
			for range 12 {
				current, err := s.Send(t.Context(), key)
				if err != nil || current == nil {
					t.Errorf("reading: %v %v", current, err)
					return
				}
				if current.Attempt < last.Attempt || last.Status == trial.SendSent && current.Status != trial.SendSent {
					t.Errorf("it went back: %v after %v", current, last)
				}
				last = *current
				switch n := rnd.IntN(20); {
				case n < 10:
					claimed, after, err := s.ReclaimSend(t.Context(), key, current.Attempt, n%2 == 0, at, "hash")
					if err != nil {
						t.Errorf("claiming: %v", err)
					}
					if claimed {
						won[i] = append(won[i], after.Attempt)
					}
				case n < 19:
					status := []trial.SendStatus{trial.SendReleased, trial.SendUnknown, trial.SendReleased}[n%3]
					if _, err := s.SettleSend(t.Context(), key, current.Attempt, trial.SendResult{Status: status, Reason: "reason"}, at); err != nil {
						t.Errorf("settling: %v", err)
					}
				default:
					if _, err := s.SendEvent(t.Context(), key, current.Attempt, "message", "delivery", at); err != nil {
						t.Errorf("an event: %v", err)
					}
					sent[i] = true
				}
			}
		})
		holders := map[int]int{}
		for i := range workers {
			for _, attempt := range won[i] {
				holders[attempt]++
			}
		}
		for attempt, n := range holders {
			require.Equal(t, 1, n, "seed %d: attempt %d has one holder", seed, attempt)
		}
		final, err := s.Send(t.Context(), key)
		require.NoError(t, err)
		for i := range workers {
			if sent[i] {
				require.Equal(t, trial.SendSent, final.Status, "seed %d", seed)
			}
		}
	}
}
