// Package access says who may do what: the roles, the tokens that give them,
// and who stands behind a request. Everything here is pure.
package access

import "slices"

// Role is what the holder of a token may do. Of Roles, each may do all that
// those before it may.
type Role string

// The roles.
const (
	// Viewer reads everything and changes nothing.
	Viewer Role = "viewer"
	// Operator steers trials, the rollout and the alerts.
	Operator Role = "operator"
	// Admin changes also what holds for everybody: flags, plans, waivers, tokens.
	Admin Role = "admin"
	// Service is the marketplace's backend's, which has routes of its own. It is
	// none of Roles: no token is issued with it, and it covers nothing.
	Service Role = "service"
)

// Roles are those that tokens are issued with, the least first.
func Roles() []Role { return []Role{Viewer, Operator, Admin} }

// Covers tells whether whoever has this role may do what needs the other. A
// role that is none of Roles covers nothing, and nothing covers it.
func (r Role) Covers(needed Role) bool {
	mine, least := slices.Index(Roles(), r), slices.Index(Roles(), needed)
	return least >= 0 && mine >= least
}
