package temporal

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// settings reads the SDK's variables, TEMPORAL_*. An error names the variables that are wrong, as far as that is known.
func settings(env variables) (client.Options, error) {
	for _, name := range []string{"TEMPORAL_TLS", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION"} {
		if value, set := env[name]; set && value != "" && !slices.Contains([]string{"0", "1", "true", "false"}, strings.ToLower(value)) {
			return client.Options{}, fmt.Errorf("%s: must be true or false", name) // the SDK would ignore it
		}
	}
	options, err := load(env)
	if err == nil {
		return options, nil
	}
	if named := atFault(env); len(named) > 0 {
		return client.Options{}, fmt.Errorf("%s: %w", strings.Join(named, " or "), err)
	}
	return client.Options{}, fmt.Errorf("the variables TEMPORAL_*: %w", err)
}

func load(env variables) (client.Options, error) {
	return envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: env})
}

// atFault are the variables that name an unreadable file, otherwise those without which the rest can be read. It is empty
// where several are wrong.
func atFault(env variables) []string {
	var unreadable, spoiling []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if file := strings.HasSuffix(name, "_PATH") || name == "TEMPORAL_CONFIG_FILE"; file && env[name] != "" {
			if f, err := os.Open(env[name]); err != nil {
				unreadable = append(unreadable, name)
			} else {
				_ = f.Close()
			}
		}
		without := maps.Clone(env)
		delete(without, name)
		if _, err := load(without); err == nil {
			spoiling = append(spoiling, name)
		}
	}
	if len(unreadable) > 0 {
		return unreadable
	}
	return spoiling
}

// variables are environment variables whose names begin with TEMPORAL_.
type variables map[string]string

func environment() variables {
	v := variables{}
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "TEMPORAL_") {
			v[name] = value
		}
	}
	return v
}

// Environ implements envconfig.EnvLookup.
func (v variables) Environ() []string {
	pairs := make([]string, 0, len(v))
	for name, value := range v {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}

// LookupEnv implements envconfig.EnvLookup.
func (v variables) LookupEnv(name string) (value string, set bool) {
	value, set = v[name]
	return value, set
}
