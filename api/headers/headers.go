// Package headers keeps browsers from doing more with an answer than it is for.
package headers

import "net/http"

// Restrict sets what holds for pages and the API's answers alike; where something may
// be loaded from, and what is told of where one comes from, each says by itself. What
// was asked for with TLS is never to be asked for without.
func Restrict(h http.Header, overTLS bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if overTLS {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
