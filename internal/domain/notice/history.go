package notice

import (
	"cmp"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
)

// History is how the verdicts of the present phase have developed, as a picture that every mail program shows: a row of fields for
// each gate, and for each trigger that fires.
type History struct {
	// From and To are the first and the last moment.
	From, To time.Time
	Rows     []HistoryRow
}

// HistoryRow is one gate or trigger, the earliest verdict first.
type HistoryRow struct {
	Name     string
	Verdicts []rollout.Verdict
	// Text says the same in words.
	Text string
}

// historyFields bounds the fields of a row.
const historyFields = 24

// HistoryOf is the history of the last stage of a time series; nil without one.
func HistoryOf(series rollout.TimeSeries) *History {
	points := lastStage(series.Points)
	if len(points) == 0 {
		return nil
	}
	last := points[len(points)-1]
	h := &History{From: points[0].At, To: last.At}
	for _, v := range last.Gates {
		h.Rows = append(h.Rows, newHistoryRow(rollout.Gate(v.Name).Name(), values(points, v.Name, rollout.SeriesPoint.GateValue), points))
	}
	for _, v := range last.Triggers {
		if v.Verdict == rollout.Fail {
			h.Rows = append(h.Rows, newHistoryRow(rollout.Trigger(v.Name).Name()+", for rolling back",
				values(points, v.Name, rollout.SeriesPoint.TriggerValue), points))
		}
	}
	return h
}

// lastStage are the points of the last stage, evenly thinned to what a row holds; the last one stays.
func lastStage(points []rollout.SeriesPoint) []rollout.SeriesPoint {
	from := len(points)
	for from > 0 && points[from-1].StageSeq == points[len(points)-1].StageSeq {
		from--
	}
	points = points[from:]
	every := (len(points) + historyFields - 1) / historyFields
	var kept []rollout.SeriesPoint
	for i, p := range points {
		if (len(points)-1-i)%every == 0 {
			kept = append(kept, p)
		}
	}
	return kept
}

// values are those of one name at each point; the zero value where there is none.
func values(points []rollout.SeriesPoint, name string, of func(rollout.SeriesPoint, string) rollout.SeriesValue) []rollout.SeriesValue {
	all := make([]rollout.SeriesValue, len(points))
	for i, p := range points {
		all[i] = of(p, name)
	}
	return all
}

var verdictWords = map[rollout.Verdict]string{rollout.Pass: "good", rollout.Insufficient: "open", rollout.Fail: "bad"}

func newHistoryRow(name string, values []rollout.SeriesValue, points []rollout.SeriesPoint) HistoryRow {
	row := HistoryRow{Name: name}
	var words []string
	form := "2 January 15:04"
	if points[len(points)-1].At.Sub(points[0].At) < time.Hour {
		form = "15:04:05"
	}
	for i, v := range values {
		v.Verdict = cmp.Or(v.Verdict, rollout.Insufficient)
		if i == 0 || v.Verdict != row.Verdicts[i-1] {
			words = append(words, verdictWords[v.Verdict]+" from "+points[i].At.UTC().Format(form))
		}
		row.Verdicts = append(row.Verdicts, v.Verdict)
	}
	const most = 4
	if over := len(words) - most; over > 0 {
		words = append([]string{evidence.Counted(over, "change", "changes") + " before"}, words[over:]...)
	}
	row.Text = strings.Join(words, ", ")
	if rates := rates(values); rates != "" {
		row.Text += "; " + rates
	}
	return row
}

// rates are the first and the last rate that was seen.
func rates(values []rollout.SeriesValue) string {
	var seen []string
	for _, v := range values {
		if v.Seen > 0 {
			seen = append(seen, evidence.Percent(v.Estimate))
		}
	}
	switch {
	case len(seen) == 0:
		return "nothing seen"
	case seen[0] == seen[len(seen)-1]:
		return seen[0]
	}
	return seen[0] + " at first, " + seen[len(seen)-1] + " now"
}
