package access

import "context"

// The names of the holders of the tokens in the environment.
const (
	nameOfAdmin       = "admin"
	nameOfMarketplace = "marketplace"
)

// Identity is who makes a request. The zero value is somebody
// unidentified.
type Identity struct {
	// Name is the name that changes are attributed to.
	Name string
	Role Role
	// TokenID names the token in logs.
	TokenID string
	// Key is what the token is stored under, empty for those of the environment.
	Key Key
}

// FirstAdmin is the holder of ADMIN_TOKEN.
func FirstAdmin() Identity { return Identity{Name: nameOfAdmin, Role: Admin, TokenID: nameOfAdmin} }

// Marketplace is the holder of SERVICE_TOKEN.
func Marketplace() Identity {
	return Identity{Name: nameOfMarketplace, Role: Service, TokenID: string(Service)}
}

// Holder is the identity of a token's holder.
func (t Token) Holder(key Key) Identity {
	return Identity{Name: t.Name, Role: t.Role, TokenID: key.ID(), Key: key}
}

type identityKey struct{}

// With returns a context in which somebody acts.
func With(ctx context.Context, who Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, who)
}

// Of returns who acts in a context, the zero value if unidentified.
func Of(ctx context.Context) Identity {
	who, _ := ctx.Value(identityKey{}).(Identity)
	return who
}
