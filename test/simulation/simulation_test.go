package simulation

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
)

// small is how often a test lives through each case; make simulate does it all.
const small = 12

func TestEverythingShowsThatMust(t *testing.T) {
	t.Parallel()
	for _, c := range Cases() {
		if c.Must == "" {
			continue
		}
		row, err := c.Check(t.Context(), small)
		require.NoError(t, err)
		t.Logf("%s: must show: %s; shown: %s", row.Name, row.Must, row.Shown)
		require.True(t, row.OK, "%s must show: %s; shown: %s", row.Name, row.Must, row.Shown)
	}
}

func TestTheLimitsNoticeARuleThatErrs(t *testing.T) {
	t.Parallel()
	plain := at(30, func(w *World) { w.Plan.Rule, w.Truth.Delivered = rollout.RuleThreshold, 0.93 })
	row, err := Case{Name: "plain", Cells: plain, show: atMost(0.05)}.Check(t.Context(), small)
	require.NoError(t, err)
	require.False(t, row.OK, row.Shown)
	unbroken := at(30, func(w *World) { w.Plan.GuardDays = 1 })
	row, err = Case{Name: "unbroken", Cells: unbroken, show: foundBy(rollout.TriggerEmail, 0.99, 2, inDays)}.Check(t.Context(), 3)
	require.NoError(t, err)
	require.False(t, row.OK, row.Shown)
}

func TestTheLimitsNoticeGatesThatErr(t *testing.T) {
	t.Parallel()
	plain := alone(10, 45, func(*World) {})
	plain[0].World.Plan.Rule = rollout.RuleThreshold
	row, err := Case{Name: "gates that ask for twenty vendors", Cells: plain, show: byItself(0.98, 0.80)}.Check(t.Context(), small)
	require.NoError(t, err)
	require.False(t, row.OK, row.Shown)

	late := at(50, func(w *World) { w.Break, w.Broken.Delivered = 8, 0.60 })
	late[0].Against = &against(10, func(w *World) { w.Truth.Delivered = 0.60 })[0].World
	row, err = Case{Name: "a break that comes late, against one from the start", Cells: late, show: harm(1.2, 1, 1)}.Check(t.Context(), small)
	require.NoError(t, err)
	require.False(t, row.OK, row.Shown)
	late[0].Against = &late[0].World
	row, err = Case{Name: "the same against itself", Cells: late, show: harm(1.2, 1, 1)}.Check(t.Context(), small)
	require.NoError(t, err)
	require.True(t, row.OK, row.Shown)
	row, err = Case{Name: "the same, and beyond 25 %", Cells: late, show: harm(1.2, 1, 0.12)}.Check(t.Context(), small)
	require.NoError(t, err)
	require.False(t, row.OK, row.Shown)

	row, err = Case{Name: "delivery events come", Cells: alone(30, 30, func(*World) {}), show: blind(10, 1)}.Check(t.Context(), small)
	require.NoError(t, err)
	require.False(t, row.OK, row.Shown)
}

func TestTheLimitsNoticeASharedFateThatErrs(t *testing.T) {
	t.Parallel()
	for name, control := range map[string]float64{"only automated vendors' calls fail": 0.03, "none fails": 0} {
		automated := 0.60
		if control == 0 {
			automated = 0
		}
		cells := at(30, func(w *World) { failingCalls(w, automated, control) })
		row, err := Case{Name: name, Cells: cells, show: pausedNotBack(0.99)}.Check(t.Context(), 3)
		require.NoError(t, err)
		require.False(t, row.OK, "%s: %s", name, row.Shown)
	}
}

func TestTheLimitsNoticeABackfillThatErrs(t *testing.T) {
	t.Parallel()
	broken := alone(30, 45, func(w *World) { w.Backfilled, w.Break, w.Broken.Delivered = 1000, 12, 0.60 })
	row, err := Case{Name: "e-mail breaks as the backfill begins", Cells: broken, show: adoptedAll(1000)}.Check(t.Context(), 2)
	require.NoError(t, err)
	require.False(t, row.OK, row.Shown)
	held := alone(30, 45, func(w *World) { w.Backfilled = 1000 })
	held[0].World.Plan.Backfill, held[0].World.Plan.BackfillPerHour = false, 0
	row, err = Case{Name: "nobody is adopted", Cells: held, show: adoptedAll(1000)}.Check(t.Context(), 2)
	require.NoError(t, err)
	require.False(t, row.OK, row.Shown)
}

func TestARunComesToTheSame(t *testing.T) {
	t.Parallel()
	w := Healthy(30)
	w.Clustering, w.Conversion = 0.5, 0.05
	first := Run(w, 7)
	again := Run(w, 7)
	require.Equal(t, first, again)
	other := Run(w, 8)
	require.NotEqual(t, first, other)
}

func TestConversionsRipenAsTheCurveSays(t *testing.T) {
	t.Parallel()
	for _, p := range ripening {
		require.InDelta(t, p.Age, ripensAt(p.Share), 1e-9)
	}
	curve := Ripening(0)
	require.InDelta(t, 0.35, curve.At(3.01), 0.01)
	require.InDelta(t, 1, curve.At(withGrace), 1e-12)
	require.Less(t, Ripening(3).At(5), curve.At(5))
	require.Greater(t, Ripening(-3).At(5), curve.At(5))
}

const header = "vendor_id,registered_at,origin,segment,converted_at\n"

func TestReadVendors(t *testing.T) {
	t.Parallel()
	vendors, err := ReadVendors(strings.NewReader(header +
		"old,2017-12-01,social,,2017-12-05T00:00:00Z\n" +
		"known-later,2017-12-31,social,,2018-01-05T00:00:00Z\n" +
		"d,2018-01-03,NaN,,\n" +
		"a,2017-12-31,social,,\n" +
		"b,2018-01-02,social,toys,2018-01-05T12:00:00Z\n" +
		"c,2018-01-02,,toys,2018-01-01T00:00:00Z\n" + // before its registration, as in the real ones
		"e,2018-01-03,,toys,2018-01-20T00:00:01Z\n" + // too late for its trial
		"f,2018-03-01,,,\n"))
	require.NoError(t, err)
	require.Equal(t, []Registration{
		{ID: "b", After: day, Converts: 3.5},
		{ID: "c", After: day + 12*time.Hour, Converts: 0},
		{ID: "d", After: 2 * day, Converts: -1},
		{ID: "e", After: 2*day + 12*time.Hour, Converts: -1},
	}, vendors.Registered)
	require.Equal(t, []evidence.Lifetime{{Age: 4, Converted: true, Whole: true}, {Age: 1}, {Age: 1}}, vendors.History)
	require.Contains(t, vendors.Explanation(), "to know at which age vendors convert takes 50 conversions from before the rollout, and there are 1, of 3 trials")
	w := Healthy(0)
	w.Registered = vendors.Registered
	result := Run(w, 1)
	require.Equal(t, rollout.Completed, result.Status)

	for what, text := range map[string]string{
		"it has no header":                      "",
		"line 2: has 2 columns":                 header + "a,2018-01-02\n",
		"line 2: registered_at":                 header + "a,yesterday,,,\n",
		"line 2: converted_at":                  header + "a,2018-01-02,,,soon\n",
		"no vendor registered in January or Fe": header + "a,2017-01-02,,,\n",
	} {
		_, err := ReadVendors(strings.NewReader(text))
		require.ErrorContains(t, err, what)
	}
}
