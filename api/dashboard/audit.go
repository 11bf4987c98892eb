package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	// auditPerPage is how many entries a page lists.
	auditPerPage = 50
	// maxAuditWord is how many characters somebody may look for, as in the API.
	maxAuditWord = 256
)

// auditView is what the page of the audit record shows.
type auditView struct {
	frame
	// Actor, Action, Subject, Outcome, From and To are what was asked for.
	Actor, Action, Subject, Outcome, From, To string
	// Problem is what is wrong with that.
	Problem  string
	Outcomes []audit.Outcome
	// Troubles are why nothing is shown, or what is wrong with what is.
	Troubles []trouble
	Entries  []entryView
	// Checked is what the hashes of the entries shown tell; empty where they do not fit.
	Checked string
	// Next is the address of older entries, First of the latest where these are
	// not they; empty for none.
	Next, First string
}

func (d *dashboard) audit(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	view := auditView{
		frame: d.live(r, "Audit record", "audit"), Actor: q.Get("actor"), Action: q.Get("action"), Subject: q.Get("subject"), Outcome: q.Get("outcome"),
		From: q.Get("from"), To: q.Get("to"), Outcomes: audit.Outcomes(),
	}
	status := http.StatusOK
	part, problem := partOf(q)
	if problem != "" {
		view.Problem, view.Live, status = problem, "", http.StatusBadRequest
	} else {
		view.From, view.To = entered(part.filter.From), entered(part.filter.To)
		if err := d.readAudit(r.Context(), part, &view); err != nil {
			status = d.noAudit(r.Context(), &view, err)
		} else if part.before > 0 {
			view.Live = "" // nothing is ever added in front of these
		}
	}
	d.show(w, r, status, "audit", view)
}

// auditPart is which entries somebody wants to see.
type auditPart struct {
	filter audit.Filter
	// before is the number of the entry that they are older than, 0 for the latest.
	before int
}

// sparse tells whether entries between those of the part are left out.
func (p auditPart) sparse() bool { return p.filter != audit.Filter{} }

// partOf reads what a list is narrowed by; problem says what is wrong with it.
func partOf(q url.Values) (p auditPart, problem string) {
	f := audit.Filter{Actor: q.Get("actor"), Action: q.Get("action"), Subject: q.Get("subject"), Outcome: audit.Outcome(q.Get("outcome"))}
	for _, word := range []string{f.Actor, f.Action, f.Subject} {
		if utf8.RuneCountInString(word) > maxAuditWord || !utf8.ValidString(word) {
			return p, fmt.Sprintf("Who, what and to what have at most %d characters.", maxAuditWord)
		}
	}
	if f.Outcome != "" && !slices.Contains(audit.Outcomes(), f.Outcome) {
		return p, "There is no such outcome."
	}
	const timeForm = " must be a moment in UTC, such as 2026-03-12T08:00."
	var isTime bool
	if f.From, isTime = parseTime(q.Get("from")); !isTime {
		return p, "From" + timeForm
	}
	if f.To, isTime = parseTime(q.Get("to")); !isTime {
		return p, "Before" + timeForm
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return p, "Nothing is between these: the moment before which must be later than the one from which."
	}
	p.filter = f
	if cursor := q.Get("cursor"); cursor != "" {
		before, err := strconv.ParseUint(cursor, 10, 31)
		if err != nil || before == 0 {
			return p, "This is not a page's address."
		}
		p.before = int(before)
	}
	return p, ""
}

// Moments are written as browsers' fields do, in UTC, or as the API takes them.
const enteredForm = "2006-01-02T15:04"

// parseTime is a moment as somebody has entered it, the zero Time for none.
func parseTime(text string) (t time.Time, ok bool) {
	if text == "" {
		return t, true
	}
	for _, form := range []string{enteredForm, "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), true
		}
	}
	return t, false
}

// entered is a moment as a browser's field shows it.
func entered(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.Equal(t.Truncate(time.Minute)):
		return t.Format(enteredForm)
	}
	return t.Format("2006-01-02T15:04:05.999")
}

