package config

import (
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapgrpc"
	"google.golang.org/grpc/grpclog"
)

// TakeOver makes the libraries that print by themselves use a logger, so that all lines have one format, and
// keeps the process running after its standard output and error are closed, when SIGPIPE would end it.
func TakeOver(log *zap.Logger) {
	signal.Ignore(syscall.SIGPIPE)
	zap.ReplaceGlobals(log)
	libraries := slog.New(zapslog.NewHandler(log.Core()))
	slog.SetDefault(libraries) // also sets the standard log
	otel.SetLogger(logr.FromSlogHandler(libraries.Handler()))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("telemetry", zap.Error(err)) }))
	grpclog.SetLoggerV2(zapgrpc.NewLogger(log.WithOptions(zap.IncreaseLevel(zap.WarnLevel))))
}

// Fatal logs why a process ends, in the format set by the environment.
func Fatal(process Process, err error) {
	format := os.Getenv("LOG_FORMAT")
	if format != "console" {
		format = "json"
	}
	log, failure := Config{LogLevel: "error", LogFormat: format}.Logger()
	if failure != nil {
		return // the level and the format are good
	}
	log.Error(string(process)+" ends", zap.Error(err))
}
