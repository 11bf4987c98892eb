package dashboard

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
)

// evidenceView is what the gates and triggers of the latest rollout have seen over time.
type evidenceView struct {
	frame
	// Rollout is nil where there was none yet.
	Rollout *rolloutView
	// Gates and Triggers are empty before the first judgement.
	Gates, Triggers []seriesView
	Conversion      *conversionView
	// NoFigures says that the conversions could not be read.
	NoFigures bool
}

// seriesView is one gate or trigger.
type seriesView struct {
	Name string
	// Verdict and Reason are those of the latest judgement.
	Verdict rollout.Verdict
	Reason  string
	// Charts are the evidence, unless the plan compares plainly, a gate's odds, and the rate.
	Charts []chart
	Rows   []seriesRow
	// Weighed says that there is evidence to show.
	Weighed bool
	// HasOdds says that a gate has weighed a broken system against a healthy one.
	HasOdds bool
}

// seriesRow is a point as numbers.
type seriesRow struct {
	rollout.SeriesPoint
	rollout.SeriesValue
	Low, High float64
}

// Rate is the estimate with its interval.
func (r seriesRow) Rate() string {
	if r.Seen == 0 {
		return "nothing seen"
	}
	return fmt.Sprintf("%s (%s to %s)", evidence.Percent(r.Estimate), evidence.Percent(r.Low), evidence.Percent(r.High))
}

// Strength is the evidence against what is needed.
func (r seriesRow) Strength() string {
	return fmt.Sprintf("%s of %.4g", strength(r.Evidence), r.Needed)
}

// Chance is the odds of a break.
func (r seriesRow) Chance() string {
	if r.Odds == 0 {
		return "–"
	}
	return strength(r.Odds)
}

// strength writes evidence with two digits, and what is next to nothing as such.
func strength(e float64) string {
	if e < 0.01 {
		return "below 0.01"
	}
	return fmt.Sprintf("%.2g", min(e, 1e6))
}

func (d *dashboard) evidence(w http.ResponseWriter, r *http.Request) {
	view := evidenceView{frame: d.frame(r.Context(), "Evidence", "evidence")}
	found, err := app.LatestRollout(r.Context(), d.Store, d.Now().UTC())
	if err != nil {
		d.fail(w, r, "evidence", err)
		return
	}
	if found != nil {
		back, err := d.lastRollback(r.Context(), found)
		if err != nil {
			d.fail(w, r, "evidence", err)
			return
		}
		series, err := d.Store.TimeSeries(r.Context(), found.Rollout.ID)
		if err != nil {
			d.fail(w, r, "evidence", err)
			return
		}
		view.Rollout = newRolloutView(*found, back, access.Of(r.Context()).Role, view.Now)
		view.Gates, view.Triggers = seriesViews(series, found, zoneOf(r.Context()))
	}
	view.Conversion, view.NoFigures = d.conversion(r.Context())
	d.show(w, r, http.StatusOK, "evidence", view)
}

// conversion is the conversion by age; nil where nothing counts it.
func (d *dashboard) conversion(ctx context.Context) (view *conversionView, unread bool) {
	if d.Figures == nil {
		return nil, false
	}
	report, err := d.Figures.Report(ctx)
	if err != nil {
		return nil, true
	}
	return newConversionView(report.ByAge), false
}

// seriesViews are the gates of the present stage and all triggers.
func seriesViews(series rollout.TimeSeries, v *rollout.View, loc *time.Location) (gates, triggers []seriesView) {
	if v.Judgement == nil {
		return nil, nil
	}
	for _, g := range v.Judgement.Gates {
		view := newSeriesView(series, string(g.Gate), rollout.SeriesPoint.GateValue, loc)
		view.Name = g.Gate.Name()
		view.Verdict, view.Reason = g.Verdict, gateReason(g)
		gates = append(gates, view)
	}
	for _, a := range v.Judgement.Triggers {
		view := newSeriesView(series, string(a.Trigger), rollout.SeriesPoint.TriggerValue, loc)
		view.Name = a.Trigger.Name()
		view.Verdict, view.Reason = a.Verdict()
		triggers = append(triggers, view)
	}
	return gates, triggers
}

