// Package access defines who may do what: the roles, the tokens that grant them,
// and the identity behind a request. Everything here is pure.
package access

import "slices"

// Role is what the holder of a token may do. Of Roles, each includes all
// rights of those before it.
type Role string

// The roles.
const (
	// Viewer reads everything and changes nothing.
	Viewer Role = "viewer"
	// Operator controls trials, the rollout and the alerts.
	Operator Role = "operator"
	// Admin also changes what applies to everybody: flags, plans, waivers, tokens.
	Admin Role = "admin"
	// Service is the role of the marketplace's backend, which has its own routes. It is
	// not among Roles: no token is issued with it, and it covers nothing.
	Service Role = "service"
)

// Roles are those that tokens are issued with, in ascending order.
func Roles() []Role { return []Role{Viewer, Operator, Admin} }

// Covers reports whether this role includes the rights of needed. A
// role that is not among Roles covers nothing, and nothing covers it.
func (r Role) Covers(needed Role) bool {
	mine, least := slices.Index(Roles(), r), slices.Index(Roles(), needed)
	return least >= 0 && mine >= least
}
