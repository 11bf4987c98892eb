package dashboard

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// keptView is what somebody had entered whose session is over: shown, and sent again once they have signed in.
type keptView struct {
	frame
	// Path is where the form goes, with its query.
	Path   string
	Fields []keptField
}

// keptField is one value of a form.
type keptField struct{ Name, Value string }

// unseen are the fields that forms fill in by themselves.
var unseen = []string{"request", "seen", "revision", "rollout", "terms", "confirmed", "to"}

// Entered reports whether a person has filled it in, or chosen it.
func (f keptField) Entered() bool {
	return !slices.Contains(unseen, f.Name) && strings.TrimSpace(f.Value) != ""
}

// keep shows what a form without a session holds, and tells whether there is any. Nothing of it is done: what somebody had before
// them is in the form's hidden fields, so it is still refused where that has changed. A file is not kept, nor what came with it:
// without it the form would ask for something else.
func (d *dashboard) keep(w http.ResponseWriter, r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || kind != "application/x-www-form-urlencoded" && kind != "multipart/form-data" {
		return false
	}
	typed, err := readForm(r)
	if err != nil || typed.Get(fileField) != "" {
		return false
	}
	typed.Del(fileField)
	view := keptView{frame: d.frame(r.Context(), "Your session is over", ""), Path: r.URL.RequestURI()}
	for name, values := range typed {
		for _, value := range values {
			view.Fields = append(view.Fields, keptField{name, value})
		}
	}
	if len(view.Fields) == 0 {
		return false
	}
	slices.SortStableFunc(view.Fields, func(a, b keptField) int { return strings.Compare(a.Name, b.Name) })
	d.show(w, r, http.StatusUnauthorized, "kept", view)
	return true
}

// signedInAgain is where those go on to who sign in beside a form that is kept.
func (d *dashboard) signedInAgain(w http.ResponseWriter, r *http.Request) {
	d.show(w, r, http.StatusOK, "message", message{d.frame(r.Context(), "You are signed in", ""),
		trouble{Title: "You are signed in", Text: "Close this tab. What you had entered is in the other one: look at it there, and send it."}})
}
