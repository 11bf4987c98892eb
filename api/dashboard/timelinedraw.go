package dashboard

import (
	"html/template"
	"slices"
	"strconv"
	"time"
)

// Where the parts of a timeline are, in its own units. Numbers are above the mark of their moment, at one of some levels so that they
// do not touch.
const (
	timelineHeight             = 330 // for one other clock below the vendor's
	clockHeight                = 26
	barTop, barBottom          = 44, 70
	stepsAt, changesAt         = 160, 236
	markSize                   = 8
	numberLevels, numberHeight = 3, 22
)

func drawTimeline(t timeline) template.HTML {
	clocks := t.otherClocks()
	height := timelineHeight + clockHeight*max(0, len(clocks)-1)
	p := newPen(chartWidth, height, 0, timeAxis(t.from, t.to, t.loc), axis{Max: 1})
	p.left, p.right, p.top, p.bottom = chartTop/2, chartWidth-chartTop/2, barTop, timelineHeight-66
	for _, s := range t.Spans {
		class := "timeline-span timeline-" + string(s.Status)
		if s.Ahead {
			class += " timeline-planned"
		}
		p.box(class, p.x(seconds1970(s.From)), barTop, p.x(seconds1970(s.To)), barBottom)
	}
	for _, y := range []int{stepsAt, changesAt} {
		p.stroke("chart-grid", p.left, y, p.right, y)
	}
	p.localTicks(clocks)
	var steps, changes levels
	for _, m := range t.Moments {
		x, y, above := p.x(seconds1970(m.At)), stepsAt, &steps
		if m.Look == "change" {
			y, above = changesAt, &changes
		}
		p.mark(m.Look, x, y)
		number := strconv.Itoa(m.No)
		if level, free := above.take(x, letterWidth*(len(number)+1)); free {
			p.text("chart-middle", number, x, y-markSize-6-level*numberHeight)
		}
	}
	if !t.Now.After(t.to) {
		x := p.x(seconds1970(t.Now))
		p.stroke("timeline-now", x, barTop-10, x, p.bottom)
		p.text("chart-middle", "now", x, barTop-16)
	}
	return p.svg()
}

// levels are up to where the numbers at each level reach.
type levels [numberLevels]int

// take finds the lowest level that is free around x; none where the numbers are too many: the table has them.
func (l *levels) take(x, width int) (level int, free bool) {
	for level = range l {
		if x-width/2 >= l[level] {
			l[level] = x + width/2
			return level, true
		}
	}
	return 0, false
}

func (p pen) box(class string, left, top, right, bottom int) {
	p.r.SetClassName(class)
	p.r.MoveTo(left, top)
	p.r.LineTo(right, top)
	p.r.LineTo(right, bottom)
	p.r.LineTo(left, bottom)
	p.r.Close()
	p.r.Fill()
}

// mark draws a moment: a cross for what was left out or waits, else a square on its edge. Forms differ, not colors alone.
func (p pen) mark(shape string, x, y int) {
	class := "timeline-mark timeline-mark-" + shape
	if shape == "left" || shape == "bad" {
		p.stroke(class, x-markSize, y-markSize, x+markSize, y+markSize)
		p.stroke(class, x-markSize, y+markSize, x+markSize, y-markSize)
		return
	}
	p.r.SetClassName(class)
	p.r.MoveTo(x-markSize, y)
	p.r.LineTo(x, y-markSize)
	p.r.LineTo(x+markSize, y)
	p.r.LineTo(x, y+markSize)
	p.r.Close()
	p.r.Fill()
}

// otherClocks are those that the picture shows beside the vendor's: UTC, and whoever's looks at it.
func (t timeline) otherClocks() []*time.Location {
	var clocks []*time.Location
	for _, loc := range []*time.Location{time.UTC, t.Now.Location()} {
		if loc.String() != t.loc.String() && !slices.Contains(clocks, loc) {
			clocks = append(clocks, loc)
		}
	}
	return clocks
}

// localTicks draws the axis of time on the vendor's clock, with others below.
func (p pen) localTicks(clocks []*time.Location) {
	p.stroke("chart-axis", p.left, p.bottom, p.right, p.bottom)
	for _, t := range p.axisX.Ticks {
		x := p.x(t.At)
		p.stroke("chart-axis", x, p.bottom, x, p.bottom+tickLength)
		p.text("chart-middle", t.Label, x, p.bottom+tickLength+24)
		for i, loc := range clocks {
			at := time.Unix(int64(t.At), 0).In(loc)
			p.text("chart-middle chart-quiet", at.Format("15:04 ")+abbreviation(at), x, p.bottom+tickLength+24+(i+1)*clockHeight)
		}
	}
}