func newSeriesView(series rollout.TimeSeries, name string, of func(rollout.SeriesPoint, string) rollout.SeriesValue, loc *time.Location) seriesView {
	var view seriesView
	for _, p := range series.Points {
		v := of(p, name)
		if v.Name == "" {
			continue
		}
		row := seriesRow{SeriesPoint: p, SeriesValue: v}
		row.Low, row.High = v.Interval()
		view.Rows = append(view.Rows, row)
		view.Weighed, view.HasOdds = view.Weighed || v.Needed > 1, view.HasOdds || v.Odds > 0
	}
	if len(view.Rows) == 0 {
		return view
	}
	if view.Weighed {
		view.Charts = append(view.Charts, evidenceChart(view.Rows))
	}
	if view.HasOdds {
		view.Charts = append(view.Charts, oddsChart(view.Rows))
	}
	view.Charts = append(view.Charts, rateChart(view.Rows))
	marks := stageMarks(series)
	for i := range view.Charts {
		view.Charts[i].X = timeAxis(series.Points[0].At, series.Points[len(series.Points)-1].At, loc)
		view.Charts[i].Marks = marks
	}
	return view
}

// stageMarks are where the percentage changes.
func stageMarks(series rollout.TimeSeries) []tick {
	var marks []tick
	for _, m := range series.Marks() {
		label := fmt.Sprintf("%v %%", m.Percentage)
		if n := len(marks); n == 0 || marks[n-1].Label != label {
			marks = append(marks, tick{seconds1970(m.At), label})
		}
	}
	return marks
}

// evidenceChart shows the evidence against what it takes.
func evidenceChart(rows []seriesRow) chart {
	last := rows[len(rows)-1]
	against := chartLine{Name: "evidence against health", Class: "first"}
	needed := chartLine{Name: "needed to act", Class: "limit"}
	var values []float64
	most := 0.0
	for _, r := range rows {
		x := seconds1970(r.At)
		against.Points = append(against.Points, chartPoint{x, tens(r.Evidence)})
		needed.Points = append(needed.Points, chartPoint{x, tens(r.Needed)})
		values, most = append(values, r.Evidence), max(most, r.Needed)
	}
	return chart{
		Label: fmt.Sprintf("Evidence against health over time, now %s; at %.4g it acts.", strength(last.Evidence), last.Needed),
		Y:     evidenceAxis("evidence, a ratio (log scale)", most, values...), Lines: []chartLine{needed, against},
	}
}

// oddsChart shows how much better a broken system fits than a healthy one, against 1, below which a gate passes.
func oddsChart(rows []seriesRow) chart {
	odds, passes := chartLine{Name: "odds of a break", Class: "first"}, chartLine{Name: "passes below", Class: "limit"}
	var values []float64
	for _, r := range rows {
		at := chartPoint{seconds1970(r.At), math.NaN()}
		passes.Points = append(passes.Points, chartPoint{at.X, tens(1)})
		if r.Odds > 0 {
			at.Y, values = tens(r.Odds), append(values, r.Odds)
		}
		odds.Points = append(odds.Points, at)
	}
	return chart{
		Label: fmt.Sprintf("Odds of a broken system against a healthy one over time, now %s; below 1 the gate passes.", rows[len(rows)-1].Chance()),
		Y:     evidenceAxis("odds of a break, a ratio (log scale)", 1, values...), Lines: []chartLine{passes, odds},
	}
}

// rateChart shows the rate with its interval against the limit.
func rateChart(rows []seriesRow) chart {
	last := rows[len(rows)-1]
	rate, limit := chartLine{Name: "rate", Class: "first"}, chartLine{Name: "limit", Class: "limit"}
	c := chart{Label: fmt.Sprintf("Rate over time, now %s; the limit is %s.", last.Rate(), evidence.Percent(last.Limit))}
	values := []float64{last.Limit, last.Low, last.High}
	if last.Seen == 0 {
		values = []float64{0, last.Limit, min(2*last.Limit, 1)}
	}
	for _, r := range rows {
		x := seconds1970(r.At)
		limit.Points = append(limit.Points, chartPoint{x, r.Limit})
		if r.Seen == 0 {
			rate.Points = append(rate.Points, chartPoint{x, math.NaN()})
			continue
		}
		rate.Points = append(rate.Points, chartPoint{x, r.Estimate})
		c.Band = append(c.Band, bandPoint{x, r.Low, r.High})
		values = append(values, r.Estimate, r.Limit) // the intervals of the first few would leave no room for the rest
	}
	c.Y, c.Lines = shareAxis("rate, in %", 0, values...), []chartLine{limit, rate}
	return c
}
