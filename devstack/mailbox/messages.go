package mailbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// listMessages answers with the messages that the query selects (to, tag, since,
// limit), oldest first. The header Next-Index is the value for since in
// the next request. With body=false, text and html are omitted.
func (m *Mailbox) listMessages(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	f, err := readFilter(query)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	picked, next := m.store.list(f)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Next-Index", strconv.Itoa(next))
	if err := writeMessages(w, picked, query.Get("body") != "false"); err != nil {
		m.logger.Debug("a client did not read a list of messages to its end", "error", err)
	}
}

func readFilter(query url.Values) (f filter, err error) {
	f.to = query.Get("to")
	if tag := query.Get("tag"); tag != "" {
		name, value, ok := strings.Cut(tag, ":")
		if !ok {
			return f, fmt.Errorf("tag: %q is not name:value", tag)
		}
		f.tag, f.tagValue = name, value
	}
	for name, field := range map[string]*int{"since": &f.since, "limit": &f.limit} {
		value := query.Get(name)
		if value == "" {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return f, fmt.Errorf("%s: %q is no number from 0 up", name, value)
		}
		*field = n
	}
	return f, nil
}

// writeMessages writes a JSON array message by message, since it may be long.
func writeMessages(w io.Writer, messages []*Message, bodies bool) error {
	separator := "["
	for _, m := range messages {
		if !bodies {
			short := *m
			short.Text, short.HTML = "", ""
			m = &short
		}
		line, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, separator); err != nil {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
		separator = ",\n"
	}
	if len(messages) == 0 {
		_, err := io.WriteString(w, "[]\n")
		return err
	}
	_, err := io.WriteString(w, "]\n")
	return err
}

func (m *Mailbox) deleteMessages(w http.ResponseWriter, _ *http.Request) {
	if err := m.store.clear(); err != nil {
		m.fail(w, "messages were not deleted", err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (m *Mailbox) getMessage(w http.ResponseWriter, r *http.Request) {
	if message := m.find(w, r); message != nil {
		writeJSON(w, http.StatusOK, message)
	}
}

// getHTML shows a mail's HTML as a mail client does: without scripts, and
// without fetching anything. With links=new, its links open in new
// windows.
func (m *Mailbox) getHTML(w http.ResponseWriter, r *http.Request) {
	message := m.find(w, r)
	if message == nil {
		return
	}
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups allow-popups-to-escape-sandbox")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	html := message.HTML
	if r.URL.Query().Get("links") == "new" {
		html = openLinksElsewhere(html)
	}
	_, _ = io.WriteString(w, html)
}

var headTag = regexp.MustCompile(`(?i)<head(\s[^>]*)?>`)

// openLinksElsewhere makes the links of an HTML document open new windows.
func openLinksElsewhere(html string) string {
	const base = `<base target="_blank">`
	if at := headTag.FindStringIndex(html); at != nil {
		return html[:at[1]] + base + html[at[1]:]
	}
	return base + html
}

func (m *Mailbox) getText(w http.ResponseWriter, r *http.Request) {
	message := m.find(w, r)
	if message == nil {
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, message.Text)
}

// find returns the message that the path names, or answers that there is none.
func (m *Mailbox) find(w http.ResponseWriter, r *http.Request) *Message {
	message := m.store.get(r.PathValue("id"))
	if message == nil {
		http.Error(w, "there is no such message", http.StatusNotFound)
		return nil
	}
	return message
}
