package rest

import (
	"context"

	"marketplace.example/trials/internal/domain/access"
)

// actor is the name of who asks, which changes are put down to: the name of the
// token, "admin" for ADMIN_TOKEN and "marketplace" for SERVICE_TOKEN. It is empty
// where nobody has to say who they are.
func actor(ctx context.Context) string { return access.Of(ctx).Name }
