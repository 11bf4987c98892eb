package dashboard

import (
	"bytes"
	"html/template"
	"math"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/go-analyze/charts/chartdraw"

	"marketplace.example/trials/internal/domain/trial"
)

// Size of a chart and of its margins, in its own units. The page stretches it; the style sheet sets the size of its letters to fit.
const (
	chartWidth, chartHeight = 720, 420
	chartLeft, chartRight   = 96, 20
	chartTop, chartBottom   = 66, 88
	tickLength              = 8
	letterWidth             = 14
)

// chart is a picture of values over an axis.
type chart struct {
	// Label says in words what it shows.
	Label string
	X, Y  axis
	// Band is drawn between its low and high points; nil for none.
	Band  []bandPoint
	Lines []chartLine
	// Marks are vertical lines with a word on top.
	Marks []tick
}

// axis is a direction of a chart, between two values that differ. Title has the unit.
type axis struct {
	Title    string
	Min, Max float64
	Ticks    []tick
}

// tick is a value of an axis, and its label.
type tick struct {
	At    float64
	Label string
}

// chartLine is a line; where a point is not a number it is broken.
type chartLine struct {
	Name string
	// Class gives the line its look, in dashboard.css.
	Class  string
	Points []chartPoint
}

type chartPoint struct{ X, Y float64 }

type bandPoint struct{ X, Low, High float64 }

// SVG draws the chart.
func (c chart) SVG() template.HTML {
	p := newPen(chartWidth, chartHeight, 0, c.X, c.Y)
	p.left, p.right, p.top, p.bottom = chartLeft, chartWidth-chartRight, chartTop, chartHeight-chartBottom
	p.band(c.Band)
	p.axes(c.Marks)
	for _, l := range c.Lines {
		p.line(l)
	}
	return p.svg()
}

// pen draws within an area of a picture.
type pen struct {
	r                        chartdraw.Renderer
	axisX, axisY             axis
	left, right, top, bottom int
}

// newPen is one for a whole picture but for a margin.
func newPen(width, height, margin int, x, y axis) pen {
	return pen{chartdraw.SVGWithCSS("", "")(width, height), x, y, margin, width - margin, margin, height - margin}
}

// svg is what was drawn. Everything has a class and no color of its own: the style sheet gives it, for light and for dark.
func (p pen) svg() template.HTML {
	var out bytes.Buffer
	if err := p.r.Save(&out); err != nil {
		return ""
	}
	return template.HTML(out.String()) //nolint:gosec // G203: made of numbers and escaped words by the plotting library
}

func (p pen) x(v float64) int { return p.left + between(p.axisX, v, p.right-p.left) }

func (p pen) y(v float64) int { return p.bottom - between(p.axisY, v, p.bottom-p.top) }

// between is where a value lies on an axis of some length; what is beyond an end lies at it.
func between(a axis, v float64, length int) int {
	return int(math.Round(float64(length) * min(max((v-a.Min)/(a.Max-a.Min), 0), 1)))
}

func (p pen) stroke(class string, fromX, fromY, toX, toY int) {
	p.r.SetClassName(class)
	p.r.MoveTo(fromX, fromY)
	p.r.LineTo(toX, toY)
	p.r.Stroke()
}

func (p pen) text(class, words string, x, y int) {
	p.r.SetClassName("chart-text " + class)
	p.r.Text(words, x, y)
}

func (p pen) axes(marks []tick) {
	for _, t := range p.axisY.Ticks {
		y := p.y(t.At)
		p.stroke("chart-grid", p.left, y, p.right, y)
		p.text("chart-end", t.Label, p.left-tickLength, y+tickLength)
	}
	free := 0
	for _, m := range marks {
		x := p.x(m.At)
		p.stroke("chart-mark", x, p.top, x, p.bottom)
		if x >= free { // else it would cover the label before
			p.text("chart-quiet", m.Label, x, p.top-tickLength)
			free = x + letterWidth*(len(m.Label)+1)
		}
	}
	for _, t := range p.axisX.Ticks {
		x := p.x(t.At)
		p.stroke("chart-axis", x, p.bottom, x, p.bottom+tickLength)
		p.text("chart-middle", t.Label, x, p.bottom+tickLength+24)
	}
	p.stroke("chart-axis", p.left, p.bottom, p.right, p.bottom)
	p.stroke("chart-axis", p.left, p.top, p.left, p.bottom)
	p.text("chart-middle chart-quiet", p.axisX.Title, (p.left+p.right)/2, chartHeight-10)
	p.text("chart-quiet", p.axisY.Title, tickLength/2, 24)
}

func (p pen) band(points []bandPoint) {
	if len(points) == 0 {
		return
	}
	p.r.SetClassName("chart-band")
	for i, b := range points {
		if i == 0 {
			p.r.MoveTo(p.x(b.X), p.y(b.High))
		} else {
			p.r.LineTo(p.x(b.X), p.y(b.High))
		}
	}
	for _, b := range slices.Backward(points) {
		p.r.LineTo(p.x(b.X), p.y(b.Low))
	}
	p.r.Close()
	p.r.Fill()
}

