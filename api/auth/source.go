package auth

import (
	"net/http"
	"net/netip"
	"strings"
)

// network is how much of an IPv6 address tells one caller from another: whoever
// has one address of such a network has them all.
const network = 64

// unreadable is the source of all whose address cannot be read: made up anew for each request, it
// would be a new source each time.
const unreadable = "unreadable"

// Source is where a request comes from: the address of the connection or, behind
// a proxy, the one that the proxy saw, which it puts last.
func (c *Callers) Source(r *http.Request) string {
	seen := r.RemoteAddr
	if forwarded := r.Header.Values("X-Forwarded-For"); c.BehindProxy && len(forwarded) > 0 {
		last := forwarded[len(forwarded)-1]
		seen = last[strings.LastIndex(last, ",")+1:]
	}
	address, err := addressIn(strings.TrimSpace(seen))
	if err != nil {
		return unreadable
	}
	return narrowed(address)
}

// addressIn reads an address: with a port or without, of IPv6 also in brackets.
func addressIn(text string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr(), nil
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	return netip.ParseAddr(text)
}

// narrowed is an address without what its holder can choose.
func narrowed(address netip.Addr) string {
	if address = address.WithZone("").Unmap(); address.Is4() {
		return address.String()
	}
	return netip.PrefixFrom(address, network).Masked().String()
}

// OverTLS tells whether whoever calls speaks TLS, with us or with the proxy.
func (c *Callers) OverTLS(r *http.Request) bool {
	return r.TLS != nil || c.BehindProxy && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
