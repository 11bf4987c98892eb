package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/platform/config"
)

const (
	defaultStackFile = ".dev/stack.json"
	// variableAPI is the environment variable with the API's address.
	variableAPI = "API_URL"
	// connections is how many idle connections are kept.
	connections = 64
)

// stackFile is the content of the file of a running stack.
type stackFile struct {
	API          string `json:"api"`
	Temporal     string `json:"temporal"`
	MongoDB      string `json:"mongodb"`
	AdminToken   string `json:"adminToken"`
	ServiceToken string `json:"serviceToken"`
}

// stackPath is the path of the stack file.
func (a *app) stackPath() string { return cmp.Or(a.options.stackFile, defaultStackFile) }

// stack reads the stack file. It may be missing, unless a flag names it.
func (a *app) stack() (stackFile, error) {
	path := a.stackPath()
	content, err := os.ReadFile(path) //nolint:gosec // G304: the user names the file
	if errors.Is(err, fs.ErrNotExist) && a.options.stackFile == "" {
		return stackFile{}, nil
	}
	if err != nil {
		return stackFile{}, fmt.Errorf("reading the stack file: %w", err)
	}
	var s stackFile
	if err := json.Unmarshal(content, &s); err != nil {
		return stackFile{}, fmt.Errorf("the stack file %s is not what \"make dev\" writes: %w", path, err)
	}
	return s, nil
}

// settings are the addresses and tokens for a command.
type settings struct {
	// api is the address. The tokens come from flags and the environment.
	api, adminToken, serviceToken string
	// ofStack says that the address comes from the stack file.
	ofStack bool
	// stack is the stack file, if the address is its own.
	stack stackFile
}

// token is the token for the address: the one given, otherwise the stack file's for its own address.
func (s settings) token(given, ofStack, variable, flag, file string) (string, error) {
	if given != "" && s.ofStack && given != ofStack {
		return "", usagef("the token comes from %s or %s, and the API's address, %s, from %s: give both in one place, with %s or --api beside the token, or neither",
			variable, flag, s.api, file, variableAPI)
	}
	return cmp.Or(given, ofStack), nil
}

// settings reads flags, the environment, and the stack file. A token never goes to an address from another source.
func (a *app) settings() (settings, error) {
	environment, err := config.Parse(a.environment(), config.Client)
	if err != nil {
		return settings{}, usagef("the environment is wrong: %s", oneLine(err))
	}
	stack, err := a.stack()
	if err != nil {
		return settings{}, err
	}
	given := cmp.Or(a.options.api, a.getenv(variableAPI))
	s := settings{
		api:          cmp.Or(given, stack.API),
		adminToken:   cmp.Or(a.options.adminToken, environment.AdminToken),
		serviceToken: cmp.Or(a.options.serviceToken, environment.ServiceToken),
		ofStack:      given == "",
	}
	if given == "" || strings.TrimSuffix(given, "/") == strings.TrimSuffix(stack.API, "/") {
		s.stack = stack
	}
	if s.api == "" {
		return settings{}, usagef("the API's address is not known: give --api or %s, or start \"make dev\"", variableAPI)
	}
	address, err := url.Parse(s.api)
	if err != nil || address.Host == "" || address.User != nil || address.Scheme != "http" && address.Scheme != "https" {
		return settings{}, usagef("--api: is not an address such as http://127.0.0.1:8080, without a login")
	}
	return s, nil
}

// environment is the process's environment.
func (a *app) environment() map[string]string {
	variables := make(map[string]string)
	for _, assignment := range a.environ() {
		if name, value, ok := strings.Cut(assignment, "="); ok {
			variables[name] = value
		}
	}
	return variables
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// asAdmin is the client that acts as an admin. Later calls answer with the same one, which keeps its connections.
func (a *app) asAdmin() (*client.ClientWithResponses, error) {
	if a.admin != nil {
		return a.admin, nil
	}
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	token, err := s.token(s.adminToken, s.stack.AdminToken, "ADMIN_TOKEN", "--token", a.stackPath())
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, usagef("the admin token is not known: give it in ADMIN_TOKEN, or with --token")
	}
	a.admin, err = a.newClient(s.api, token)
	return a.admin, err
}

// asService is the client that acts as the marketplace's backend, and the API's address.
func (a *app) asService() (*client.ClientWithResponses, string, error) {
	s, err := a.settings()
	if err != nil {
		return nil, "", err
	}
	token, err := s.token(s.serviceToken, s.stack.ServiceToken, "SERVICE_TOKEN", "--service-token", a.stackPath())
	if err != nil {
		return nil, "", err
	}
	if token == "" {
		return nil, "", usagef("the service token is not known: give it in SERVICE_TOKEN, or with --service-token")
	}
	c, err := a.newClient(s.api, token)
	return c, strings.TrimSuffix(s.api, "/"), err
}

// newClient makes a client that keeps enough connections for an import.
func (a *app) newClient(address, token string) (*client.ClientWithResponses, error) {
	authorize := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
	transport := a.transport
	if transport == nil {
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: connections, IdleConnTimeout: time.Minute,
		}
	}
	return client.NewClientWithResponses(address,
		client.WithHTTPClient(&http.Client{Timeout: client.Timeout, Transport: transport}), client.WithRequestEditorFn(authorize))
}
