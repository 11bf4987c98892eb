package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

const (
	// zoneCookie holds the zone that somebody wants moments in: the browser's own affair, which no session needs to know.
	zoneCookie = "trials_zone"
	zoneLength = 365 * 24 * time.Hour
)

type zoneKey struct{}

// inZone has the pages of a request written in the zone of its cookie.
func (d *dashboard) inZone(ctx context.Context, r *http.Request) context.Context {
	c, err := r.Cookie(d.cookieName(r, zoneCookie))
	if err != nil {
		return ctx
	}
	loc, known := zoneNamed(c.Value)
	if !known {
		return ctx // somebody else's cookie, or of another tz database: as without one
	}
	return context.WithValue(ctx, zoneKey{}, loc)
}

// zoneOf is the zone that moments are written in; UTC where none is chosen.
func zoneOf(ctx context.Context) *time.Location {
	if loc, chosen := ctx.Value(zoneKey{}).(*time.Location); chosen {
		return loc
	}
	return time.UTC
}

// zoneNamed is a zone of the tz database. The other names of UTC are UTC.
func zoneNamed(name string) (loc *time.Location, known bool) {
	if len(name) > 64 || !trial.ValidZone(name) {
		return nil, false
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, false
	}
	if short, offset := time.Unix(0, 0).In(loc).Zone(); short == "UTC" && offset == 0 {
		return time.UTC, true
	}
	return loc, true
}

// zones are offered while somebody types; all others of the tz database are taken too.
var zones = []string{
	"UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Bogota", "America/Chicago", "America/Denver", "America/Halifax",
	"America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Sao_Paulo", "America/Toronto", "Asia/Bangkok", "Asia/Dubai", "Asia/Hong_Kong",
	"Asia/Jakarta", "Asia/Jerusalem", "Asia/Karachi", "Asia/Kolkata", "Asia/Manila", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo",
	"Australia/Perth", "Australia/Sydney", "Europe/Athens", "Europe/Berlin", "Europe/Dublin", "Europe/Helsinki", "Europe/Istanbul", "Europe/Kyiv", "Europe/Lisbon",
	"Europe/London", "Europe/Madrid", "Europe/Paris", "Europe/Rome", "Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland", "Pacific/Honolulu",
}

// zoneView is the page on which somebody chooses a zone.
type zoneView struct {
	frame
	// To is the page to go back to.
	To string
	// Chosen is what the field holds, Error what is wrong with it.
	Chosen, Error string
	Zones         []string
}

func (d *dashboard) zoneView(r *http.Request, to string) zoneView {
	view := zoneView{frame: d.frame(r.Context(), "Time zone", "zone"), To: onward(to), Zones: zones}
	if view.Zone() != time.UTC.String() {
		view.Chosen = view.Zone()
	}
	return view
}

// askZone leads back to where the link was followed: browsers say so to this host.
func (d *dashboard) askZone(w http.ResponseWriter, r *http.Request) {
	to := ""
	if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host && from.Path != root+"zone" {
		to = from.RequestURI()
	}
	d.show(w, r, http.StatusOK, "zone", d.zoneView(r, to))
}

func (d *dashboard) chooseZone(w http.ResponseWriter, r *http.Request) {
	view := d.zoneView(r, r.PostFormValue("to"))
	view.Chosen = strings.TrimSpace(r.PostFormValue("zone"))
	loc, known := zoneNamed(cmp.Or(strings.ReplaceAll(view.Chosen, " ", "_"), time.UTC.String()))
	if !known {
		view.Error = "There is no such zone. Write it as the tz database does: a continent or ocean and a city, such as Europe/Berlin."
		d.show(w, r, http.StatusBadRequest, "zone", view)
		return
	}
	name := loc.String()
	if loc == time.UTC {
		name = "" // as without a choice
	}
	http.SetCookie(w, d.newCookie(r, zoneCookie, name, zoneLength, http.SameSiteStrictMode))
	http.Redirect(w, r, view.To, http.StatusSeeOther)
}
