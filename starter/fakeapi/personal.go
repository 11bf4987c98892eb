package fakeapi

import (
	"net/http"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/trial"
)

func (a *API) handlePersonal(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/admin/vendors/{id}/export", a.export)
	mux.HandleFunc("POST /api/admin/vendors/{id}/erase", a.erase)
}

func (a *API) export(w http.ResponseWriter, r *http.Request) {
	v, ok := a.vendors[r.PathValue("id")]
	if !ok {
		Refuse(w, http.StatusNotFound, "id", "no vendor \""+r.PathValue("id")+"\"")
		return
	}
	whole := v.answer()
	answer(w, http.StatusOK, client.VendorExport{
		ExportedAt: a.now().UTC(), Vendor: whole.Vendor, Trial: whole.Trial, Events: []client.Event{}, Emails: []client.Email{},
	})
}

func (a *API) erase(w http.ResponseWriter, r *http.Request) {
	var body client.ErasureRequest
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	v, ok := a.vendors[r.PathValue("id")]
	if !ok {
		Refuse(w, http.StatusNotFound, "id", "no vendor \""+r.PathValue("id")+"\"")
		return
	}
	if v.erasure == nil {
		v.erasure = &trial.Erasure{At: a.now().UTC(), By: "admin", Reason: body.Reason}
		v.registration.Email, v.registration.Name = "", ""
	}
	answer(w, http.StatusOK, v.erasure)
}
