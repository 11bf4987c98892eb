package dashboard

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/trial"
)

// experimentsView is a policy experiment, the latest or one by its id, and a list of all.
type experimentsView struct {
	frame
	// Shown is nil where there was none yet.
	Shown *experiment.View
	Arms  []armRow
	// Chart is the difference over time; nil before the first vendors can be compared.
	Chart *chart
	// All are the latest experiments.
	All []experiment.View
	// MayStart and MayEnd say what whoever looks may do now, Asked what was done last.
	MayStart, MayEnd bool
	Asked            string
}

// armRow is an arm with its figures.
type armRow struct {
	Name string
	experiment.Figures
}

// Converts is the arm's share in words.
func (r armRow) Converts() string {
	if r.Ripe == 0 {
		return "nobody compared yet"
	}
	return fmt.Sprintf("%s (%s to %s)", evidence.Percent(r.Share), evidence.Percent(r.Low), evidence.Percent(r.High))
}

// experimentsPage is not kept up to date in the browser: it changes once a day, and reads the trials of all vendors dealt.
func (d *dashboard) experimentsPage(w http.ResponseWriter, r *http.Request) {
	view := experimentsView{frame: d.frame(r.Context(), "Experiments", "experiments"), Asked: r.URL.Query().Get("asked")}
	if d.Experiments == nil {
		d.fail(w, r, "experiments", &trial.Error{Code: trial.CodeNotFound, Message: "no experiments are kept here"})
		return
	}
	var err error
	if view.All, err = d.Experiments.Experiments(r.Context()); err != nil {
		d.fail(w, r, "experiments", err)
		return
	}
	id := cmp.Or(mux.Vars(r)["experiment"], app.Latest)
	if len(view.All) > 0 || id != app.Latest {
		shown, err := d.Experiments.Experiment(r.Context(), id)
		if err != nil {
			d.fail(w, r, "experiments", err)
			return
		}
		view.Shown, view.Arms, view.Chart = &shown, armRows(shown), seriesChart(shown, zoneOf(r.Context()))
	}
	role := access.Of(r.Context()).Role
	open := len(view.All) > 0 && view.All[0].Ended == nil
	view.MayStart = role.Covers(starts) && !open
	view.MayEnd = role.Covers(steers) && view.Shown != nil && view.Shown.Ended == nil
	d.show(w, r, http.StatusOK, "experiments", view)
}

func armRows(v experiment.View) []armRow {
	if v.Judgement == nil {
		return nil
	}
	return []armRow{{"A", v.Judgement.A}, {"B", v.Judgement.B}}
}

// seriesChart is the difference with its interval against none, and against the smallest that matters; nil without a point.
func seriesChart(v experiment.View, loc *time.Location) *chart {
	if len(v.Series) == 0 {
		return nil
	}
	first, last := v.Series[0].At, v.Series[len(v.Series)-1]
	x := timeAxis(first, last.At, loc)
	difference := chartLine{Name: "A less B", Class: "first"}
	c := chart{
		Label: fmt.Sprintf("Difference of the conversion of A and B over time, in points: now %s.", pointsOf(last.Difference)), X: x,
	}
	values := []float64{-v.Difference, v.Difference}
	for i, p := range v.Series {
		at := seconds1970(p.At)
		difference.Points = append(difference.Points, chartPoint{at, p.Difference.Estimate})
		c.Band = append(c.Band, bandPoint{at, p.Difference.Low, p.Difference.High})
		values = append(values, p.Difference.Estimate)
		if i >= len(v.Series)/2 { // the wide intervals of the first days would leave no room for the rest
			values = append(values, p.Difference.Low, p.Difference.High)
		}
		if p.Verdict != experiment.NotYet && len(c.Marks) == 0 {
			c.Marks = []tick{{at, joined(p.Verdict)}}
		}
	}
	c.Y = shareAxis("difference, in points", -1, values...)
	none := chartLine{Name: "no difference", Class: "limit", Points: []chartPoint{{x.Min, 0}, {x.Max, 0}}}
	matters := chartLine{Name: "what matters", Class: "third", Points: []chartPoint{
		{x.Min, v.Difference}, {x.Max, v.Difference}, {x.Max, math.NaN()}, {x.Min, -v.Difference}, {x.Max, -v.Difference},
	}}
	c.Lines = []chartLine{none, matters, difference}
	return &c
}

// pointsOf writes a difference with its interval, in percentage points.
func pointsOf(d experiment.Interval) string {
	return fmt.Sprintf("%+.1f (%+.1f to %+.1f)", 100*d.Estimate, 100*d.Low, 100*d.High)
}
