package dashboard

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/rollout"
)

// calendarView is the page of a rollout's planned and actual calendar.
type calendarView struct {
	frame
	Rollout *rollout.State
	Summary string
	Picture calendarPicture
	Stages  []calendarStage
}

// calendarStage is when one stage was planned, and when the rollout was in it.
type calendarStage struct {
	Name    string
	Planned *rollout.StageTime
	// Actual are the times that it was in it, Ahead the earliest of what is to come.
	Actual []rollout.StageTime
	Ahead  *rollout.StageTime
}

// mostCalendar bounds how many decisions the calendar is made from; a rollout has some hundreds.
const mostCalendar = 1000

func (d *dashboard) calendar(w http.ResponseWriter, r *http.Request) {
	view := calendarView{frame: d.frame(r.Context(), "Plan and actual calendar", "overview")}
	current, err := app.LatestRollout(r.Context(), d.Store, view.Now)
	if err == nil && current != nil {
		view.Rollout, view.Summary = &current.Rollout, current.Summary
		err = d.drawCalendar(r.Context(), &view)
	}
	if err != nil {
		d.fail(w, r, "overview", err)
		return
	}
	d.show(w, r, http.StatusOK, "calendar", view)
}

func (d *dashboard) drawCalendar(ctx context.Context, v *calendarView) error {
	var events []rollout.Event
	for len(events) < min(v.Rollout.Seq, mostCalendar) {
		page, err := d.Store.Decisions(ctx, v.Rollout.ID, len(events)+1, maxDecisions)
		if err != nil {
			return fmt.Errorf("reading the decisions: %w", err)
		}
		if len(page) == 0 {
			break
		}
		events = append(events, page...)
	}
	if len(events) == 0 || events[0].Start == nil {
		return nil
	}
	s := v.Rollout
	v.Picture = calendarPicture{
		Planned: s.Plan.Planned(events[0].Start.Phase, s.StartedAt, s.Times.Day), Actual: rollout.Actual(events, v.Now), Ahead: s.Ahead(v.Now), Now: v.Now,
		name: s.Plan.StageName,
	}
	v.Stages = v.Picture.stages()
	return nil
}

// calendarPicture is a rollout's planned stages above those that it went through, on one axis of time.
type calendarPicture struct {
	Planned, Actual, Ahead []rollout.StageTime
	Now                    time.Time
	name                   func(rollout.Stage) string
}

// stages are the planned ones, and then those that only came to be.
func (c calendarPicture) stages() []calendarStage {
	var all []calendarStage
	var order []rollout.Stage
	at := func(s rollout.Stage) *calendarStage {
		i := slices.Index(order, s)
		if i < 0 {
			i = len(order)
			order, all = append(order, s), append(all, calendarStage{Name: c.name(s)})
		}
		return &all[i]
	}
	for _, s := range c.Planned {
		at(s.Stage).Planned = &s
	}
	for _, s := range c.Actual {
		stage := at(s.Stage)
		stage.Actual = append(stage.Actual, s)
	}
	for _, s := range c.Ahead {
		at(s.Stage).Ahead = &s
	}
	return all
}

// Label says in words what the picture shows.
func (c calendarPicture) Label() string {
	if len(c.Actual) == 0 {
		return "Nothing has happened yet."
	}
	planned, last := c.Planned[len(c.Planned)-1], c.Actual[len(c.Actual)-1]
	words := fmt.Sprintf("Planned: %d stages from %s to %s. Actual: %d parts so far, the last one %s at %v %%, since %s.", len(c.Planned), stamp(c.Planned[0].From, c.Now),
		stamp(planned.To, c.Now), len(c.Actual), c.name(last.Stage), last.Percentage, stamp(last.From, c.Now))
	if n := len(c.Ahead); n > 0 {
		words += fmt.Sprintf(" It would end %s at the earliest.", stamp(c.Ahead[n-1].To, c.Now))
	}
	return words + " The table below has all dates."
}

// Size of the picture, in its own units.
const (
	calendarWidth, calendarHeight = 1600, 520
	calendarLeft, calendarRight   = 150, 20
	// rowHeight is that of 100 %, leastBar of no vendors; the rows stand on these lines.
	rowHeight, leastBar     = 140, 8
	plannedLine, actualLine = 210, 420
	leastWidth              = 3
	// roomForShare is how wide a bar must be for its percentage.
	roomForShare = 80
)

// SVG draws the picture.
func (c calendarPicture) SVG() template.HTML {
	if len(c.Planned) == 0 || len(c.Actual) == 0 {
		return ""
	}
	from, to := c.Planned[0].From, c.Planned[len(c.Planned)-1].To
	for _, s := range slices.Concat(c.Actual, c.Ahead) {
		if s.To.After(to) {
			to = s.To
		}
	}
	p := newPen(calendarWidth, calendarHeight, 0, timeAxis(from, to, c.Now.Location()), axis{Max: 1})
	p.left, p.right = calendarLeft, calendarWidth-calendarRight
	for _, row := range []struct {
		name string
		line int
	}{{"Planned", plannedLine}, {"Actual", actualLine}} {
		p.text("chart-end", row.name, p.left-2*tickLength, row.line)
		p.stroke("chart-axis", p.left, row.line, p.right, row.line)
	}
	p.bars("span-planned", plannedLine, c.Planned)
	p.bars("span-ahead", actualLine, c.Ahead)
	p.bars("span-actual", actualLine, c.Actual)
	for _, t := range p.axisX.Ticks {
		x := p.x(t.At)
		p.stroke("chart-axis", x, actualLine, x, actualLine+tickLength)
		p.text("chart-middle chart-quiet", t.Label, x, actualLine+tickLength+28)
	}
	if now := seconds1970(c.Now); now <= p.axisX.Max {
		x := p.x(now)
		p.stroke("span-now", x, plannedLine-rowHeight-20, x, actualLine)
		p.text("chart-middle", "now", min(max(x, p.left), p.right-30), 40)
	}
	p.text("chart-middle chart-quiet", p.axisX.Title, (p.left+p.right)/2, calendarHeight-14)
	return p.svg()
}

// bars draws stages as bars on a line, as high as their percentage, and those that were paused on top: also a short pause is seen.
func (p pen) bars(class string, line int, spans []rollout.StageTime) {
	for _, s := range slices.SortedStableFunc(slices.Values(spans), pausedLast) {
		left := p.x(seconds1970(s.From))
		right := max(p.x(seconds1970(s.To)), left+leastWidth)
		top := line - max(leastBar, int(s.Percentage*rowHeight/100))
		name := class
		if s.Paused {
			name += " span-paused"
		}
		p.r.SetClassName(name)
		p.r.MoveTo(left, line)
		p.r.LineTo(left, top)
		p.r.LineTo(right, top)
		p.r.LineTo(right, line)
		p.r.Close()
		p.r.FillStroke()
		if right-left >= roomForShare {
			words := fmt.Sprintf("%v %%", s.Percentage)
			if s.Stage.Kind == rollout.Notice {
				words = "notice"
			}
			p.text("chart-middle", strings.ReplaceAll(words, " ", "\u00a0"), (left+right)/2, top-tickLength)
		}
	}
}

func pausedLast(a, b rollout.StageTime) int {
	switch {
	case a.Paused == b.Paused:
		return 0
	case a.Paused:
		return 1
	}
	return -1
}
