package sample

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"marketplace.example/trials/internal/domain/access"
)

// provider is an identity provider that nobody comes back from.
type provider struct{ unavailable bool }

func (p provider) Ready() bool { return !p.unavailable }

func (p provider) Begin(bool) (string, access.SignIn) {
	if p.unavailable {
		return "", access.SignIn{}
	}
	return "https://id.marketplace.example/authorize", access.SignIn{}
}

func (provider) Finish(context.Context, access.SignIn, url.Values) (access.Person, error) {
	return access.Person{}, &access.NotVouchedError{Message: "The identity provider did not let you in."}
}

func (provider) Renew(context.Context, string, string) (access.Person, error) {
	return access.Person{}, ErrUnavailable
}

// SignedIn is the busy world with three people who signed in by their accounts, one of them twice.
func SignedIn() *World {
	w := Busy()
	for i, p := range []access.Person{
		{Name: access.PersonName("ada", "1"), Role: access.Operator}, {Name: access.PersonName("ada", "1"), Role: access.Operator},
		{Name: access.PersonName("ben.okafor", "2"), Role: access.Admin}, {Name: access.PersonName("", "3"), Role: access.Viewer},
	} {
		key := access.KeyOf(fmt.Sprintf("session %d", i))
		p.Subject = p.Name
		session := access.NewSession(key, p, w.Moment.Add(-time.Duration(7+70*i)*time.Minute)).Renewed(p, w.Moment.Add(-time.Duration(1+i)*time.Minute))
		if w.SignedIn == nil {
			w.SignedIn = map[access.Key]access.Session{}
		}
		w.SignedIn[key] = session
	}
	return w
}