func (d *dashboard) readAudit(ctx context.Context, part auditPart, view *auditView) error {
	entries, next, err := d.Store.AuditEntries(ctx, part.filter, part.before, auditPerPage)
	if err != nil {
		return err
	}
	tokens, err := d.Store.Tokens(ctx)
	if err != nil {
		return err
	}
	current, _, err := d.Store.CurrentRollout(ctx)
	if err != nil {
		return err
	}
	view.Entries = entryViews(entries, record{tokens: tokens, rolloutID: current.ID, complete: part.complete(), now: view.Now})
	view.check(entries, part.sparse())
	if next > 0 {
		view.Next = view.page(next)
	}
	if part.before > 0 {
		view.First = view.page(0)
	}
	return nil
}

// complete tells whether whatever settles an entry of the part is in it too: it
// comes later, and has the same actor, action and subject.
func (p auditPart) complete() bool {
	return p.before == 0 && p.filter.To.IsZero() && p.filter.Outcome == ""
}

// check says what the hashes of the entries tell, which are the latest first.
func (v *auditView) check(entries []audit.Entry, sparse bool) {
	if len(entries) == 0 {
		return
	}
	inOrder := slices.Clone(entries)
	slices.Reverse(inOrder)
	if b, broken := errors.AsType[*audit.Break](audit.CheckPart(inOrder, sparse)); broken {
		v.Troubles = append(v.Troubles, trouble{
			Grave: true, Title: "The audit record is not whole", Text: capital(sentence(b.Error())),
			Action: "Do not rely on it until that is cleared up, and do not mend it. Run starter audit verify, which follows the whole chain: the troubleshooting guide " +
				"says what each fault means, and what to do then.",
		})
		for i := range v.Entries {
			if v.Entries[i].Seq == b.Seq {
				v.Entries[i].Fault = b.Fault
			}
		}
		return
	}
	first, last := inOrder[0].Seq, inOrder[len(inOrder)-1].Seq
	switch {
	case first == last:
		v.Checked = fmt.Sprintf("The hash of entry %d fits what it says.", first)
	case sparse:
		v.Checked = "The hash of each entry shown fits what it says. Others in between are not shown here, so that none was removed is not seen."
	default:
		v.Checked = fmt.Sprintf("The hashes of entries %d to %d fit what they say, and each entry follows the one before; none is missing.", first, last)
	}
}

// page is the address of the entries before a number, narrowed as this page is.
func (v auditView) page(before int) string {
	return narrowed("audit", map[string]string{
		"actor": v.Actor, "action": v.Action, "subject": v.Subject, "outcome": v.Outcome, "from": v.From, "to": v.To, "cursor": cursor(before),
	})
}

// Only is what somebody wants to see some entries by; none where all are meant.
func (v auditView) Only() []fact {
	all := []fact{{"who", v.Actor}, {"what", v.Action}, {"to what", v.Subject}, {"outcome", v.Outcome}, {"from", inUTC(v.From)}, {"before", inUTC(v.To)}}
	return slices.DeleteFunc(all, func(f fact) bool { return f.Value == "" })
}

// inUTC is a moment of a browser's field as it is written everywhere else.
func inUTC(entered string) string {
	if entered == "" {
		return ""
	}
	return strings.Replace(entered, "T", " ", 1) + " UTC"
}

// noAudit says why nothing is shown. The page comes back by itself, except where
// asking again and again would add to what is wrong.
func (d *dashboard) noAudit(ctx context.Context, view *auditView, err error) (status int) {
	t := d.troubleOf("the audit record", err)
	status = http.StatusServiceUnavailable
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		view.Live = ""
		t = trouble{Grave: true, Title: "The database takes too long", Text: fmt.Sprintf("The audit record was not read within %v.", requestTimeout),
			Action: "See that MongoDB can be reached, and whether it or its machine is overloaded. A long record is found fastest by who, to what, or outcome. Then load this page again."}
	case trial.CodeOf(err) == trial.CodeUnavailable:
		t.Text = "The audit record cannot be shown. What an admin asks for cannot be put on record either, and so is not done, a rollback included. Trials wait and lose nothing."
	default:
		status = http.StatusInternalServerError
	}
	view.Troubles = []trouble{t}
	return status
}
