package mailbox

import (
	"bytes"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// pageSize is how many mails the inbox lists at once.
const pageSize = 50

// previewLength is how much of a mail's text the list shows, in bytes.
const previewLength = 110

//go:embed page
var pageFiles embed.FS

var inboxTemplate = template.Must(template.New("inbox.html").Funcs(template.FuncMap{
	"preview": preview,
	"clock":   func(t time.Time) string { return t.Format("2 Jan 15:04:05") },
	"date":    func(t time.Time) string { return t.Format("Monday, 2 January 2006, 15:04:05 MST") },
	"iso":     func(t time.Time) string { return t.Format(time.RFC3339) },
	"outcome": badge,
}).ParseFS(pageFiles, "page/inbox.html"))

// inbox is the page for people: the mails, newest first, and one of them.
type inbox struct {
	store  *store
	logger *slog.Logger
}

// inboxPage is the content of the page.
type inboxPage struct {
	Search   string
	Total    int
	Messages []*Message
	Older    string // URL of the next page; empty on the last
	Newest   string // URL of the first page; empty on the first
	Selected *Message
	Missing  bool // the message asked for is not there
	View     string
	place    url.Values // the query without the message
}

// ServeHTTP shows the list and the message that the query selects: q searches,
// before is the index that a page ends at, message is an id, view is html or
// text.
func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page := i.page(r.URL.Query())
	var body bytes.Buffer
	if err := inboxTemplate.Execute(&body, page); err != nil {
		i.logger.Error("the inbox could not be shown", "error", err)
		http.Error(w, "the inbox could not be shown", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'")
	header.Set("Cache-Control", "no-store")
	if page.Missing {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = body.WriteTo(w)
}

func (i *inbox) page(query url.Values) *inboxPage {
	all, _ := i.store.list(filter{})
	before, err := strconv.Atoi(query.Get("before"))
	if err != nil {
		before = -1
	}
	page := &inboxPage{Search: strings.TrimSpace(query.Get("q")), Total: len(all), View: query.Get("view"), place: url.Values{}}
	if page.Search != "" {
		page.place.Set("q", page.Search)
	}
	if before >= 0 {
		page.Newest = page.link()
	}
	messages, more := newest(all, page.Search, before)
	page.Messages = messages
	if more {
		page.Older = page.link("before", strconv.Itoa(messages[len(messages)-1].Index))
	}
	if before >= 0 {
		page.place.Set("before", strconv.Itoa(before))
	}
	page.choose(i.store, query.Get("message"))
	return page
}

// choose selects the message to show, and how.
func (p *inboxPage) choose(s *store, id string) {
	if id == "" {
		return
	}
	p.Selected = s.get(id)
	if p.Selected == nil {
		p.Missing = true
		return
	}
	if p.View != "text" || p.Selected.Text == "" {
		p.View = "html"
	}
	if p.Selected.HTML == "" {
		p.View = "text"
	}
}

// newest returns up to a page of the messages that the search finds, newest
// first, from those below the index before (all if negative), and whether
// there are more.
func newest(all []*Message, search string, before int) (found []*Message, more bool) {
	search = strings.ToLower(search)
	for _, m := range slices.Backward(all) {
		if (before >= 0 && m.Index >= before) || !m.contains(search) {
			continue
		}
		if len(found) == pageSize {
			return found, true
		}
		found = append(found, m)
	}
	return found, false
}

// contains reports whether a recipient, the subject, the id or a tag (written
// name:value) contains search, which is in lower case.
func (m *Message) contains(search string) bool {
	if search == "" || m.ID == search || strings.Contains(strings.ToLower(m.Subject), search) {
		return true
	}
	for name, value := range m.Tags {
		if strings.Contains(strings.ToLower(name+":"+value), search) {
			return true
		}
	}
	return slices.ContainsFunc(m.To, func(to string) bool { return strings.Contains(strings.ToLower(to), search) })
}

// link returns the URL of the current page with the names and values
// added.
func (p *inboxPage) link(pairs ...string) string {
	values := url.Values{}
	for name := range p.place {
		values.Set(name, p.place.Get(name))
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return "/?" + values.Encode()
}

// Message returns the URL that shows a message.
func (p *inboxPage) Message(id string) string { return p.link("message", id) }

// As returns the URL that shows the message in another view.
func (p *inboxPage) As(view string) string { return p.link("message", p.Selected.ID, "view", view) }

// Back returns the URL of the list.
func (p *inboxPage) Back() string { return p.link() }

// preview returns the beginning of a mail's text, on one line.
func preview(m *Message) string {
	text := m.Text
	if len(text) > 4*previewLength {
		text = text[:4*previewLength]
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= previewLength {
		return strings.ToValidUTF8(text, "")
	}
	end := previewLength
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.ToValidUTF8(text[:end], "") + "…"
}

// badge describes the outcome of a mail, unless it was simply delivered.
func badge(m *Message) string {
	for _, to := range m.To {
		switch outcomeOf(to) {
		case delivered:
			continue // another recipient's may not be
		case bounced:
			return "bounced"
		case suppressed:
			return "suppressed"
		case complained:
			return "complaint"
		case delayed:
			return "delayed"
		case rejected:
			return "rejected"
		case answered:
			return "auto-reply"
		case forwarded:
			return "forwarded"
		}
	}
	return ""
}

func serveStyle(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, pageFiles, "page/inbox.css")
}
