// The API answers the marketplace's backend, admins, mail services and mail
// clients over HTTP.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the image has no zones of its own

	"go.uber.org/zap"

	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/platform/version"
)

func main() {
	healthcheck := flag.Bool("healthcheck", false, "ask the running API whether it lives, and exit 0 or 1")
	showVersion := flag.Bool("version", false, "say the program's version, and exit")
	flag.Parse()
	if *showVersion {
		fmt.Fprintln(os.Stdout, "api", version.Of())
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx, *healthcheck)
	stop()
	if err != nil {
		config.Fatal(config.API, err)
		os.Exit(1)
	}
}

func start(ctx context.Context, healthcheck bool) error {
	if healthcheck {
		cfg, err := config.LoadProbe()
		if err != nil {
			return err
		}
		return askHealth(ctx, cfg.APIAddr, cfg.TLSCertFile != "")
	}
	cfg, err := config.LoadAPI()
	if err != nil {
		return err
	}
	log, err := cfg.Logger()
	if err != nil {
		return err
	}
	config.TakeOver(log)
	defer func() { _ = log.Sync() }() // stderr may refuse to be synced
	return run(ctx, cfg, log, os.Stdout)
}

// run serves until the context ends, then lets the requests under way finish. It
// says on out where it listens, for whoever started it on port 0.
func run(ctx context.Context, cfg config.Config, log *zap.Logger, out io.Writer) error {
	p, err := assemble(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer p.close(ctx)
	s, err := listen(ctx, cfg.APIAddr, p.certificate, p.handler, log)
	if err != nil {
		return err
	}
	log.Info("api is listening", zap.String("address", s.url()), zap.Duration("day", cfg.TrialDay), zap.String("taskQueue", cfg.TaskQueue))
	said := map[string]string{"api": s.url()}
	if cfg.MetricsAddr != "" {
		metrics, err := p.instruments.Serve(ctx, cfg.MetricsAddr, log)
		if err != nil {
			return err
		}
		defer metrics.Close()
		said["metrics"] = metrics.URL
	}
	if err := json.NewEncoder(out).Encode(said); err != nil { // nobody reads it, which is no reason to end
		log.Warn("nobody is told where the api is", zap.Error(err))
	}
	go p.setUp(ctx)
	go p.settleForgotten(ctx)
	go p.instruments.sampler.Run(ctx)
	go p.alertFallback.keep(ctx)
	defer log.Info("api stops")
	return s.serve(ctx)
}
