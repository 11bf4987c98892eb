package rollout

import (
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
)

// TimeSeries is how the evidence on a rollout has developed: some of its judgements, evenly thinned, so that it stays small
// however long the rollout lasts. The zero value is empty. Only Add changes it, so it follows from the snapshots as the
// judgements do.
type TimeSeries struct {
	// Every is by how many snapshots two points lie apart; it doubles when there are too many. Beside those there is the last
	// point of each stage and epoch, on which it was decided to leave it.
	Every int `json:"every"`
	// Points are in order. The last one is the latest judgement's.
	Points []SeriesPoint `json:"points"`
}

// seriesPoints bounds a time series: a page shows all of it.
const seriesPoints = 60

// SeriesPoint is what one judgement said.
type SeriesPoint struct {
	// Snapshot is the number of the one judged.
	Snapshot int       `json:"snapshot"`
	At       time.Time `json:"at"`
	Epoch    int       `json:"epoch"`
	StageSeq int       `json:"entry"`
	Stage    Stage     `json:"stage"`
	// Percentage is that of the flags, 0 where they are disabled.
	Percentage float64       `json:"percentage"`
	Triggers   []SeriesValue `json:"triggers"`
	Gates      []SeriesValue `json:"gates"`
}

// SeriesValue is what a judgement said of one trigger or gate; the fields are those of its result.
type SeriesValue struct {
	Name      string  `json:"name"`
	Verdict   Verdict `json:"verdict"`
	Evidence  float64 `json:"evidence"`
	Needed    float64 `json:"needed"`
	Estimate  float64 `json:"estimate"`
	Limit     float64 `json:"limit"`
	HighIsBad bool    `json:"highIsBad"`
	Seen      int     `json:"seen"`
	// Odds are a gate's; 0 for a trigger.
	Odds float64 `json:"odds,omitempty"`
}

// Interval is the 95 % interval of the estimate; 0 to 1 where nothing was seen.
func (v SeriesValue) Interval() (low, high float64) {
	return evidence.Wilson(v.Estimate, float64(v.Seen))
}

// Add adds a judgement. One that is not newer than the last changes nothing.
func (t *TimeSeries) Add(j Judgement) {
	n := len(t.Points)
	if n > 0 && j.Snapshot <= t.Points[n-1].Snapshot {
		return
	}
	t.Every = max(t.Every, 1)
	points := slices.Concat(t.Points, []SeriesPoint{seriesPoint(j)})
	if n > 0 && !t.keeps(points[n-1], points[n]) {
		points[n-1] = points[n]
		points = points[:n]
	}
	for len(points) > seriesPoints {
		points = t.thin(points)
	}
	t.Points = points
}

// keeps reports whether a point stays once there is a next one.
func (t *TimeSeries) keeps(p, next SeriesPoint) bool {
	return p.Snapshot%t.Every == 0 || p.StageSeq != next.StageSeq || p.Epoch != next.Epoch
}

// thin leaves out every other point, or the oldest if all are the last ones of their stages.
func (t *TimeSeries) thin(points []SeriesPoint) []SeriesPoint {
	last := points[len(points)-1]
	if t.Every <= last.Snapshot {
		t.Every *= 2
	}
	var kept []SeriesPoint
	for i, p := range points[:len(points)-1] {
		if t.keeps(p, points[i+1]) {
			kept = append(kept, p)
		}
	}
	if kept = append(kept, last); len(kept) == len(points) {
		return kept[1:]
	}
	return kept
}

func seriesPoint(j Judgement) SeriesPoint {
	p := SeriesPoint{Snapshot: j.Snapshot, At: j.At, Epoch: j.Position.Epoch, StageSeq: j.Position.StageSeq, Stage: j.Position.Stage}
	if j.Enabled {
		p.Percentage = j.Percentage
	}
	for _, a := range j.Triggers {
		verdict, _ := a.Verdict()
		p.Triggers = append(p.Triggers, SeriesValue{
			Name: string(a.Trigger), Verdict: verdict, Evidence: a.Evidence, Needed: a.Needed,
			Estimate: a.Estimate, Limit: a.Limit, HighIsBad: a.HighIsBad(), Seen: a.Seen,
		})
	}
	for _, r := range j.Gates {
		p.Gates = append(p.Gates, SeriesValue{
			Name: string(r.Gate), Verdict: r.Verdict, Evidence: r.Evidence, Needed: r.Needed,
			Estimate: r.Estimate, Limit: r.Limit, HighIsBad: r.HighIsBad(), Seen: r.Seen, Odds: r.Odds,
		})
	}
	return p
}

// SeriesMark is where a stage begins in a time series.
type SeriesMark struct {
	At         time.Time
	Stage      Stage
	Percentage float64
}

// Marks are where the stages begin, the first one included.
func (t TimeSeries) Marks() []SeriesMark {
	var marks []SeriesMark
	for i, p := range t.Points {
		if i == 0 || p.StageSeq != t.Points[i-1].StageSeq {
			marks = append(marks, SeriesMark{At: p.At, Stage: p.Stage, Percentage: p.Percentage})
		}
	}
	return marks
}

// GateValue is what a point says of a gate, TriggerValue what it says of a trigger; the zero value if it does not.
func (p SeriesPoint) GateValue(name string) SeriesValue { return named(p.Gates, name) }

// TriggerValue is like GateValue.
func (p SeriesPoint) TriggerValue(name string) SeriesValue { return named(p.Triggers, name) }

func named(values []SeriesValue, name string) SeriesValue {
	for _, v := range values {
		if v.Name == name {
			return v
		}
	}
	return SeriesValue{}
}
