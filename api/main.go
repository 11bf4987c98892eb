// The API answers the marketplace's backend, admins, mail services and mail
// clients over HTTP.
package main

import (
	"context"
	"io"
	"os"
	_ "time/tzdata" // the image has no zones of its own

	"go.uber.org/zap"

	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/wiring"
)

func main() { os.Exit(wiring.Main(config.API, os.Args, run)) }

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
	log.Info("api is listening", zap.String("address", s.URL()), zap.Duration("day", cfg.TrialDay), zap.String("taskQueue", cfg.TaskQueue))
	if err := p.base.Announce(ctx, "api", s.URL(), out); err != nil {
		return err
	}
	go p.setUp(ctx)
	go p.settleForgotten(ctx)
	go p.findProvider(ctx)
	go p.base.Sampler.Run(ctx)
	go p.alertFallback.keep(ctx)
	go wiring.Every(ctx, wiring.TemplatesEvery, log, "the templates were not read", p.templates.Reload)
	defer log.Info("api stops")
	return s.Serve(ctx, stopTimeout)
}
