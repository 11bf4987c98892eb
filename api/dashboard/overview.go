package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
)

// readTimeout bounds reading what the overview shows: with a part away the page
// still comes, and says so.
const readTimeout = 4 * time.Second

// facts are what the overview is made from. What could not be read is nil, and
// named in errors.
type facts struct {
	flags *flags.Document
	view  *rollout.View
	// back is the last decision that rolled it back.
	back   *rollout.Event
	report *monitoring.Report
	health *monitoring.Health
	alerts *monitoring.AlertsView
	errors []gap
}

// gap is something that could not be read.
type gap struct {
	what string
	err  error
	// late says that it took longer than the page waits.
	late bool
}

// overviewView is what the first page shows.
type overviewView struct {
	frame
	Asked string
	// Troubles want somebody now, Notes do not.
	Troubles, Notes []trouble
	Flags           *flags.Document
	Rollout         *rolloutView
	Report          *reportView
	// Unread are the parts of the page that could not be read.
	Unread map[string]bool
	Alerts *monitoring.AlertsView
	Health *monitoring.Health
	// These say which parts of the page have a source at all.
	HasFigures, HasAlerts, HasHealth bool
	// Who is the reader.
	Who access.Identity
}

// Starts says that the reader may start a rollout.
func (v overviewView) Starts() bool { return v.Who.Role.Covers(startsRollouts) }

// asked are the controls that the page may thank for.
var asked = map[string]string{
	rollout.SignalPause: "The rollout was asked to pause.", rollout.SignalResume: "The rollout was asked to go on.",
	rollout.SignalAdvance: "The rollout was asked to enter its next stage.", rollout.SignalRollback: "The flags are rolled back; the rollout follows.",
	rollout.SignalSetPercentage: "The rollout was asked to hold at the percentage.",
	rollout.SignalTick:          "The rollout was asked to note what you judged.", rollout.SignalWaive: "The rollout was asked to take the check as passed.",
	"start": "The rollout was asked to start. Its notice comes first.",
}

// thanks tells what was asked for, and whether the rollout has done that. One whose ground is gone when it comes is refused, and only
// the log says so. A rollback has its effect at once, whatever the rollout does.
func thanks(q url.Values, current *rollout.View) string {
	control, id := q.Get("asked"), q.Get("request")
	text := asked[control]
	switch {
	case text == "" || id == "" || control == rollout.SignalRollback || current == nil || current.Rollout.ID != q.Get("rollout"):
		return text
	case current.Rollout.Knows(id):
		return text + " It has done so."
	case control == rollout.SignalPause:
		return text + " It has not done so yet: that takes a worker that runs."
	}
	return text + " It has not done so yet: that takes a worker that runs. If one does, the rollout may have moved on before the request came, and has refused it then: look at how it stands, and ask anew."
}

func (d *dashboard) overview(w http.ResponseWriter, r *http.Request) {
	f := d.gather(r.Context())
	who := access.Of(r.Context())
	view := overviewView{
		frame: d.live(r, "Overview", "overview"), Asked: thanks(r.URL.Query(), f.view), Flags: f.flags, Report: newReportView(f.report), Alerts: f.alerts, Health: f.health,
		Unread: map[string]bool{}, HasFigures: d.Figures != nil, HasAlerts: d.Alerts != nil, HasHealth: d.Health != nil, Who: who,
	}
	for _, t := range d.troubles(f, view.Now) {
		if t.Grave {
			view.Troubles = append(view.Troubles, t)
		} else {
			view.Notes = append(view.Notes, t)
		}
	}
	if f.view != nil {
		view.Rollout = newRolloutView(*f.view, f.back, who.Role, view.Now)
	}
	for _, e := range f.errors {
		view.Unread[e.what] = true
	}
	d.show(w, r, http.StatusOK, "overview", view)
}

// gather reads everything at once.
func (d *dashboard) gather(ctx context.Context) facts {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var (
		f       facts
		mu      sync.Mutex
		reading sync.WaitGroup
	)
	read := func(what string, from func() error) {
		reading.Go(func() {
			if err := from(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				f.errors = append(f.errors, gap{what, err, ctx.Err() != nil})
			}
		})
	}
	read("the flags", func() error {
		document, err := d.Store.Flags(ctx)
		if err == nil {
			f.flags = &document
		}
		return err
	})
	read("the rollout", func() (err error) {
		if f.view, err = app.LatestRollout(ctx, d.Store, d.Now().UTC()); err != nil {
			return err
		}
		f.back, err = d.lastRollback(ctx, f.view)
		return err
	})
	if d.Figures != nil {
		read("the figures", func() error {
			report, err := d.Figures.Report(ctx)
			if err == nil {
				f.report = &report
			}
			return err
		})
	}
	if d.Alerts != nil {
		read("the alerts", func() (err error) {
			f.alerts, err = d.Alerts.AlertsView(ctx)
			return err
		})
	}
	if d.Health != nil {
		read("the health", func() error {
			health, err := d.Health.Health(ctx)
			if err == nil {
				f.health = &health
			}
			return err
		})
	}
	reading.Wait()
	return f
}
