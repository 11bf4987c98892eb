package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/api/rest"
)

// Limits of the connections.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	// writeTimeout is over that long after a request's head was read, whatever the work on it took.
	writeTimeout = rest.AnswersWithin + 5*time.Second
	idleTimeout  = 2 * time.Minute
	maxHeader    = 16 << 10
	// stopTimeout is how long requests under way may take once the API is to stop. docker-compose.yml waits for that,
	// and for closing.
	stopTimeout = rest.AnswersWithin + 2*time.Second
	// healthTimeout is how long the health check waits for an answer.
	healthTimeout = 3 * time.Second
)

// server is the API on its port.
type server struct {
	http     *http.Server
	listener net.Listener
}

// listen takes the port; a certificate has it speak TLS there, nil does not.
func listen(ctx context.Context, address string, shown *certificate, handler http.Handler, log *zap.Logger) (*server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("API_ADDR: listening: %w", err)
	}
	s := &server{listener: listener, http: &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: zap.NewStdLog(log),
	}}
	if shown != nil {
		s.http.TLSConfig = &tls.Config{GetCertificate: shown.get, MinVersion: tls.VersionTLS12}
	}
	return s, nil
}

// url is where the server is reached from this machine.
func (s *server) url() string {
	return scheme(s.http.TLSConfig != nil) + local(s.listener.Addr().String())
}

func scheme(overTLS bool) string {
	if overTLS {
		return "https://"
	}
	return "http://"
}

// serve answers until the context ends, and then what is under way.
func (s *server) serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { // ends with Shutdown
		if s.http.TLSConfig != nil {
			failed <- s.http.ServeTLS(s.listener, "", "")
			return
		}
		failed <- s.http.Serve(s.listener)
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stopping: %w", err), s.http.Close())
	}
	return nil
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

// askHealth is the other side of /healthz, for a container's health check.
func askHealth(ctx context.Context, address string, overTLS bool) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme(overTLS)+local(address)+"/healthz", http.NoBody)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	// It asks this machine whether it lives, and tells nothing; the certificate is for the name that others use.
	asking := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // G402: said above
	defer asking.CloseIdleConnections()
	response, err := asking.Do(request)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking for health: %s", response.Status)
	}
	return nil
}
