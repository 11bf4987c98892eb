package mongodb

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"marketplace.example/trials/internal/domain/trial"
)

func register(t *testing.T, s *Store, id string, cohort trial.Cohort) {
	t.Helper()
	_, _, err := s.RegisterVendor(t.Context(), vendor(id, cohort))
	require.NoError(t, err)
}

func ids(vendors []trial.Vendor) []string {
	var list []string
	for _, v := range vendors {
		list = append(list, v.ID)
	}
	return list
}

func TestRecordConversionOnce(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	const n = 16
	var kept [n]trial.Conversion
	var isFirst [n]bool
	var errs [n]error
	together(n, func(i int) {
		kept[i], isFirst[i], errs[i] = s.RecordConversion(t.Context(), "v1", trial.Conversion{At: at.Add(time.Duration(i) * time.Hour), RequestID: strconv.Itoa(i)})
	})
	created := 0
	for i := range n {
		require.NoError(t, errs[i])
		require.Equal(t, kept[0], kept[i])
		if isFirst[i] {
			created++
			require.Equal(t, strconv.Itoa(i), kept[i].RequestID)
		}
	}
	require.Equal(t, 1, created)
	v, err := s.Vendor(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, &kept[0], v.Automation.Conversion)
	require.False(t, kept[0].Recorded)
}

func TestRecordConversionRefuses(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	insertUser(t, s, bson.D{{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}})
	_, _, err := s.RecordConversion(t.Context(), "v1", trial.Conversion{At: at})
	requireCode(t, trial.CodeConflict, err)
	_, _, err = s.RecordConversion(t.Context(), "unknown", trial.Conversion{At: at})
	requireCode(t, trial.CodeNotFound, err)
	register(t, s, "v2", trial.Control)
	_, _, err = s.RecordConversion(t.Context(), "v2", trial.Conversion{})
	requireCode(t, trial.CodeInvalid, err)
	for _, id := range []string{"v1", "v2", "unknown"} {
		kept, err := lookUp[trial.Conversion](t.Context(), s, conversionKey(id))
		require.NoError(t, err)
		require.Nil(t, kept, "nothing is kept of what was refused")
	}
}

// The trial hears of the conversion before or after billing's word is recorded;
// once it has, nothing is left to deliver.
func TestConversionIsRecordedByTheTrial(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for id, recordFirst := range map[string]bool{"before": true, "after": false} {
		register(t, s, id, trial.Control)
		events, state := history(t, registration14d(id), convert(at.Add(time.Hour)))
		appendAll(t, s, events[:1])
		if recordFirst {
			_, _, err := s.RecordConversion(t.Context(), id, trial.Conversion{At: at.Add(time.Hour), RequestID: "invoice-1"})
			require.NoError(t, err)
			waiting, err := s.UnrecordedConversions(t.Context(), 10)
			require.NoError(t, err)
			require.Equal(t, []string{id}, ids(waiting))
			require.Equal(t, "invoice-1", waiting[0].Automation.Conversion.RequestID)
		}
		appendAll(t, s, events)
		if !recordFirst {
			kept, isFirst, err := s.RecordConversion(t.Context(), id, trial.Conversion{At: at.Add(2 * time.Hour), RequestID: "invoice-2"})
			require.NoError(t, err)
			require.False(t, isFirst, "the trial's own was first")
			require.Equal(t, trial.Conversion{At: *state.ConvertedAt, Recorded: true}, kept)
		}
		v, err := s.Vendor(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, trial.Converted, v.Automation.Status)
		require.True(t, v.Automation.Conversion.Recorded)
		require.Equal(t, at.Add(time.Hour), v.Automation.Conversion.At)
		waiting, err := s.UnrecordedConversions(t.Context(), 10)
		require.NoError(t, err)
		require.Empty(t, waiting)
	}
}

