package mongodb

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// deed is one thing that happens to a vendor, drawn at random.
type deed struct {
	What    string
	Address string
	Days    int
}

var deeds = []string{
	"replaced", "replaced by an old copy", "removed", "no vendor any more", "a vendor again", "another address", "registered again",
	"unsubscribed", "bounced", "complained", "converted", "converted, and Temporal is away", "swept", "days pass", "days pass", "days pass",
}

func drawDeeds() *rapid.Generator[[]deed] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) deed {
		return deed{
			What: rapid.SampledFrom(deeds).Draw(t, "what"), Address: rapid.SampledFrom([]string{"a@example.com", "b@example.com", "c@example.com"}).Draw(t, "address"),
			Days: rapid.IntRange(1, 5).Draw(t, "days"),
		}
	}), 12, 24)
}

// shop is one vendor, what production code makes of it, and what ought to be.
type shop struct {
	t   *testing.T
	s   *Store
	id  string
	now time.Time
	// state is the workflow's; copies are documents as they were.
	state       *trial.State
	copies      []bson.Raw
	unavailable bool // Temporal
	trials      *activities.Trials

	// What ought to be.
	optedOut  bool
	blocked   map[string]bool
	converted *time.Time
	mails     int
}

// The shop is what the activities ask of the mail service and of Temporal.

func (v *shop) Wait(context.Context) (bool, error) { return false, nil }

func (v *shop) Deliver(_ context.Context, m activities.Mail) (trial.SendResult, error) {
	require.False(v.t, v.optedOut, "%s: who has opted out is written to", m.Send.Key)
	require.False(v.t, v.blocked[m.To], "%s: an address that bounced or complained is written to", m.Send.Key)
	require.Nil(v.t, v.converted, "%s: who has converted is written to", m.Send.Key)
	v.mails++
	return trial.SendResult{Status: trial.SendSent, MessageID: m.Send.Key}, nil
}

func (v *shop) Start(ctx context.Context, r trial.Registration) (bool, error) {
	if r.VendorID != v.id || v.state != nil {
		return false, nil
	}
	state, err := v.trials.Begin(ctx, v.id)
	v.state = &state
	return true, err
}
func (v *shop) Restart(context.Context, trial.State) (bool, error)         { return false, nil }
func (v *shop) Wake(context.Context, string) error                         { return nil }
func (v *shop) EnsureRolloutRunning(context.Context, string) (bool, error) { return false, nil }
func (v *shop) KeepWatching(context.Context) error                         { return nil }

func (v *shop) Convert(ctx context.Context, id string, r trial.Request) error {
	if v.unavailable || id != v.id || v.state == nil {
		return nil // the signal is lost with Temporal's data
	}
	event, err := v.state.Request(trial.MessageConvert, r, v.now)
	if err != nil || event == nil {
		return err
	}
	stored, err := v.trials.Record(ctx, activities.RecordInput{State: *v.state, Event: *event})
	after := v.state.Apply(stored)
	v.state = &after
	return err
}

func newShop(t *testing.T, s *Store, id string) *shop {
	t.Helper()
	v := &shop{t: t, s: s, id: id, now: at, blocked: map[string]bool{}}
	now := func() time.Time { return v.now }
	v.trials = &activities.Trials{Store: s, Mailer: v, Policies: policy.BuiltIn(), Day: trial.RealDay, UnknownWait: time.Minute, Now: now, Log: zap.NewNop()}
	registered := vendor(id, trial.Automated)
	registered.Email = v.address("a@example.com")
	_, _, err := s.RegisterVendor(t.Context(), registered)
	require.NoError(t, err)
	v.copies = append(v.copies, raw(t, s, id))
	return v
}

// address is one of the vendor's own: what happens to an address counts for whoever has it.
func (v *shop) address(of string) string { return v.id + "-" + of }

func (v *shop) document() bson.Raw {
	doc, err := v.s.users.FindOne(v.t.Context(), byID(v.id)).Raw()
	if err != nil {
		return nil
	}
	return doc
}

func (v *shop) put(doc any) {
	_, err := v.s.users.DeleteOne(v.t.Context(), byID(v.id))
	require.NoError(v.t, err)
	if doc != nil {
		_, err = v.s.users.InsertOne(v.t.Context(), doc)
		require.NoError(v.t, err)
	}
}

func (v *shop) set(fields bson.D) {
	err := v.s.users.FindOneAndUpdate(v.t.Context(), byID(v.id), bson.D{{Key: "$set", Value: fields}}).Err()
	if err != nil {
		require.ErrorContains(v.t, err, "no documents")
	}
}

