package dashboard

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/flags"
)

// setsFlags is the role that changes flags, as in the API; the two that steer a rollout need that of its controls.
const setsFlags = access.Admin

// flagView is a flag as the pages show it.
type flagView struct {
	flags.Named
	// MayChange says that whoever looks has the role to change it.
	MayChange bool
	// Set is who set it last; nil where that is not known.
	Set *flagSet
}

// Percentage tells whether the flag is no switch.
func (f flagView) Percentage() bool { return f.Name == flags.NamePercentage }

// KillSwitch tells whether changing the flag would stop the automation, which has a page of its own.
func (f flagView) KillSwitch() bool { return f.Name == flags.NameEnabled && f.Shown() == "on" }

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
	made, _, err := d.Store.AuditEntries(r.Context(), audit.Filter{Subject: "feature-flags", Outcome: audit.Done}, 0, mostFlagChanges)
	if err != nil {
		d.fail(w, r, "flags", err)
		return
	}
	sets, view := setsOf(doc, made), flagsView{frame: d.live(r, "Feature flags", "flags"), Flags: doc}
	for _, f := range doc.FeatureFlags.Named() {
		shown := flagOf(r.Context(), f)
		if set, known := sets[f.Name]; known {
			shown.Set = &set
		}
		view.All = append(view.All, shown)
		if r.URL.Query().Get("changed") == f.Name {
			view.Changed = f.Name
		}
	}
	d.show(w, r, http.StatusOK, "flags", view)
}

// mostFlagChanges is in how many changes it is looked for who set a flag last.
const mostFlagChanges = 100

// flagSet is that somebody set a flag.
type flagSet struct {
	By string
	At time.Time
	// Page is where that is on record; empty for nowhere there.
	Page string
}

// setsOf are who set each flag last, as far as changes say that were made, the latest first. A rollout and a rollback set flags too,
// and are on record elsewhere: what a flag was after a change, and is no more before the next one, they have set.
func setsOf(doc flags.Document, made []audit.Entry) map[string]flagSet {
	sets, lost, since := map[string]flagSet{}, map[string]bool{}, doc.FeatureFlags.Named()
	var last time.Time
	for _, e := range made {
		var before, after flags.Flags
		if json.Unmarshal([]byte(e.Before), &before) != nil || json.Unmarshal([]byte(e.After), &after) != nil {
			continue // it repeats another one
		}
		if last.IsZero() {
			last = e.At
		}
		was := before.Named()
		for i, is := range after.Named() {
			_, later := sets[is.Name]
			switch {
			case later || lost[is.Name]:
			case is.Value != since[i].Value:
				lost[is.Name] = true
			case is.Value != was[i].Value:
				sets[is.Name] = flagSet{By: e.Actor, At: e.At, Page: placeOf(e.Seq, false)}
			}
		}
		since = was
	}
	if doc.UpdatedAt.After(last) { // whatever has set the flags last is none of these changes
		for _, name := range []string{flags.NameEnabled, flags.NamePercentage} {
			if lost[name] || last.IsZero() {
				sets[name] = flagSet{By: doc.UpdatedBy, At: doc.UpdatedAt}
			}
		}
	}
	return sets
}

// flagOf is a flag as whoever looks may change it.
func flagOf(ctx context.Context, f flags.Named) flagView {
	needed := setsFlags
	if (app.FlagChange{Name: f.Name}).SteersRollout() {
		needed = steers
	}
	return flagView{Named: f, MayChange: access.Of(ctx).Role.Covers(needed)}
}
