package dashboard

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	// issuesTokens is the role that issues and revokes tokens, as in the API.
	issuesTokens = access.Admin
	// mostTokens is how many tokens the page lists.
	mostTokens = 100
	// tokenDaysAtFirst is what the form begins with, in days.
	tokenDaysAtFirst = "90"
)

// tokenView is a token as the pages show it.
type tokenView struct {
	access.Token
	Status access.Status
	// Mine says that whoever looks has signed in with it.
	Mine bool
}

// tokensView is what the page of the tokens shows, with the form for another one.
type tokensView struct {
	frame
	form
	// Tokens are those that are good, then those that have ended, each the latest first; More is how many are not shown.
	Tokens []tokenView
	More   int
	Roles  []access.Role
	// Name, Role and Days are what was entered; NameError, RoleError and DaysError say what is wrong with it.
	Name, Role, Days                string
	NameError, RoleError, DaysError string
	LongestDays                     int
	// MayIssue says that whoever looks has the role to issue and revoke tokens.
	MayIssue bool
	// Revoked is the id of the one that was just revoked; empty for none.
	Revoked string
	// RequestID lets a form that is sent twice count once.
	RequestID string
}

func (d *dashboard) tokens(w http.ResponseWriter, r *http.Request) {
	view, err := d.tokensView(r.Context())
	if err != nil {
		d.fail(w, r, "tokens", err)
		return
	}
	for _, t := range view.Tokens {
		if id := r.URL.Query().Get("revoked"); id == t.ID && t.RevokedAt != nil {
			view.Revoked = id
		}
	}
	d.show(w, r, http.StatusOK, "tokens", view)
}

func (d *dashboard) tokensView(ctx context.Context) (tokensView, error) {
	view := tokensView{
		frame: d.frame(ctx, "Tokens", "tokens"), Roles: access.Roles(), Days: tokenDaysAtFirst, LongestDays: app.LongestTokenDays, RequestID: rand.Text(),
		MayIssue: access.Of(ctx).Role.Covers(issuesTokens),
	}
	all, err := d.Store.Tokens(ctx)
	for _, t := range all {
		view.Tokens = append(view.Tokens, d.tokenView(ctx, t))
	}
	ended := func(t tokenView) int {
		if t.Status == access.Good {
			return 0
		}
		return 1
	}
	slices.SortFunc(view.Tokens, func(a, b tokenView) int {
		return cmp.Or(cmp.Compare(ended(a), ended(b)), b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	if view.More = max(0, len(view.Tokens)-mostTokens); view.More > 0 {
		view.Tokens = view.Tokens[:mostTokens]
	}
	return view, err
}

func (d *dashboard) tokenView(ctx context.Context, t access.Token) tokenView {
	return tokenView{Token: t, Status: t.Status(d.Now()), Mine: access.Of(ctx).Key.ID() == t.ID}
}

// tokenIssuedView is the answer that alone has a token's text.
type tokenIssuedView struct {
	frame
	form
	Token access.Token
	Text  string
}

// issueToken makes a token, through the API's own code, and shows it in this answer alone.
func (d *dashboard) issueToken(w http.ResponseWriter, r *http.Request) {
	view, err := d.tokensView(r.Context())
	if err != nil {
		d.fail(w, r, "tokens", err)
		return
	}
	v := r.PostFormValue
	view.Name, view.Role, view.Days = strings.TrimSpace(v("name")), v("role"), strings.TrimSpace(v("days"))
	days, err := strconv.Atoi(view.Days)
	if err != nil {
		days = 0 // which is refused as any other wrong number is
	}
	token, text, err := d.Administration.IssueTokenRecorded(r.Context(), v("request"), app.TokenOrder{Name: view.Name, Role: access.Role(view.Role), Days: days})
	if text == "" {
		if trial.CodeOf(err) != trial.CodeConflict { // else the form has made its token, and this one may make another
			view.RequestID = keyAfter(v("request"), err)
		}
		status := d.explain(&view.form, err)
		view.beside(err)
		d.show(w, r, status, "tokens", view)
		return
	}
	issued := tokenIssuedView{frame: d.frame(r.Context(), "Token issued", "tokens"), Token: token, Text: text}
	if err != nil { // it is not on record yet, and good all the same
		d.explain(&issued.form, err)
	}
	d.Log.Info("token issued from the dashboard", zap.String("token", token.ID))
	d.show(w, r, http.StatusOK, "tokenissued", issued)
}

// beside moves what is wrong with a field to that field.
func (v *tokensView) beside(err error) {
	e := app.ErrorOf(err)
	at, called := map[string]*string{"name": &v.NameError, "role": &v.RoleError, "days": &v.DaysError}[e.Field], capital(e.Field)
	if e.Code == trial.CodeInvalid && at != nil {
		*at, v.Error = sentence(called+" "+e.Message), ""
	}
}

// tokenRevokeView is the page on which it is confirmed that a token is revoked.
type tokenRevokeView struct {
	frame
	form
	Token tokenView
}

func (d *dashboard) askRevoke(w http.ResponseWriter, r *http.Request) {
	view, err := d.tokenRevokeView(r)
	if err != nil {
		d.fail(w, r, "tokens", err)
		return
	}
	d.show(w, r, http.StatusOK, "tokenrevoke", view)
}

func (d *dashboard) tokenRevokeView(r *http.Request) (tokenRevokeView, error) {
	all, err := d.Store.Tokens(r.Context())
	if err != nil {
		return tokenRevokeView{}, err
	}
	i := slices.IndexFunc(all, func(t access.Token) bool { return t.ID == mux.Vars(r)["token"] })
	if i < 0 {
		return tokenRevokeView{}, &trial.Error{Code: trial.CodeNotFound, Message: "there is no token with this id"}
	}
	return tokenRevokeView{frame: d.frame(r.Context(), "Revoke the token of "+all[i].Name, "tokens"), Token: d.tokenView(r.Context(), all[i])}, nil
}

// revokeToken revokes a token, through the API's own code. Again it changes nothing.
func (d *dashboard) revokeToken(w http.ResponseWriter, r *http.Request) {
	view, err := d.tokenRevokeView(r)
	if err != nil {
		d.fail(w, r, "tokens", err)
		return
	}
	if view.Token.Status != access.Revoked {
		if _, err := d.Administration.RevokeTokenRecorded(r.Context(), view.Token.ID); err != nil {
			status := d.explain(&view.form, err)
			d.show(w, r, status, "tokenrevoke", view)
			return
		}
		d.Log.Info("token revoked from the dashboard", zap.String("token", view.Token.ID))
	}
	http.Redirect(w, r, root+"tokens?"+url.Values{"revoked": {view.Token.ID}}.Encode(), http.StatusSeeOther)
}
