package auth

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// network is how much of an IPv6 address tells one caller from another: whoever
// has one address of such a network has them all.
const network = 64

// Source is where a request comes from: the address of the connection or, behind
// a proxy, the one that the proxy saw, which it puts last.
func (c *Callers) Source(r *http.Request) string {
	if forwarded := r.Header.Values("X-Forwarded-For"); c.BehindProxy && len(forwarded) > 0 {
		all := strings.Split(forwarded[len(forwarded)-1], ",")
		return narrowed(strings.TrimSpace(all[len(all)-1]))
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return narrowed(host)
}

// narrowed is an address without what its holder can choose.
func narrowed(host string) string {
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if address = address.Unmap(); address.Is4() {
		return address.String()
	}
	prefix, err := address.WithZone("").Prefix(network)
	if err != nil {
		return host
	}
	return prefix.String()
}

// OverTLS tells whether whoever calls speaks TLS, with us or with the proxy.
func (c *Callers) OverTLS(r *http.Request) bool {
	return r.TLS != nil || c.BehindProxy && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
