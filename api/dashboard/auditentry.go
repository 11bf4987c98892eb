package dashboard

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// underWay is how long after a pending entry what became of it may still come.
const underWay = time.Minute

// entryView is an entry of the audit record as the page shows it.
type entryView struct {
	audit.Entry
	// Fault is what is wrong with it; empty where that is not seen.
	Fault audit.Fault
	// What is the action in words, Role what its actor is; empty where that is not known.
	What, Role string
	// Page is where its subject is shown; empty where it is nowhere.
	Page string
	// Fate is what is known of what became of a pending entry, SettledBy the number
	// of the entry that says it.
	Fate      fate
	SettledBy int
	// SettlesAt is where the entry is shown that this one settles.
	SettlesAt string
	Asked     []fact
	Changes   changes
}

// fate is what is known of what became of a pending entry.
type fate string

const (
	settled    fate = "settled"
	justAsked  fate = "just-asked"
	unsettled  fate = "unsettled"
	notShown   fate = "not-shown"
	notPending fate = ""
)

// record is what is known beside the entries themselves.
type record struct {
	tokens    []access.Token
	rolloutID string
	// complete says that whatever settles an entry shown is shown too.
	complete bool
	now      time.Time
}

func entryViews(entries []audit.Entry, known record) []entryView {
	settledBy, shown := map[int]int{}, map[int]bool{}
	for _, e := range entries {
		shown[e.Seq] = true
		if e.Settles > 0 {
			settledBy[e.Settles] = e.Seq
		}
	}
	views := make([]entryView, 0, len(entries))
	for _, e := range entries {
		by := settledBy[e.Seq]
		views = append(views, entryView{
			Entry: e, What: actionWords(e.Action), Role: actorWords(e, known.tokens), Page: pageOf(e.Subject, known.rolloutID),
			Fate: fateOf(e, by, known), SettledBy: by, SettlesAt: placeOf(e.Settles, shown[e.Settles]), Asked: factsOf(e.Asked, known.now), Changes: compare(e.Before, e.After, known.now),
		})
	}
	return views
}

// placeOf is where an entry is shown: further down, or on a page of its own.
func placeOf(seq int, here bool) string {
	place := fmt.Sprintf("#entry-%d", seq)
	if here {
		return place
	}
	return fmt.Sprintf("%saudit?cursor=%d%s", root, seq+1, place)
}

func fateOf(e audit.Entry, settledBy int, known record) fate {
	switch {
	case e.Outcome != audit.Pending:
		return notPending
	case settledBy > 0:
		return settled
	case !known.complete:
		return notShown
	case known.now.Sub(e.At) < underWay:
		return justAsked
	}
	return unsettled
}

// actionWords is an action as people say it: "Extend trial" for extendTrial,
// "Rollout: rolled back" for rollout/rolled-back.
func actionWords(action string) string {
	if decided, ok := strings.CutPrefix(action, "rollout/"); ok {
		return "Rollout: " + joined(decided)
	}
	var words strings.Builder
	for _, r := range action {
		if unicode.IsUpper(r) {
			words.WriteByte(' ')
		}
		words.WriteRune(unicode.ToLower(r))
	}
	return capital(words.String())
}

// partsOfTheSystem are the actors that nobody stands behind.
var partsOfTheSystem = map[string]string{
	"rollout": "the system itself", "flags": "flags that were set by hand", "signal": "a signal to the workflow",
}

// actorWords say what an actor is. The record has the name alone.
func actorWords(e audit.Entry, tokens []access.Token) string {
	if part := partsOfTheSystem[e.Actor]; part != "" {
		return part
	}
	if role := access.RoleAt(tokens, e.Actor, e.At); role != "" && string(role) != e.Actor {
		return string(role)
	}
	return ""
}

// pageOf is the page of what an entry is about; empty where there is none.
func pageOf(subject, rolloutID string) string {
	kind, name, _ := strings.Cut(subject, "/")
	switch kind {
	case "trials", "vendors":
		if trial.ValidVendorID(name) {
			return root + "trials/" + name
		}
	case "bulk":
		if name == "" { // one that was asked for: its id is in how it is afterwards
			return root + "bulk"
		}
		if trial.ValidVendorID(name) { // made of the same characters
			return root + "bulk/" + name
		}
	case "rollouts":
		if id, _, _ := strings.Cut(name, "/"); id != "" && id == rolloutID { // of others there is no page
			return root + "decisions"
		}
	case "monitoring":
		alert := strings.TrimPrefix(name, "alerts/")
		if slices.Contains(monitoring.RuleIDs(), monitoring.RuleID(alert)) {
			return root + "alerts/" + alert
		}
	}
	return ""
}
