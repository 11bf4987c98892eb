package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// listeners are what listens, on which port unless a variable names another.
var listeners = []struct{ what, variable, port string }{
	{"the API", "API_PORT", "8080"},
	{"Temporal", "TEMPORAL_PORT", "7233"},
	{"Temporal's Web UI", "TEMPORAL_UI_PORT", "8233"},
	{"the database", "MONGODB_PORT", "27017"},
	{"the mailbox", "MAILBOX_PORT", "8025"},
}

// choosePorts are the ports by their variables. Each that something else has is named in the error, with the variable
// that helps; so nothing is started that would end at once.
func choosePorts(getenv func(string) string) (map[string]string, error) {
	ports := map[string]string{}
	by := map[string]string{}
	var errs []error
	for _, l := range listeners {
		port := cmp.Or(getenv(l.variable), l.port)
		ports[l.variable] = port
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s=%.40q is not a port, from 1 to 65535, or 0 for a free one", l.variable, port))
			continue
		}
		if other := by[port]; other != "" && n != 0 {
			errs = append(errs, fmt.Errorf("%s and %s are both %s", other, l.variable, port))
			continue
		}
		by[port] = l.variable
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			errs = append(errs, fmt.Errorf("port %s, for %s, is taken or not allowed: end what has it, or choose another port with %s, as in: %s=%d make dev",
				port, l.what, l.variable, l.variable, another(n)))
			continue
		}
		_ = listener.Close() // the part itself listens
	}
	return ports, errors.Join(errs...)
}

// another is a port beside the one that is taken.
func another(n uint64) uint64 {
	if n < 10_000 {
		return n + 10_000
	}
	return n - 10_000
}
