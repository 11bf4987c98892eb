package dashboard

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// ranges are how many days before today the figures can be shown for; the first is shown unless another is asked for.
var ranges = []int{30, 7, 90}

// trendsView is what the page of the figures shows.
type trendsView struct {
	frame
	// Back is the range, Ranges those to choose from.
	Back   int
	Ranges []int
	// Shown are the cohorts that are compared, Cohorts those to choose from.
	Shown, Cohorts []trial.Cohort
	// Problem is what is wrong with what was asked for, Unmeasured why there are no figures; empty otherwise.
	Problem, Unmeasured string
	Charts              []trendChart
	Feedback            []string
}

// trendChart is a chart and the same as numbers.
type trendChart struct {
	Title, Note string
	// Chart is nil where there is nothing to draw; Empty says so.
	Chart *chart
	Empty string
	// Head are the columns, of which the first names the row.
	Head []string
	Rows [][]string
}

func (d *dashboard) trends(w http.ResponseWriter, r *http.Request) {
	view := trendsView{frame: d.frame(r.Context(), "Figures", "figures"), Back: ranges[0], Ranges: slices.Sorted(slices.Values(ranges)), Cohorts: trial.Cohorts()}
	q := r.URL.Query()
	if view.Problem = view.choose(q.Get("days"), q["cohort"]); view.Problem != "" {
		d.show(w, r, http.StatusBadRequest, "trends", view)
		return
	}
	if d.Figures == nil {
		view.Unmeasured = "figures are not measured here"
		d.show(w, r, http.StatusOK, "trends", view)
		return
	}
	h, err := d.Figures.Trends(r.Context(), view.Back)
	switch {
	case err == nil:
		view.draw(h)
	case trial.CodeOf(err) == trial.CodeConflict:
		view.Unmeasured = err.Error()
	default:
		d.fail(w, r, "figures", err)
		return
	}
	d.show(w, r, http.StatusOK, "trends", view)
}

// choose takes what was asked for, or returns what is wrong with it.
func (v *trendsView) choose(back string, cohorts []string) string {
	if back != "" {
		n, err := strconv.Atoi(back)
		if err != nil || !slices.Contains(ranges, n) {
			return fmt.Sprintf("days: must be one of %v", v.Ranges)
		}
		v.Back = n
	}
	for _, c := range v.Cohorts {
		if len(cohorts) == 0 || slices.Contains(cohorts, string(c)) {
			v.Shown = append(v.Shown, c)
		}
	}
	for _, c := range cohorts {
		if !slices.Contains(v.Cohorts, trial.Cohort(c)) {
			return fmt.Sprintf("cohort: must be of %v", v.Cohorts)
		}
	}
	return ""
}

// Compares tells whether a cohort is shown.
func (v trendsView) Compares(c trial.Cohort) bool { return slices.Contains(v.Shown, c) }

// lineOf are the classes of the cohorts' lines.
var lineOf = map[trial.Cohort]string{trial.Automated: "first", trial.Control: "second", trial.Adopted: "third"}

