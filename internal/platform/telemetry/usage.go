package telemetry

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/process"
)

// memoryLimitFile contains the memory limit of a container: bytes, or "max".
const memoryLimitFile = "/sys/fs/cgroup/memory.max"

// usage is the resource usage of the process up to a time.
type usage struct {
	at time.Time
	// cpu is the processor time since the start; processors is how many may be used.
	cpu        time.Duration
	processors int
	// memory is the share of the available memory, from 0 to 1.
	memory float64
}

// share is the share of the processors used since another reading, from 0 to 1; 0 without one.
func (u usage) share(before usage) float64 {
	passed := u.at.Sub(before.at)
	if before.at.IsZero() || u.at.IsZero() || passed <= 0 || u.processors == 0 {
		return 0
	}
	return max(0, float64(u.cpu-before.cpu)/float64(passed)/float64(u.processors))
}

// gauge reads the resource usage of this process.
type gauge struct {
	self  *process.Process
	limit float64 // bytes
}

func newGauge() (*gauge, error) {
	self, err := process.NewProcess(int32(os.Getpid())) //nolint:gosec // G115: process ids are below 2^22
	if err != nil {
		return nil, fmt.Errorf("opening the process's own statistics: %w", err)
	}
	machine, err := mem.VirtualMemory()
	if err != nil {
		return nil, fmt.Errorf("reading the machine's memory: %w", err)
	}
	return &gauge{self: self, limit: least(float64(machine.Total), containerLimit(memoryLimitFile), float64(debug.SetMemoryLimit(-1)))}, nil
}

func (g *gauge) read() (usage, error) {
	times, err := g.self.Times()
	if err != nil {
		return usage{}, fmt.Errorf("reading the processor time: %w", err)
	}
	memory, err := g.self.MemoryInfo()
	if err != nil {
		return usage{}, fmt.Errorf("reading the used memory: %w", err)
	}
	return usage{
		at: time.Now(), cpu: time.Duration((times.User + times.System) * float64(time.Second)),
		processors: runtime.GOMAXPROCS(0), // includes the container's limit
		memory:     float64(memory.RSS) / g.limit,
	}, nil
}

// containerLimit is the limit in such a file; infinite if there is none.
func containerLimit(file string) float64 {
	raw, err := os.ReadFile(file) //nolint:gosec // G304: the one file above
	if err != nil {
		return math.Inf(1) // no container, or an old kernel
	}
	limit, err := strconv.ParseFloat(strings.TrimSpace(string(raw)), 64)
	if err != nil || limit <= 0 {
		return math.Inf(1) // "max"
	}
	return limit
}

func least(limits ...float64) float64 {
	lowest := math.Inf(1)
	for _, l := range limits {
		lowest = min(lowest, l)
	}
	return lowest
}
