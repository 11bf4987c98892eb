package dashboard

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
)

//go:embed pages
var sources embed.FS

// pages are the templates by name: the layout and the parts with each page.
var pages = func() map[string]*template.Template {
	common := template.Must(template.New("layout.html").Funcs(words).ParseFS(sources, "pages/layout.html", "pages/parts.html"))
	made := map[string]*template.Template{}
	files, err := fs.Glob(sources, "pages/*.html")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, file := range files {
		if name := strings.TrimSuffix(path.Base(file), ".html"); name != "layout" && name != "parts" {
			made[name] = template.Must(template.Must(common.Clone()).ParseFS(sources, file))
		}
	}
	return made
}()

// frame is what every page shows around its own.
type frame struct {
	Title string
	// Section is the entry of the navigation that the page belongs to.
	Section string
	// Now is the moment on the viewer's clock: its location is the zone that the page's moments are written in.
	Now time.Time
	// Live is the address that the page is fetched from again; empty where it
	// stays as it is.
	Live string
	// Steers says that whoever looks has the role that the controls need.
	Steers bool
	// Admin says that whoever looks is one.
	Admin bool
}

func (d *dashboard) frame(ctx context.Context, title, section string) frame {
	return frame{Title: title, Section: section, Now: d.Now().In(zoneOf(ctx)), Steers: access.Of(ctx).Role.Covers(steers), Admin: access.Of(ctx).Role.Covers(access.Admin)}
}

// Zone names the zone that moments are written in.
func (f frame) Zone() string { return f.Now.Location().String() }

// live is the frame of a page that is kept up to date in the browser.
func (d *dashboard) live(r *http.Request, title, section string) frame {
	f := d.frame(r.Context(), title, section)
	f.Live = r.URL.RequestURI()
	return f
}

func (d *dashboard) show(w http.ResponseWriter, r *http.Request, status int, page string, view any) {
	var out bytes.Buffer
	if err := pages[page].ExecuteTemplate(&out, "layout.html", view); err != nil {
		d.Log.Error("page not made", zap.String("page", page), zap.Error(err))
		http.Error(w, "This page could not be made. The API's log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(out.Bytes()); err != nil {
		d.Log.Debug("page not taken", zap.String("path", r.URL.Path), zap.Error(err))
	}
}

// message is a page that says one thing.
type message struct {
	frame
	Trouble trouble
}

func (d *dashboard) notFound(w http.ResponseWriter, r *http.Request) {
	d.show(w, r, http.StatusNotFound, "message", message{d.frame(r.Context(), "Not found", ""),
		trouble{Title: "There is no such page", Text: "The overview leads to all that there are."}})
}

// forbidden says which role a page needs.
func (d *dashboard) forbidden(w http.ResponseWriter, r *http.Request, needs access.Role) {
	who := access.Of(r.Context())
	d.show(w, r, http.StatusForbidden, "message", message{d.frame(r.Context(), "Not allowed", ""), trouble{
		Title: "This needs the role " + string(needs),
		Text:  "You are signed in as " + who.Name + ", whose role is " + string(who.Role) + ".",
	}})
}

// fail says on a page of its own why there is nothing to show.
func (d *dashboard) fail(w http.ResponseWriter, r *http.Request, section string, err error) {
	status, t := http.StatusInternalServerError, d.troubleOf("this page", err)
	if e, ok := errors.AsType[*trial.Error](err); ok {
		switch e.Code {
		case trial.CodeNotFound:
			status, t = http.StatusNotFound, trouble{Title: "Not found", Text: e.Error() + "."}
		case trial.CodeInvalid:
			status, t = http.StatusBadRequest, trouble{Title: "This address is not right", Text: e.Error() + "."}
		case trial.CodeUnavailable:
			status = http.StatusServiceUnavailable
		default: // as any other
		}
	}
	d.show(w, r, status, "message", message{d.frame(r.Context(), t.Title, section), t})
}
