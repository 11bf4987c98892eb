package config

import (
	"fmt"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Logger returns a logger to standard error, with the configured level and format.
func (c Config) Logger() (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(c.LogLevel)
	if err != nil {
		return nil, fmt.Errorf("LOG_LEVEL: %w", err)
	}
	z := zap.NewProductionConfig()
	z.Level = zap.NewAtomicLevelAt(level)
	z.Encoding = c.LogFormat
	z.Sampling = nil // an investigation needs every step's line
	z.DisableStacktrace = true
	z.EncoderConfig.EncodeTime = zapcore.ISO8601TimeEncoder
	log, err := z.Build()
	if err != nil {
		return nil, fmt.Errorf("LOG_FORMAT: %w", err)
	}
	return log, nil
}