func (v *trendsView) draw(h monitoring.Trends) {
	sum := func(of func(monitoring.DayPart) int) func(monitoring.Day) int {
		return func(d monitoring.Day) (n int) {
			for _, c := range v.Shown {
				n += of(d.Cohorts[c])
			}
			return n
		}
	}
	var registered []named
	for _, c := range v.Shown {
		registered = append(registered, line(string(c), lineOf[c], func(d monitoring.Day) int { return d.Cohorts[c].Registered }))
	}
	v.Charts = []trendChart{
		newDaysChart("Registrations a day", "By cohort: an automated vendor is one that was admitted, an adopted one was taken in later.", h.Days, registered...),
		v.weeksChart(h.Weeks),
		newDaysChart("Trials that ended a day", "Of the cohorts shown.", h.Days,
			line("converted", "first", sum(func(p monitoring.DayPart) int { return p.Converted })),
			line("expired", "second", sum(func(p monitoring.DayPart) int { return p.Expired })),
			line("cancelled", "third", sum(func(p monitoring.DayPart) int { return p.Cancelled }))),
		newDaysChart("Steps a day", "Of the cohorts shown. Each step that came due ends as one of done, failed and skipped; late is part of done.", h.Days,
			line("done", "first", sum(func(p monitoring.DayPart) int { return p.StepsDone })),
			line("late", "second", sum(func(p monitoring.DayPart) int { return p.StepsLate })),
			line("skipped", "third", sum(func(p monitoring.DayPart) int { return p.StepsSkipped })),
			line("failed", "bad", sum(func(p monitoring.DayPart) int { return p.StepsFailed }))),
		newDaysChart("E-mails a day", "Of all cohorts, by the day on which they were sent: delivered, lost for good, and without a final report.", h.Days,
			line("delivered", "first", func(d monitoring.Day) int { return d.Mails.Arrived() }),
			line("pending", "second", func(d monitoring.Day) int { return d.Mails.Pending() }),
			line("failed", "bad", func(d monitoring.Day) int { return d.Mails.Failed() })),
		hoursChart(h.Hours, v.Now),
	}
	if h.Feedback == nil {
		v.Feedback = []string{"The answers could not be counted now."}
		return
	}
	for _, c := range v.Shown {
		v.Feedback = append(v.Feedback, fmt.Sprintf("%s: %s.", c, h.Feedback[c]))
	}
}

// newDaysChart draws numbers a day.
func newDaysChart(title, note string, days []monitoring.Day, lines ...named) trendChart {
	c := trendChart{Title: title, Note: note, Head: []string{"Day"}, Empty: fmt.Sprintf("Nothing in %d days.", len(days))}
	drawn := chart{X: timeAxis(days[0].From, days[len(days)-1].From, time.UTC)}
	totals, most := make([]string, 0, len(lines)), 0
	for _, l := range lines {
		drawing, total := chartLine{Name: l.name, Class: l.class}, 0
		for _, d := range days {
			n := l.of(d)
			drawing.Points = append(drawing.Points, chartPoint{seconds1970(d.From), float64(n)})
			total, most = total+n, max(most, n)
		}
		drawn.Lines, c.Head = append(drawn.Lines, drawing), append(c.Head, l.name)
		totals = append(totals, fmt.Sprintf("%s %s", l.name, grouped(total)))
	}
	for i, d := range slices.Backward(days) {
		row := []string{shortDay(d.From)}
		for _, l := range drawn.Lines {
			row = append(row, grouped(int(l.Points[i].Y)))
		}
		c.Rows = append(c.Rows, row)
	}
	drawn.Label = fmt.Sprintf("%s over %d days, in all: %s.", title, len(days), strings.Join(totals, ", "))
	if drawn.Y = countAxis("a day", float64(most)); most > 0 {
		c.Chart = &drawn
	}
	return c
}

// weeksChart draws which share of each week's trials has converted, of those weeks whose trials are over.
func (v *trendsView) weeksChart(weeks []monitoring.Week) trendChart {
	c := trendChart{
		Title: "Converted, by week of registration", Head: []string{"Week from"},
		Note: "Cancelled trials are left out, and of the control cohort the days that a backfill reached. Only weeks whose trials are over are drawn: of a " +
			"younger one too few can have converted yet. Adopted trials had not converted when they were adopted, so fewer of them do.",
		Empty: "The trials of no week are over yet.",
	}
	last := weeks[len(weeks)-1].From
	drawn := chart{X: timeAxis(weeks[0].From, last.Add(last.Sub(weeks[0].From)/time.Duration(2*len(weeks))), time.UTC)} // room for the last label
	var shares []float64
	for _, cohort := range v.Shown {
		drawing := chartLine{Name: string(cohort), Class: lineOf[cohort]}
		for _, w := range weeks {
			at := chartPoint{seconds1970(w.From), math.NaN()}
			if b := w.Cohorts[cohort]; w.Over && b.Trials > 0 {
				at.Y = b.Share
				shares = append(shares, b.Share)
			}
			drawing.Points = append(drawing.Points, at)
		}
		drawn.Lines, c.Head = append(drawn.Lines, drawing), append(c.Head, string(cohort)+" (95 % interval)")
	}
	for _, w := range slices.Backward(weeks) {
		row := []string{shortDay(w.From)}
		for _, cohort := range v.Shown {
			row = append(row, weekWords(w, cohort))
		}
		c.Rows = append(c.Rows, row)
	}
	drawn.Label = fmt.Sprintf("Share converted by week of registration, of %d weeks; the table has the numbers.", len(weeks))
	if drawn.Y = shareAxis("converted, in %", 0, shares...); len(shares) > 0 {
		c.Chart = &drawn
	}
	return c
}

