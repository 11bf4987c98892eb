// The API is what the marketplace's backend, admins and the mail service call.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // the image has no zones of its own

	"go.uber.org/zap"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/config"
	"marketplace.example/trials/mongodb"
	"marketplace.example/trials/temporal"
	"marketplace.example/trials/trial"
)

// Limits of one connection. A caller that sends or reads slower than this is cut off.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	headerBytes   = 16 << 10
	stopTimeout   = 10 * time.Second
)

func main() {
	healthcheck := flag.Bool("healthcheck", false, "ask the running API whether it is alive, and exit 0 or 1")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx, *healthcheck)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, healthcheck bool) error {
	if healthcheck {
		cfg, err := config.Load()
		if err != nil {
			return err
		}
		return askHealth(ctx, cfg.APIAddr)
	}
	cfg, err := config.LoadAPI()
	if err != nil {
		return err
	}
	log, err := cfg.Logger()
	if err != nil {
		return err
	}
	defer func() { _ = log.Sync() }() // stderr may refuse to be synced
	return run(ctx, cfg, log, os.Stdout)
}

// run serves until ctx ends. It needs neither MongoDB nor Temporal to start:
// /readyz says what is away, and requests that need it are answered 503.
func run(ctx context.Context, cfg config.Config, log *zap.Logger, stdout io.Writer) error {
	handler, closeParts, err := assemble(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer closeParts()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.APIAddr)
	if err != nil {
		return fmt.Errorf("API_ADDR: listening: %w", err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes, ErrorLog: zap.NewStdLog(log),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(stdout, "{\"api\":\"http://%s\"}\n", listener.Addr()); err != nil {
		return fmt.Errorf("saying where the API is: %w", err)
	}
	log.Info("api is running", zap.String("address", listener.Addr().String()), zap.Duration("day", cfg.TrialDay))
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	log.Info("api stops")
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(stopCtx); err != nil {
		return fmt.Errorf("stopping: %w", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

func assemble(ctx context.Context, cfg config.Config, log *zap.Logger) (http.Handler, func(), error) {
	store, err := mongodb.Connect(ctx, cfg.MongoDBURI, cfg.MongoDBDatabase)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting to MongoDB: %w", err)
	}
	client, err := temporal.Dial(cfg.TaskQueue, log)
	if err != nil {
		return nil, nil, err
	}
	mail, err := newMailReader(cfg)
	if err != nil {
		return nil, nil, err
	}
	handler, err := rest.New(rest.Options{
		Store: store, Trials: client, Mail: mail, Log: log, AdminToken: cfg.AdminToken, ServiceToken: cfg.ServiceToken,
		Policy: trial.DefaultPolicy(), Day: cfg.TrialDay,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("making the API: %w", err)
	}
	return handler, func() {
		client.Close()
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		_ = store.Close(closeCtx) // the process ends anyway
	}, nil
}

// askHealth is the other side of /healthz, for a container's health check.
func askHealth(ctx context.Context, addr string) error {
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/healthz", http.NoBody)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("unwell: %s", res.Status)
	}
	return nil
}
