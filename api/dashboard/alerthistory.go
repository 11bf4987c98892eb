package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"time"

	"marketplace.example/trials/internal/domain/monitoring"
)

// mostDrawn bounds how many of an alert's latest events the history is made from, and mostListed how many the table has.
const mostDrawn, mostListed = 40, 100

// historyView is the page of what happened to all alerts.
type historyView struct {
	frame
	// Back is the range in days, Ranges those to choose from, Problem what is wrong with what was asked for.
	Back    int
	Ranges  []int
	Problem string
	// Troubles are what keeps this from being the whole truth.
	Troubles []trouble
	Picture  alertsPicture
	// Events are those of the range, the latest first; Unlisted counts those that the table leaves out.
	Events   []monitoring.AlertEvent
	Unlisted int
}

func (d *dashboard) alertHistory(w http.ResponseWriter, r *http.Request) {
	view := historyView{frame: d.frame(r.Context(), "Alerts", "alerts"), Back: ranges[0], Ranges: slices.Sorted(slices.Values(ranges))}
	if asked := r.URL.Query().Get("days"); asked != "" {
		n, err := strconv.Atoi(asked)
		if err != nil || !slices.Contains(ranges, n) {
			view.Problem = fmt.Sprintf("days: must be one of %v", view.Ranges)
			d.show(w, r, http.StatusBadRequest, "alerts", view)
			return
		}
		view.Back = n
	}
	if err := d.readHistory(r.Context(), &view); err != nil {
		d.fail(w, r, "alerts", err)
		return
	}
	d.show(w, r, http.StatusOK, "alerts", view)
}

func (d *dashboard) readHistory(ctx context.Context, view *historyView) error {
	all, err := d.alertsNow(ctx)
	if err != nil {
		return err
	}
	view.Troubles = evaluationTroubles(*all)
	view.Picture = alertsPicture{From: view.Now.AddDate(0, 0, -view.Back), Now: view.Now}
	for _, a := range all.Alerts {
		first := max(1, a.Events-mostDrawn+1)
		var events []monitoring.AlertEvent
		if a.Events > 0 {
			if events, err = d.Store.AlertEvents(ctx, a.Rule.ID, first, mostDrawn); err != nil {
				return err
			}
		}
		row := newAlertRow(a, events, view.Picture.From, view.Now)
		view.Picture.Rows = append(view.Picture.Rows, row)
		view.Events = append(view.Events, row.events...)
	}
	slices.SortStableFunc(view.Events, func(a, b monitoring.AlertEvent) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Seq, a.Seq)) })
	if over := len(view.Events) - mostListed; over > 0 {
		view.Events, view.Unlisted = view.Events[:mostListed], over
	}
	return nil
}

// alertRow is what happened to one alert within the range.
type alertRow struct {
	Alert monitoring.AlertView
	// Firings are when it fired, Silences when it was silenced, and Marks when somebody acknowledged it.
	Firings, Silences []alertSpan
	Marks             []time.Time
	// Known is from when on all is known: later than the range's beginning where there were too many events.
	Known  time.Time
	events []monitoring.AlertEvent
}

// alertSpan is a time, Open where it is not over yet.
type alertSpan struct {
	From, To time.Time
	Open     bool
}

// newAlertRow folds an alert's latest events, which begin in the middle of its history where there are more. One that begins with the end of
// something says that it was so before, from when on nobody knows.
func newAlertRow(a monitoring.AlertView, events []monitoring.AlertEvent, from, now time.Time) alertRow {
	row := alertRow{Alert: a, Known: from}
	if len(events) > 0 && events[0].Seq > 1 && events[0].At.After(from) {
		row.Known = events[0].At
	}
	var fires, silent *alertSpan
	end := func(into *[]alertSpan, s **alertSpan, at time.Time) {
		if *s != nil && at.After(from) {
			*into = append(*into, alertSpan{later((*s).From, row.Known), earlier((*s).To, at), (*s).Open})
		}
		*s = nil
	}
	for _, e := range events {
		if !e.At.Before(from) {
			row.listed(e)
		}
		if silent != nil && !e.At.Before(silent.To) {
			end(&row.Silences, &silent, silent.To)
		}
		switch e.Type {
		case monitoring.AlertFired:
			fires = &alertSpan{From: e.At, To: now}
		case monitoring.AlertRepeated, monitoring.AlertAcknowledged: // which only happen while it fires
			fires = cmp.Or(fires, &alertSpan{From: row.Known, To: now})
		case monitoring.AlertCleared:
			end(&row.Firings, &fires, e.At)
		case monitoring.AlertSilenced:
			end(&row.Silences, &silent, e.At)
			silent = &alertSpan{From: e.At, To: *e.Until}
		case monitoring.AlertUnsilenced:
			end(&row.Silences, &silent, e.At)
		}
	}
	if fires != nil {
		fires.Open = true
		end(&row.Firings, &fires, now)
	}
	if silent != nil {
		silent.Open = now.Before(silent.To)
		end(&row.Silences, &silent, earlier(silent.To, now))
	}
	return row
}

