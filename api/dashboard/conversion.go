package dashboard

import (
	"fmt"
	"math"
	"strconv"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/monitoring"
)

// conversionView is the conversion by the age of the trial, automated against control.
type conversionView struct {
	Ages []monitoring.AgeConversion
	// Shares are the two cohorts', Difference is theirs; nil where a cohort has no trial.
	Shares, Difference *chart
}

func newConversionView(ages []monitoring.AgeConversion) *conversionView {
	view := &conversionView{Ages: ages}
	if len(ages) == 0 {
		return view
	}
	automated, control := chartLine{Name: "automated", Class: "first"}, chartLine{Name: "control", Class: "second"}
	difference, none := chartLine{Name: "difference", Class: "first"}, chartLine{Name: "no difference", Class: "limit"}
	x := axis{Title: "age of the trial, in days", Max: float64(ages[len(ages)-1].Days)}
	step := math.Ceil(x.Max / mostTicks)
	for at := 0.0; at <= x.Max; at += step {
		x.Ticks = append(x.Ticks, tick{at, strconv.FormatFloat(at, 'f', -1, 64)})
	}
	shares, differences, band := []float64{0}, []float64{0}, []bandPoint(nil)
	for _, a := range ages {
		at := float64(a.Days)
		for _, c := range []struct {
			line *chartLine
			of   monitoring.ConvertedShare
		}{{&automated, a.Automated}, {&control, a.Control}} {
			if c.of.Trials > 0 {
				c.line.Points = append(c.line.Points, chartPoint{at, c.of.Share})
				shares = append(shares, c.of.Share)
			}
		}
		if d := a.Difference; d != nil {
			difference.Points = append(difference.Points, chartPoint{at, d.Share})
			band = append(band, bandPoint{at, d.Low, d.High})
			differences = append(differences, d.Low, d.High)
		}
	}
	last := ages[len(ages)-1]
	view.Shares = &chart{
		Label: fmt.Sprintf("Trials converted by age. After %s: automated %s, control %s.",
			evidence.Counted(last.Days, "day", "days"), shareWords(last.Automated), shareWords(last.Control)),
		X: x, Y: shareAxis("converted, in %", 0, shares...), Lines: []chartLine{control, automated},
	}
	if len(band) > 0 {
		none.Points = []chartPoint{{0, 0}, {x.Max, 0}}
		view.Difference = &chart{
			Label: "Automated minus control, with its 95 % interval. After " + strconv.Itoa(last.Days) + " days: " + differenceWords(last.Difference) + ".",
			X:     x, Y: shareAxis("difference, in points", -1, differences...), Band: band, Lines: []chartLine{none, difference},
		}
	}
	return view
}

func shareWords(s monitoring.ConvertedShare) string {
	if s.Trials == 0 {
		return "no trial that old"
	}
	return fmt.Sprintf("%s (%s to %s) of %d", evidence.Percent(s.Share), evidence.Percent(s.Low), evidence.Percent(s.High), s.Trials)
}

// differenceWords writes a difference in percentage points.
func differenceWords(d *evidence.Estimated) string {
	if d == nil {
		return "not known"
	}
	return fmt.Sprintf("%+.1f (%+.1f to %+.1f)", 100*d.Share, 100*d.Low, 100*d.High)
}
