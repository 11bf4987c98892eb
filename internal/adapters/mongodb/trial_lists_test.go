package mongodb

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/trial"
)

// trialOf stores a trial that has lived through some turns.
func trialOf(t *testing.T, s *Store, id string, cohort trial.Cohort, turns ...turn) trial.State {
	t.Helper()
	r := registration14d(id)
	r.Cohort = cohort
	events, state := history(t, r, turns...)
	appendAll(t, s, events)
	return state
}

func trialIDs(states []trial.State) []string {
	var list []string
	for _, s := range states {
		list = append(list, s.VendorID)
	}
	return list
}

func off() trial.StepFacts { return trial.StepFacts{} }

func noExpiration() trial.StepFacts {
	f := allOn()
	f.AutoExpiration = false
	return f
}

// someTrials are: a active, b converted, c held (disabled), d cancelled and of
// the control cohort, e held (no expiration), f active and of the control cohort.
func someTrials(t *testing.T, s *Store) {
	t.Helper()
	trialOf(t, s, "b", trial.Automated, convert(at.Add(time.Hour)))
	trialOf(t, s, "a", trial.Automated, step(allOn(), 0))
	trialOf(t, s, "d", trial.Control, request(trial.MessageCancel, trial.Request{Reason: "asked"}, at.Add(time.Hour)))
	trialOf(t, s, "c", trial.Automated, step(off(), 0))
	trialOf(t, s, "f", trial.Control)
	trialOf(t, s, "e", trial.Automated, append(steps(4), step(noExpiration(), 0))...)
}

func TestTrialsFiltered(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	someTrials(t, s)
	trialOf(t, s, "g", trial.Control, request(trial.MessageAdopt, trial.Request{}, at.Add(time.Hour)))
	trialOf(t, s, "h", trial.Automated, request(trial.MessageRelease, trial.Request{}, at.Add(time.Hour)), request(trial.MessageAdopt, trial.Request{}, at.Add(2*time.Hour)))
	for id, arm := range map[string]string{"i": "a", "j": "b"} {
		r := registration14d(id)
		r.Policy.Name, r.Experiment = map[string]string{"a": "month", "b": "standard-14d"}[arm], &trial.Assignment{Experiment: "x-1", Arm: arm}
		events, _ := history(t, r, request(trial.MessageRelease, trial.Request{}, at.Add(time.Hour)))
		appendAll(t, s, events)
	}
	yes, no := true, false
	for name, c := range map[string]struct {
		filter trial.Filter
		want   []string
	}{
		"all":             {want: []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}},
		"active":          {filter: trial.Filter{Status: trial.Active}, want: []string{"a", "c", "e", "f", "g", "h", "i", "j"}},
		"control":         {filter: trial.Filter{Cohort: trial.Control}, want: []string{"d", "f"}},
		"adopted":         {filter: trial.Filter{Cohort: trial.Adopted}, want: []string{"g"}},
		"automated":       {filter: trial.Filter{Cohort: trial.Automated}, want: []string{"a", "b", "c", "e", "h", "i", "j"}},
		"held":            {filter: trial.Filter{Held: &yes}, want: []string{"c", "e"}},
		"not held":        {filter: trial.Filter{Held: &no}, want: []string{"a", "b", "d", "f", "g", "h", "i", "j"}},
		"all of it":       {filter: trial.Filter{Status: trial.Active, Cohort: trial.Automated, Held: &no}, want: []string{"a", "h", "i", "j"}},
		"held by a flag":  {filter: trial.Filter{HeldBy: trial.ReasonExpirationOff}, want: []string{"e"}},
		"of a policy":     {filter: trial.Filter{Policy: "month", Status: trial.Active}, want: []string{"i"}},
		"of arms":         {filter: trial.Filter{Experiment: "x-1"}, want: []string{"i", "j"}},
		"of an arm":       {filter: trial.Filter{Experiment: "x-1", Arm: "b"}, want: []string{"j"}},
		"of no arm":       {filter: trial.Filter{Experiment: "x-2"}},
		"none of a state": {filter: trial.Filter{Status: trial.Grace}},
	} {
		states, next, err := s.Trials(t.Context(), c.filter, "", 10)
		require.NoError(t, err, name)
		require.Equal(t, c.want, trialIDs(states), name)
		require.Empty(t, next, name)
		var meant []string
		for _, state := range everyTrial(t, s) {
			if c.filter.Means(state) {
				meant = append(meant, state.VendorID)
			}
		}
		require.Equal(t, c.want, meant, "%s, by the domain", name)
	}
}

func everyTrial(t *testing.T, s *Store) []trial.State {
	t.Helper()
	all, _, err := s.Trials(t.Context(), trial.Filter{}, "", 100)
	require.NoError(t, err)
	return all
}

func TestTrialsPageByPage(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	someTrials(t, s)
	for limit, pages := range map[int]int{1: 6, 2: 3, 4: 2, 5: 2, 6: 1, 7: 1} {
		var all []string
		after, count := "", 0
		for {
			states, next, err := s.Trials(t.Context(), trial.Filter{}, after, limit)
			require.NoError(t, err)
			require.LessOrEqual(t, len(states), limit)
			all = append(all, trialIDs(states)...)
			count++
			if after = next; next == "" {
				break
			}
		}
		require.Equal(t, []string{"a", "b", "c", "d", "e", "f"}, all, "limit %d", limit)
		require.Equal(t, pages, count, "limit %d: no empty page at the end", limit)
	}
}

