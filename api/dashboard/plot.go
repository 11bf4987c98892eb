package dashboard

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// Size of a plot in its own units; the page stretches it.
const (
	plotWidth  = 320
	plotHeight = 90
)

// series is one line of a plot, a number a day.
type series struct {
	Name string
	// Class gives the line its look, in dashboard.css.
	Class  string
	Values []int
}

// Total is the sum over all days.
func (s series) Total() (n int) {
	for _, v := range s.Values {
		n += v
	}
	return n
}

// plotView is a plot of the last days, and the same as numbers.
type plotView struct {
	Title string
	// Days are the moments at which the days begin.
	Days   []time.Time
	Series []series
	Peak   int
	// SVG is empty where there is nothing to draw.
	SVG template.HTML
}

// plots are what the overview draws of the days.
func plots(days []monitoring.Day) []plotView {
	if len(days) == 0 {
		return nil
	}
	sum := func(of func(monitoring.DayPart) int) func(monitoring.Day) int {
		return func(d monitoring.Day) (n int) {
			for _, part := range d.Cohorts {
				n += of(part)
			}
			return n
		}
	}
	one := func(c trial.Cohort, of func(monitoring.DayPart) int) func(monitoring.Day) int {
		return func(d monitoring.Day) int { return of(d.Cohorts[c]) }
	}
	registered := func(p monitoring.DayPart) int { return p.Registered }
	return []plotView{
		newPlot("Registrations a day", days, line("automated", "first", one(trial.Automated, registered)), line("control", "second", one(trial.Control, registered)),
			line(adoptedLine, "third", one(trial.Adopted, registered))),
		newPlot("Trials that ended a day", days, line("converted", "first", sum(func(p monitoring.DayPart) int { return p.Converted })),
			line("expired", "second", sum(func(p monitoring.DayPart) int { return p.Expired }))),
		newPlot("E-mails a day", days, line("delivered", "first", func(d monitoring.Day) int { return d.Mails.Arrived() }),
			line("failed", "bad", func(d monitoring.Day) int { return d.Mails.Failed() }),
			line("delivered, "+adoptedLine, "third", func(d monitoring.Day) int { return d.AdoptedMails.Arrived() })),
		newPlot("Steps a day", days, line("done", "first", sum(func(p monitoring.DayPart) int { return p.StepsDone })),
			line("failed", "bad", sum(func(p monitoring.DayPart) int { return p.StepsFailed })),
			line("done, "+adoptedLine, "third", one(trial.Adopted, func(p monitoring.DayPart) int { return p.StepsDone }))),
	}
}

// adoptedLine names the line of adopted vendors, which is drawn only if there are any.
const adoptedLine = "adopted later"

// named is a line that is still to be read from the days.
type named struct {
	name, class string
	of          func(monitoring.Day) int
}

func line(name, class string, of func(monitoring.Day) int) named { return named{name, class, of} }

func newPlot(title string, days []monitoring.Day, lines ...named) plotView {
	p := plotView{Title: title}
	for _, d := range days {
		p.Days = append(p.Days, d.From)
	}
	for _, l := range lines {
		s := series{Name: l.name, Class: l.class}
		for _, d := range days {
			n := l.of(d)
			s.Values, p.Peak = append(s.Values, n), max(p.Peak, n)
		}
		if s.Total() == 0 && strings.HasSuffix(s.Name, adoptedLine) {
			continue
		}
		p.Series = append(p.Series, s)
	}
	if p.Peak > 0 {
		p.SVG = draw(p)
	}
	return p
}

// Label says in words what the plot shows.
func (p plotView) Label() string {
	sentences := []string{fmt.Sprintf("%s over %d days.", p.Title, len(p.Days))}
	for _, s := range p.Series {
		sentences = append(sentences, fmt.Sprintf("%s: %s in all, %s today.", s.Name, grouped(s.Total()), grouped(s.Values[len(s.Values)-1])))
	}
	return strings.Join(sentences, " ")
}

// draw makes the lines.
func draw(p plotView) template.HTML {
	pen := newPen(plotWidth, plotHeight, 2, axis{Max: max(1, float64(len(p.Days)-1))}, axis{Max: float64(p.Peak)})
	for _, s := range p.Series {
		line := chartLine{Class: s.Class}
		for i, v := range s.Values {
			line.Points = append(line.Points, chartPoint{float64(i), float64(v)})
		}
		pen.line(line)
	}
	return pen.svg()
}
