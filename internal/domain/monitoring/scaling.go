package monitoring

import (
	"fmt"
	"math"
	"time"
)

const (
	// SampleEvery is how often a process samples itself.
	SampleEvery = 15 * time.Second
	// AdviceWindow is how long a threshold must be exceeded on average before
	// there is advice: longer than a start, a sweep over many trials or a garbage collection.
	AdviceWindow = 10 * time.Minute
	// KeptSamples is how many samples of a process are kept: those of the window, and a few spare ones.
	KeptSamples = int(AdviceWindow/SampleEvery) + 4

	// leastCovered is the share of the window's samples that a judgement needs.
	leastCovered = 0.8

	// SlowResponse is how long a call may take.
	SlowResponse = 3 * time.Second

	// highCPU and highMemory are the requirements' thresholds: shares of what the
	// process may use. slowShare is the share of calls that may take longer than
	// SlowResponse: above it, their 95th percentile is too high. Fewer than leastCalls are not judged.
	highCPU    = 0.70
	highMemory = 0.80
	slowShare  = 0.05
	leastCalls = 20
)

// The roles of processes.
const (
	RoleAPI    = "api"
	RoleWorker = "worker"
)

// Sample is a process's measurement of itself over the time up to At.
type Sample struct {
	At time.Time `json:"at"`
	// CPU is the share of the processors that it may use, Memory the share of the
	// memory; both from 0 to 1.
	CPU    float64 `json:"cpu"`
	Memory float64 `json:"memory"`
	// Calls counts the HTTP calls answered, Slow those that took longer than SlowResponse.
	Calls int64 `json:"calls"`
	Slow  int64 `json:"slow"`
}

// Process is one of our running processes with its last samples, oldest first.
type Process struct {
	Role     string   `json:"role"`
	Instance string   `json:"instance"`
	Samples  []Sample `json:"samples"`
	// Version is that of the program, Go that of the language it was built with; empty where it was not stored.
	Version string `json:"version,omitempty"`
	Go      string `json:"go,omitempty"`
	// Certificate is the validity of an API process's certificate; nil without one.
	Certificate *Validity `json:"certificate,omitempty"`
	// Fault is what is wrong with the e-mail templates that a worker was given; empty for nothing.
	Fault string `json:"fault,omitempty"`
}

// Observe adds a sample, and drops those that are no longer needed.
func (p *Process) Observe(s Sample) {
	p.Samples = append(p.Samples, s)
	if n := len(p.Samples) - KeptSamples; n > 0 {
		p.Samples = p.Samples[n:]
	}
}

// Last is the time of the last sample; zero without samples.
func (p Process) Last() time.Time {
	if len(p.Samples) == 0 {
		return time.Time{}
	}
	return p.Samples[len(p.Samples)-1].At
}

// lastSample is when a process of a role last sampled itself; zero for none.
func lastSample(processes []Process, role string) time.Time {
	var at time.Time
	for _, p := range processes {
		if p.Role == role {
			at = later(at, p.Last())
		}
	}
	return at
}

// Resource names what a process runs short of.
type Resource string

// The resources.
const (
	CPU      Resource = "cpu"
	Memory   Resource = "memory"
	Response Resource = "responseTime"
)

// Advice is what to do about a process that exceeds a threshold of the requirements.
type Advice struct {
	Role, Instance string
	Resource       Resource
	// Value is the figure behind the advice, Threshold the limit it exceeds: shares
	// from 0 to 1; for Response, of calls that took longer than SlowResponse.
	Value, Threshold float64
	// Message says both in words, Action what to do.
	Message, Action string
}

// Advise judges the living processes by their samples of the window that ends now.
func Advise(processes []Process, now time.Time) []Advice {
	var advice []Advice
	for _, p := range processes {
		if now.Sub(p.Last()) > signMissing {
			continue // it is gone
		}
		advice = append(advice, p.advise(now)...)
	}
	return advice
}

func (p Process) advise(now time.Time) []Advice {
	var cpu, memory float64
	var calls, slow int64
	n := 0
	for _, s := range p.Samples {
		if now.Sub(s.At) >= AdviceWindow {
			continue
		}
		n++
		cpu, memory, calls, slow = cpu+s.CPU, memory+s.Memory, calls+s.Calls, slow+s.Slow
	}
	if float64(n) < leastCovered*float64(AdviceWindow/SampleEvery) {
		return nil // it has not run for long enough
	}
	var advice []Advice
	add := func(r Resource, value, threshold float64, message, action string) {
		advice = append(advice, Advice{
			Role: p.Role, Instance: p.Instance, Resource: r, Value: value, Threshold: threshold, Message: message, Action: action,
		})
	}
	if mean := tenth(cpu / float64(n)); mean > highCPU {
		add(CPU, mean, highCPU, over("CPU", mean, highCPU), "Consider horizontal scaling: run another "+p.Role+".")
	}
	if mean := tenth(memory / float64(n)); mean > highMemory {
		add(Memory, mean, highMemory, over("memory", mean, highMemory), "Review memory leaks: compare the heap with that of a week ago, or give the process more memory.")
	}
	if share := tenth(float64(slow) / float64(max(calls, 1))); calls >= leastCalls && share > slowShare {
		add(Response, share, slowShare,
			fmt.Sprintf("%.1f %% of %d calls took longer than %s over %s, more than %.0f %%", share*100, calls, SlowResponse, window, slowShare*100),
			"Performance optimization needed: find out which routes are slow, and whether MongoDB or Temporal answers late.")
	}
	return advice
}

const window = "10 minutes"

// tenth rounds a share to a tenth of a percent, as displayed: 80.0 % is not above 80 %.
func tenth(share float64) float64 { return math.Round(share*1000) / 1000 }

func over(what string, value, threshold float64) string {
	return fmt.Sprintf("%s at %.1f %% over %s, above %.0f %%", what, value*100, window, threshold*100)
}