func TestOverdueTrials(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	someTrials(t, s)
	trialOf(t, s, "z", trial.Automated)
	// z's welcome is due at once, a's first reminder at 7 days, f ends at 14.
	for name, c := range map[string]struct {
		before time.Time
		limit  int
		want   []string
	}{
		"nothing yet":                  {before: at, limit: 10},
		"a welcome and a reminder":     {before: at.AddDate(0, 0, 8), limit: 10, want: []string{"z", "a"}},
		"the longest overdue first":    {before: at.AddDate(0, 0, 30), limit: 10, want: []string{"z", "a", "f"}},
		"no more than are asked for":   {before: at.AddDate(0, 0, 30), limit: 1, want: []string{"z"}},
		"nothing where none are asked": {before: at.AddDate(0, 0, 30), limit: 0},
	} {
		states, err := s.OverdueTrials(t.Context(), c.before, c.limit)
		require.NoError(t, err, name)
		require.Equal(t, c.want, trialIDs(states), name)
	}
}

// However the document says where the vendor is, and however its id is kept.
func TestTrialsElsewhere(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	object := bson.NewObjectID()
	users := map[any]any{
		"a-same": "Europe/Paris", "b-moved": "Asia/Tokyo", "c-mars": "Mars/Olympus", "d-empty": "", "e-number": 7, "f-local": "Local", "g-nothing": nil, object: "Asia/Tokyo",
	}
	for id, zone := range users {
		insertUser(t, s, bson.D{{Key: "_id", Value: id}, {Key: "isVendor", Value: true}, {Key: "timezone", Value: zone}})
	}
	insertUser(t, s, bson.D{{Key: "_id", Value: "h-missing"}, {Key: "isVendor", Value: true}})
	insertUser(t, s, bson.D{{Key: "_id", Value: "i-no-vendor"}, {Key: "isVendor", Value: false}, {Key: "timezone", Value: "Asia/Tokyo"}})
	ids := []string{
		"a-same", "b-moved", "c-mars", "d-empty", "e-number", "f-local", "g-nothing", "h-missing", "i-no-vendor", "j-no-document", object.Hex(),
	}
	for _, id := range ids {
		trialIn(t, s, id, "Europe/Paris", trial.RealDay)
	}
	insertUser(t, s, bson.D{{Key: "_id", Value: "k-over"}, {Key: "isVendor", Value: true}, {Key: "timezone", Value: "Asia/Tokyo"}})
	trialIn(t, s, "k-over", "Europe/Paris", trial.RealDay, request(trial.MessageCancel, trial.Request{Reason: "asked"}, at.Add(time.Hour)))
	insertUser(t, s, bson.D{{Key: "_id", Value: "l-compressed"}, {Key: "isVendor", Value: true}, {Key: "timezone", Value: "Asia/Tokyo"}})
	trialIn(t, s, "l-compressed", "Europe/Paris", time.Second)

	want := map[string]string{
		"b-moved": "Asia/Tokyo", object.Hex(): "Asia/Tokyo", "c-mars": "unknown", "d-empty": "unknown", "e-number": "unknown", "f-local": "unknown",
	}
	for _, limit := range []int{3, 100} {
		got := map[string]string{}
		for after, pages := "", 0; pages == 0 || after != ""; pages++ {
			require.Less(t, pages, 5)
			found, next, err := s.TrialsElsewhere(t.Context(), after, limit)
			require.NoError(t, err)
			for _, w := range found {
				require.Equal(t, trial.State{
					VendorID: w.Trial.VendorID, Seq: 1, Status: trial.Active, Automated: true, Day: trial.RealDay, Zone: "Europe/Paris",
				}, w.Trial)
				got[w.Trial.VendorID] = w.Zone
				if w.Unknown {
					got[w.Trial.VendorID] = "unknown"
				}
			}
			after = next
		}
		require.Equal(t, want, got, limit)
	}
}

// trialIn stores a trial that is planned in a zone.
func trialIn(t *testing.T, s *Store, id, zone string, day time.Duration, turns ...turn) {
	t.Helper()
	r := registration14d(id)
	r.Zone, r.Day = zone, day
	events, _ := history(t, r, turns...)
	appendAll(t, s, events)
}

func TestHeldTrials(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	someTrials(t, s)
	disabled, expirationOff := trial.ReasonAutomationDisabled, trial.ReasonExpirationOff
	for name, c := range map[string]struct {
		reasons []trial.Reason
		after   string
		limit   int
		want    []string
	}{
		"disabled":       {reasons: []trial.Reason{disabled}, limit: 10, want: []string{"c"}},
		"expiration off": {reasons: []trial.Reason{expirationOff}, limit: 10, want: []string{"e"}},
		"both":           {reasons: []trial.Reason{disabled, expirationOff}, limit: 10, want: []string{"c", "e"}},
		"one at a time":  {reasons: []trial.Reason{disabled, expirationOff}, limit: 1, want: []string{"c"}},
		"after the one":  {reasons: []trial.Reason{disabled, expirationOff}, after: "c", limit: 1, want: []string{"e"}},
		"none":           {limit: 10},
	} {
		states, err := s.HeldTrials(t.Context(), c.reasons, c.after, c.limit)
		require.NoError(t, err, name)
		require.Equal(t, c.want, trialIDs(states), name)
	}
}
