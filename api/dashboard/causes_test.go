package dashboard

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/monitoring"
)

// outline are the troubles' names, what follows from them in brackets.
func outline(all []trouble) string {
	var names []string
	for _, t := range all {
		name := string(t.About)
		if len(t.Follows) > 0 {
			name += "(" + outline(t.Follows) + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func troublesAbout(names ...about) []trouble {
	var all []trouble
	for _, n := range names {
		all = append(all, trouble{About: n, Grave: n != aboutReconciler})
	}
	return all
}

func TestWhatFollowsStandsUnderItsCause(t *testing.T) {
	t.Parallel()
	unavailable, missed, paused := aboutAlert(monitoring.WorkerAway), aboutAlert(monitoring.WatchMissed), aboutAlert(monitoring.SESPaused)
	for name, c := range map[string]struct {
		given []about
		want  string
	}{
		"one killed worker":            {[]about{aboutReconciler, unavailable, missed, aboutWorker, aboutWatch, aboutUnwatched, aboutEvaluations}, "worker(reconciler alert workerAway alert watchMissed watch unwatched looks)"},
		"Temporal is away":             {[]about{aboutReconciler, aboutTemporal, aboutWatch, missed}, "temporal(reconciler watch alert watchMissed)"},
		"a schedule is paused":         {[]about{missed, aboutWatch, aboutUnwatched}, "watch(alert watchMissed unwatched)"},
		"one worker of two":            {[]about{unavailable}, "alert workerAway"},
		"two causes":                   {[]about{paused, aboutWorker, aboutMail, unavailable}, "worker(alert workerAway) mail(alert sesPaused)"},
		"database and Temporal":        {[]about{aboutTemporal, aboutDatabase, aboutFlags}, "temporal mongodb(flags)"},
		"what has no name, and graver": {[]about{aboutReconciler, ""}, " reconciler"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, outline(byCause(troublesAbout(c.given...))))
		})
	}
	grave := byCause([]trouble{{About: aboutMail}, {About: paused, Grave: true}})
	require.True(t, grave[0].Grave, "a cause is as grave as what follows from it")
}

// Whatever is wrong: nothing is lost or told twice, and nothing stands before its cause.
func TestPropertiesOfCauses(t *testing.T) {
	t.Parallel()
	names := []about{"", aboutDatabase, aboutTemporal, aboutWorker, aboutMail, aboutWatch, aboutReconciler, aboutFlags, aboutEvaluations, aboutUnwatched}
	for _, id := range monitoring.RuleIDs() {
		names = append(names, aboutAlert(id))
	}
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.SliceOfN(rapid.SampledFrom(names), 0, 12).Draw(t, "troubles")
		counted := map[about]int{}
		ordered := byCause(troublesAbout(given...))
		for _, one := range ordered {
			counted[one.About]++
			for _, f := range one.Follows {
				counted[f.About]++
				if len(f.Follows) > 0 || len(causes(f.About)) == 0 {
					t.Fatalf("%+v follows", f)
				}
			}
		}
		for _, n := range given {
			counted[n]--
		}
		for n, left := range counted {
			if left != 0 {
				t.Fatalf("%q is told %d times too often", n, left)
			}
		}
	})
}

// Sentences that can stand on one page: whoever says what becomes of registrations says the same.
func TestWhatIsTakenMeanwhileIsSaidAlike(t *testing.T) {
	t.Parallel()
	gone := monitoring.Reply{Took: time.Second, Failure: monitoring.NoAnswer}
	for _, probes := range []monitoring.Probes{{MongoDB: gone}, {Temporal: gone}, {MongoDB: gone, Temporal: gone}} {
		h := monitoring.Assess(probes, monitoring.Health{}, time.Now())
		said := ""
		for _, p := range h.Parts {
			said += p.Action + " "
		}
		if probes.MongoDB.Failure != "" {
			said += databaseUnavailable().Text
		}
		refused, taken := strings.Contains(said, "refused"), strings.Contains(said, "accepted meanwhile")
		require.Equal(t, probes.MongoDB.Failure != "", refused)
		require.Equal(t, probes.MongoDB.Failure == "", taken, said)
	}
}
