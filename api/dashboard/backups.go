package dashboard

import (
	"crypto/rand"
	"net/http"

	"github.com/dustin/go-humanize"

	"marketplace.example/trials/internal/app"
)

// mostBackups is how many backups the page lists, and how many files that are no good.
const mostBackups = 100

// backupsView is what the page of the backups shows.
type backupsView struct {
	frame
	form
	app.BackupsView
	// More is how many backups, MoreRefused how many files are not shown.
	More, MoreRefused int
	// Asked says that one was just asked for.
	Asked bool
	// RequestID lets a form that is sent twice count once.
	RequestID string
}

func (d *dashboard) backups(w http.ResponseWriter, r *http.Request) {
	view := d.backupsView(r)
	view.Asked = r.URL.Query().Has("asked")
	d.show(w, r, http.StatusOK, "backups", view)
}

func (d *dashboard) backupsView(r *http.Request) backupsView {
	view := backupsView{frame: d.frame(r.Context(), "Backups", "backups"), BackupsView: d.Administration.BackupsView(r.Context()), RequestID: rand.Text()}
	view.Good, view.More = firstOf(view.Good, mostBackups)
	view.Refused, view.MoreRefused = firstOf(view.Refused, mostBackups)
	return view
}

// firstOf are up to most of a list, and how many it has beyond.
func firstOf[T any](all []T, most int) (first []T, more int) {
	return all[:min(len(all), most)], max(0, len(all)-most)
}

// takeBackup has a worker take one, through the API's own code.
func (d *dashboard) takeBackup(w http.ResponseWriter, r *http.Request) {
	err := d.Administration.TakeBackupRecorded(r.Context(), r.PostFormValue("request"))
	if err == nil {
		d.Log.Info("backup asked for from the dashboard")
		http.Redirect(w, r, root+"backups?asked=yes", http.StatusSeeOther)
		return
	}
	view := d.backupsView(r)
	view.RequestID = r.PostFormValue("request")
	status := d.explain(&view.form, err)
	d.show(w, r, status, "backups", view)
}

// bytesWords is a length in words.
func bytesWords(n int64) string { return humanize.Bytes(uint64(max(0, n))) }
