package fakeapi

import (
	"fmt"
	"net/http"
	"slices"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/access"
)

func (a *API) handleTokens(mux *http.ServeMux) {
	const all = "/api/admin/tokens"
	mux.HandleFunc("GET "+all, a.listTokens)
	mux.HandleFunc("POST "+all, a.createToken)
	mux.HandleFunc("DELETE "+all+"/{token}", a.revokeToken)
}

func shown(t access.Token, a *API) client.Token {
	view := client.Token{
		Id: t.ID, Name: t.Name, Role: t.Role, Standing: t.Status(a.now()), CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy, ExpiresAt: t.ExpiresAt, RevokedAt: t.RevokedAt,
	}
	if t.RevokedBy != "" {
		view.RevokedBy = &t.RevokedBy
	}
	return view
}

func (a *API) listTokens(w http.ResponseWriter, _ *http.Request) {
	list := client.TokenList{Tokens: []client.Token{}}
	for _, t := range a.Tokens {
		list.Tokens = append(list.Tokens, shown(t, a))
	}
	answer(w, http.StatusOK, list)
}

// createToken issues tokens whose texts are counted.
func (a *API) createToken(w http.ResponseWriter, r *http.Request) {
	var body client.TokenRequest
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	text := fmt.Sprintf("%sfake-%d", access.Prefix, len(a.Tokens))
	token, err := access.Issue(access.KeyOf(text), access.Request{Name: body.Name, Role: body.Role, ExpiresAt: body.ExpiresAt}, "admin", a.now())
	if err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	a.Tokens = append(a.Tokens, token)
	answer(w, http.StatusCreated, client.TokenIssued{Token: shown(token, a), Secret: text})
}

func (a *API) revokeToken(w http.ResponseWriter, r *http.Request) {
	a.calls = append(a.calls, Call{Method: r.Method, Path: r.URL.Path})
	i := slices.IndexFunc(a.Tokens, func(t access.Token) bool { return t.ID == r.PathValue("token") })
	if i < 0 {
		Refuse(w, http.StatusNotFound, "token", access.NoToken(r.PathValue("token")).Error())
		return
	}
	if t := &a.Tokens[i]; t.RevokedAt == nil {
		t.RevokedAt, t.RevokedBy = new(a.now()), "admin"
	}
	answer(w, http.StatusOK, shown(a.Tokens[i], a))
}
