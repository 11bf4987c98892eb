package main

import (
	"time"

	"marketplace.example/trials/internal/platform/telemetry"
)

// calls counts the calls of the API, and samples how long they took.
type calls struct {
	*telemetry.Metrics
	sampler *telemetry.Sampler
}

// Called implements rest.Calls.
func (c calls) Called(route, method string, status int, took time.Duration) {
	c.Metrics.Called(route, method, status, took)
	c.sampler.Called(took)
}