// A trial that cannot begin hears of nothing: its workflow would fail each time. The conversion waits for the vendor's
// document, and those behind it do not wait.
func TestAConversionWaitsForATrialThatCanBegin(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	core, logs := observer.New(zap.WarnLevel)
	WithLogger(zap.New(core))(s)
	said := trial.Conversion{At: at.Add(time.Hour), RequestID: "invoice-1"}
	for _, id := range []string{"a-removed", "b-restored-to-before", "c-not-taken-in", "d-begun", "e-registered"} {
		register(t, s, id, trial.Automated)
		_, _, err := s.RecordConversion(t.Context(), id, said)
		require.NoError(t, err)
		if id == "d-begun" {
			events, _ := history(t, registration14d(id))
			appendAll(t, s, events)
		}
		if id != "e-registered" {
			_, err = s.users.DeleteOne(t.Context(), byID(id))
			require.NoError(t, err)
		}
	}
	for _, id := range []string{"b-restored-to-before", "c-not-taken-in"} {
		_, err := s.idempotencyKeys.DeleteOne(t.Context(), byID(registrationKey(id)))
		require.NoError(t, err)
	}
	insertUser(t, s, bson.D{{Key: "_id", Value: "c-not-taken-in"}, {Key: "isVendor", Value: true}})

	found, err := s.UnrecordedConversions(t.Context(), 2)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"d-begun", "e-registered"}, ids(found), "those that wait do not use up the limit")
	found, err = s.UnrecordedConversions(t.Context(), 10)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"d-begun", "e-registered"}, ids(found))
	last := logs.All()[logs.Len()-1].ContextMap()
	require.EqualValues(t, 3, last["vendors"])
	require.ElementsMatch(t, []any{"a-removed", "b-restored-to-before", "c-not-taken-in"}, last["vendorIds"])

	for _, id := range []string{"a-removed", "b-restored-to-before"} {
		register(t, s, id, trial.Automated)
	}
	_, err = s.TakeIn(t.Context(), vendor("c-not-taken-in", trial.Automated))
	require.NoError(t, err)
	found, err = s.UnrecordedConversions(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, found, 5, "they are there again")
	for _, v := range found {
		require.Equal(t, &said, v.Automation.Conversion)
	}
}

func TestUnstartedVendors(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	core, logs := observer.New(zap.WarnLevel)
	WithLogger(zap.New(core))(s)
	object := bson.NewObjectID()
	for _, doc := range []bson.D{
		{{Key: "_id", Value: 7}, {Key: "isVendor", Value: true}},
		{{Key: "_id", Value: "a@example.com"}, {Key: "isVendor", Value: true}},
		{{Key: "_id", Value: "buyer"}, {Key: "isVendor", Value: false}},
		{{Key: "_id", Value: "messy"}, {Key: "isVendor", Value: true}, {Key: "name", Value: bson.A{}}, {Key: "createdAt", Value: "x"}, {Key: "trialAutomation", Value: nil}},
		{{Key: "_id", Value: "their-own"}, {Key: "isVendor", Value: true}, {Key: "trialAutomation", Value: 3}},
		{{Key: "_id", Value: "no-date"}, {Key: "isVendor", Value: true}, {Key: "trialStartDate", Value: "05/03/2024"}},
		{{Key: "_id", Value: object}, {Key: "isVendor", Value: true}},
		{{Key: "_id", Value: "migrated"}, {Key: "isVendor", Value: true}, {Key: "trialAutomation", Value: bson.D{{Key: "status", Value: nil}}}},
	} {
		insertUser(t, s, doc)
	}
	register(t, s, "registered", trial.Automated)
	register(t, s, "started", trial.Automated)
	events, _ := history(t, registration14d("started"))
	appendAll(t, s, events)

	found, err := s.UnstartedVendors(t.Context(), 100, nobody)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"messy", object.Hex(), "migrated", "registered"}, ids(found))
	for _, v := range found {
		require.Equal(t, v.ID == "registered", v.Automation != nil, v.ID)
	}
	require.Len(t, logs.All(), 2)
	require.EqualValues(t, 2, logs.All()[0].ContextMap()["vendors"], "both ids that cannot name a trial")
	require.EqualValues(t, 2, logs.All()[1].ContextMap()["vendors"], "both that nobody but a person can decide")

	found, err = s.UnstartedVendors(t.Context(), 2, nobody)
	require.NoError(t, err)
	require.Len(t, found, 2, "unusable ids do not use up the limit")
	found, err = s.UnstartedVendors(t.Context(), 1, func(id string) bool { return id != "registered" })
	require.NoError(t, err)
	require.Equal(t, []string{"registered"}, ids(found), "neither do those that are skipped")
}

// nobody is to be skipped.
func nobody(string) bool { return false }
