package dashboard

import (
	"slices"

	"marketplace.example/trials/internal/domain/monitoring"
)

// about names the condition that a trouble tells of.
type about string

const (
	// aboutDatabase is also what the page itself has found, aboutUnread what it could not read.
	aboutDatabase    about = monitoring.PartMongoDB
	aboutTemporal    about = monitoring.PartTemporal
	aboutWorker      about = monitoring.PartWorker
	aboutMail        about = monitoring.PartMail
	aboutWatch       about = monitoring.PartWatch
	aboutReconciler  about = monitoring.PartReconciler
	aboutFlags       about = monitoring.PartFlags
	aboutEvaluations about = "looks"
	aboutUnwatched   about = "unwatched"
)

// aboutAlert is that an alert fires.
func aboutAlert(id monitoring.RuleID) about { return about("alert " + id) }

// causes are what a condition follows from where that is there too: the first of them that is.
func causes(of about) []about {
	switch of {
	case aboutWorker:
		return []about{aboutTemporal}
	case aboutWatch, aboutReconciler, aboutEvaluations:
		return []about{aboutWorker, aboutTemporal, aboutDatabase}
	case aboutFlags:
		return []about{aboutDatabase}
	case aboutUnwatched, aboutAlert(monitoring.WatchMissed), aboutAlert(monitoring.RolloutStuck):
		return []about{aboutWatch, aboutWorker, aboutTemporal, aboutDatabase}
	case aboutAlert(monitoring.WorkerAway):
		return []about{aboutWorker, aboutTemporal}
	case aboutAlert(monitoring.SESPaused):
		return []about{aboutMail}
	case aboutDatabase, aboutTemporal, aboutMail:
	}
	return nil
}

// byCause puts each trouble under the one that it follows from, and the gravest first. A cause is as grave as what
// follows from it. Troubles about nothing that has a name stand for themselves.
func byCause(all []trouble) []trouble {
	there := map[about]int{}
	for i, t := range all {
		if _, known := there[t.About]; !known && t.About != "" {
			there[t.About] = i
		}
	}
	var roots []int
	follow := map[int][]int{}
	for i := range all {
		root := i
		for {
			cause := slices.IndexFunc(causes(all[root].About), func(c about) bool { _, is := there[c]; return is })
			if cause < 0 {
				break
			}
			root = there[causes(all[root].About)[cause]]
		}
		if root == i {
			roots = append(roots, i)
			continue
		}
		follow[root] = append(follow[root], i)
	}
	var ordered []trouble
	for _, i := range roots {
		t := all[i]
		for _, n := range follow[i] {
			t.Grave = t.Grave || all[n].Grave
			t.Follows = append(t.Follows, all[n])
		}
		ordered = append(ordered, t)
	}
	slices.SortStableFunc(ordered, func(a, b trouble) int { return rank(a) - rank(b) })
	return ordered
}
