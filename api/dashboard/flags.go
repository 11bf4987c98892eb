package dashboard

import (
	"context"
	"net/http"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/flags"
)

// setsFlags is the role that changes flags, as in the API; the two that steer a rollout need that of its controls.
const setsFlags = access.Admin

// flagView is a flag as the pages show it.
type flagView struct {
	flags.Named
	// MayChange says that whoever looks has the role to change it.
	MayChange bool
}

// Percentage tells whether the flag is no switch.
func (f flagView) Percentage() bool { return f.Name == flags.NamePercentage }

// KillSwitch tells whether changing the flag would stop the automation, which has a page of its own.
func (f flagView) KillSwitch() bool { return f.Name == flags.NameEnabled && f.Value == true }

// Shown is the value in words.
func (f flagView) Shown() string { return flagValue(f.Value) }

// flagValue is the value of a flag in words.
func flagValue(value any) string {
	switch v := value.(type) {
	case bool:
		if v {
			return "on"
		}
		return "off"
	case float64:
		return percent(v / 100)
	}
	return ""
}

// flagsView is what the page of the flags shows.
type flagsView struct {
	frame
	Flags flags.Document
	// Changed is the flag that was just changed; empty for none.
	Changed string
	All     []flagView
}

func (d *dashboard) flags(w http.ResponseWriter, r *http.Request) {
	doc, err := d.Store.Flags(r.Context())
	if err != nil {
		d.fail(w, r, "flags", err)
		return
	}
	view := flagsView{frame: d.live(r, "Feature flags", "flags"), Flags: doc}
	for _, f := range doc.FeatureFlags.Named() {
		view.All = append(view.All, flagOf(r.Context(), f))
		if r.URL.Query().Get("changed") == f.Name {
			view.Changed = f.Name
		}
	}
	d.show(w, r, http.StatusOK, "flags", view)
}

// flagOf is a flag as whoever looks may change it.
func flagOf(ctx context.Context, f flags.Named) flagView {
	needed := setsFlags
	if (app.FlagChange{Name: f.Name}).SteersRollout() {
		needed = steers
	}
	return flagView{Named: f, MayChange: access.Of(ctx).Role.Covers(needed)}
}