// listed takes an event of the range.
func (r *alertRow) listed(e monitoring.AlertEvent) {
	r.events = append(r.events, e)
	if e.Type == monitoring.AlertAcknowledged {
		r.Marks = append(r.Marks, e.At)
	}
}

// Words say what the row shows.
func (r alertRow) Words() string {
	words := fmt.Sprintf("fired %d times", len(r.Firings))
	switch len(r.Firings) {
	case 0:
		words = "did not fire"
	case 1:
		words = "fired once"
	}
	if n := len(r.Firings); n > 0 && r.Firings[n-1].Open {
		words += ", and does now"
	}
	if len(r.Marks) > 0 {
		words += ", was acknowledged"
	}
	if len(r.Silences) > 0 {
		words += ", was silenced"
	}
	return words
}

// alertsPicture is when alerts fired, one row for each, on one axis of time.
type alertsPicture struct {
	From, Now time.Time
	Rows      []alertRow
}

// quiet tells whether nothing happened to the alert.
func (r alertRow) quiet() bool { return len(r.Firings)+len(r.Silences)+len(r.Marks) == 0 }

// Drawn are the alerts to which something happened.
func (p alertsPicture) Drawn() []alertRow {
	return slices.DeleteFunc(slices.Clone(p.Rows), alertRow.quiet)
}

// Quiet are the others.
func (p alertsPicture) Quiet() []alertRow {
	return slices.DeleteFunc(slices.Clone(p.Rows), func(r alertRow) bool { return !r.quiet() })
}

// Label says in words what the picture shows.
func (p alertsPicture) Label() string {
	fired, firings, firing := 0, 0, 0
	for _, r := range p.Rows {
		if n := len(r.Firings); n > 0 {
			fired, firings = fired+1, firings+n
			if r.Firings[n-1].Open {
				firing++
			}
		}
	}
	return fmt.Sprintf("When alerts fired, from %s to %s: %d of %d alerts, %d times in all; %d fire now. The lists below say it in words.",
		stamp(p.From, p.Now), stamp(p.Now, p.Now), fired, len(p.Rows), firings, firing)
}

// CutOff are the alerts whose earlier events are left out.
func (p alertsPicture) CutOff() (rows []alertRow) {
	for _, r := range p.Rows {
		if r.Known.After(p.From) {
			rows = append(rows, r)
		}
	}
	return rows
}

// Size of the picture, in its own units: a row has the alert's name, the bars of its firings below it, and those of silences below these.
const (
	alertsMargin, alertsTop   = 40, 6
	alertRowHeight, alertName = 74, 26
	alertBar, silenceBar      = 20, 8
	leastAlert                = 5
)

// SVG draws the picture.
func (p alertsPicture) SVG() template.HTML {
	rows := p.Drawn()
	bottom := alertsTop + len(rows)*alertRowHeight
	pen := newPen(chartWidth, bottom+90, 0, timeAxis(p.From, p.Now, p.Now.Location()), axis{Max: 1})
	pen.left, pen.right, pen.top, pen.bottom = alertsMargin, chartWidth-alertsMargin, alertsTop, bottom
	for _, t := range pen.axisX.Ticks {
		x := pen.x(t.At)
		pen.stroke("chart-grid", x, alertsTop, x, bottom)
		pen.text("chart-middle chart-quiet", t.Label, x, bottom+tickLength+26)
	}
	for i, r := range rows {
		pen.alertRow(r, alertsTop+i*alertRowHeight+alertName)
	}
	pen.stroke("chart-axis", pen.left, bottom, pen.right, bottom)
	pen.text("chart-middle chart-quiet", pen.axisX.Title, (pen.left+pen.right)/2, bottom+76)
	return pen.svg()
}

// alertRow draws a row, whose name stands at y.
func (p pen) alertRow(r alertRow, y int) {
	p.text("chart-name", string(r.Alert.Rule.ID), p.left, y)
	y += tickLength
	p.stroke("chart-grid", p.x(seconds1970(r.Known)), y+alertBar/2, p.right, y+alertBar/2)
	bar := func(class string, s alertSpan, top, height int) {
		left := min(p.x(seconds1970(s.From)), p.right-leastAlert)
		p.box(class, left, top, max(p.x(seconds1970(s.To)), left+leastAlert), top+height)
	}
	for _, s := range r.Firings {
		class := "alert-fired"
		if s.Open {
			class = "alert-firing"
		}
		bar(class, s, y, alertBar)
	}
	for _, s := range r.Silences {
		bar("alert-silenced", s, y+alertBar+2, silenceBar)
	}
	for _, at := range r.Marks {
		p.mark("acknowledged", p.x(seconds1970(at)), y+alertBar/2)
	}
}