func (p pen) line(l chartLine) {
	p.r.SetClassName("plot-line plot-" + l.Class)
	drawing := false
	for _, at := range l.Points {
		switch {
		case math.IsNaN(at.Y):
			drawing = false
			continue
		case drawing:
			p.r.LineTo(p.x(at.X), p.y(at.Y))
		default:
			p.r.MoveTo(p.x(at.X), p.y(at.Y))
		}
		drawing = true
	}
	p.r.Stroke()
}

// mostTicks bounds the ticks of an axis, so that their labels do not touch.
const mostTicks = 5

// shareAxis is an axis of shares from least to 1, in percent, that holds some values and some room around them.
func shareAxis(title string, least float64, values ...float64) axis {
	const most = 1
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	if !(high >= low) {
		low, high = least, most
	}
	step := 0.5
	for _, s := range []float64{0.25, 0.2, 0.1, 0.05, 0.02, 0.01} {
		if math.Ceil(high/s)-math.Floor(low/s) <= mostTicks {
			step = s
		}
	}
	a := axis{Title: title, Min: max(least, step*math.Floor(low/step)), Max: min(most, step*math.Ceil(high/step))}
	if a.Max-a.Min < step/2 {
		a.Min, a.Max = max(least, a.Min-step), min(most, a.Max+step)
	}
	for i := math.Round(a.Min / step); i*step <= a.Max+step/100; i++ {
		a.Ticks = append(a.Ticks, tick{i * step, strconv.FormatFloat(math.Round(100*i*step), 'f', -1, 64)})
	}
	return a
}

// evidenceAxis is a logarithmic axis of evidence: its values are powers of ten. Below a hundredth nobody needs to tell.
func evidenceAxis(title string, needed float64, values ...float64) axis {
	const least, most = -2, 6
	low, high := 0.0, tens(needed)+0.5
	for _, v := range values {
		low, high = min(low, tens(v)), max(high, tens(v)+0.2)
	}
	a := axis{Title: title, Min: max(least, math.Floor(low)), Max: min(most, high)}
	step := math.Ceil((a.Max - a.Min) / mostTicks)
	for at := a.Min; at <= a.Max; at += step {
		a.Ticks = append(a.Ticks, tick{at, strconv.FormatFloat(math.Pow(10, at), 'f', -1, 64)})
	}
	return a
}

// tens is a value on an evidenceAxis; evidence of 0 lies below it.
func tens(v float64) float64 { return math.Log10(max(v, 1e-300)) }

// timeAxis is an axis of time by the clock of a place. Its values are seconds since 1970.
func timeAxis(from, to time.Time, loc *time.Location) axis {
	if !to.After(from) {
		to = from.Add(time.Minute)
	}
	return axis{Title: "time (" + clockName(from, to, loc) + ")", Min: seconds1970(from), Max: seconds1970(to), Ticks: timeTicks(from, to, loc)}
}

// clockName names the clock of a place by its zone and how far it is from UTC, which may change between two moments.
func clockName(from, to time.Time, loc *time.Location) string {
	if loc == time.UTC {
		return "UTC"
	}
	const form = "UTC-07:00"
	first, last := from.In(loc).Format(form), to.In(loc).Format(form)
	if first == last {
		return loc.String() + ", " + first
	}
	return loc.String() + ", " + first + ", then " + last
}

// timeTicks are the ticks from one moment to another, each with what the clock of a place shows at it.
func timeTicks(from, to time.Time, loc *time.Location) []tick {
	const day = trial.RealDay
	step, form := 360*day, "2 Jan"
	for _, s := range []time.Duration{
		120 * day, 60 * day, 30 * day, 14 * day, 7 * day, 5 * day, 2 * day, day, 12 * time.Hour, 6 * time.Hour, 3 * time.Hour, time.Hour,
		30 * time.Minute, 10 * time.Minute, 5 * time.Minute, time.Minute, 30 * time.Second, 10 * time.Second, 5 * time.Second, time.Second,
	} {
		if to.Sub(from) <= mostTicks*s {
			step = s
		}
	}
	switch {
	case step < time.Minute:
		form = "15:04:05"
	case step < day:
		form = "15:04"
	}
	var ticks []tick
	var last time.Time
	// The clock as if it were UTC's, so that ticks are at its whole hours.
	_, seconds := from.In(loc).Zone()
	offset := time.Duration(seconds) * time.Second
	for shown := from.UTC().Add(offset).Truncate(step); ; shown = shown.Add(step) {
		at := shown.Add(-offset)
		if step >= day {
			at = dayBegins(shown, loc)
		}
		if at.After(to) {
			return ticks
		}
		if !at.Before(from) && !at.Equal(last) { // a date that a place skipped begins with the next one
			ticks, last = append(ticks, tick{seconds1970(at), at.In(loc).Format(form)}), at
		}
	}
}

// dayBegins is the first moment of a date at a place, the date being given by its midnight in UTC. It is searched for, since clocks
// may skip midnight or show it twice, and time.Date promises no moment then.
func dayBegins(date time.Time, loc *time.Location) time.Time {
	const farthest = 36 * time.Hour // no clock is as far from UTC
	earliest := date.Add(-farthest)
	return earliest.Add(time.Second * time.Duration(sort.Search(int(2*farthest/time.Second), func(seconds int) bool {
		at := earliest.Add(time.Duration(seconds) * time.Second)
		_, offset := at.In(loc).Zone()
		return !at.Add(time.Duration(offset) * time.Second).Before(date)
	})))
}

func seconds1970(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
