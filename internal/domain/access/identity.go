package access

import "context"

// The names of those whose tokens are in the environment.
const (
	nameOfAdmin       = "admin"
	nameOfMarketplace = "marketplace"
)

// Identity is who stands behind a request. The zero value is somebody who was
// not asked.
type Identity struct {
	// Name is what changes are put down to.
	Name string
	Role Role
	// TokenID names the token in logs.
	TokenID string
	// Key is what the token is kept under, empty for those of the environment.
	Key Key
}

// FirstAdmin is who has ADMIN_TOKEN.
func FirstAdmin() Identity { return Identity{Name: nameOfAdmin, Role: Admin, TokenID: nameOfAdmin} }

// Marketplace is who has SERVICE_TOKEN.
func Marketplace() Identity {
	return Identity{Name: nameOfMarketplace, Role: Service, TokenID: string(Service)}
}

// Holder is who has a token of that key.
func (t Token) Holder(key Key) Identity {
	return Identity{Name: t.Name, Role: t.Role, TokenID: key.ID(), Key: key}
}

type identityKey struct{}

// With is a context in which somebody acts.
func With(ctx context.Context, who Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, who)
}

// Of is who acts in a context, the zero value where nobody was asked.
func Of(ctx context.Context) Identity {
	who, _ := ctx.Value(identityKey{}).(Identity)
	return who
}