// happen has one thing happen, and what follows from it.
func (v *shop) happen(d deed, number int) {
	ctx := v.t.Context()
	switch d.What {
	case "replaced":
		v.put(bson.D{{Key: "_id", Value: v.id}, {Key: "isVendor", Value: true}, {Key: "email", Value: d.Address}, {Key: "name", Value: "Shop"}, {Key: "createdAt", Value: v.now}})
	case "replaced by an old copy":
		v.put(v.copies[number%len(v.copies)])
	case "removed":
		v.put(nil)
	case "no vendor any more", "a vendor again":
		v.set(bson.D{{Key: "isVendor", Value: d.What == "a vendor again"}})
	case "another address":
		v.set(bson.D{{Key: "email", Value: d.Address}})
	case "registered again":
		again := vendor(v.id, trial.Control)
		again.Email, again.StartedAt = d.Address, v.now
		_, _, _ = v.s.RegisterVendor(ctx, again) // refused where the document has another address
	case "unsubscribed":
		_, _, err := v.s.Suppress(ctx, v.id, trial.Suppression{Reason: trial.ReasonUnsubscribed, At: v.now})
		require.NoError(v.t, err)
		v.optedOut = true
	case "bounced", "complained":
		_, _, err := v.s.Suppress(ctx, v.id, trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: v.now, AddressHash: trial.AddressHash(d.Address)})
		require.NoError(v.t, err)
		v.blocked[d.Address] = true
	case "converted", "converted, and Temporal is away":
		kept, _, err := v.s.RecordConversion(ctx, v.id, trial.Conversion{At: v.now, RequestID: "invoice"})
		require.NoError(v.t, err)
		if v.converted == nil {
			v.converted = &kept.At
		}
		require.Equal(v.t, *v.converted, kept.At, "the first counts")
		v.unavailable = d.What != "converted"
		require.NoError(v.t, v.Convert(ctx, v.id, trial.Request{ID: kept.RequestID, At: kept.At, By: "billing"}))
		v.unavailable = false
	case "swept":
		v.reconcile()
	case "days pass":
		v.now = v.now.AddDate(0, 0, d.Days)
	}
	v.perform()
	if doc := v.document(); doc != nil {
		v.copies = append(v.copies, slices.Clone(doc))
	}
}

func (v *shop) reconcile() {
	sweep := activities.Sweep{ // a new one rests from nothing
		Store: v.s, Starter: v, Rollouts: v, Policies: policy.BuiltIn(), Day: trial.RealDay, Slack: 100 * trial.RealDay,
		Now: func() time.Time { return v.now }, Log: zap.NewNop(),
	}
	_, err := sweep.Sweep(v.t.Context())
	require.NoError(v.t, err)
}

// perform has the workflow do what is due.
func (v *shop) perform() {
	for v.state != nil {
		step, ok := v.state.Next()
		if !ok || step.At.After(v.now) {
			return
		}
		p, err := v.trials.Perform(v.t.Context(), activities.Due{State: *v.state, Step: step})
		require.NoError(v.t, err)
		require.NotNil(v.t, p.Event)
		after := v.state.Apply(*p.Event)
		v.state = &after
	}
}

// holds says what must be so after everything that happens.
func (v *shop) holds() {
	if v.state != nil {
		require.Equal(v.t, trial.Automated, v.state.Cohort)
		require.Equal(v.t, at, v.state.StartedAt)
	}
	seen, err := v.s.VendorOnRecord(v.t.Context(), v.id)
	require.NoError(v.t, err)
	require.Equal(v.t, at, seen.StartedAt, "its start never changes")
	require.Equal(v.t, trial.Automated, seen.Automation.Cohort, "nor does its cohort")
	if v.optedOut && seen.Email != "" {
		require.Equal(v.t, trial.ReasonUnsubscribed, seen.NoMail())
	}
	if v.converted != nil {
		require.NotNil(v.t, seen.Automation.Conversion)
		require.Equal(v.t, *v.converted, seen.Automation.Conversion.At)
	}
}

// Whatever the marketplace does to a vendor's document: nobody who opted out is written to, no conversion is lost, and
// cohort and start never change. The sequences are the same each time.
func TestWhateverBecomesOfAVendorsDocument(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	_, err := s.UpdateFlags(t.Context(), "test", func(f *flags.Change) error {
		f.TrialAutomation = flags.TrialAutomation{Enabled: true, RolloutPercentage: 100, EmailReminders: true, AutoExpiration: true, ConversionTracking: true}
		return nil
	})
	require.NoError(t, err)
	mails := 0
	for seed := range 40 {
		v := newShop(t, s, fmt.Sprintf("v%d", seed))
		all := drawDeeds().Example(seed)
		t.Logf("seed %d: %v", seed, all)
		if seed%4 > 0 {
			v.reconcile() // else the trial begins only later
			v.perform()
		}
		for i, d := range all {
			d.Address = v.address(d.Address)
			v.happen(d, i)
			v.holds()
		}
		v.reconcile()
		if v.converted != nil && v.state != nil {
			require.NotNil(t, v.state.ConvertedAt, "billing's word has reached the trial")
			require.Equal(t, *v.converted, *v.state.ConvertedAt)
		}
		mails += v.mails
		_, err := s.users.DeleteOne(t.Context(), byID(v.id)) // the sweeps are for one vendor at a time
		require.NoError(t, err)
	}
	require.Positive(t, mails, "some are written to")
}
