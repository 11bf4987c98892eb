package main

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/platform/httpserver"
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
)

// listen takes the port; a certificate has it speak TLS there, nil does not.
func listen(ctx context.Context, address string, shown *certificate, handler http.Handler, log *zap.Logger) (*httpserver.Server, error) {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: zap.NewStdLog(log),
	}
	if shown != nil {
		server.TLSConfig = &tls.Config{GetCertificate: shown.get, MinVersion: tls.VersionTLS12}
	}
	return httpserver.Listen(ctx, "API_ADDR", address, server)
}
