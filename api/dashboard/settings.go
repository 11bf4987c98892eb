package dashboard

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/monitoring"
)

// Settings are those of the API that shows the pages. They hold no secret.
type Settings struct {
	Variables []monitoring.Setting
	// Version is the program's, Go the language's that it was built with.
	Version, Go string
	// Namespace and TaskQueue are Temporal's.
	Namespace, TaskQueue string
}

// processView is a process as the page shows it.
type processView struct {
	monitoring.Process
	// At is its last sign of life; Gone says that it shows none any more.
	At   time.Time
	Gone bool
}

// goneAfter is after how long without a sample a process has gone.
const goneAfter = 5 * monitoring.SampleEvery

// settingsView is what the page of the settings shows.
type settingsView struct {
	frame
	Settings
	Processes []processView
	// Versions are those that run; Unread says that the processes could not be read.
	Versions []string
	Unread   bool
}

func (d *dashboard) settings(w http.ResponseWriter, r *http.Request) {
	view := settingsView{frame: d.frame(r.Context(), "Settings", "settings"), Settings: d.Settings}
	all, err := d.Processes.Processes(r.Context())
	if view.Unread = err != nil; view.Unread {
		d.Log.Error("page read in part", zap.String("page", "settings"), zap.Error(err))
	}
	for _, p := range all {
		v := processView{Process: p, At: p.Last()}
		v.Gone = d.Now().Sub(v.At) > goneAfter
		if !v.Gone && p.Version != "" && !slices.Contains(view.Versions, p.Version) {
			view.Versions = append(view.Versions, p.Version)
		}
		view.Processes = append(view.Processes, v)
	}
	slices.SortFunc(view.Processes, func(a, b processView) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Instance, b.Instance))
	})
	d.show(w, r, http.StatusOK, "settings", view)
}
