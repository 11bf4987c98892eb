package dashboard

import (
	"strings"

	"marketplace.example/trials/internal/domain/access"
)

// Guarded says of each route, as method and path, which role it needs.
func Guarded() map[string]access.Role {
	all := map[string]access.Role{}
	for _, r := range routes {
		all[r.method+" "+strings.TrimSuffix(root, "/")+r.path] = r.needs
	}
	return all
}