func weekWords(w monitoring.Week, c trial.Cohort) string {
	b := w.Cohorts[c]
	switch {
	case b.Trials == 0 && w.LeftOut && c == trial.Control:
		return "left out: a backfill reached it"
	case b.Trials == 0:
		return "none"
	case !w.Over:
		return fmt.Sprintf("%s of %s so far, %s running", grouped(int(math.Round(b.Share*float64(b.Trials)))), grouped(b.Trials), grouped(b.Running))
	}
	return fmt.Sprintf("%s (%s to %s) of %s", evidence.Percent(b.Share), evidence.Percent(b.Low), evidence.Percent(b.High), grouped(b.Trials))
}

// hoursChart draws how long the API's calls took.
func hoursChart(hours []monitoring.Hour, now time.Time) trendChart {
	c := trendChart{
		Title: "API, response times of the last day", Note: "By the hour. Prometheus has older ones.",
		Head: []string{"Hour from", "calls", "half within", "95 % within", "99 % within", "failed"}, Empty: "No call in a day.",
	}
	if len(hours) == 0 {
		return c
	}
	drawn := chart{X: timeAxis(hours[0].From, hours[len(hours)-1].From, now.Location())}
	half, most, all := chartLine{Name: "half within", Class: "first"}, chartLine{Name: "95 % within", Class: "second"}, chartLine{Name: "99 % within", Class: "third"}
	slowest, calls := 0.0, 0
	for _, h := range hours {
		at := seconds1970(h.From)
		for _, l := range []struct {
			line *chartLine
			of   float64
		}{{&half, h.P50}, {&most, h.P95}, {&all, h.P99}} {
			y := 1000 * l.of
			if h.Calls == 0 {
				y = math.NaN()
			} else {
				slowest = max(slowest, y)
			}
			l.line.Points = append(l.line.Points, chartPoint{at, y})
		}
		calls += h.Calls
	}
	for _, h := range slices.Backward(hours) {
		row := []string{hour(h.From, now), grouped(h.Calls), "", "", "", grouped(h.Failed)}
		if h.Calls > 0 {
			row[2], row[3], row[4] = inMilliseconds(h.P50), inMilliseconds(h.P95), inMilliseconds(h.P99)
		}
		c.Rows = append(c.Rows, row)
	}
	drawn.Lines = []chartLine{half, most, all}
	drawn.Label = fmt.Sprintf("Response times of %s API calls of the last day, by the hour; the table has the numbers.", grouped(calls))
	if drawn.Y = countAxis("milliseconds", slowest); calls > 0 {
		c.Chart = &drawn
	}
	return c
}

func inMilliseconds(seconds float64) string {
	return strconv.FormatFloat(1000*seconds, 'f', 0, 64) + " ms"
}

func shortDay(at time.Time) string { return at.UTC().Format("2 Jan 2006") }

// countAxis is an axis from 0 that holds a number.
func countAxis(title string, most float64) axis {
	step := 1.0
	for i := 0; most > mostTicks*step; i++ { // 1, 2, 5, 10, 20, 50 and so on
		step *= []float64{2, 2.5, 2}[i%3]
	}
	a := axis{Title: title, Max: max(step, step*math.Ceil(most/step))}
	for at := 0.0; at <= a.Max; at += step {
		a.Ticks = append(a.Ticks, tick{at, grouped(int(at))})
	}
	return a
}
