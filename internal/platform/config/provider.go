package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// checkIssuer requires TLS, but on this machine.
func checkIssuer(issuer string) error {
	parsed, err := url.Parse(issuer)
	if err != nil || parsed.Host == "" || parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
		return errors.New("is not a URL like https://id.example.com, without a login, ? or #")
	}
	host := net.ParseIP(parsed.Hostname())
	if parsed.Scheme != "https" && (parsed.Scheme != "http" || host == nil || !host.IsLoopback()) {
		return fmt.Errorf("%q: must begin with https://", issuer)
	}
	return nil
}

// checkProviderIsWhole requires all of what describes an OpenID Connect provider, or none of it. A client secret alone does nothing.
func (c Config) checkProviderIsWhole() error {
	var set, missing []string
	for _, v := range []struct {
		name string
		set  bool
	}{
		{"OIDC_ISSUER", c.OIDCIssuer != ""}, {"OIDC_CLIENT_ID", c.OIDCClientID != ""}, {"OIDC_GROUPS", len(c.OIDCGroups) > 0},
		{"OIDC_CLIENT_SECRET or OIDC_CLIENT_SECRET_FILE", c.OIDCClientSecret != ""}, {"PUBLIC_URL", c.PublicURL != ""},
	} {
		if v.set {
			set = append(set, v.name)
		} else {
			missing = append(missing, v.name)
		}
	}
	if c.OIDCIssuer == "" && c.OIDCClientID == "" && len(c.OIDCGroups) == 0 || len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s: needs %s too, for signing in with OpenID Connect", set[0], strings.Join(missing, ", "))
}
