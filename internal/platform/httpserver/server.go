// Package httpserver serves HTTP for the programs: the API, a worker's health, and metrics.
package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// healthTimeout is how long AskHealth waits for an answer.
const healthTimeout = 3 * time.Second

// Server is a server on its port. It speaks TLS if its TLSConfig is set.
type Server struct {
	*http.Server
	listener net.Listener
}

// Listen takes the port of an address host:port, which the named variable has. Serve answers there.
func Listen(ctx context.Context, variable, address string, server *http.Server) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: listening: %w", variable, err)
	}
	return &Server{Server: server, listener: listener}, nil
}

// URL is where the server is reached from this machine.
func (s *Server) URL() string {
	return scheme(s.TLSConfig != nil) + local(s.listener.Addr().String())
}

// Serve answers until the context ends, and then finishes the requests under way, for at most the grace.
func (s *Server) Serve(ctx context.Context, grace time.Duration) error {
	failed := make(chan error, 1)
	go func() { // ends with Shutdown
		if s.TLSConfig != nil {
			failed <- s.ServeTLS(s.listener, "", "")
			return
		}
		failed <- s.Server.Serve(s.listener)
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stopping: %w", err), s.Close())
	}
	return nil
}

func scheme(overTLS bool) string {
	if overTLS {
		return "https://"
	}
	return "http://"
}

// local is an address to connect to for an address to listen on.
func local(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// AskHealth is the client of /healthz, for a container's health check. The address is the one that the server listens on.
func AskHealth(ctx context.Context, address string, overTLS bool) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme(overTLS)+local(address)+"/healthz", http.NoBody)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	// It asks this machine for its health and says nothing; the certificate is for the name that others use.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // G402: said above
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking for health: %s", response.Status)
	}
	return nil
}
